"""What the broker's zone knows of each delivery: what was handed over when, whether it arrived, and what comes next.

By which of its ways a provider was reached, and how often that was tried, stands in the provider's own zone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from broker.schemas.vocabulary import Acknowledgment, OfferState
from broker.sql.bulk import Connection
from broker.store.asking import Answer, Asking, Question, lines_told, moment_of, note_question
from broker.store.questions import TrailLine
from broker.trail.entries import Step


class Came(StrEnum):
    """What came of handing something over, as far as the provider's zone has said."""

    WAITS = "WAITS"
    ON_ITS_WAY = "ON_ITS_WAY"
    DELIVERED = "DELIVERED"
    SEEN = "SEEN"
    NOT_DELIVERED = "NOT_DELIVERED"
    STOPPED = "STOPPED"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One thing that was to reach one recipient, from `at` (UTC); `seconds` until what is said in `outcome`.

    `next_try` is when the relay sends what still waits here; what the provider's zone tries is not known.
    """

    number: int
    at: datetime
    recipient: str
    what: str
    outcome: Came
    code: str | None = None
    seconds: int | None = None
    next_try: datetime | None = None


_KINDS: Final = (
    *(Step.OFFERS_MADE, Step.OFFER_MOVED, Step.DISCLOSURE_RELEASED, Step.DISCLOSURE_RECALLED, Step.RECALL_ANSWERED),
    *(Step.SEND_REPEATED, Step.SEND_STOPPED, Step.WORK_RAISED),
)
_WAITING: Final = """
SELECT recipient, attributes ->> 'type' AS type, (attributes ->> 'time')::timestamptz AS at, send_after FROM outbox
WHERE referral_id = $1 ORDER BY seq
"""
_SEEN_BY: Final = frozenset({OfferState.RECEIPTED, OfferState.UNDER_REVIEW, OfferState.ACCEPTED, OfferState.DECLINED})
UNDELIVERED: Final = "UNDELIVERED"


async def attempts(connection: Connection, asking: Asking, referral: str) -> Answer[AttemptRow]:
    """Every delivery of a referral in order, with what became of it; last what still waits to leave."""
    told, altered = await lines_told(connection, asking, _KINDS, referral=referral)
    waiting = await connection.fetch(_WAITING, referral)
    rows = [*_gone(told), *map(_waits, waiting)]
    numbered = [replace(row, number=number) for number, row in enumerate(rows, 1)]
    await note_question(connection, asking, Question.DELIVERIES, len(numbered), about=referral)
    return Answer(numbered, altered)


def _gone(lines: Sequence[TrailLine]) -> list[AttemptRow]:
    rows: list[AttemptRow] = []
    for line in lines:
        at = moment_of(line)
        rows += (AttemptRow(0, at, recipient, what, Came.ON_ITS_WAY) for recipient, what in _began(line))
        said = _said(line)
        if said is not None:
            _settle(rows, at, *said)
    return rows


def _began(line: TrailLine) -> Iterator[tuple[str, str]]:
    """To whom something set out with this entry, and what."""
    facts = line.facts
    match line.kind:
        case Step.OFFERS_MADE:
            yield from ((offer["recipient"], "offer") for offer in facts["offers"])
        case Step.DISCLOSURE_RELEASED:
            yield facts["recipient"], "sealed groups"
        case Step.DISCLOSURE_RECALLED:
            yield facts["recipient"], "request to delete"
        case Step.SEND_REPEATED:
            yield facts["recipient"], str(facts["type"])
        case _:
            return


def _said(line: TrailLine) -> tuple[str, str, Came, str | None] | None:
    """Of which recipient's what it was said, and what; None for an entry that says nothing of a delivery."""
    facts = line.facts
    match line.kind:
        case Step.OFFER_MOVED:
            return _offer_said(facts)
        case Step.RECALL_ANSWERED:
            return facts["recipient"], "request to delete", Came.SEEN, facts["outcome"]
        case Step.SEND_STOPPED:
            return facts["recipient"], "", Came.STOPPED, str(facts["type"])
        case Step.WORK_RAISED if facts.get("reason") == UNDELIVERED:
            return facts["actor"], "sealed groups", Came.NOT_DELIVERED, "AFTER_ACCEPTANCE"
    return None


def _offer_said(facts: Mapping[str, Any]) -> tuple[str, str, Came, str | None] | None:
    provider = facts["provider"]
    if facts.get("reason") == UNDELIVERED:
        return provider, "offer", Came.NOT_DELIVERED, facts["why"]
    if facts["to"] in _SEEN_BY:
        return provider, "offer", Came.SEEN, facts["to"]
    if facts["to"] in (OfferState.EXPIRED, OfferState.WITHDRAWN):
        return provider, "offer", Came.ENDED, facts.get("reason") or facts["to"]
    if facts.get("rung") == Acknowledgment.A1_DELIVERED:
        return provider, "offer", Came.DELIVERED, None
    return None


_FINAL: Final = frozenset({Came.SEEN, Came.NOT_DELIVERED, Came.STOPPED, Came.ENDED})


def _settle(rows: list[AttemptRow], at: datetime, recipient: str, what: str, came: Came, code: str | None) -> None:
    """Say it of the newest that it can be about; the first final word counts."""
    for place in range(len(rows) - 1, -1, -1):
        row = rows[place]
        if row.recipient == recipient and what in ("", row.what) and row.outcome not in _FINAL:
            seconds = round((at - row.at).total_seconds())
            rows[place] = replace(row, outcome=came, code=code, seconds=seconds)
            return


def _waits(row: Mapping[str, Any]) -> AttemptRow:
    return AttemptRow(0, row["at"], row["recipient"], row["type"], Came.WAITS, next_try=row["send_after"])
