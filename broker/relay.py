"""The relay: messages that their own process did not get confirmed are asked about again, and sent or stopped.

A retry is a new disclosure: the gate is asked anew in the transaction that claims the message, and its answer is an
entry of the trail. Who claims a message has it alone for as long as whoever decided it had (docs/decisions/0034), so
that any number of relays may run and one that dies holds nobody up for longer. Within a subject the order of the outbox
is kept.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from pydantic_core import from_json

from broker.bus.publisher import Message, confirm_by
from broker.domain.consent import Effect, Phase
from broker.handlers import gate
from broker.handlers.desk import Desk
from broker.handlers.directory import Directory
from broker.handlers.referral_sealed import AWAITING
from broker.handlers.releasing import release
from broker.pipeline import Parts
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.ids import EventId, OfferId, OrgId, ReferralId
from broker.schemas.vocabulary import OfferState, RecipientCategory
from broker.sql.bulk import Connection
from broker.store.directory import clock_and_directory
from broker.store.loading import ConsentCache, Wanted, load
from broker.store.writing import LANES, forget_sent, let_go, take_over, write
from broker.trail.entries import Step

log = logging.getLogger(__name__)

CLAIMED_MAX: Final = 200
_OVER: Final = frozenset({OfferState.WITHDRAWN, OfferState.EXPIRED})
"""Of an offer that is over only its end is told, whatever had not left before."""

_LANES = "SELECT lane FROM outbox_lane ORDER BY random() LIMIT $1 FOR UPDATE SKIP LOCKED"
_CLAIM = (
    "SELECT * FROM outbox o WHERE o.lane = ANY($1::integer[]) AND o.send_after <= now() AND NOT EXISTS"
    " (SELECT 1 FROM outbox e WHERE e.subject = o.subject AND e.seq < o.seq AND e.send_after > now())"
    " ORDER BY o.seq LIMIT $2"
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """One message that this relay has claimed."""

    seq: int
    referral_id: ReferralId | None
    category: RecipientCategory | None
    recipient: OrgId
    phase: Phase | None
    topic: str
    attributes: dict[str, str]
    value: bytes


class Relay:
    """One copy of the relay."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._owner = str(uuid4())
        self._consents = ConsentCache()
        self._directory = Directory.empty()

    async def turn(self) -> int:
        """Claim what is overdue, ask the gate, send; returns how many messages were claimed."""
        parts = self._parts
        if parts.seal.stopped:
            return 0
        by = confirm_by()
        async with parts.pool.acquire() as connection, connection.transaction():
            lanes = await connection.fetch(_LANES, LANES)
            claimed = await self._claim(connection, [row["lane"] for row in lanes])
            if not claimed:
                return 0
            desk = await self._desk(connection, claimed)
            permitted = [message for message in claimed if self._may_leave(desk, message)]
            said = await write(connection, desk, parts.topics, self._owner)
            await let_go(connection, [message.seq for message in said])
            ours = await take_over(connection, [message.seq for message in permitted], self._owner)
            await forget_sent(connection, [message.seq for message in claimed if message not in permitted])
        await self._send([message for message in permitted if message.seq in ours], by)
        return len(claimed)

    async def _send(self, permitted: Sequence[Claimed], by: float) -> None:
        """What has not arrived is let go at once: the producer that had it has been given up."""
        sent = await self._parts.publisher.send([Message(m.topic, m.attributes, m.value) for m in permitted], by)
        outcome = list(zip(permitted, sent, strict=True))
        async with self._parts.pool.acquire() as connection, connection.transaction():
            await forget_sent(connection, [message.seq for message, arrived in outcome if arrived])
            await let_go(connection, [message.seq for message, arrived in outcome if not arrived])

    async def _claim(self, connection: Connection, lanes: Sequence[int]) -> list[Claimed]:
        return [_claimed(row) for row in await connection.fetch(_CLAIM, lanes, CLAIMED_MAX)]

    async def _desk(self, connection: Connection, claimed: Sequence[Claimed]) -> Desk:
        parts = self._parts
        now, directory = await clock_and_directory(connection, self._directory)
        self._directory = directory
        await parts.packs.learn(connection, {directory.policy})
        desk = Desk(now, parts.packs, directory, parts.draw, parts.broker_org, parts.topics.environment)
        gated = {m.referral_id for m in claimed if m.phase is not None and m.referral_id is not None}
        stolen = {m.referral_id for m in claimed if _for_a_revoked_key(desk, m) and m.referral_id is not None}
        await load(connection, desk, Wanted(referrals=set(gated), sealed_of=set(stolen)), self._consents, parts.packs)
        return desk

    def _may_leave(self, desk: Desk, message: Claimed) -> bool:
        """Ask the gate again; what says nothing about a person needs no decision."""
        if message.phase is None:
            return True
        attributes = message.attributes
        with desk.event(EventId(attributes["id"]), desk.broker_org):
            permitted = _asked_again(desk, message)
            if permitted and _for_a_revoked_key(desk, message):
                permitted = False
                _ask_for_other_keys(desk, message)
            told = {"recipient": message.recipient, "type": attributes["type"], "message": attributes["id"]}
            desk.record(Step.SEND_REPEATED if permitted else Step.SEND_STOPPED, message.referral_id, told)
        return permitted


def _asked_again(desk: Desk, message: Claimed) -> bool:
    if message.referral_id is None or message.category is None or message.phase is None:
        return False
    referral = desk.referrals.get(message.referral_id)
    recipient = desk.directory.parties.get(message.recipient)
    if referral is None or recipient is None:
        return False
    need = referral.needs[message.category]
    if message.phase is Phase.FEEDBACK:
        return gate.covers_feedback(desk, referral, need, message.value)
    decision = gate.ask(desk, referral, need, recipient, message.phase)
    if decision.effect is not Effect.PERMIT:
        return False
    if message.phase is Phase.OFFER:
        offer = referral.offers.get(OfferId(message.attributes.get("offerid", "")))
        return offer is None or offer.state not in _OVER
    if _is_keyed(message):
        return all(wrap.field_group in decision.let_through for wrap in DisclosureKeyed.read(message.value).wraps)
    released = DisclosureReleased.read(message.value)
    return all(group.field_group in decision.let_through for group in released.sealed)


def _is_keyed(message: Claimed) -> bool:
    return message.attributes["type"] == DisclosureKeyed.TYPE


def _for_a_revoked_key(desk: Desk, message: Claimed) -> bool:
    if not desk.directory.revoked_keys or not _is_keyed(message):
        return False
    return any(wrap.key_id in desk.directory.revoked_keys for wrap in DisclosureKeyed.read(message.value).wraps)


def _ask_for_other_keys(desk: Desk, message: Claimed) -> None:
    """What a stolen key opens stays here, and ciphertexts alone are noise; the source is asked to wrap for another."""
    assert message.referral_id is not None
    assert message.category is not None
    referral = desk.referrals[message.referral_id]
    need = referral.needs[message.category]
    offer = referral.offers.get(DisclosureKeyed.read(message.value).offer_id)
    if offer is not None and need.offer_id == offer.offer_id and need.state in AWAITING:
        release(desk, referral, need, offer)


def _claimed(row: Mapping[str, Any]) -> Claimed:
    return Claimed(
        seq=row["seq"],
        referral_id=None if row["referral_id"] is None else ReferralId(row["referral_id"]),
        category=None if row["category"] is None else RecipientCategory(row["category"]),
        recipient=OrgId(row["recipient"]),
        phase=None if row["phase"] is None else Phase(row["phase"]),
        topic=row["topic"],
        attributes=from_json(row["attributes"]),
        value=bytes(row["value"]),
    )
