"""How often a release has been used and whether the event that ends it has come (domain.md §4.2, §4.3 step 5).

A use is the disclosure to one recipient for one need, of the released groups or of what became of them; sent again, or
in parts, it is the same use. Neither its own use nor the event that it brought about counts against it: the shelter
that took her in keeps what it was given.

HEARING_HELD is not known here: no event tells it, and the source that hears of it revokes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from broker.domain import lifecycle
from broker.domain.consent import ConsentRef, ConsentTerms, Decision
from broker.handlers.cases import Need, Referral, Use
from broker.schemas.consent_vocabulary import EndingEvent
from broker.schemas.ids import OrgId, ReferralId
from broker.schemas.vocabulary import NeedState, RecipientCategory

if TYPE_CHECKING:
    from broker.handlers.desk import Desk

_PLACED: Final = frozenset({NeedState.IN_SERVICE, NeedState.COMPLETED, NeedState.ENDED_EARLY})


def is_bounded(terms: ConsentTerms) -> bool:
    """Whether what others did with it matters at all."""
    return terms.max_uses is not None or terms.ends_on_event is not None


def bounded(
    desk: Desk, consents: Sequence[ConsentTerms], referral: Referral, need: Need, recipient: OrgId
) -> Sequence[ConsentTerms]:
    """These consents as their uses and events leave them for this recipient; hardly any has such bounds."""
    for terms in consents:
        if is_bounded(terms):
            asking = Use(referral.referral_id, need.category, recipient)
            return [_bounded(desk, each, asking) if is_bounded(each) else each for each in consents]
    return consents


def _bounded(desk: Desk, terms: ConsentTerms, asking: Use) -> ConsentTerms:
    uses = [use for use in desk.uses.get(terms.ref, ()) if use != asking]
    return terms.used(len(uses), ended=_ended(desk, terms, asking))


def _ended(desk: Desk, terms: ConsentTerms, asking: Use) -> bool:
    states = _states(desk, terms.ref)
    if terms.ends_on_event == EndingEvent.PLACEMENT_CONFIRMED:
        own = (asking.referral_id, RecipientCategory.SHELTER) if asking.category is RecipientCategory.SHELTER else None
        return any(
            state in _PLACED and category is RecipientCategory.SHELTER and (referral_id, category) != own
            for (referral_id, category), state in states.items()
        )
    if terms.ends_on_event == EndingEvent.REFERRAL_CLOSED:
        going_on = {key[0] for key, state in states.items() if not lifecycle.is_terminal(lifecycle.NEED, state)}
        return bool({referral_id for referral_id, _ in states} - going_on - {asking.referral_id})
    return False


def _states(desk: Desk, ref: ConsentRef) -> dict[tuple[ReferralId, RecipientCategory], NeedState]:
    """Where every need stands whose referral names this consent: as stored, and as this batch has moved it."""
    states = dict(desk.needs_under.get(ref.consent_id, {}))
    for referral in desk.under_consent(ref.consent_id):
        if referral.consent is not None and referral.consent.consent_id == ref.consent_id:
            states |= {(need.referral_id, need.category): need.state for need in referral.needs.values()}
    return states


def count_use(desk: Desk, decision: Decision, referral: Referral, need: Need, recipient: OrgId) -> None:
    """A disclosure was made on this decision: one use of each release with a number of uses that it rests on."""
    for ref in decision.consents:
        held = desk.consents.get(ref.consent_id)
        if held is None or held.terms is None or held.terms.max_uses is None:
            continue
        use = Use(referral.referral_id, need.category, recipient)
        before = desk.uses.get(ref, frozenset())
        if use not in before:
            desk.put(desk.uses, ref, before | {use})
            desk.written.uses.append((ref, use))
