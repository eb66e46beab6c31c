"""The one gate: nothing leaves without a permit, and only this file makes permits (design.md §2.3).

A permit is for one recipient and the types that were asked for. Messages that say nothing about a person (receipts,
refusals, withdrawals) pass by a short closed list; everything else needs the consent decision, asked again each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from pydantic_core import from_json

from broker.domain.consent import ConsentTerms, Decision, Effect, Party, Phase, Question, decide, purpose_for
from broker.domain.pack import FeedbackAllowance
from broker.handlers.bounds import bounded
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OrgId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_escalated import ReferralEscalated
from broker.schemas.referral_held import ReferralHeld
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.vocabulary import Purpose

if TYPE_CHECKING:
    from datetime import datetime

    from broker.domain.consent import ConsentRef
    from broker.handlers.cases import HandedOver, Need, Referral
    from broker.handlers.desk import Desk

_CONTROL = (
    *(EventAccepted, EventRefused, OfferWithdrawn, OfferExpired, OfferReminded, ReferralHeld, ReferralEscalated),
    DisclosureRevoked,
)
CONTROL_TYPES: Final = frozenset(event.TYPE for event in _CONTROL)
"""What says nothing about a person: ids, codes, times."""
RECEIPT_TYPES: Final = frozenset({ReferralStatus.TYPE, ReferralClosed.TYPE})
"""What a source hears of its own referral; how much, is the feedback decision's."""

RETRACTIONS: Final = frozenset({OfferWithdrawn.TYPE, DisclosureRevoked.TYPE})
"""What takes a disclosure back: its exact words are entered like those of the disclosure."""

FG25: Final = FieldGroup("FG25")


class GateBypassedError(Exception):
    """A message was about to leave on a permit that was not given for it. This is a defect; nothing was sent."""


class DisclosureNotEnteredError(Exception):
    """A message that discloses something was about to leave without its entry. This is a defect; nothing was sent."""


class Permit(NamedTuple):
    """Leave to send messages of these types to this one recipient. `phase` is None for what needs no decision."""

    recipient: OrgId
    types: frozenset[str]
    phase: Phase | None = None
    groups: frozenset[FieldGroup] = frozenset()

    def check(self, event_type: str, recipient: OrgId) -> None:
        """Refuse any use that the permit was not given for."""
        if recipient != self.recipient or event_type not in self.types:
            raise GateBypassedError(event_type)

    def discloses(self, event_type: str) -> bool:
        """Whether a message of this type tells its recipient of a survivor's case, or takes that back."""
        return bool(self.groups) or self.phase in (Phase.OFFER, Phase.RELEASE) or event_type in RETRACTIONS


def control(recipient: OrgId) -> Permit:
    """The permit for messages that say nothing about a person."""
    return Permit(recipient, CONTROL_TYPES)


def receipt(referral: Referral) -> Permit:
    """The permit to tell a source receipt and closure of its own referral, and nothing more."""
    return Permit(referral.source, RECEIPT_TYPES, Phase.FEEDBACK)


def naming(recipient: OrgId) -> Permit:
    """The permit to tell a source which organisation to wrap its keys for (late sealing, design.md §3)."""
    return Permit(recipient, frozenset({RecipientChosen.TYPE}))


def permit(decision: Decision, recipient: OrgId, phase: Phase, event_type: str) -> Permit:
    """The permit that a decision gives.

    Raises:
        GateBypassedError: where the decision was not PERMIT.
    """
    if decision.effect is not Effect.PERMIT:
        raise GateBypassedError(event_type)
    return Permit(recipient, frozenset({event_type}), phase, decision.let_through)


def ask(
    desk: Desk,
    referral: Referral,
    need: Need,
    recipient: Party,
    phase: Phase,
    consents: Sequence[ConsentTerms] | None = None,
) -> Decision:
    """May this referral's groups go to this provider, in this phase, now? `consents` where they are at hand already."""
    known = desk.consents_for(referral) if consents is None else consents
    known = bounded(desk, known, referral, need, recipient.org)
    return decide(_question(desk, referral, need, recipient, phase, desk.now), known, desk.now, desk.pack_of(referral))


