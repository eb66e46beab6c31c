"""An offer and what was opened of it, as the pages show them: the same facts that the terminal prints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Final

from adapters import words
from adapters.inbox.contact import MODES, confirmed_at, manners, not_before, stale, usable, within_hours
from adapters.inbox.hours import in_words
from adapters.inbox.listing import OfferSeen
from adapters.inbox.opening import SAFE_CONTACT, OpenedGroup
from adapters.inbox.panels import LIVE_FIRST, content_facts, may_open
from adapters.inbox.said import Said, recall_said, release_said, standing_said
from adapters.kind import ProviderKind
from adapters.standing import OPEN, OVER, TAKEN, Standing, after
from broker.called import ladder, urgency
from broker.look.language import _
from broker.look.pictures import Rung
from broker.schemas.contact_made import ContactMade
from broker.schemas.field_groups import GROUPS, SEALABLE
from broker.schemas.group_vocabulary import ContactMode
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.person_groups import SafeContact
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import Acknowledgment, Priority


@dataclass(frozen=True, slots=True)
class Line:
    """One offer in the list: nothing in it says who."""

    seen: OfferSeen
    standing: str
    asked: str
    due: str
    age: str
    urgency: str
    urgent: bool
    danger: bool
    """Somebody may die while nobody answers: it looks different from all that is urgent."""
    reminded: bool
    wrong: bool
    """What was taken back had been wrong, as its source says."""


def line(seen: OfferSeen, now: datetime) -> Line:
    """An offer as the list shows it."""
    if seen.taken_back_answer_by is not None:
        due = words.deadline(seen.taken_back_answer_by, now)
    else:
        due = words.deadline(seen.answer_by, now) if seen.standing in OPEN and seen.answer_by is not None else ""
    return Line(
        seen=seen,
        standing=words.plain(seen.standing),
        asked=words.services(seen.offer.services) if seen.offer is not None else "",
        due=due,
        age=words.span(now - seen.received_at),
        urgency=urgency(seen.priority) if seen.priority is not None else "",
        urgent=seen.priority in LIVE_FIRST,
        danger=seen.priority is Priority.P0,
        reminded=seen.reminded_at is not None and seen.standing not in OVER,
        wrong=seen.taken_back_reason is not None,
    )


@dataclass(frozen=True, slots=True)
class OfferShown:
    """What the page of an offer says before anything is opened."""

    line: Line
    facts: tuple[words.Fact, ...]
    rungs: tuple[Rung, ...]
    said: tuple[Said, ...]
    recalled: tuple[Said, ...]
    released: tuple[Said, ...]
    answerable: bool
    can_wait: bool
    live_first: bool
    in_touch: bool
    opens: bool
    over: bool

    @property
    def seen(self) -> OfferSeen:
        """The offer."""
        return self.line.seen


_BEGINS: Final = Acknowledgment.A2_RECEIPTED
_STANDS: Final[Mapping[Standing, Acknowledgment]] = {
    **dict.fromkeys(OPEN, _BEGINS),
    **dict.fromkeys(TAKEN, Acknowledgment.A3_DECIDED),
    **dict.fromkeys((Standing.DECLINED, Standing.GIVEN_BACK, Standing.UNREACHABLE), Acknowledgment.A3_DECIDED),
    Standing.SURVIVOR_DECLINED: Acknowledgment.A3_DECIDED,
    Standing.ENGAGED: Acknowledgment.A4_CONTACT,
    Standing.IN_SERVICE: Acknowledgment.A5_SERVICE,
    **dict.fromkeys((Standing.COMPLETED, Standing.ENDED_EARLY), Acknowledgment.A6_OUTCOME),
}
"""How far an offer has come that stands so, at least; whatever else came to an end without an answer."""
_REACHED_BY: Final[Mapping[str, Acknowledgment]] = {
    OfferReceipted.TYPE: Acknowledgment.A2_RECEIPTED,
    **dict.fromkeys((OfferAccepted.TYPE, OfferDeclined.TYPE), Acknowledgment.A3_DECIDED),
    **dict.fromkeys((ContactMade.TYPE, HandoffCompleted.TYPE), Acknowledgment.A4_CONTACT),
    ServiceStarted.TYPE: Acknowledgment.A5_SERVICE,
    ServiceCompleted.TYPE: Acknowledgment.A6_OUTCOME,
}
_ENDED: Final = OVER - {Standing.COMPLETED, Standing.ENDED_EARLY}


def rungs(seen: OfferSeen, answered: Mapping[str, datetime]) -> tuple[Rung, ...]:
    """How far the offer has come, with the times that are known here: its short history (pages.md §1 point 14)."""
    reached = {Acknowledgment.A1_DELIVERED: words.moment(seen.received_at)}
    if (at_least := _STANDS.get(seen.standing)) is not None:
        reached.setdefault(at_least, "")
    for kind, at in sorted(answered.items(), key=itemgetter(1), reverse=True):
        if (rung := _REACHED_BY.get(kind)) is not None:
            reached[rung] = words.moment(at)  # The earliest is written last.
    return ladder(reached, words.plain(seen.standing) if seen.standing in _ENDED else None)


def shown(seen: OfferSeen, kind: ProviderKind, now: datetime, answered: Mapping[str, datetime]) -> OfferShown:
    """An offer as its page shows it; `answered`: which answers were given to it, and when."""
    return OfferShown(
        line=line(seen, now),
        facts=kind.facts(words.as_of(seen.offer, now)) if seen.offer is not None else (),
        rungs=rungs(seen, answered),
        said=tuple(standing_said(seen, now)),
        recalled=tuple(recall_said(seen)),
        released=tuple(release_said(seen)),
        answerable=seen.standing in OPEN and seen.offer is not None,
        can_wait=after(seen.standing, OfferWaitlisted) is not None,
        live_first=seen.standing is Standing.WAITING and seen.priority in LIVE_FIRST,
        in_touch=after(seen.standing, ContactMade) is not None,
        opens=may_open(seen, now),
        over=seen.standing in OVER,
    )


@dataclass(frozen=True, slots=True)
class ContactPanel:
    """How contact may be made. Its repr shows no details."""

    how: str
    confirmed: str
    windows: tuple[str, ...] = ()
    manners: tuple[words.Fact, ...] = ()
    too_long_ago: bool = False
    not_before: str | None = None
    can_show: bool = False
    details: tuple[words.Fact, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class GroupShown:
    """An opened group; `facts` is None where it could not be opened here."""

    label: str
    facts: tuple[words.Fact, ...] | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was opened, the way to make contact apart; `contact` is None where that was not shared."""

    contact: ContactPanel | None
    groups: tuple[GroupShown, ...]
    not_shared: tuple[str, ...]
    """Every other group that this kind of provider could be given: whether there is one stays unsaid."""


