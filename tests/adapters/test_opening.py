"""Sealed groups open after the release, for the right key, while the release lasts, and are written down nowhere."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from adapters.errors import NothingToOpen
from adapters.inbox.inbox import Inbox
from adapters.inbox.panels import offer_lines
from broker.schemas.break_glass_vocabulary import new_break_glass_id
from broker.schemas.ids import KeyId, OfferId, OrgId, ReferralId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.person_groups import PersonHandle, SafeContact
from broker.schemas.vocabulary import DeclineReason, RecipientCategory
from broker.seal.opening import OpeningKey
from tests.adapters.network import ALIAS, GROUPS, SAFE_CONTACT, Installation, until
from tests.conftest import KafkaForTest

CANARIES = (str(SAFE_CONTACT["handle"]), str(ALIAS["alias"]), "Wolfsbane")
CONFLICT = {"FG14": {"opposingPartyName": "Wolfsbane"}}


async def accepted(
    installation: Installation,
    inbox: Inbox,
    org: OrgId,
    category: RecipientCategory = RecipientCategory.SHELTER,
) -> tuple[OfferId, ReferralId]:
    offer_id, referral = await installation.voice.offer(org, category)

    async def there() -> bool:
        return any(offer.offer_id == offer_id for offer in await inbox.offers())

    await until(there)
    await inbox.accept(offer_id)
    return offer_id, referral


async def released(inbox: Inbox, offer_id: OfferId) -> None:
    async def there() -> bool:
        return (await inbox.find(offer_id)).released

    await until(there)


async def test_groups_open_after_the_release_with_the_safe_contact_first(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """Before the release there is nothing to open; after it what was sealed comes out as the source sealed it."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        with pytest.raises(NothingToOpen):
            await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        await installation.voice.release(haven, offer_id, referral, {code: GROUPS[code] for code in ("FG04", "FG03")})
        await released(inbox, offer_id)
        opened = await inbox.open_groups(offer_id, reader=AcceptedBy.SUPERVISOR, contact_shown=True)
    assert [group.field_group for group in opened] == ["FG03", "FG04"]
    contact, person = (group.content for group in opened)
    assert isinstance(contact, SafeContact)
    assert contact.handle == SAFE_CONTACT["handle"]
    assert isinstance(person, PersonHandle)
    assert person.alias == ALIAS["alias"]
    assert not any(canary in repr(opened) for canary in CANARIES)
    readings = await installation.rows("SELECT reader, groups, contact_shown FROM reading")
    assert [tuple(row) for row in readings] == [("SUPERVISOR", '["FG03", "FG04"]', True)]


async def test_what_came_in_an_emergency_says_so(installation: Installation, kafka: KafkaForTest) -> None:
    """Whoever reads it knows that nobody could ask her, and that it may be found void."""
    haven, glass = await installation.serve(kafka.org("haven")), new_break_glass_id()
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        for emergency in (glass, None):
            offer_id, referral = await accepted(installation, inbox, haven)
            await installation.voice.release(haven, offer_id, referral, emergency=emergency)
            await released(inbox, offer_id)
            offer = await inbox.find(offer_id)
            assert offer.break_glass_id == emergency
            told = "\n".join(offer_lines(offer, inbox.provider.kind, datetime.now(UTC)))
            assert (f"OPENED IN AN EMERGENCY ({glass})" in told) is (emergency is not None)


async def test_nothing_opened_is_in_the_database(installation: Installation, kafka: KafkaForTest) -> None:
    """Not in one column of one table, after taking in, opening and answering."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        await installation.voice.release(haven, offer_id, referral, {**GROUPS, **CONFLICT})
        await released(inbox, offer_id)
        opened = await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF, contact_shown=True, single_use=True)
        assert all(group.content is not None for group in opened)
        await inbox.contact_made(offer_id)
        text = await installation.all_text()
    assert offer_id in text
    assert not any(canary in text for canary in CANARIES)


async def test_a_release_to_another_key_or_with_parts_exchanged_does_not_open(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """What is not sealed to this provider, for this referral, is shown as closed: no content, no clue why."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        foreign, other_referral = await accepted(installation, inbox, haven)
        stranger = OpeningKey.new(KeyId(f"{kafka.org('stranger')}#seal"))
        await voice.release(haven, foreign, other_referral, sealed_to=stranger)
        moved, referral = await accepted(installation, inbox, haven)
        await voice.release(haven, moved, ReferralId(other_referral))
        for offer_id in (foreign, moved):
            await released(inbox, offer_id)
        one = await inbox.open_groups(foreign, reader=AcceptedBy.STAFF)
        assert referral != other_referral
        two = await inbox.open_groups(moved, reader=AcceptedBy.STAFF)
    assert [group.content for group in one + two] == [None] * 4


