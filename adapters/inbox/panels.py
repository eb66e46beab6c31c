"""How an offer and what was opened read on a terminal: the safe-contact panel first, contact details only on request.

The same lines whether a value is there or not, so that the marker itself tells nothing (pages.md §1 points 10, 12).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from adapters import words
from adapters.inbox.contact import DETAILS, contact_lines, usable
from adapters.inbox.listing import OfferSeen
from adapters.inbox.opening import SAFE_CONTACT, OpenedGroup
from adapters.inbox.said import recall_said, release_said, standing_said
from adapters.kind import ProviderKind
from adapters.standing import OPEN, TAKEN, Standing
from broker.look.language import _
from broker.schemas.group import Group
from broker.schemas.group_words import LABELS, in_words
from broker.schemas.offer_made import OfferMade
from broker.schemas.person_groups import SafeContact
from broker.schemas.vocabulary import Priority

LIVE_FIRST: Final = frozenset({Priority.P0, Priority.P1})
"""Where a live transfer is offered before anything else (domain.md §10.3)."""


def listed(offer: OfferSeen, now: datetime) -> tuple[str, ...]:
    """One line of the list: reference, priority, kind of help, standing, age, what to do by when. Never a name."""
    asked = words.services(offer.offer.services) if offer.offer is not None else "—"
    due = words.deadline(offer.answer_by, now) if offer.standing in OPEN and offer.answer_by is not None else ""
    if offer.reminded_at is not None and offer.standing in OPEN | TAKEN:
        due = f"{due}, REMINDED" if due else "REMINDED"
    if offer.taken_back_answer_by is not None:
        why = "recalled" if offer.taken_back_reason is not None else "consent taken back"
        due = f"{why}: {words.deadline(offer.taken_back_answer_by, now)}"
    return (
        offer.reference,
        offer.priority.value if offer.priority is not None else "—",
        words.plain(offer.standing),
        words.span(now - offer.received_at),
        due,
        asked,
    )


def columns(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Rows as lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def may_open(offer: OfferSeen, now: datetime) -> bool:
    """Whether something was released that may be opened at this moment."""
    return offer.released and offer.standing in TAKEN and (offer.release_ends is None or offer.release_ends > now)


def offer_lines(offer: OfferSeen, kind: ProviderKind, now: datetime) -> Iterator[str]:
    """The offer: where it stands, what is asked, and what may be done with what was released."""
    priority = f", {offer.priority.value}" if offer.priority is not None else ""
    yield f"{offer.reference}{priority}: {words.plain(offer.standing)}, came {words.span(now - offer.received_at)} ago"
    if offer.standing in OPEN and offer.answer_by is not None:
        yield words.deadline(offer.answer_by, now).capitalize()
    yield from (one.line for one in standing_said(offer, now))
    if offer.taken_back:
        yield from _taken_back(offer)
    if offer.offer is None:
        yield "The offer is over and its content has been forgotten."
    else:
        yield ""
        yield from _asked(offer, offer.offer, kind, now)
    if offer.released:
        yield ""
        yield from (one.line for one in release_said(offer))


def _asked(seen: OfferSeen, offer: OfferMade, kind: ProviderKind, now: datetime) -> Iterator[str]:
    """What is asked; where it is urgent, the live transfer first."""
    current = words.as_of(offer, now)
    if current.worker_contact is not None:
        yield from _live(seen, offer)
    yield from kind.summarise(current)


def _live(seen: OfferSeen, offer: OfferMade) -> Iterator[str]:
    """The next step of a live transfer, where there is one to make."""
    handoff = f"handoff inbox handoff {seen.reference}"
    if seen.standing in OPEN and offer.priority in LIVE_FIRST:
        yield "LIVE TRANSFER FIRST: if you can call the worker now and take her over on the line:"
        yield f"  handoff inbox accept {seen.reference} --live"
    elif seen.standing is Standing.ACCEPTED:
        yield f"CALL THE WORKER NOW. When somebody has picked up: {handoff} --started WORKER (or BACKUP)"
        yield f"If it does not come about: {handoff} --failed NO_ANSWER (or another reason)"
    elif seen.standing is Standing.HANDOFF:
        yield f"LIVE TRANSFER UNDER WAY. When she is with you: {handoff} --completed; if not: {handoff} --failed …"


def _taken_back(offer: OfferSeen) -> Iterator[str]:
    yield from (one.line for one in recall_said(offer))
    yield "Do not use or pass on what was read of it; delete notes and copies where the law lets you. Then say so:"
    yield f"  handoff inbox revocation {offer.reference} --outcome COMPLIED"
    yield "or RETAINED_LEGAL_DUTY, or RETAINED_OWN_CLIENT_RECORD, where you must keep something."


def opened_lines(groups: Sequence[OpenedGroup], offer: OfferSeen, now: datetime, *, contact: bool) -> Iterator[str]:
    """What was opened, the safe contact first; contact details only where `contact` says so."""
    group = next((g for g in groups if g.field_group == SAFE_CONTACT), None)
    safe = group.content if group is not None and isinstance(group.content, SafeContact) else None
    yield from contact_lines(safe, offer, now, contact=contact)
    for group in groups:
        if group.field_group == SAFE_CONTACT:
            continue
        yield ""
        yield group.label
        yield from _content_lines(group)


def _content_lines(group: OpenedGroup) -> Iterable[str]:
    if group.content is None:
        return ["  cannot be opened here: call the worker named in the offer"]
    return [f"  {name}: {told}" for name, told in content_facts(group.content)]


def content_facts(content: Group) -> Iterator[words.Fact]:
    """What an opened group says, property by property, each by its label and in the reader's language."""
    return _facts(content.model_dump(by_alias=False), "")


def _facts(content: dict[str, Any], within: str) -> Iterator[words.Fact]:
    for name, value in content.items():
        label = within + _(LABELS[name])
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
            for number, part in enumerate(value, 1):
                yield from _facts(part, f"{label} {number}: ")
        elif value is not None and value not in ((), []):
            yield label, _as_words(value)


def _as_words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_as_words, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return words.moment(value)
    if isinstance(value, StrEnum):
        said = in_words(value)
        return _(said) if said is not None else words.plain(value)
    return str(value)


def revealed(group: OpenedGroup, offer: OfferSeen, now: datetime, *, contact: bool) -> dict[str, Any] | None:
    """A group for `--json`, by wire names; without contact details unless `contact` and they may be used."""
    if group.content is None:
        return None
    safe = group.content if isinstance(group.content, SafeContact) else None
    hide = safe is not None and not (contact and usable(safe, offer, now))
    return group.content.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude=set(DETAILS) if hide else None
    )
