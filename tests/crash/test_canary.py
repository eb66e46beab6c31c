"""Canaries: a survivor's name, street and number pass through a county that works, and no byte of it keeps them."""

import asyncio
import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from adapters.inbox.inbox import Inbox
from adapters.inbox.inboxes import Inboxes
from broker.agency.errors import EventRefusedBeforeSending
from broker.agency.referring import RequestFields
from broker.app import open_inboxes
from broker.client import AgencyClient, ConsentRecord, RecipientChosen
from broker.local.footprints import Hidden, files_below, footprints, forms
from broker.local.parts import LocalParts
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import OfferId, OrgId, ReferralId, new_referral_id
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.person_groups import PersonHandle, SafeContact
from broker.schemas.vocabulary import Priority, Service
from broker.seal import base64url
from broker.zone import KEYS_FOLDER
from tests.broker.county import County, county
from tests.broker.facts import HOTLINE, POLICE, SHELTERS, release
from tests.broker.letters import until
from tests.crash.canaries import Person, Slip, person, slip_of, slips
from tests.crash.processes import working
from tests.crash.test_outages import settings_of

BED: Final[RequestFields] = {
    "priority": Priority.P2,
    "services": (Service.EMERGENCY_SHELTER,),
    "need_summary": {"adults": 1, "children": 2, "safe_tonight": False},
    "access_needs": {"preferred_language": "es", "interpreter": True},
    "jurisdiction_code": "US-CA",
    "victim_agreed": "YES",
    "worker_contact": {"role": "ADVOCATE_ON_CALL", "callback": "+15555550100"},
}
PROCESSES: Final = ("broker-1", "relay", "clock", "adapter")
CIPHERTEXT_CHARACTERS: Final = 200
"""So much of a ciphertext is looked for: PostgreSQL cuts what is long into pieces of some 2,000."""

UNCOMPRESSED: Final = """
DO $$ DECLARE one record; BEGIN
  FOR one IN SELECT c.oid::regclass AS name, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    AND a.attstorage IN ('x', 'm')
  LOOP EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE EXTERNAL', one.name, one.attname); END LOOP;
END $$
"""
"""What PostgreSQL would compress it stores as it is, so that a search of its bytes misses nothing."""


@dataclass(slots=True)
class Night:
    """What passed through the county, and what is to be looked for afterwards."""

    referrals: list[ReferralId] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    """What nobody but the source and the provider who opens it may ever hold: in no file at all."""
    slips: list[tuple[Slip, Path]] = field(default_factory=list)
    """What an organisation has published in the clear, with the folder of its own topic where alone it may stand."""
    ciphertexts: list[str] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)


async def test_no_byte_of_the_network_holds_who_it_is_about(
    own_parts: LocalParts, caplog: pytest.LogCaptureFixture
) -> None:
    """Sealed to a name and sealed late, released, opened; told in the clear and refused: afterwards every file is read.

    What was sealed stands nowhere, and neither do the keys that open it; what was slipped into a record stands in the
    topic of whoever slipped it, and nowhere else: in no row, no log, no notice (design.md §2.1).
    """
    for ours in ("broker", "adapters"):
        caplog.set_level(logging.DEBUG, ours)
    settings = settings_of(own_parts).model_copy(update={"log_level": "DEBUG"})
    night = Night()
    async with county(settings) as founded, working(founded.settings, *PROCESSES), open_inboxes(settings) as inboxes:
        await on_every_database(own_parts, UNCOMPRESSED)
        await _sealed_to_whom_she_named(founded, inboxes, night)
        await _sealed_to_whoever_accepted(founded, inboxes, night)
        await _refused_by_the_agencys_own_client(founded, night)
        await _told_in_the_clear(founded, night)
        night.heard = [one.record for one in founded.heard]
        oids = await on_every_database(own_parts, "CHECKPOINT")
    await asyncio.to_thread(own_parts.stop)
    files = list(files_below(own_parts.home.path))
    _the_search_finds_what_is_there(own_parts.home.path, files, night, oids)
    _nothing_hidden_is_there(files, night, caplog.text)
    _each_slip_stands_in_its_topic_alone(files, night)
    _opening_keys_lie_in_their_own_folder(own_parts.home.path / "zones", files)


