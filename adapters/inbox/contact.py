"""The safe-contact panel: how contact may be made, and its details only when asked for and safe at this moment.

Safe at this moment means: the survivor wants to be contacted at all, it was confirmed lately enough, and the hour is
one that she named (domain.md §0.8, §2.5). In any other case no details are shown, asked for or not.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from adapters import words
from adapters.errors import ContactTooOld, NotAnAgreedHour
from adapters.inbox.hours import in_words
from adapters.inbox.listing import OfferSeen
from broker import limits
from broker.look.language import _
from broker.schemas.envelope import CLOCK_AHEAD_SECONDS_MAX
from broker.schemas.group_vocabulary import ContactMode
from broker.schemas.person_groups import SafeContact

DETAILS: Final = frozenset({"handle", "code_word_ref"})
"""Properties of the safe contact that are shown only when somebody asks for them."""

MODES: Final = {
    ContactMode.SURVIVOR_WILL_CALL: "Do not contact. The survivor will call you.",
    ContactMode.VIA_WORKER: "Only through the worker named in the offer.",
    ContactMode.VIA_ADVOCATE: "Only through the advocate.",
    ContactMode.WARM_TRANSFER: "Only by a live transfer together with the worker.",
    ContactMode.DIRECT: "Direct contact is safe as follows, and in no other way.",
}


def usable(safe: SafeContact, offer: OfferSeen, now: datetime) -> bool:
    """Whether contact may be made now, and so whether its details may be shown at all."""
    wanted = safe.mode is not ContactMode.SURVIVOR_WILL_CALL
    return wanted and not stale(safe, offer, now) and within_hours(safe, now)


def check_attempt(safe: SafeContact, offer: OfferSeen, now: datetime) -> None:
    """Refuse an attempt that is noted at `now` and was not agreed to; noting takes some minutes.

    Raises:
        ContactTooOld: it must be confirmed anew before anybody makes contact.
        NotAnAgreedHour: she named other hours, or will call herself.
    """
    made = now - timedelta(minutes=limits.contact_noted_minutes)
    if stale(safe, offer, now, made):
        raise ContactTooOld
    wanted = safe.mode is not ContactMode.SURVIVOR_WILL_CALL
    if not wanted or not (within_hours(safe, now) or within_hours(safe, made)):
        raise NotAnAgreedHour


def contact_lines(safe: SafeContact | None, offer: OfferSeen, now: datetime, *, contact: bool) -> Iterator[str]:
    """The panel; `contact` asks for the details."""
    yield "HOW TO MAKE CONTACT SAFELY"
    if safe is None:
        yield "  Not shared with you. Do not try to reach the survivor: call the worker named in the offer."
        return
    yield f"  {_(MODES[safe.mode])}"
    yield f"  Last confirmed {words.moment(confirmed_at(safe, offer, now))}; ask each time whether it is safe to talk."
    for window in safe.windows:
        yield f"  When: {in_words(window)}"
    yield from (f"  {label}: {told}" for label, told in manners(safe))
    if safe.mode is ContactMode.SURVIVOR_WILL_CALL:
        return
    if stale(safe, offer, now):
        yield "  TOO LONG AGO to rely on: make no contact. Ask the worker named in the offer whether this still holds;"
        yield f"  when it does: handoff inbox contact-confirmed {offer.reference}"
    elif not within_hours(safe, now):
        yield f"  NOT NOW: make no contact before {not_before(safe, now)}. Until then no details are shown."
    else:
        yield from _details(safe, contact=contact)


def manners(safe: SafeContact) -> Iterator[words.Fact]:
    """How to behave on the line."""
    yield _("If somebody else answers"), words.plain(safe.if_someone_else_answers)
    yield _("Leave a voicemail"), _yes(safe.voicemail_permitted)
    yield _("Send a text"), _yes(safe.sms_permitted)
    yield _("Withhold your number"), _yes(safe.caller_id_must_be_blocked)
    yield _("Call back if cut off"), _yes(safe.redial_on_drop)
    yield _("Device watched"), words.plain(safe.device_monitored)
    if safe.not_safe_to_talk_to:
        yield _("Not safe to talk to"), ", ".join(map(words.plain, safe.not_safe_to_talk_to))
    if safe.safe_to_talk_to:
        yield _("Safe to talk to"), ", ".join(map(words.plain, safe.safe_to_talk_to))


def _details(safe: SafeContact, *, contact: bool) -> Iterator[str]:
    if not contact:
        yield "  Contact details: hidden; `--contact` shows them, and that is written down"
        return
    yield f"  By {words.plain(safe.channel)}: {safe.handle or '—'}"
    if safe.code_word_ref is not None:
        yield f"  Code word: ask the worker for {safe.code_word_ref}"


def confirmed_at(safe: SafeContact, offer: OfferSeen, now: datetime) -> datetime:
    """When it was last known to be safe: as the source said, or as somebody here has asked since.

    Nobody has confirmed anything in the future: what the source says of it counts only where nobody has asked here.
    """
    here = offer.contact_confirmed_at or safe.last_confirmed_at
    return here if _ahead(safe.last_confirmed_at, now) else max(safe.last_confirmed_at, here)


def stale(safe: SafeContact, offer: OfferSeen, now: datetime, used: datetime | None = None) -> bool:
    """Whether it must be confirmed anew before anybody makes contact, or had to be at `used` (domain.md §2.5, S15).

    What is said to be confirmed in the future was never confirmed, and would be fresh for ever.
    """
    confirmed = confirmed_at(safe, offer, now)
    old = offer.contact_fresh is not None and (used or now) - confirmed > offer.contact_fresh
    return old or _ahead(confirmed, now)


def _ahead(confirmed: datetime, now: datetime) -> bool:
    return confirmed - now > timedelta(seconds=CLOCK_AHEAD_SECONDS_MAX)


def within_hours(safe: SafeContact, now: datetime) -> bool:
    """Whether this is one of the hours that the survivor named; every hour where none was."""
    return not safe.windows or any(window.holds(now) for window in safe.windows)


def not_before(safe: SafeContact, now: datetime) -> str:
    """When the next of the hours begins that the survivor named, by the clocks by which she named it."""
    opens_at, window = min(((one.next_start(now), one) for one in safe.windows), key=lambda opening: opening[0])
    return words.moment(opens_at, ZoneInfo(window.timezone))


def _yes(allowed: bool) -> str:
    return _("yes") if allowed else _("NO")
