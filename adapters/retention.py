"""What is over is forgotten a day later: the offer's content, and every key and ciphertext that came with it.

What could not be handed over can be sent anew for three days; then of it, too, only that it was tried remains.
"""

from typing import Final

from adapters.standing import OVER
from broker import limits
from broker.sql.bulk import Pool

_ENDED: Final = (
    "SELECT org_id, offer_id FROM offer o WHERE standing = ANY($1::text[])"
    " AND changed_at < clock_timestamp() - make_interval(hours => $2)"
    " AND (content IS NOT NULL OR EXISTS (SELECT 1 FROM sealed_part s"
    " WHERE s.org_id = o.org_id AND s.offer_id = o.offer_id) OR EXISTS (SELECT 1 FROM wrapped_part w"
    " WHERE w.org_id = o.org_id AND w.offer_id = o.offer_id))"
    " ORDER BY org_id, offer_id LIMIT $3 FOR UPDATE OF o SKIP LOCKED"
)

_APART: Final = (
    "DELETE FROM wrapped_part w WHERE received_at < clock_timestamp() - make_interval(hours => $1) AND NOT EXISTS"
    " (SELECT 1 FROM sealed_part s WHERE s.org_id = w.org_id AND s.offer_id = w.offer_id"
    " AND s.field_group = w.field_group AND s.release_id = w.release_id)"
)


async def forget_ended(pool: Pool) -> int:
    """Forget what ended long enough ago; returns how many offers. That there was an offer, and its codes, stay."""
    async with pool.acquire() as connection, connection.transaction():
        ended = await connection.fetch(
            _ENDED, [standing.value for standing in OVER], limits.opaque_offer_hours, limits.offers_forgotten_max
        )
        keys = [row["org_id"] for row in ended], [row["offer_id"] for row in ended]
        where = "USING unnest($1::text[], $2::text[]) AS w(org_id, offer_id) WHERE"
        await connection.execute(
            f"DELETE FROM wrapped_part p {where} p.org_id = w.org_id AND p.offer_id = w.offer_id",  # noqa: S608
            *keys,
        )
        await connection.execute(
            f"DELETE FROM sealed_part p {where} p.org_id = w.org_id AND p.offer_id = w.offer_id",  # noqa: S608
            *keys,
        )
        await connection.execute(
            "UPDATE offer o SET content = NULL FROM unnest($1::text[], $2::text[]) AS w(org_id, offer_id)"
            " WHERE o.org_id = w.org_id AND o.offer_id = w.offer_id",
            *keys,
        )
    return len(ended)


async def forget_keys_apart(pool: Pool) -> None:
    """Delete keys whose release never came here, or was taken back before they came: they have nothing to open."""
    await pool.execute(_APART, limits.keys_apart_hours)


async def forget_dead_letters(pool: Pool) -> None:
    """Forget what ended deliveries said by code: after that none is sent anew. Attempts stay."""
    await pool.execute(
        "UPDATE delivery SET fact = NULL WHERE fact IS NOT NULL"
        " AND ended_at < clock_timestamp() - make_interval(hours => $1)",
        limits.dead_letter_hours,
    )
