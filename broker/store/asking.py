"""How the trail is asked: who asks, of which time, what was read, and the entry that says so in the same transaction.

What does not fit its commitment is never shown as a fact: its place is named instead.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, Generic, NamedTuple, TypeVar

from broker.sql.bulk import Connection
from broker.store.questions import TrailLine, add_entry, opened
from broker.trail.entries import Step, entry, fresh_salt

Row = TypeVar("Row")


class Question(StrEnum):
    """What was asked, as the entry of the trail says it."""

    DISCLOSURES = "DISCLOSURES"
    ACCOUNTING = "ACCOUNTING"
    OVERDUE = "OVERDUE"
    EMERGENCIES = "EMERGENCIES"
    READS = "READS"
    POLICIES = "POLICIES"
    FAILURES = "FAILURES"
    DELIVERIES = "DELIVERIES"
    REFERRALS = "REFERRALS"
    AUDIT_EVENTS = "AUDIT_EVENTS"


class Asking(NamedTuple):
    """Who asks (a role, a desk, a worker's reference), and of which time: from `since` (UTC) to before `until`."""

    by: str
    since: datetime | None = None
    until: datetime | None = None


class Answer(NamedTuple, Generic[Row]):
    """The rows, and the entries that were left out of them because their texts do not fit their commitments."""

    rows: Sequence[Row]
    altered: tuple[int, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether nothing had to be left out."""
        return not self.altered


class Lines(NamedTuple):
    """The entries that may be believed, in their order, and the numbers of those that may not."""

    told: list[TrailLine]
    altered: tuple[int, ...]


_LINES: Final = """
SELECT e.idx, e.kind, e.salt, e.preimage, l.idx AS place, l.commitment, e.written_at FROM trail_entry e
LEFT JOIN log_entry l ON l.entry_idx = e.idx
WHERE e.kind = ANY($1::text[]) AND ($2::text[] IS NULL OR e.referral_id = ANY($2))
    AND ($3::timestamptz IS NULL OR e.written_at >= $3) AND ($4::timestamptz IS NULL OR e.written_at < $4)
    AND ($5::bytea IS NULL OR position($5 IN e.preimage) > 0)
ORDER BY e.idx
"""


async def lines_told(
    connection: Connection,
    asking: Asking,
    kinds: Iterable[Step],
    *,
    referral: str | None = None,
    referrals: Sequence[str] | None = None,
    saying: str | None = None,
) -> Lines:
    """The entries of these kinds, of one referral or of several where that is asked.

    `saying` leaves out, before they are read, those whose text does not have this code.
    """
    about = [referral] if referral is not None else referrals
    wanted = [kind.value for kind in kinds]
    code = None if saying is None else f'"{saying}"'.encode()
    rows = await connection.fetch(_LINES, wanted, about, asking.since, asking.until, code)
    read = [opened(row) for row in rows]
    return Lines([line for line in read if line.sound], tuple(line.idx for line in read if not line.sound))


async def note_question(
    connection: Connection, asking: Asking, question: Question, rows: int, about: str | None = None
) -> None:
    """The entry that says who asked what, and how much was answered."""
    referral = about if about is not None and about.startswith("ref-") else None
    facts = {
        "at": await connection.fetchval("SELECT now()"),
        "actor": asking.by,
        "question": question,
        "about": about if referral is None else None,
        "rows": rows,
    }
    await add_entry(connection, entry(Step.TRAIL_READ, referral, facts, fresh_salt()))


def moment_of(line: TrailLine) -> datetime:
    """When it happened, as the entry says (UTC)."""
    return datetime.fromisoformat(line.facts["at"])
