"""The questions that have a table for an answer: what each is called, by what it asks, and who answers it.

The same questions as `handoff audit`, answered by the same functions.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from broker.sql.bulk import Connection
from broker.store import auditing
from broker.store.asking import Answer, Asking
from broker.store.attempts import attempts


class By(StrEnum):
    """What a question can be asked by, beside time."""

    REFERRAL = "referral"
    ABOUT = "about"
    """A referral or a consent."""
    ORG = "org"


Ask = Callable[[Connection, Asking, str | None], Awaitable[Answer[Any]]]


@dataclass(frozen=True, slots=True)
class Report:
    """One question. `by` is what it is asked by, `must` whether that is needed; `of_time` whether a time is."""

    title: str
    says: str
    ask: Ask
    by: By | None = None
    must: bool = False
    of_time: bool = True


def _alone(question: Callable[[Connection, Asking], Awaitable[Answer[Any]]]) -> Ask:
    async def ask(connection: Connection, asking: Asking, _about: str | None) -> Answer[Any]:
        return await question(connection, asking)

    return ask


def _about(question: Callable[[Connection, Asking, str], Awaitable[Answer[Any]]]) -> Ask:
    async def ask(connection: Connection, asking: Asking, about: str | None) -> Answer[Any]:
        assert about is not None
        return await question(connection, asking, about)

    return ask


REPORTS: Final[Mapping[str, Report]] = {
    "disclosures": Report(
        "Disclosure ledger",
        "Who received which groups, when, and until when; what was withheld; what became of taking it back.",
        _about(auditing.disclosures),
        By.ABOUT,
        must=True,
        of_time=False,
    ),
    "deliveries": Report(
        "Deliveries",
        "What was handed over to whom, and whether it arrived. By which ways a provider was reached, and how often that"
        " was tried, stands in its own zone.",
        _about(attempts),
        By.REFERRAL,
        must=True,
        of_time=False,
    ),
    "accounting": Report(
        "Accounting of disclosures",
        "For a covered entity, as 45 CFR 164.528 wants it. What needs no accounting is listed with the provision that"
        " says so. Six years back, unless you ask of less.",
        _about(auditing.accounting),
        By.ORG,
        must=True,
    ),
    "overdue": Report(
        "Overdue confirmations",
        "What is owed and late at this moment: of a taking back, of contact, of an outcome, of keys.",
        _alone(auditing.overdue),
        of_time=False,
    ),
    "emergencies": Report(
        "Emergencies",
        "Where the glass was broken and why, who approved it, what the review found, and what is still owed.",
        _alone(auditing.emergencies),
    ),
    "reads": Report(
        "Who read what",
        "Auditors are among them; so is this question, the next time. What a provider's own people opened stands in its"
        " own zone.",
        auditing.reads,
        By.REFERRAL,
    ),
    "policies": Report(
        "Changed rules",
        "Which rules and organisations changed, by whom, signed by whom, and whether rules became looser.",
        _alone(auditing.policies),
    ),
    "failures": Report(
        "Failed deliveries",
        "To whom nothing could be handed over, how often, and why, as far as the providers' zones have said.",
        _alone(auditing.failures),
    ),
}
"""By the name in their address."""
