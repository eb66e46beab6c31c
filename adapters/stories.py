"""What each of the broker's words does to a provider's file: one function each, no database, no clock, no Kafka."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from adapters.file import File, OfferOnFile, Prepared, RecallOnFile
from adapters.handing_on import hand_on
from adapters.provider import Provider
from adapters.reminding import is_owed
from adapters.standing import OPEN, OVER, REFUSED_TO, TAKEN, Standing
from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import OfferId, OrgId, ReferralId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.vocabulary import Acknowledgment


class AsideCode(StrEnum):
    """Why something that the broker signed was not acted on."""

    CATEGORY_NOT_OURS = "CATEGORY_NOT_OURS"
    RELEASE_NOT_AWAITED = "RELEASE_NOT_AWAITED"
    GROUP_NOT_OURS = "GROUP_NOT_OURS"
    ANSWER_UNKNOWN = "ANSWER_UNKNOWN"
    OURS_UNREADABLE = "OURS_UNREADABLE"
    ADAPTER_FAULT = "ADAPTER_FAULT"


class PutAside(Exception):
    """This event is not acted on."""

    def __init__(self, code: AsideCode) -> None:
        super().__init__(code.value)
        self.code = code


@dataclass(frozen=True, slots=True)
class Arrival:
    """One event of the broker for one provider."""

    provider: Provider
    envelope: Envelope

    @property
    def org(self) -> OrgId:
        """The provider it is for."""
        return self.provider.org


def apply(file: File, arrival: Arrival, fact: EventData) -> None:
    """Let one event take effect on the file.

    Raises:
        PutAside: it is not acted on, and why.
    """
    STORIES[type(fact)](file, arrival, fact)


def offer_made(file: File, arrival: Arrival, fact: OfferMade) -> None:
    """Put an offer before the provider's people; one that was taken back before it came stays away.

    It is receipted at once, except where the provider is reached elsewhere first: then when it has arrived there.
    """
    if fact.category is not arrival.provider.kind.POLICY.category:
        raise PutAside(AsideCode.CATEGORY_NOT_OURS)
    if (arrival.org, fact.offer_id) in file.offers:
        return
    offer = _blank(file, arrival, fact.offer_id)
    offer.category, offer.priority, offer.answer_by = fact.category.value, fact.priority.value, fact.answer_by
    offer.content = fact.wire().decode()
    file.stand(offer, Standing.WAITING)
    if hand_on(file, offer, arrival.envelope, fact):
        return
    receipt = OfferReceipted(offer_id=offer.offer_id)
    envelope = _answering(file, arrival, offer.referral_id, receipt, offer.offer_id)
    file.receipts.append(Prepared(envelope, receipt, offer.offer_id, Standing.WAITING, Standing.WAITING))


def offer_reminded(file: File, arrival: Arrival, fact: OfferReminded) -> None:
    """Tell our people, too; and receipt the offer once more where the broker may not have heard that we have it.

    Where nobody has looked yet, that is so, and stays so until somebody does.
    """
    key = (arrival.org, fact.offer_id)
    offer = file.offers.get(key)
    if offer is None:
        return
    if is_owed(fact.owed, offer.standing):
        offer.reminded_at = file.now
        file.changed[key] = offer
        hand_on(file, offer, arrival.envelope, fact)
    if key in file.unseen or fact.owed not in (Acknowledgment.A1_DELIVERED, Acknowledgment.A2_RECEIPTED):
        return
    receipt = OfferReceipted(offer_id=offer.offer_id)
    envelope = _answering(file, arrival, offer.referral_id, receipt, offer.offer_id)
    file.receipts.append(Prepared(envelope, receipt, offer.offer_id, offer.standing, offer.standing))


def offer_withdrawn(file: File, arrival: Arrival, fact: OfferWithdrawn) -> None:
    """Close the offer and forget what came with it; where it has not come yet, remember that it is gone."""
    offer = file.offers.get((arrival.org, fact.offer_id)) or _blank(file, arrival, fact.offer_id)
    if offer.standing not in OVER:
        file.stand(offer, Standing.WITHDRAWN)
    hand_on(file, offer, arrival.envelope, fact)


def offer_expired(file: File, arrival: Arrival, fact: OfferExpired) -> None:
    """Close an offer that nobody answered in time; an acceptance on its way will be refused as too late."""
    offer = file.offers.get((arrival.org, fact.offer_id)) or _blank(file, arrival, fact.offer_id)
    if offer.standing in (*OPEN, Standing.ACCEPTED, Standing.CONTACT_PENDING):
        file.stand(offer, Standing.EXPIRED)
    hand_on(file, offer, arrival.envelope, fact)


def disclosure_released(file: File, arrival: Arrival, fact: DisclosureReleased) -> None:
    """Keep the sealed groups of an offer that we have accepted, as far as our kind may hold them."""
    key = (arrival.org, fact.offer_id)
    offer = file.offers.get(key)
    if offer is None or offer.standing not in TAKEN:
        raise PutAside(AsideCode.RELEASE_NOT_AWAITED)
    ours = arrival.provider.kind.POLICY.may_hold
    kept = fact.model_copy(update={"sealed": tuple(part for part in fact.sealed if part.field_group in ours)})
    file.released.append((key, arrival.envelope.id, kept))
    hand_on(file, offer, arrival.envelope, fact)
    if kept.sealed != fact.sealed:
        raise PutAside(AsideCode.GROUP_NOT_OURS)


def disclosure_keyed(file: File, arrival: Arrival, fact: DisclosureKeyed) -> None:
    """Keep the wrapped keys of a release, whether it is here already or still to come on its own topic."""
    key = (arrival.org, fact.offer_id)
    offer = file.offers.get(key)
    if offer is None or offer.standing not in TAKEN:
        raise PutAside(AsideCode.RELEASE_NOT_AWAITED)
    ours = arrival.provider.kind.POLICY.may_hold
    wraps = tuple(wrap for wrap in fact.wraps if wrap.field_group in ours and wrap.recipient == arrival.org)
    file.keyed.append((key, fact.model_copy(update={"wraps": wraps})))
    if wraps != fact.wraps:
        raise PutAside(AsideCode.GROUP_NOT_OURS)


def disclosure_revoked(file: File, arrival: Arrival, fact: DisclosureRevoked) -> None:
    """Delete the groups that were taken back; where nobody had opened one of them, say so at once.

    What somebody has seen, no program can take back: a person says what became of it. Asked again for the same reason,
    the same answer is given again.
    """
    key = (arrival.org, fact.offer_id)
    groups = frozenset(map(str, fact.field_groups))
    before = file.recalls.get(key)
    again = before is not None and before.groups == groups and before.reason is fact.reason
    outcome = before.outcome if before is not None and again else None
    if outcome is None and groups.isdisjoint(file.looked_at.get(key, ())):
        outcome = RevocationOutcome.COMPLIED
    file.recalls[key] = RecallOnFile(groups, fact.answer_by, outcome, fact.reason)
    file.taken_back.add(key)
    if key in file.offers:
        hand_on(file, file.offers[key], arrival.envelope, fact)
    if outcome is not None:
        answer = RevocationAcknowledged(offer_id=fact.offer_id, outcome=outcome)
        envelope = _answering(file, arrival, arrival.envelope.subject, answer, fact.offer_id)
        file.receipts.append(Prepared(envelope, answer, fact.offer_id))


def event_refused(file: File, arrival: Arrival, fact: EventRefused) -> None:
    """Note that the broker did not take an answer of ours, and put its offer back where it stands."""
    if fact.event_id is None:
        raise PutAside(AsideCode.OURS_UNREADABLE)
    answer = file.answers.get((arrival.org, fact.event_id))
    if answer is None:
        raise PutAside(AsideCode.ANSWER_UNKNOWN)
    answer.refusal, answer.refused_field = fact.code.value, fact.field
    file.refused[(arrival.org, fact.event_id)] = answer
    offer = file.offers.get((arrival.org, answer.offer_id)) if answer.offer_id is not None else None
    if offer is None or answer.before is None:
        return
    offer.refusal = fact.code.value
    ended = REFUSED_TO.get(fact.code)
    if ended is not None and offer.standing not in OVER:
        file.stand(offer, ended)
    elif ended is None and offer.standing is answer.after:
        file.stand(offer, answer.before)
    else:
        file.stand(offer, offer.standing)


def _answering(file: File, arrival: Arrival, subject: str, fact: EventData, offer_id: OfferId) -> Envelope:
    """The envelope of what this zone answers by itself."""
    return Envelope(
        id=file.draw(),
        org=arrival.org,
        type=fact.TYPE,
        subject=subject,
        time=file.now,
        msgstatus=file.environment,
        causationid=arrival.envelope.id,
        offerid=offer_id,
    )


def _blank(file: File, arrival: Arrival, offer_id: OfferId) -> OfferOnFile:
    return OfferOnFile(
        org_id=arrival.org,
        offer_id=offer_id,
        referral_id=ReferralId(arrival.envelope.subject),
        standing=Standing.WAITING,
        received_at=file.now,
        changed_at=file.now,
    )


STORIES: Final[Mapping[type[EventData], Callable[[File, Arrival, Any], None]]] = {
    OfferMade: offer_made,
    OfferReminded: offer_reminded,
    OfferWithdrawn: offer_withdrawn,
    OfferExpired: offer_expired,
    DisclosureReleased: disclosure_released,
    DisclosureKeyed: disclosure_keyed,
    DisclosureRevoked: disclosure_revoked,
    EventRefused: event_refused,
}
"""What each of the broker's events does here."""