# --- the night -------------------------------------------------------------------------------------------------------


async def _sealed_to_whom_she_named(county: County, inboxes: Inboxes, night: Night) -> None:
    """A release names three shelters; the one that accepts opens her name, her street and her number."""
    she, record = person(), release()
    async with AgencyClient.of_settings(county.settings, HOTLINE) as client:
        await client.accepted(await client.grant_consent(record, asked_in_private=True))
        referral = await _asked(client, she, night, record)
        offer, inbox = await _accepted_by_one_of(inboxes, SHELTERS, referral)
        await _opened(inbox, offer, she)


async def _sealed_to_whoever_accepted(county: County, inboxes: Inboxes, night: Night) -> None:
    """Nobody was named: the keys are wrapped when it is known for whom, and then it opens as well."""
    she = person()
    async with AgencyClient.of_settings(county.settings, POLICE) as client:
        referral = await _asked(client, she, night)
        offer, inbox = await _accepted_by_one_of(inboxes, SHELTERS, referral)
        async with asyncio.timeout(60):
            async for notice in client.notices(keep_place=False):
                if isinstance(notice.fact, RecipientChosen) and notice.subject == referral:
                    await client.accepted(await client.seal_chosen(notice))
                    break
        await _opened(inbox, offer, she)


async def _asked(client: AgencyClient, she: Person, night: Night, consent: ConsentRecord | None = None) -> ReferralId:
    """Ask for a bed for her; her words and the keys to them are to be found nowhere."""
    asked = await client.request_referral(
        groups=she.groups,
        consent=consent,
        **BED,
    )
    await client.accepted(asked.requested)
    kept = await client.kept_keys.recall(asked.referral_id)
    assert kept is not None
    night.referrals.append(asked.referral_id)
    night.hidden += [*she.canaries, *(key.reveal() for key in kept.content_keys.values())]
    night.ciphertexts += [one.ciphertext[:CIPHERTEXT_CHARACTERS] for one in kept.request.sealed]
    return asked.referral_id


async def _accepted_by_one_of(inboxes: Inboxes, orgs: Iterable[OrgId], referral: ReferralId) -> tuple[OfferId, Inbox]:
    """Whoever was asked first says yes."""

    async def offered() -> tuple[OfferId, Inbox] | None:
        for inbox in map(inboxes.of, orgs):
            for offer in await inbox.offers():
                if offer.referral_id == referral:
                    return offer.offer_id, inbox
        return None

    offer, inbox = await until(offered)
    await inbox.accept(offer)
    return offer, inbox


async def _opened(inbox: Inbox, offer: OfferId, she: Person) -> None:
    """The provider really reads who she is: what is looked for afterwards has truly been there."""

    async def released() -> bool:
        return (await inbox.find(offer)).released

    await until(released)
    contact, named = (
        one.content for one in await inbox.open_groups(offer, reader=AcceptedBy.STAFF, contact_shown=True)
    )
    assert isinstance(contact, SafeContact)
    assert isinstance(named, PersonHandle)
    read = f"{named.alias} {named.first_name} {contact.handle}"
    assert all(canary in read for canary in she.canaries)


async def _refused_by_the_agencys_own_client(county: County, night: Night) -> None:
    """What the client refuses has not left, and its error does not repeat it."""
    she = person()
    groups = {**she.groups, "FG04": {**she.groups["FG04"], "homeAddress": she.street, she.name: she.number}}
    async with AgencyClient.of_settings(county.settings, POLICE) as client:
        with pytest.raises(EventRefusedBeforeSending) as refused:
            client.plan_referral(groups=groups, **BED)
    assert not any(canary in f"{refused.value!r} {refused.value}" for canary in she.canaries)
    night.hidden += she.canaries


