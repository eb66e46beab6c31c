"""Ciphertexts and keys come on two topics: a hand-over is whole with both, and what was taken back stays closed."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import KeysNotHere, NothingToOpen
from adapters.inbox.inbox import Inbox
from adapters.inbox.panels import offer_lines
from adapters.retention import forget_keys_apart
from broker.limits import keys_apart_hours
from broker.schemas.disclosure_revoked import EVERY_ACTION, DisclosureRevoked
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OfferId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.person_groups import PersonHandle
from tests.adapters.network import ALIAS, GROUPS, Installation, until
from tests.adapters.test_opening import accepted, released
from tests.conftest import KafkaForTest


async def rows_of(installation: Installation, name: str, offer_id: OfferId) -> list[str]:
    """The groups that a table holds of this offer."""
    found = f"SELECT field_group FROM {name} WHERE offer_id = $1 ORDER BY field_group"
    return [row["field_group"] for row in await installation.rows(found, offer_id)]


async def alias_of(inbox: Inbox, offer_id: OfferId) -> list[str | None]:
    """What a person reads there."""
    opened = await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
    return [one.content.alias for one in opened if isinstance(one.content, PersonHandle)]


@pytest.mark.parametrize("keys_first", [True, False])
async def test_the_two_halves_join_in_either_order(
    installation: Installation, kafka: KafkaForTest, *, keys_first: bool
) -> None:
    """With one of them nothing opens, nothing counts as read, and the inbox does not call it released."""
    haven, voice = await installation.serve(kafka.org("haven")), installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        sealed, keys = voice.halves(haven, offer_id, referral)
        first, name = (keys, "wrapped_part") if keys_first else (sealed, "sealed_part")
        second = sealed if keys_first else keys
        await voice.say(haven, first, referral, event_id=keys.released if first is sealed else None)

        async def half() -> bool:
            return await rows_of(installation, name, offer_id) == sorted(GROUPS)

        assert await until(half)
        offer = await inbox.find(offer_id)
        assert (offer.released, offer.keys_missing) == (False, not keys_first)
        told = "\n".join(offer_lines(offer, zone.inbox(haven).provider.kind, datetime.now(UTC)))
        assert ("the keys to it are not" in told) is not keys_first
        with pytest.raises(NothingToOpen if keys_first else KeysNotHere):
            await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        assert await installation.rows("SELECT 1 FROM reading WHERE offer_id = $1", offer_id) == []
        await voice.say(haven, second, referral, event_id=keys.released if second is sealed else None)
        await released(inbox, offer_id)
        assert await alias_of(inbox, offer_id) == [ALIAS["alias"]]


async def test_keys_that_come_after_a_recall_open_nothing_and_are_forgotten(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """Both topics keep their own order, so keys may be late: what they belong to was taken back and is gone."""
    haven, voice = await installation.serve(kafka.org("haven")), installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        sealed, keys = voice.halves(haven, offer_id, referral)
        await voice.say(haven, sealed, referral, event_id=keys.released)
        asked_back = DisclosureRevoked(
            offer_id=offer_id,
            field_groups=tuple(map(FieldGroup, sorted(GROUPS))),
            requested_actions=EVERY_ACTION,
            answer_by=datetime.now(UTC) + timedelta(hours=1),
        )
        await voice.say(haven, asked_back, referral)

        async def taken_back() -> bool:
            return bool(await installation.rows("SELECT 1 FROM recall WHERE offer_id = $1", offer_id))

        await until(taken_back)
        await voice.say(haven, keys, referral)

        async def late() -> bool:
            return await rows_of(installation, "wrapped_part", offer_id) == sorted(GROUPS)

        assert await until(late)
        assert await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF) == []
        await installation.pool.execute(
            "UPDATE wrapped_part SET received_at = received_at - make_interval(hours => $1)", keys_apart_hours
        )
        await forget_keys_apart(installation.pool)
        assert await rows_of(installation, "wrapped_part", offer_id) == []


async def test_a_later_release_opens_with_its_own_keys_only(installation: Installation, kafka: KafkaForTest) -> None:
    """A group that comes anew replaces the former; the former's keys, read again, do not bring it back."""
    haven, voice = await installation.serve(kafka.org("haven")), installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        await voice.release(haven, offer_id, referral)
        await released(inbox, offer_id)
        renamed = {**GROUPS, "FG04": {"alias": "Thistledown"}}
        sealed, keys = voice.halves(haven, offer_id, referral, renamed)
        await voice.say(haven, sealed, referral, event_id=keys.released)

        async def waits() -> bool:
            return not (await inbox.find(offer_id)).released

        await until(waits)
        with pytest.raises(KeysNotHere):
            await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        await voice.say(haven, keys, referral)
        await released(inbox, offer_id)
        assert await alias_of(inbox, offer_id) == ["Thistledown"]


async def test_a_half_on_the_other_halfs_topic_is_set_aside(installation: Installation, kafka: KafkaForTest) -> None:
    """Keys beside ciphertexts would be kept as long as those: the broker never does it, and nobody takes it in."""
    haven, voice = await installation.serve(kafka.org("haven")), installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        offer_id, referral = await accepted(installation, inbox, haven)
        sealed, keys = voice.halves(haven, offer_id, referral)
        for fact, other in ((keys, sealed), (sealed, keys)):
            await voice.say(haven, fact, referral, as_if=type(other))

        async def both() -> bool:
            return len(await inbox.aside()) == 2

        await until(both)
        assert {one.code for one in await inbox.aside()} == {"TYPE_NOT_YOURS"}
        assert await rows_of(installation, "wrapped_part", offer_id) == []
