"""Content keys on the disk: nobody reads them without the zone's key, any process of the zone does, and they end."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.agency.errors import KeptUnreadable, RecipientUnknown, ShareDenied
from broker.agency.kept_files import KEEPING_KEY_FILE, KEPT_FOLDER, FolderKeeper, zone_keeper
from broker.client import KeptReferral, RecipientChosen
from broker.domain.consent import Reason
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.ids import OrgId, ReferralId, new_referral_id
from broker.seal.errors import KeyFileTooOpen
from broker.zone import KEYS_FOLDER
from tests.client.county import ALIAS, BIRCH, CEDAR, HOTLINE, LEGAL_AID, POLICE, County, asked
from tests.client.test_publishing import on_topic
from tests.client.test_referrals import GROUPS, chosen, granted, notice_of, opened, sent


def zone_of(county: County, org: OrgId = POLICE) -> Path:
    """An agency's folder."""
    return county.settings.zones / org


async def kept(county: County, org: OrgId = POLICE) -> KeptReferral:
    """What is kept of a request of the police that has just been published by a process that is gone."""
    async with county.client(org) as client:
        referral = await client.request_referral(groups=GROUPS, **asked())
    found = await zone_keeper(zone_of(county, org)).recall(referral.referral_id)
    assert found is not None
    return found


def files(zone: Path) -> Sequence[Path]:
    """What is kept in a zone."""
    return sorted((zone / KEPT_FOLDER).glob("ref-*"))


async def test_what_is_kept_is_whole_and_shows_nothing(county: County) -> None:
    """The keys come back as they were; the file holds no key and no text, and only its owner reaches it."""
    held, zone = await kept(county), zone_of(county)
    (path,) = files(zone)
    content = path.read_bytes()
    assert held.content_keys.keys() == {"FG03", "FG04"}
    assert not [key for key in held.content_keys.values() if key.reveal() in content]
    assert b"EMERGENCY_SHELTER" not in content
    assert ALIAS["alias"].encode() not in content
    modes = [one.stat().st_mode & 0o777 for one in (path, zone / KEYS_FOLDER / KEEPING_KEY_FILE, path.parent)]
    assert modes == [0o600, 0o600, 0o700]
    again = replace(held, waiting={notice_of(held.referral_id, held.request).event_id: _choice()})
    await zone_keeper(zone).keep(again)
    read = await zone_keeper(zone).recall(held.referral_id)
    assert read is not None
    keys = {group: key.reveal() for group, key in read.content_keys.items()}
    assert keys == {group: key.reveal() for group, key in held.content_keys.items()}
    assert replace(read, content_keys={}) == replace(again, content_keys={}, releases=(), revocations=())


def _choice() -> RecipientChosen:
    return RecipientChosen.model_validate(RecipientChosen.EXAMPLE)


async def test_what_is_kept_opens_in_its_own_place_and_with_its_own_key_only(county: County) -> None:
    """Another zone's key, another referral's name, a bit changed, an earlier time in its head: none of them opens."""
    held, zone = await kept(county), zone_of(county)
    (path,) = files(zone)
    content = path.read_bytes()
    other = new_referral_id()
    path.with_name(f"{other}.kept").write_bytes(content)
    path.with_name(f"{other}.kept").chmod(0o600)
    with pytest.raises(KeptUnreadable):
        await zone_keeper(zone).recall(other)
    for place in (3, len(content) - 1):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(KeptUnreadable):
            await zone_keeper(zone).recall(held.referral_id)
    path.write_bytes(content)
    await kept(county, HOTLINE)
    foreign = FolderKeeper(zone / KEPT_FOLDER, zone_of(county, HOTLINE) / KEYS_FOLDER / KEEPING_KEY_FILE)
    with pytest.raises(KeptUnreadable):
        await foreign.recall(held.referral_id)
    (zone / KEYS_FOLDER / KEEPING_KEY_FILE).chmod(0o644)
    with pytest.raises(KeyFileTooOpen):
        await zone_keeper(zone).recall(held.referral_id)