async def _told_in_the_clear(county: County, night: Night) -> None:
    """An agency and a provider publish names where none may be: each is refused by code and kept by pointer."""
    await county.settled()
    [offer, *_] = await county.offers(night.referrals[0])
    made = [*slips(county, new_referral_id), slip_of(county, offer["provider"], offer["offer_id"], night.referrals[0])]
    for slip in made:
        topic, partition, _ = await county.post(slip.letter)
        night.slips.append((slip, Path(f"{topic}-{partition}")))
    await county.settled()
    for slip in made:
        assert slip.code in [fact.code for fact in county.facts(EventRefused, org=slip.org)]
    assert await county.pool.fetchval("SELECT count(*) FROM quarantine") == len(made)


# --- the search ------------------------------------------------------------------------------------------------------


async def on_every_database(parts: LocalParts, statement: str) -> list[int]:
    """Run it as superuser in both zones' databases; returns the names of the folders in which they lie."""
    oids = []
    for database in (parts.broker_database, parts.provider_database):
        name = database.app_dsn.partition("?")[0].rpartition("/")[2]
        connection = await asyncpg.connect(parts.superuser_dsn, database=name)
        try:
            await connection.execute(statement)
            oids.append(await connection.fetchval("SELECT oid FROM pg_database WHERE datname = $1", name))
        finally:
            await connection.close()
    return oids


def _the_search_finds_what_is_there(home: Path, files: list[Path], night: Night, oids: list[int]) -> None:
    """The opaque ids and the ciphertexts are found on every way: topics, both zones' tables, the write-ahead log."""
    known = [*night.referrals, *night.ciphertexts]
    found = footprints(files, known)
    base = home / "postgres" / "base"
    places = [base / str(oid) for oid in oids] + [home / "postgres" / "pg_wal"]
    for number in range(len(known)):
        where = [path for path, one in found if one == number]
        assert all(any(place in path.parents for path in where) for place in places)
        topics = {path.parent.name.partition(".")[0] for path in where if path.suffix == ".log"}
        assert {"source", "provider"} <= topics
    assert footprints([home / "logs" / f"{name}.log" for name in PROCESSES], ["is running; Ctrl-C stops it."])


def _nothing_hidden_is_there(files: list[Path], night: Night, logged: str) -> None:
    """In no file, in no message to anybody, in nothing that the agency's own process logged."""
    assert footprints(files, night.hidden) == []
    messages = b"\n".join(night.heard)
    assert night.referrals[0].encode() in messages
    for hidden in (*night.hidden, *(slip.canary for slip, _ in night.slips)):
        assert not any(form in messages for form in forms(hidden))
    assert not any(form.decode("latin-1") in logged for hidden in night.hidden for form in forms(hidden))


def _each_slip_stands_in_its_topic_alone(files: list[Path], night: Night) -> None:
    """Kafka holds what its publisher wrote into its own topic until that ends; nothing of it went any further."""
    found = footprints(files, [slip.canary for slip, _ in night.slips])
    places = {(path.parent.name, number) for path, number in found}
    assert places == {(folder.name, number) for number, (_, folder) in enumerate(night.slips)}
    assert {path.suffix for path, _ in found} == {".log"}


def _opening_keys_lie_in_their_own_folder(zones: Path, files: list[Path]) -> None:
    """A provider's private half is in its one file."""
    paths = sorted(zones.glob(f"*/{KEYS_FOLDER}/*.sealing.json"))
    halves = [base64url.decode(json.loads(path.read_text())["privateKey"]) for path in paths]
    assert len(halves) > len(SHELTERS)
    assert footprints(files, halves) == [(path, number) for number, path in enumerate(paths)]