def opened(
    groups: Sequence[OpenedGroup], seen: OfferSeen, kind: ProviderKind, now: datetime, *, contact: bool
) -> Opened:
    """What was opened; contact details only where `contact` says so and they may be used at `now`."""
    safe = next((one.content for one in groups if one.field_group == SAFE_CONTACT), None)
    others = [one for one in groups if one.field_group != SAFE_CONTACT]
    here = {one.field_group for one in groups}
    sealed = (kind.POLICY.may_hold & SEALABLE) - kind.POLICY.single_use - here - {SAFE_CONTACT}
    return Opened(
        contact=_panel(safe, seen, now, contact=contact) if isinstance(safe, SafeContact) else None,
        groups=tuple(_group(one) for one in others),
        not_shared=tuple(_(GROUPS[code].label) for code in sorted(sealed)),
    )


def _group(group: OpenedGroup) -> GroupShown:
    facts = None if group.content is None else tuple(content_facts(group.content))
    return GroupShown(_(group.label), facts)


def _panel(safe: SafeContact, seen: OfferSeen, now: datetime, *, contact: bool) -> ContactPanel:
    wanted = safe.mode is not ContactMode.SURVIVOR_WILL_CALL
    may, old = usable(safe, seen, now), stale(safe, seen, now)
    closed = wanted and not old and not within_hours(safe, now)
    return ContactPanel(
        how=_(MODES[safe.mode]),
        confirmed=words.moment(confirmed_at(safe, seen, now)),
        windows=tuple(map(in_words, safe.windows)),
        manners=tuple(manners(safe)),
        too_long_ago=wanted and old,
        not_before=not_before(safe, now) if closed else None,
        can_show=may and not contact,
        details=_details(safe) if may and contact else (),
    )


def _details(safe: SafeContact) -> tuple[words.Fact, ...]:
    return words.known(
        ("By", words.plain(safe.channel)),
        ("Number or address", safe.handle),
        ("Code word: ask the worker for", safe.code_word_ref),
    )
