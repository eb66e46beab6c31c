"""Explains what a referral's recipients would be told now, and why: what they were told is in `broker.rulings`.

The past is read from the trail and never worked out again. The present is asked of the gate itself, with the referral,
its consents and the policy that is frozen on it, in the transaction that writes who read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from broker.composition import pinned_policy_keys
from broker.domain.consent import Decision, Effect, Party, Phase
from broker.domain.whole import whole
from broker.handlers import gate
from broker.handlers.cases import Need, NextAction, Referral
from broker.handlers.desk import Desk
from broker.handlers.directory import Directory
from broker.handlers.releasing import duties
from broker.handlers.seeking import decision_facts
from broker.pipeline import draw
from broker.rulings import Ruling
from broker.schemas.ids import OrgId, ReferralId
from broker.schemas.vocabulary import NeedState, OfferState, Priority, RecipientCategory
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store.directory import clock_and_directory
from broker.store.loading import ConsentCache, Wanted, load
from broker.store.policies import Packs


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one need of the referral stands, what happens next, by when (UTC) and who answers for it until then."""

    need: RecipientCategory
    state: NeedState
    priority: Priority
    next_action: NextAction | None
    due_at: datetime | None
    owner: OrgId | None


@dataclass(frozen=True, slots=True)
class Now:
    """What holds at this moment: where the needs stand, and what the gate would answer if it were asked."""

    source: OrgId
    policy: str
    whole: NeedState
    """The referral's own state, which follows from its needs'."""
    standings: tuple[Standing, ...]
    rulings: tuple[Ruling, ...]


async def asked_now(
    connection: Connection, settings: Settings, referral_id: ReferralId, recipients: Sequence[str]
) -> Now | None:
    """What the gate would answer now about these recipients; None for an unknown referral. Sends and changes nothing.

    To be called in a transaction: the referral stays locked until its end, so that the answers fit each other.
    """
    now, directory = await clock_and_directory(connection, Directory.empty())
    packs = Packs(partial(pinned_policy_keys, settings))
    await packs.learn(connection, {directory.policy})
    desk = Desk(now, packs, directory, draw(), settings.broker_org, settings.environment)
    await load(connection, desk, Wanted(referrals={referral_id}), ConsentCache(), packs)
    referral = desk.referrals.get(referral_id)
    if referral is None:
        return None
    needs = sorted(referral.needs.values(), key=lambda need: need.category)
    return Now(
        source=referral.source,
        policy=referral.policy,
        whole=whole(need.state for need in needs),
        standings=tuple(Standing(n.category, n.state, n.priority, n.next_action, n.due_at, n.owner) for n in needs),
        rulings=tuple(ruling for need in needs for ruling in _asked(desk, referral, need, recipients)),
    )


def _asked(desk: Desk, referral: Referral, need: Need, recipients: Sequence[str]) -> Iterator[Ruling]:
    for name in recipients:
        party = desk.directory.parties.get(OrgId(name))
        if party is None:
            continue
        if party.org == referral.source and need.provider is not None:
            _, decision = gate.feedback(desk, referral, need)
            if decision is not None:
                yield _now(desk, referral, need, party, Phase.FEEDBACK, decision)
        elif party.category == need.category:
            phase = Phase.RELEASE if _accepted(referral, need, party) else Phase.OFFER
            yield _now(desk, referral, need, party, phase, gate.ask(desk, referral, need, party, phase))


def _accepted(referral: Referral, need: Need, party: Party) -> bool:
    offers = referral.offers_for(need.category)
    return any(offer.provider == party.org and offer.state is OfferState.ACCEPTED for offer in offers)


def _now(desk: Desk, referral: Referral, need: Need, party: Party, phase: Phase, decision: Decision) -> Ruling:
    facts: dict[str, Any] = decision_facts(party.org, decision)
    return Ruling(
        at=desk.now,
        step=None,
        phase=phase,
        recipient=party.org,
        need=need.category,
        effect=decision.effect,
        reason=decision.reason,
        let_through=tuple(facts["letThrough"]),
        withheld=facts["withheld"],
        rules=tuple(decision.rules),
        consents=tuple(facts["consents"]),
        policy=referral.policy,
        obligations=duties(decision) if decision.effect is Effect.PERMIT else {},
    )
