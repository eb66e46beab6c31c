"""What is true of an offer beside what it asks: each fact once, in the words that the terminal and the page share.

Whoever adds a fact adds it here, and both say it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from adapters import words
from adapters.errors import KeysNotHere
from adapters.inbox.answering import TOO_LATE
from adapters.inbox.listing import LateSeen, OfferSeen
from adapters.standing import OPEN, TAKEN
from broker.look.language import _, counted
from broker.schemas.consent_vocabulary import RedisclosureNotice
from broker.schemas.field_groups import GROUPS
from broker.schemas.refusal import ADVICE


class About(StrEnum):
    """What a fact is about."""

    REMINDED = "REMINDED"
    UNSENT = "UNSENT"
    REFUSED = "REFUSED"
    LATE = "LATE"
    NOBODY_TO_CALL = "NOBODY_TO_CALL"
    KEYS_MISSING = "KEYS_MISSING"
    TAKEN_BACK = "TAKEN_BACK"
    """Which groups, and what was wrong where a source has recalled them."""
    EMERGENCY = "EMERGENCY"
    FROM = "FROM"
    BASIS = "BASIS"
    """Which release of the survivor's it rests on."""
    PURPOSE = "PURPOSE"
    UNTIL = "UNTIL"
    NOT_TO_BE_PASSED_ON = "NOT_TO_BE_PASSED_ON"
    NOTICE = "NOTICE"
    """Which notice must go with it, where it may be passed on."""


PRESSING: Final = frozenset(
    {About.REFUSED, About.LATE, About.NOBODY_TO_CALL, About.TAKEN_BACK, About.EMERGENCY, About.REMINDED}
)
"""What must not be overlooked."""

_NOTICES: Final[dict[str, str]] = {
    RedisclosureNotice.PART2_LONG: "Federal rules on records of substance use treatment (42 CFR part 2) forbid it.",
    RedisclosureNotice.PART2_SHORT: "Federal rules on records of substance use treatment (42 CFR part 2) forbid it.",
    RedisclosureNotice.VAWA_LOCAL: "Only the survivor can allow it, in writing and for a limited time (VAWA).",
    RedisclosureNotice.HIPAA_MAY_BE_REDISCLOSED: "Privacy rules of health care (HIPAA) may protect it no longer.",
}
"""What a notice says, where there are words for it; it is named by its code all the same."""


@dataclass(frozen=True, slots=True)
class Said:
    """One fact. `head` names it where it must be seen at once, `code` is what it is called exactly."""

    about: About
    text: str
    head: str = ""
    code: str = ""

    @property
    def pressing(self) -> bool:
        """Whether it must not be overlooked."""
        return self.about in PRESSING

    @property
    def line(self) -> str:
        """How it reads on a terminal."""
        code = f" ({self.code})" if self.code else ""
        return f"{self.head.upper()}{code}: {self.text}" if self.head else self.text


def said(offer: OfferSeen, now: datetime) -> tuple[Said, ...]:
    """Everything of an offer, in its order; it reads differently from minute to minute."""
    return (*standing_said(offer, now), *recall_said(offer), *release_said(offer))


def standing_said(offer: OfferSeen, now: datetime) -> Iterator[Said]:
    """What became of reminders and answers, and what is missing."""
    if offer.reminded_at is not None and offer.standing in OPEN | TAKEN:
        text = _("The network has reminded you of it, %(span)s ago: it is waiting for you.")
        yield Said(About.REMINDED, text % {"span": words.span(now - offer.reminded_at)})
    if offer.unsent:
        yield Said(About.UNSENT, _("Your answer is stored and has not left yet."))
    if offer.refusal is not None:
        advice = ADVICE[offer.refusal]
        told = {"code": offer.refusal.value, "why": f"{_(advice.meaning)} {_(advice.remedy)}"}
        yield Said(About.REFUSED, _("The network did not take your answer (%(code)s): %(why)s") % told)
    yield from (_late(late, now) for late in offer.late)
    worker = offer.offer.worker_contact if offer.offer is not None else None
    if worker is not None and worker.at(now) is None:
        text = _("Call back: nobody. The worker's shift is over and no backup was named: ask the network's operator.")
        yield Said(About.NOBODY_TO_CALL, text)
    if offer.keys_missing:
        text = _("What was sealed for you is here, the keys to it are not.")
        yield Said(About.KEYS_MISSING, f"{text} {_(KeysNotHere.remedy or '')}")


def _late(late: LateSeen, now: datetime) -> Said:
    told = {
        "answer": _(late.type.split(".")[-2]),
        "span": words.span(now - late.last_at),
        "often": counted("%(number)s time", "%(number)s times", late.times),
        "why": _(ADVICE[late.code].meaning),
        "code": late.code.value,
    }
    text = _("your answer (%(answer)s) came %(span)s ago, %(often)s. %(why)s (%(code)s)") % told
    return Said(About.LATE, text, head=_("Too late") if late.code in TOO_LATE else _("Not taken"))


def recall_said(offer: OfferSeen) -> Iterator[Said]:
    """What was taken back, and what was wrong where its source has recalled it."""
    if not offer.taken_back:
        return
    groups = ", ".join(_(GROUPS[group].label).lower() for group in offer.taken_back)
    if offer.taken_back_reason is None:
        yield Said(About.TAKEN_BACK, f"{groups}.", head=_("Consent taken back"))
        return
    wrong = _(words.WHAT_WAS_WRONG[offer.taken_back_reason])
    text = _("Rely on nothing of it. Taken back: %(groups)s.") % {"groups": groups}
    yield Said(About.TAKEN_BACK, f"{wrong} {text}", head=_("Recalled by its source"))


def release_said(offer: OfferSeen) -> Iterator[Said]:
    """By whom, for what, until when and under which duties something was released; nothing where nothing was."""
    if not offer.released:
        return
    if offer.break_glass_id is not None:
        text = _(
            "nobody could ask her. When it is safe, tell her and ask what she wants. If it is found void, you are"
            " asked to give it up."
        )
        yield Said(About.EMERGENCY, text, head=_("Opened in an emergency"), code=offer.break_glass_id)
    if offer.offer is not None:
        worker = offer.offer.worker_contact
        role = words.plain(worker.role) if worker is not None else _("not named")
        yield Said(About.FROM, _("From the agency that asked; its worker: %(role)s.") % {"role": role})
        purpose = {"services": words.services(offer.offer.services)}
        yield Said(About.PURPOSE, _("For this, and for nothing else: %(services)s.") % purpose)
    if offer.consent_id is not None:
        told = {"release": f"{offer.consent_id}/{offer.consent_version}"}
        yield Said(About.BASIS, _("The survivor has allowed it (release %(release)s).") % told)
    if offer.release_ends is not None:
        until = {"moment": words.moment(offer.release_ends)}
        yield Said(About.UNTIL, _("Released until %(moment)s; after that nothing opens.") % until)
    yield from _duties(offer)


def _duties(offer: OfferSeen) -> Iterator[Said]:
    words_of_it = _NOTICES.get(offer.notice_code or "")
    because = f" {_(words_of_it)}" if words_of_it else ""
    told = {"code": offer.notice_code}
    if offer.redisclosure_prohibited:
        text = _("You may not pass this on (notice %(code)s).") % told
        yield Said(About.NOT_TO_BE_PASSED_ON, text + because)
    elif offer.notice_code not in (None, RedisclosureNotice.NONE.value):
        text = _("Whatever you pass on of it must carry the notice %(code)s.") % told
        yield Said(About.NOTICE, text + because)
