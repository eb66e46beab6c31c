"""An offer and what was opened of it, as the pages show them: the same facts that the terminal prints."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapters import words
from adapters.inbox.contact import MODES, confirmed_at, manners, opens_at, stale, usable, within_hours
from adapters.inbox.listing import OfferSeen
from adapters.inbox.opening import SAFE_CONTACT, OpenedGroup
from adapters.inbox.panels import LIVE_FIRST, content_facts, may_open
from adapters.kind import ProviderKind
from adapters.standing import OPEN, OVER, Standing, after
from broker.look.language import _
from broker.schemas.contact_made import ContactMade
from broker.schemas.field_groups import GROUPS, SEALABLE
from broker.schemas.group_vocabulary import ContactMode
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.person_groups import SafeContact


@dataclass(frozen=True, slots=True)
class Line:
    """One offer in the list: nothing in it says who."""

    seen: OfferSeen
    standing: str
    asked: str
    due: str
    age: str
    urgent: bool


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
        urgent=seen.priority in LIVE_FIRST,
    )


@dataclass(frozen=True, slots=True)
class OfferShown:
    """What the page of an offer says before anything is opened."""

    line: Line
    facts: tuple[words.Fact, ...]
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


def shown(seen: OfferSeen, kind: ProviderKind, now: datetime) -> OfferShown:
    """An offer as its page shows it."""
    return OfferShown(
        line=line(seen, now),
        facts=kind.facts(words.as_of(seen.offer, now)) if seen.offer is not None else (),
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
    facts = None if group.content is None else tuple(content_facts(group.content.model_dump()))
    return GroupShown(_(group.label), facts)


def _panel(safe: SafeContact, seen: OfferSeen, now: datetime, *, contact: bool) -> ContactPanel:
    wanted = safe.mode is not ContactMode.SURVIVOR_WILL_CALL
    may, old = usable(safe, seen, now), stale(safe, seen, now)
    closed = wanted and not old and not within_hours(safe, now)
    return ContactPanel(
        how=_(MODES[safe.mode]),
        confirmed=words.moment(confirmed_at(safe, seen, now)),
        windows=tuple(f"{one.starts_at}–{one.ends_at} {one.timezone} ({one.rrule})" for one in safe.windows),
        manners=tuple(manners(safe)),
        too_long_ago=wanted and old,
        not_before=words.moment(opens_at(safe, now)) if closed else None,
        can_show=may and not contact,
        details=_details(safe) if may and contact else (),
    )


def _details(safe: SafeContact) -> tuple[words.Fact, ...]:
    return words.known(
        ("By", words.plain(safe.channel)),
        ("Number or address", safe.handle),
        ("Code word: ask the worker for", safe.code_word_ref),
    )
