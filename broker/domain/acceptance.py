"""What the broker refuses for its time, its environment or its consent, asked by the client before anything leaves.

The rules that need no registry: whoever asks them with the same arguments gets the same code.
"""

from datetime import datetime, timedelta

from broker.domain.pack import BreakGlass, PolicyPack
from broker.domain.question import Party
from broker.domain.release import release_refusal, unclear_in
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_vocabulary import ConsentDecision
from broker.schemas.envelope import CLOCK_AHEAD_SECONDS_MAX, Envelope
from broker.schemas.event import EventData, Flow
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import MsgStatus, OrgClass


def refuse_misplaced(
    envelope: Envelope, event_class: type[EventData], flow: Flow, environment: MsgStatus, now: datetime
) -> None:
    """Refuse an event that this flow does not carry, of another environment, or out of time at `now` (aware).

    Raises:
        Refused: TYPE_NOT_YOURS, WRONG_ENVIRONMENT, EXPIRED or TIME_IMPLAUSIBLE, in this order.
    """
    if flow not in event_class.FLOWS:
        raise Refused(RefusalCode.TYPE_NOT_YOURS, "type")
    if envelope.msgstatus is not environment:
        raise Refused(RefusalCode.WRONG_ENVIRONMENT, "msgstatus")
    if envelope.expirytime is not None and envelope.expirytime <= now:
        raise Refused(RefusalCode.EXPIRED, "expirytime")
    if envelope.time > now + timedelta(seconds=CLOCK_AHEAD_SECONDS_MAX):
        raise Refused(RefusalCode.TIME_IMPLAUSIBLE, "time")


def refuse_unfounded(fact: ReferralRequested, pack: PolicyPack, *, named: bool) -> None:
    """Refuse a note of necessity where the law of the pack knows none, or beside a release that is `named` (D15).

    Raises:
        Refused: NECESSITY_NOT_LAWFUL.
    """
    if fact.necessity is not None and (pack.safeguarding is None or named):
        raise Refused(RefusalCode.NECESSITY_NOT_LAWFUL, "necessity")


def refuse_needless(
    fact: BreakGlassInvoked, source: OrgClass, recipient: Party | None, pack: PolicyPack, now: datetime
) -> BreakGlass:
    """The limits of the emergency that `source` invokes; refused where the pack lets it open no such thing (§5).

    Raises:
        Refused: BREAK_GLASS_NOT_ALLOWED with the field, BREAK_GLASS_OVER.
    """
    opened = None if recipient is None else pack.breakable(source, recipient.org_class)
    if opened is None or pack.break_glass is None or recipient is None or recipient.category != fact.category:
        raise Refused(RefusalCode.BREAK_GLASS_NOT_ALLOWED, "recipient")
    if fact.reason not in opened.reasons:
        raise Refused(RefusalCode.BREAK_GLASS_NOT_ALLOWED, "reason")
    if fact.basis != opened.basis:
        raise Refused(RefusalCode.BREAK_GLASS_NOT_ALLOWED, "basis")
    if fact.expires_at - fact.invoked_at > pack.break_glass.lasts:
        raise Refused(RefusalCode.BREAK_GLASS_NOT_ALLOWED, "expiresAt")
    if fact.expires_at <= now or fact.invoked_at > now + pack.clock_skew:
        raise Refused(RefusalCode.BREAK_GLASS_OVER, "expiresAt")
    return pack.break_glass


def refuse_unlawful(envelope: Envelope, fact: EventData, publisher: OrgClass, pack: PolicyPack, now: datetime) -> None:
    """Refuse a release that its publisher may not rely on (domain.md §2.2, §4.2).

    What was signed is signed already: a release that says it will be given later was not given. One that is given now
    and in force later is lawful, and a later version is often given after the time from which the first has run.

    Raises:
        Refused: KEY_MISMATCH, TIME_IMPLAUSIBLE, or what `release_refusal` says.
    """
    if not isinstance(fact, ConsentGranted | ConsentNarrowed):
        return
    if fact.record.consent_id != envelope.subject:
        raise Refused(RefusalCode.KEY_MISMATCH, "record.consentId")
    given = max(grantor.given_at for grantor in fact.record.grantors)
    if fact.record.decision is ConsentDecision.PERMIT and given > now + timedelta(seconds=CLOCK_AHEAD_SECONDS_MAX):
        raise Refused(RefusalCode.TIME_IMPLAUSIBLE, "record.grantors")
    refusal = release_refusal(fact.record, envelope.org, publisher, pack, now)
    if refusal is RefusalCode.PROPERTY_INVALID:
        raise Refused(refusal, f"record.{unclear_in(fact.record)}")
    if refusal is not None:
        raise Refused(refusal, "record")
