"""The rows that answer auditors' questions: what each column is. Times are UTC."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DisclosureRow:
    """One recipient was given these groups at `at` (UTC), and may use them `until`; what became of a taking back.

    `phase` is OFFER, which says nothing that identifies, RELEASE or FEEDBACK, which is about what the provider did.
    """

    at: datetime
    referral: str
    need: str
    phase: str
    recipient: str
    groups: tuple[str, ...]
    until: str | None
    basis: str | None
    rules: tuple[str, ...]
    consents: tuple[str, ...]
    withheld: tuple[str, ...]
    taken_back: str | None


@dataclass(frozen=True, slots=True)
class AccountingRow:
    """One disclosure in the words of 45 CFR 164.528(b)(2): date, recipient, what, and the statement of its basis.

    `exempt` names the provision by which it need not be accounted for; such disclosures are listed all the same.
    """

    date: datetime
    recipient: str
    recipient_name: str | None
    what: tuple[str, ...]
    purpose: str
    basis: str
    exempt: str | None
    referral: str


@dataclass(frozen=True, slots=True)
class OverdueRow:
    """A confirmation that is owed and late: of a taking back, of contact, of an outcome, of keys. `since` is UTC."""

    owed: str
    referral: str
    need: str
    by: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class ReadRow:
    """Somebody read: an auditor a question or a story, a provider an offer, a survivor her list of recipients."""

    at: datetime
    who: str
    what: str
    about: str | None
    entries: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """The rules changed: a policy pack came in force, an open referral went over to it, an organisation changed."""

    at: datetime
    who: str
    what: str
    about: str | None
    before: str | None
    now: str | None
    signers: tuple[str, ...]
    looser: str | None


@dataclass(frozen=True, slots=True)
class FailureRow:
    """How often something could not be handed over to one recipient, by the reason that its zone gave."""

    recipient: str
    code: str
    times: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class EmergencyRow:
    """One emergency: who opened a referral to whom, why, who approved it, what the review found, and what is owed."""

    at: datetime
    emergency: str
    referral: str
    source: str
    recipient: str
    groups: tuple[str, ...]
    reason: str
    basis: str
    invoked_by: str
    approved_by: str | None
    outcome: str | None
    reviewed_by: str | None
    owed: str | None
