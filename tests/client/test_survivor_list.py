"""A survivor sees who received what about her, from her agency's own zone; that she did is an entry."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from pydantic_core import from_json

from broker.agency.errors import LedgerEmpty
from broker.agency.ledger import LEDGER_FOLDER, zone_ledger
from broker.agency.survivor_list import Standing, SurvivorList, survivor_list
from broker.agency.survivor_page import as_page, as_text
from broker.client import RecipientChosen
from broker.composition import broker_pool
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.ids import ReferralId, new_referral_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_made import OfferMade
from tests.adapters.pages.catalogue import LANGUAGES, translated
from tests.broker.letters import until
from tests.client.county import ALIAS, BIRCH, CEDAR, HOTLINE, POLICE, SAFE_CONTACT, County, asked, release
from tests.client.shell import handoff, in_environment
from tests.client.test_late_sealing import answer, first
from tests.client.test_referrals import GROUPS


def zone(county: County, org: str = HOTLINE) -> Path:
    """The agency's folder."""
    return county.settings.zones / org


def listed(county: County, about: str, org: str = HOTLINE) -> SurvivorList:
    """The list of a referral or a consent as it is now."""
    client = county.client(HOTLINE if org == HOTLINE else POLICE)
    return survivor_list(client.ledger, client.zone.directory, client.org, about, datetime.now(UTC))


def revoked(**part: object) -> ConsentRevoked:
    """Taken back by word of mouth."""
    return ConsentRevoked.model_validate(dict(ConsentRevoked.EXAMPLE) | {"version": 1} | part)


async def test_named_organisations_are_listed_until_the_release_ends(county: County) -> None:
    """Each with its groups and its last day; of one consent, or of one referral; nothing in it says who she is."""
    record = release(BIRCH, CEDAR)
    async with county.client() as client:
        await client.grant_consent(record, asked_in_private=True)
        referral = (await client.request_referral(groups=GROUPS, consent=record, **asked())).referral_id
    told = listed(county, record.consent_id)
    assert told == SurvivorList(told.agency, told.made_at, (referral,), listed(county, referral).recipients)
    found = {one.org: (one.groups, one.until, one.standing) for one in told.recipients}
    wanted = (("FG03", "FG04"), record.validity.not_after, Standing.MAY_RECEIVE)
    assert found == {BIRCH: wanted, CEDAR: wanted}
    everything = as_text(told, "en") + as_page(told, "es")
    everything += "".join(path.read_text() for path in (zone(county) / LEDGER_FOLDER).iterdir())
    assert not any(word in everything for word in (ALIAS["alias"], SAFE_CONTACT["handle"]))


REVOKED: Final = {
    "ALL": ((), {(BIRCH, "FG03"), (BIRCH, "FG04"), (CEDAR, "FG03"), (CEDAR, "FG04")}),
    "RECIPIENT": ((CEDAR,), {(CEDAR, "FG03"), (CEDAR, "FG04")}),
    "FIELD_GROUP": (("FG03",), {(BIRCH, "FG03"), (CEDAR, "FG03")}),
    "PURPOSE": (("PROTECTION_ORDER",), set[tuple[str, str]]()),
}


async def test_what_she_takes_back_is_shown_as_taken_back(county: County) -> None:
    """A revocation reaches what it names and nothing else: everything, one organisation, one group, one purpose."""
    async with county.client() as client:
        for scope, (values, back) in REVOKED.items():
            record = release(BIRCH, CEDAR)
            await client.grant_consent(record, asked_in_private=True)
            referral = (await client.request_referral(groups=GROUPS, consent=record, **asked())).referral_id
            await client.revoke_consent(record.consent_id, revoked(scope=scope, scopeValues=list(values)))
            told = listed(county, referral).recipients
            taken = {(one.org, group) for one in told for group in one.groups if one.standing is Standing.TAKEN_BACK}
            assert taken == back, scope
            assert len({(one.org, group) for one in told for group in one.groups}) == 4


