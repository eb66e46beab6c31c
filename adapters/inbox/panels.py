"""How an offer and what was opened read on a terminal: the safe-contact panel first, contact details only on request.

The same lines whether a value is there or not, so that the marker itself tells nothing (pages.md §1 points 10, 12).
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from adapters import words
from adapters.inbox.listing import OfferSeen
from adapters.inbox.opening import SAFE_CONTACT, OpenedGroup
from adapters.kind import ProviderKind
from adapters.standing import OPEN, TAKEN
from broker.schemas.field_groups import GROUPS
from broker.schemas.group_vocabulary import ContactMode
from broker.schemas.person_groups import SafeContact
from broker.schemas.refusal import ADVICE

_HIDDEN: Final = frozenset({"handle", "code_word_ref"})
"""Properties of the safe contact that are shown only when somebody asks for them."""

_MODE: Final = {
    ContactMode.SURVIVOR_WILL_CALL: "Do not contact. The survivor will call you.",
    ContactMode.VIA_WORKER: "Only through the worker named in the offer.",
    ContactMode.VIA_ADVOCATE: "Only through the advocate.",
    ContactMode.WARM_TRANSFER: "Only by a live transfer together with the worker.",
    ContactMode.DIRECT: "Direct contact is safe as follows, and in no other way.",
}


def listed(offer: OfferSeen, now: datetime) -> tuple[str, ...]:
    """One line of the list: reference, priority, kind of help, standing, age, what to do by when. Never a name."""
    asked = words.services(offer.offer.services) if offer.offer is not None else "—"
    due = words.deadline(offer.answer_by, now) if offer.standing in OPEN and offer.answer_by is not None else ""
    if offer.taken_back_answer_by is not None:
        due = f"consent taken back: {words.deadline(offer.taken_back_answer_by, now)}"
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
    if offer.unsent:
        yield "Your answer is stored and has not left yet."
    if offer.taken_back:
        yield from _taken_back(offer)
    if offer.refusal is not None:
        advice = ADVICE[offer.refusal]
        yield f"The broker did not take your answer ({offer.refusal.value}): {advice.meaning} {advice.remedy}"
    if offer.offer is None:
        yield "The offer is over and its content has been forgotten."
    else:
        yield ""
        yield from kind.summarise(offer.offer)
    if offer.released:
        yield ""
        yield from _duties(offer)


def _taken_back(offer: OfferSeen) -> Iterator[str]:
    yield f"CONSENT TAKEN BACK: {', '.join(GROUPS[group].label.lower() for group in offer.taken_back)}."
    yield "Do not use or pass on what was read of it; delete notes and copies where the law lets you. Then say so:"
    yield f"  handoff inbox revocation {offer.reference} --outcome COMPLIED"
    yield "or RETAINED_LEGAL_DUTY, or RETAINED_OWN_CLIENT_RECORD, where you must keep something."


def _duties(offer: OfferSeen) -> Iterator[str]:
    if offer.release_ends is not None:
        yield f"Released until {words.moment(offer.release_ends)}; after that nothing opens."
    if offer.redisclosure_prohibited:
        yield f"You may not pass this on (notice {offer.notice_code})."


def opened_lines(groups: Sequence[OpenedGroup], offer: OfferSeen, now: datetime, *, contact: bool) -> Iterator[str]:
    """What was opened, the safe contact first; contact details only where `contact` says so and they are fresh."""
    group = next((g for g in groups if g.field_group == SAFE_CONTACT), None)
    yield from _contact_lines(group, offer, now, contact=contact)
    for group in groups:
        if group.field_group == SAFE_CONTACT:
            continue
        yield ""
        yield group.label
        yield from _content_lines(group)


def _content_lines(group: OpenedGroup) -> Iterable[str]:
    if group.content is None:
        return ["  cannot be opened here: call the worker named in the offer"]
    return [f"  {name}: {told}" for name, told in _told(group.content.model_dump())]


def _contact_lines(group: OpenedGroup | None, offer: OfferSeen, now: datetime, *, contact: bool) -> Iterator[str]:
    yield "HOW TO MAKE CONTACT SAFELY"
    if group is None or not isinstance(group.content, SafeContact):
        yield "  Not shared with you. Do not try to reach the survivor: call the worker named in the offer."
        return
    safe = group.content
    yield f"  {_MODE[safe.mode]}"
    yield f"  Last confirmed {words.moment(_confirmed_at(safe, offer))}; ask each time whether it is safe to talk."
    for window in safe.windows:
        yield f"  When: {window.starts_at} to {window.ends_at} {window.timezone} ({window.rrule})"
    yield f"  If somebody else answers: {words.plain(safe.if_someone_else_answers)}"
    yield f"  Leave a voicemail: {_yes(safe.voicemail_permitted)}; send a text: {_yes(safe.sms_permitted)}"
    yield f"  Withhold your number: {_yes(safe.caller_id_must_be_blocked)}"
    yield f"  Call back if cut off: {_yes(safe.redial_on_drop)}"
    yield f"  Device watched: {words.plain(safe.device_monitored)}"
    if safe.not_safe_to_talk_to:
        yield f"  Not safe to talk to: {', '.join(map(words.plain, safe.not_safe_to_talk_to))}"
    if safe.safe_to_talk_to:
        yield f"  Safe to talk to: {', '.join(map(words.plain, safe.safe_to_talk_to))}"
    if _stale(safe, offer, now):
        yield "  TOO LONG AGO to rely on: make no contact. Ask the worker named in the offer whether this still holds;"
        yield f"  when it does: handoff inbox contact-confirmed {offer.reference}"
    else:
        yield from _details(safe, contact=contact)


def _confirmed_at(safe: SafeContact, offer: OfferSeen) -> datetime:
    """When it was last known to be safe: as the source said, or as somebody here has asked since."""
    return max(safe.last_confirmed_at, offer.contact_confirmed_at or safe.last_confirmed_at)


def _stale(safe: SafeContact, offer: OfferSeen, now: datetime) -> bool:
    """Whether it must be confirmed anew before anybody makes contact (domain.md §2.5, S15)."""
    if safe.mode is ContactMode.SURVIVOR_WILL_CALL or offer.contact_fresh is None:
        return False
    return now - _confirmed_at(safe, offer) > offer.contact_fresh


def _details(safe: SafeContact, *, contact: bool) -> Iterator[str]:
    """The details themselves. Where the survivor said not to make contact, none are shown, asked for or not."""
    if safe.mode is ContactMode.SURVIVOR_WILL_CALL:
        return
    if not contact:
        yield "  Contact details: hidden; `--contact` shows them, and that is written down"
        return
    yield f"  By {words.plain(safe.channel)}: {safe.handle or '—'}"
    if safe.code_word_ref is not None:
        yield f"  Code word: ask the worker for {safe.code_word_ref}"


def _yes(allowed: bool) -> str:
    return "yes" if allowed else "NO"


def _told(content: dict[str, Any], within: str = "") -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        label = f"{within}{name.replace('_', ' ')}"
        if isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
            for number, part in enumerate(value, 1):
                yield from _told(part, f"{label} {number}, ")
        elif value is not None and value not in ((), []):
            yield label, _as_words(value)


def _as_words(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_as_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return words.moment(value)
    return words.plain(value) if isinstance(value, StrEnum) else str(value)


def revealed(group: OpenedGroup, offer: OfferSeen, now: datetime, *, contact: bool) -> dict[str, Any] | None:
    """A group for `--json`, by wire names; without contact details unless `contact` and they may be used."""
    if group.content is None:
        return None
    safe = group.content if isinstance(group.content, SafeContact) else None
    unusable = safe is not None and (safe.mode is ContactMode.SURVIVOR_WILL_CALL or _stale(safe, offer, now))
    hide = safe is not None and (not contact or unusable)
    return group.content.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude=set(_HIDDEN) if hide else None
    )