async def test_a_referral_that_cannot_be_read_does_not_hide_the_others(county: County) -> None:
    """What can be read is found; what cannot ends at its time like any other, without a key."""
    held, zone = await kept(county), zone_of(county)
    await kept(county)
    path = zone / KEPT_FOLDER / f"{held.referral_id}.kept"
    path.write_bytes(path.read_bytes()[:-1])
    keeper = zone_keeper(zone)
    assert len(await keeper.everything()) == 1
    (zone / KEYS_FOLDER / KEEPING_KEY_FILE).unlink()
    assert await keeper.forget_ended(datetime.now(UTC) + timedelta(days=20)) == 0
    assert await keeper.forget_ended(datetime.now(UTC) + timedelta(days=22)) == 2
    assert files(zone) == []


async def test_one_process_at_a_time_changes_what_is_kept(county: County) -> None:
    """Whoever comes while another one changes something waits, and sees the change."""
    zone, order = zone_of(county), []

    async def change(name: str, entered: asyncio.Event, leave: asyncio.Event) -> None:
        async with zone_keeper(zone).alone():
            order.append(name)
            entered.set()
            await leave.wait()
            order.append(name)

    entered, leave, other = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(change("one", entered, leave))
        await entered.wait()
        group.create_task(change("two", other, leave))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(other.wait(), 0.1)
        leave.set()
    assert order == ["one", "one", "two", "two"]


async def test_a_choice_heard_twice_is_answered_by_the_same_bytes(county: County) -> None:
    """Another process, after the first was killed: the same record leaves once more, which takes effect once."""
    held = await kept(county)
    notice = chosen(held.referral_id)
    published = []
    for _ in range(2):
        async with county.client(POLICE) as client:
            published.append((await client.seal_chosen(notice)).event_id)
    (first, second) = [record for record in await on_topic(county, POLICE) if b"wraps" in (record.value or b"")]
    assert published[0] == published[1]
    assert (first.key, first.headers, first.value) == (second.key, second.headers, second.value)
    (request,), (wraps, _) = await sent(county, POLICE)
    assert opened(county, BIRCH, held.referral_id, request, wraps)["FG04"] == ALIAS


async def test_a_later_process_holds_a_choice_against_what_the_survivor_released_and_took_back(county: County) -> None:
    """What she had released when she was referred, and a revocation by yet another process, count for everybody."""
    async with county.client() as client:
        consent = await granted(client, BIRCH, LEGAL_AID)
        referral = await client.request_referral(groups=GROUPS, consent=consent, **asked())
    assert await _denied(county, referral.referral_id, CEDAR) is Reason.RECIPIENT_NOT_NAMED
    async with county.client() as client:
        await client.seal_chosen(chosen(referral.referral_id, BIRCH))
    async with county.client() as client:
        revoked = ConsentRevoked(version=1, revoked_at=datetime.now(UTC), by="SUBJECT", form="ORAL")
        await client.revoke_consent(consent.consent_id, revoked)
    assert await _denied(county, referral.referral_id, BIRCH) is Reason.CONSENT_REVOKED


async def _denied(county: County, referral: ReferralId, recipient: OrgId) -> Reason:
    async with county.client() as client:
        with pytest.raises(ShareDenied) as denied:
            await client.seal_chosen(chosen(referral, recipient))
    return denied.value.reason


async def test_a_choice_for_another_kind_of_help_than_the_organisation_gives_is_refused(county: County) -> None:
    """Legal aid was not asked for, and a shelter is not let in as legal aid."""
    held = await kept(county)
    async with county.client(POLICE) as client:
        wrong = chosen(held.referral_id).fact.model_copy(update={"category": "LEGAL_AID"})
        for notice in (notice_of(held.referral_id, wrong), chosen(held.referral_id, LEGAL_AID)):
            with pytest.raises(ShareDenied):
                await client.seal_chosen(notice)
    assert [record for record in await on_topic(county, POLICE) if b"wraps" in (record.value or b"")] == []


async def test_a_choice_that_the_directory_does_not_know_yet_waits_on_the_disk(county: County) -> None:
    """It is neither answered nor lost: the next process finds it."""
    held = await kept(county)
    async with county.client(POLICE) as client:
        with pytest.raises(RecipientUnknown):
            await client.seal_chosen(chosen(held.referral_id, OrgId("org-shelter-new")))
    async with county.client(POLICE) as client:
        [(_, referral, waiting)] = await client.late.waiting()
    assert (referral, waiting.recipient) == (held.referral_id, "org-shelter-new")
