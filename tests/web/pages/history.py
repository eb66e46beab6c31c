"""What would have happened in a network: invented needs and answers, put into its tables as the broker writes them."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic_core import to_json

from broker.domain.quarters import Quarter
from broker.schemas.ids import new_offer_id, new_referral_id
from broker.schemas.vocabulary import OfferState, Priority, RecipientCategory
from broker.sql.bulk import Connection, Pool
from broker.store.policies import begin
from broker.trail.entries import Step, fresh_salt


@dataclass(frozen=True, slots=True)
class Asked:
    """So many needs of one kind and urgency in a quarter, each offered once; `waits` are the answers, None for none."""

    quarter: Quarter
    kind: RecipientCategory
    priority: Priority
    waits: tuple[timedelta | None, ...]


def _waits(quick: int, slow: int, none: int) -> tuple[timedelta | None, ...]:
    return (*(timedelta(minutes=9),) * quick, *(timedelta(minutes=50),) * slow, *(None,) * none)


HISTORY: Final = (
    *(
        Asked(Quarter(year, number), RecipientCategory.SHELTER, Priority.P1, _waits(18 + 9 * number, 12, 11))
        for year in (2025, 2026)
        for number in range(1, 5)
    ),
    Asked(Quarter(2026, 3), RecipientCategory.LEGAL_AID, Priority.P2, _waits(22, 14, 0)),
    Asked(Quarter(2026, 3), RecipientCategory.ADVOCACY, Priority.P1, _waits(31, 0, 0)),
    Asked(Quarter(2026, 3), RecipientCategory.COUNSELING, Priority.P3, _waits(4, 0, 0)),
    Asked(Quarter(2025, 1), RecipientCategory.COUNSELING, Priority.P3, _waits(1, 0, 0)),
)
"""Two years: a quarter with a small count among large ones, and one whose total would tell of a small one."""


async def founded(pool: Pool, since: datetime) -> None:
    """A policy pack is in force since this moment."""
    async with pool.acquire() as connection:
        await begin(connection, fresh_salt())
    await pool.execute("UPDATE policy_activation SET activated_at = $1", since)


async def happened(pool: Pool, asked: Iterable[Asked]) -> None:
    """Put these into the tables."""
    async with pool.acquire() as connection, connection.transaction():
        for one in asked:
            for place, wait in enumerate(one.waits):
                await _happened(connection, one, place, wait)


async def _happened(connection: Connection, one: Asked, place: int, wait: timedelta | None) -> None:
    referral, offer = new_referral_id(), new_offer_id()
    at = one.quarter.begins + timedelta(hours=1 + place)
    state = OfferState.EXPIRED if wait is None else OfferState.ACCEPTED
    await connection.execute(
        "INSERT INTO referral (referral_id, source, priority, policy, victim_agreed, request, excluded, groups,"
        " received_at) VALUES ($1, 'org-police', $2, 'p', 'YES', '{}', '[]', '[]', $3)",
        *(referral, one.priority.value, at),
    )
    await connection.execute(
        "INSERT INTO need (referral_id, category, state, services, engaged, released, changed_at, priority, expires_at)"
        " VALUES ($1, $2, 'ENGAGED', '[]', TRUE, FALSE, $3, $4, $3)",
        *(referral, one.kind.value, at, one.priority.value),
    )
    await connection.execute(
        "INSERT INTO offer (offer_id, referral_id, category, provider, state, rung, made_at, answer_by, changed_at)"
        " VALUES ($1, $2, $3, 'org-haven', $4, 'A1', $5, $6, $5)",
        *(offer, referral, one.kind.value, state.value, at, at + timedelta(hours=1)),
    )
    facts = {"offer": offer, "from": "MADE", "to": state.value}
    await connection.execute(
        "INSERT INTO trail_entry (kind, referral_id, salt, preimage, written_at) VALUES ($1, $2, $3, $4, $5)",
        *(Step.OFFER_MOVED.value, referral, secrets.token_bytes(16), to_json(facts)),
        at + (timedelta(hours=1) if wait is None else wait),
    )