async def test_a_group_in_another_shape_than_agreed_is_not_shown(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """The broker cannot look inside: what a source sealed that must never travel ends here, unseen."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        smuggled = {"FG04": {**ALIAS, "ssn": "000-00-0000"}}
        await installation.voice.release(haven, offer_id, referral, smuggled)
        await released(inbox, offer_id)
        opened = await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
    assert [(group.field_group, group.content) for group in opened] == [("FG04", None)]


async def test_what_this_kind_may_not_hold_is_not_kept(installation: Installation, kafka: KafkaForTest) -> None:
    """A shelter is sent a legal name by mistake: it is not stored, and the rest is."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        legal = {"FG05": {"legalGivenName": "Invented", "legalFamilyName": "Example"}}
        await installation.voice.release(haven, offer_id, referral, {**GROUPS, **legal})
        await released(inbox, offer_id)
        opened = await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        aside = await inbox.aside()
    assert [group.field_group for group in opened] == ["FG03", "FG04"]
    assert [seen.code for seen in aside] == ["GROUP_NOT_OURS", "GROUP_NOT_OURS"], "the group, and its key"


async def test_a_release_that_nobody_accepted_is_set_aside(installation: Installation, kafka: KafkaForTest) -> None:
    """Identity for an offer that a person has declined, or never saw, is not kept."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await voice.offer(haven)
        await until(inbox.offers)
        await inbox.decline(offer_id, DeclineReason.NO_CAPACITY_BEDS)
        await voice.release(haven, offer_id, referral)

        async def both_halves() -> bool:
            return len(await inbox.aside()) == 2

        await until(both_halves)
        aside = await inbox.aside()
        with pytest.raises(NothingToOpen):
            await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        kept = await installation.rows("SELECT 1 FROM sealed_part UNION ALL SELECT 1 FROM wrapped_part")
    assert {seen.code for seen in aside} == {"RELEASE_NOT_AWAITED"}
    assert kept == []


async def test_a_release_closes_when_it_ends_and_when_the_offer_is_taken_back(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """After its end nothing opens; when consent is taken back keys and ciphertexts are gone."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        ended, ended_referral = await accepted(installation, inbox, haven)
        await voice.release(haven, ended, ended_referral, lasts=timedelta(seconds=-1))
        revoked, referral = await accepted(installation, inbox, haven)
        await voice.release(haven, revoked, referral)
        await released(inbox, ended)
        await released(inbox, revoked)
        await voice.withdraw(haven, revoked, referral)

        async def closed() -> bool:
            return (await inbox.find(revoked)).offer is None

        await until(closed)
        for offer_id in (ended, revoked):
            with pytest.raises(NothingToOpen):
                await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        left = await installation.rows("SELECT DISTINCT offer_id FROM sealed_part NATURAL FULL JOIN wrapped_part")
    assert [row["offer_id"] for row in left] == [ended]


async def test_names_for_the_conflict_check_open_once(installation: Installation, kafka: KafkaForTest) -> None:
    """FG14 is for a single check: closed unless asked for, and its key is destroyed with the first look."""
    legal = await installation.serve(kafka.org("legal"), RecipientCategory.LEGAL_AID)
    async with installation.running() as zone:
        inbox = zone.inbox(legal)
        offer_id, referral = await accepted(installation, inbox, legal, RecipientCategory.LEGAL_AID)
        await installation.voice.release(legal, offer_id, referral, {**GROUPS, **CONFLICT})
        await released(inbox, offer_id)
        looks = [
            {
                group.field_group: group.content is not None
                for group in await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF, single_use=single_use)
            }
            for single_use in (False, True, True)
        ]
    plain = {"FG03": True, "FG04": True}
    assert looks == [plain, {**plain, "FG14": True}, {**plain, "FG14": False}]


async def test_who_opened_what_cannot_be_changed(installation: Installation, kafka: KafkaForTest) -> None:
    """The everyday role may add to the readings and neither change nor delete them."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        await installation.voice.release(haven, offer_id, referral)
        await released(inbox, offer_id)
        await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
    for statement in ("DELETE FROM reading", "UPDATE reading SET reader = 'x'", "TRUNCATE reading"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await installation.pool.execute(statement)