async def test_a_list_is_a_page_to_print_and_its_making_is_published(
    county: County, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """English or Spanish, for its owner alone, with no address of anything else; the event says how many, no more."""
    in_environment(county, monkeypatch)
    async with county.client() as client:
        record = release(BIRCH)
        await client.grant_consent(record, asked_in_private=True)
        referral = (await client.request_referral(groups=GROUPS, consent=record, **asked())).referral_id
    page = tmp_path / "list.html"
    done = await handoff("survivor-list", referral, "--org", HOTLINE, "--language", "es", "--html", page)
    assert done.exit_code == 0, done.output
    html = page.read_text()
    assert "Quién recibió qué sobre usted" in html
    assert 'lang="es"' in html
    assert page.stat().st_mode & 0o077 == 0
    assert not re.search(r"(src|href|url|@import|<script|http)", html)
    shown = await handoff("survivor-list", record.consent_id, "--org", HOTLINE)
    assert "Who received what about you" in shown.output
    assert "First name or alias" in shown.output
    unknown = await handoff("survivor-list", new_referral_id(), "--org", HOTLINE)
    assert isinstance(unknown.exception, LedgerEmpty)


async def test_who_was_chosen_has_received_it_and_the_trail_knows_that_she_was_told(
    served: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sealed late: nobody before somebody said yes. The entry has a number and a form; the broker keeps no list."""
    in_environment(served, monkeypatch)
    async with served.client(POLICE) as client:
        referral = (await client.request_referral(groups=GROUPS, **asked())).referral_id
        assert listed(served, referral, POLICE).recipients == ()
        offer = OfferMade.read((await first(served, BIRCH, OfferMade, referral)).data)
        await answer(served, BIRCH, referral, OfferAccepted(offer_id=offer.offer_id, accepted_by=AcceptedBy.STAFF))
        async for notice in client.notices():
            if isinstance(notice.fact, RecipientChosen):
                await client.seal_chosen(notice)
                break
    [one] = listed(served, referral, POLICE).recipients
    assert (one.org, one.standing, one.until) == (BIRCH, Standing.RECEIVED, None)
    done = await handoff("survivor-list", referral, "--org", POLICE)
    assert "It said yes and received this." in done.output, done.output
    assert await _entries(served, referral) == [{"recipients": 1, "form": "TEXT"}]


async def _entries(county: County, referral: ReferralId) -> list[dict[str, object]]:
    """What the trail says of the lists of a referral, as soon as it says anything."""
    async with broker_pool(county.settings) as pool:

        async def there() -> list[bytes]:
            rows = await pool.fetch(
                "SELECT preimage FROM trail_entry WHERE kind = 'list.made' AND referral_id = $1", referral
            )
            return [row["preimage"] for row in rows]

        texts = await until(there)
    return [{name: from_json(text)[name] for name in ("recipients", "form")} for text in texts]


async def test_a_line_is_written_once_and_a_torn_one_is_none(county: County) -> None:
    """Published again, it is the same line; what a crash tore had not left; what is old goes, and nothing else."""
    async with county.client() as client:
        published = await client.request_referral(groups=GROUPS, **asked())
        await client.publish_again(published.requested.event_id)
    ledger = zone_ledger(zone(county))
    lines = ledger.of(published.referral_id)
    path = zone(county) / LEDGER_FOLDER / f"{published.referral_id}.jsonl"
    with path.open("ab") as file:
        file.write(json.dumps({"eventId": "torn"}).encode())
    assert ledger.of(published.referral_id) == lines
    assert len(lines) == len(path.read_bytes().split(b"\n")) - 1
    assert ledger.forget(datetime.now(UTC), timedelta(days=1)) == 0
    assert ledger.forget(datetime.now(UTC) + timedelta(days=2), timedelta(days=1)) == 1
    assert not path.exists()


def test_every_sentence_of_the_list_has_spanish_words() -> None:
    """Those that stand in tables, too, and the labels of all that can be sealed are tested with the inbox."""
    from broker.agency import survivor_page

    said = {*survivor_page._MONTHS, *survivor_page._STANDING.values()}
    source = (
        Path(survivor_page.__file__).read_text()
        + (Path(survivor_page.__file__).parent / "pages/survivor_list.html").read_text()
    )
    said |= set(re.findall(r'_\("([^"]+)"\)', source))
    assert len(said) > 20
    assert said - translated(LANGUAGES / "es" / "LC_MESSAGES" / "handoff.po") == set()
