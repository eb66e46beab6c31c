"""Finds referrals by reference, organisation, rule and time; there is no other way, and none by person.

An organisation or a rule is looked for in the texts of the trail, so that what has left the tables is found as well.
Having searched is an entry of the trail, in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker import limits
from broker.domain.reasons import RULE
from broker.domain.rules import RULES
from broker.sql.bulk import Connection
from broker.store.asking import Answer, Asking, Question, note_question
from broker.trail.entries import Step


@dataclass(frozen=True, slots=True)
class FoundReferral:
    """A referral that something was found in: when that was last (UTC), and how many of its entries say it."""

    referral: str
    last: datetime
    entries: int


KNOWN_RULES: Final = tuple(dict.fromkeys((*(one.rule for one in RULES), *sorted(set(RULE.values())))))
"""What can be asked for as a rule: those of the law and good practice, and what reasons stem from."""
_READINGS: Final = (Step.CONTENT.value, Step.TRAIL_READ.value, Step.RECORDS_READ.value)
"""What exactly left is nobody's to search, and who read is no part of what happened."""

_FIND: Final = """
SELECT e.referral_id AS referral, max(e.written_at) AS last, count(*) AS entries FROM trail_entry e
WHERE e.referral_id IS NOT NULL AND e.kind <> ALL($1::text[])
    AND ($2::timestamptz IS NULL OR e.written_at >= $2) AND ($3::timestamptz IS NULL OR e.written_at < $3)
    AND ($4::bytea IS NULL OR position($4 IN e.preimage) > 0)
    AND ($5::bytea[] IS NULL OR EXISTS (SELECT 1 FROM unnest($5) AS told (code) WHERE position(code IN e.preimage) > 0))
GROUP BY e.referral_id ORDER BY max(e.idx) DESC LIMIT $6
"""
_BY_PREFIX: Final = """
SELECT e.referral_id AS referral, max(e.written_at) AS last, count(*) AS entries FROM trail_entry e
WHERE e.referral_id IN (SELECT referral_id FROM referral WHERE starts_with(referral_id, $2))
    AND e.kind <> ALL($1::text[])
GROUP BY e.referral_id ORDER BY max(e.idx) DESC LIMIT $3
"""


async def find(
    connection: Connection, asking: Asking, *, org: str | None = None, rule: str | None = None
) -> Answer[FoundReferral]:
    """The newest referrals of this time of which an entry names the organisation and the rule, where one is given."""
    rows = await connection.fetch(
        _FIND,
        *(_READINGS, asking.since, asking.until, None if org is None else _quoted(org)),
        *(None if rule is None else [_quoted(code) for code in _codes(rule)], limits.audit_found_max),
    )
    found = [FoundReferral(**dict(row)) for row in rows]
    about = " ".join(part for part in (org, rule) if part) or None
    await note_question(connection, asking, Question.REFERRALS, len(found), about=about)
    return Answer(found)


async def find_by_reference(connection: Connection, asking: Asking, beginning: str) -> Answer[FoundReferral]:
    """The referrals whose id begins so: one, as a rule, for a reference of forty bits."""
    rows = await connection.fetch(_BY_PREFIX, _READINGS, beginning, limits.audit_found_max)
    found = [FoundReferral(**dict(row)) for row in rows]
    alone = found[0].referral if len(found) == 1 else None
    await note_question(connection, asking, Question.REFERRALS, len(found), about=alone)
    return Answer(found)


def _codes(rule: str) -> Sequence[str]:
    """The rule itself, and every reason that stems from it."""
    return [rule, *(reason.value for reason, stem in RULE.items() if stem == rule)]


def _quoted(text: str) -> bytes:
    """As the text stands in an entry: whole, not as a part of another."""
    return f'"{text}"'.encode()