def may_keep(
    desk: Desk, referral: Referral, need: Need, recipient: Party, handed_over: HandedOver
) -> frozenset[FieldGroup]:
    """Which groups this provider may go on holding of those that were handed over to it.

    Those that are let through now, and those that the release which the referral stands on, as it stands now, would
    have let through then, under the policy of then: one that has only run out since, or been used up, is not asked
    back (domain.md §4.4), and what a policy permitted was right while it was in force.
    """
    named = referral.consent.consent_id if referral.consent is not None else None
    consents = [terms for terms in desk.consents_for(referral) if terms.ref.consent_id == named or not terms.permits]
    question = _question(desk, referral, need, recipient, Phase.RELEASE, handed_over.at)
    pack = desk.packs[handed_over.policy or referral.policy]
    then = decide(question, consents, handed_over.at, pack)
    now = ask(desk, referral, need, recipient, Phase.RELEASE)
    return frozenset().union(*(one.let_through for one in (then, now) if one.effect is Effect.PERMIT))


def _question(desk: Desk, referral: Referral, need: Need, recipient: Party, phase: Phase, at: datetime) -> Question:
    return Question(
        phase=phase,
        discloser=desk.directory.parties[referral.source],
        recipient=recipient,
        purpose=purpose_for(need.category, need.services),
        groups=referral.groups,
        consent=referral.consent,
        victim_agreed=referral.victim_agreed,
        excluded=referral.excluded,
        necessity=referral.necessity,
        emergency=referral.emergency(need.category, recipient.org, at) if referral.glass else None,
        sealed_without=desk.sealed_without(referral),
    )


def feedback(
    desk: Desk, referral: Referral, need: Need, by: OrgId | None = None, release: ConsentRef | None = None
) -> tuple[Permit, Decision | None]:
    """What may the source hear of what a provider said: `by`, under this release, or else the one of this need?

    Receipt and closure always; anything more only by the provider's own release that names the source (VAWA-12).
    """
    always = receipt(referral)
    if by is None:
        by, release = need.provider, need.feedback_consent
    discloser = desk.directory.parties.get(by) if by is not None else None
    source = desk.directory.parties.get(referral.source)
    if discloser is None or source is None:
        return always, None
    question = Question(
        phase=Phase.FEEDBACK,
        discloser=discloser,
        recipient=source,
        purpose=Purpose.STATUS_FEEDBACK,
        groups=frozenset({FG25}),
        consent=release,
        victim_agreed=referral.victim_agreed,
        excluded=frozenset(),
        sealed_without=frozenset(),
    )
    known = bounded(desk, desk.feedback_terms(release), referral, need, referral.source)
    decision = decide(question, known, desk.now, desk.pack_of(referral))
    if decision.effect is not Effect.PERMIT or FG25 not in decision.let_through:
        return always, decision
    return Permit(referral.source, RECEIPT_TYPES, Phase.FEEDBACK, frozenset({FG25})), decision


def searching(desk: Desk, referral: Referral, need: Need) -> Permit | None:
    """The permit to tell a source that its search still goes on; None where one that was asked must not be told of.

    That nobody has said yes so far is what became of what they were asked: the pack lets some say so of their own
    accord and others not (VAWA-12).
    """
    source, pack = desk.directory.parties.get(referral.source), desk.pack_of(referral)
    for offer in referral.offers_for(need.category):
        asked = desk.directory.parties.get(offer.provider)
        if source is None or asked is None:
            return None
        rule = pack.feedback_rule(asked.org_class, source.org_class)
        if rule is None or rule.allowance is not FeedbackAllowance.STATUS:
            return None
    return Permit(referral.source, frozenset({ReferralEscalated.TYPE}), Phase.FEEDBACK)


def covers_feedback(desk: Desk, referral: Referral, need: Need, value: bytes) -> bool:
    """Whether a status decided earlier may still leave as it is: a coarse one always, a fuller one by release.

    A decline rested on the release of whoever declined, who is not the need's provider: it is not sent again.
    """
    permit_now, _ = feedback(desk, referral, need)
    told = from_json(value)
    if told.get("declineFamily") is not None:
        return False
    says_more = any(told.get(name) is not None for name in ("state", "outcome", "closure"))
    return FG25 in permit_now.groups or not says_more
