"""What the broker holds sealed, destroyed when it has served: found by an index, in bounded transactions, on the trail.

Any number of copies may run: a referral that another one, or a batch, has at hand is left for the next look.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from broker import limits
from broker.domain.shredding import Ends, NeedStanding, Served, Times, ends
from broker.handlers.cases import NextAction
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import NeedState, RecipientCategory
from broker.sql.bulk import Connection
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry, fresh_salt

TIMES: Final = Times(
    receipt=timedelta(hours=limits.shred_receipt_hours),
    unreceipted=timedelta(hours=limits.shred_unreceipted_hours),
    look=timedelta(hours=limits.shred_look_hours),
    longest=timedelta(days=limits.content_keys_kept_days_max),
)

_LOOK: Final = (
    "SELECT referral_id, received_at FROM referral WHERE shred_look_at <= $1"
    " ORDER BY shred_look_at LIMIT $2 FOR UPDATE SKIP LOCKED"
)
_NEEDS: Final = (
    "SELECT n.referral_id, n.category, n.state, n.changed_at, n.expires_at,"
    " CASE WHEN n.released AND coalesce(n.next_action, '') <> ALL($2::text[]) THEN coalesce("
    " (SELECT max(released_at) FROM disclosure d WHERE d.offer_id = n.offer_id), n.changed_at) END"
    " AS handed_over_at FROM need n WHERE n.referral_id = ANY($1::text[])"
)
_KEYS: Final = (
    "DELETE FROM wrapped_key w USING unnest($1::text[], $2::text[]) AS e(referral_id, category), organisation o"
    " WHERE w.referral_id = e.referral_id AND o.org_id = w.recipient AND o.category = e.category"
    " RETURNING w.referral_id, w.recipient, w.field_group, o.category"
)
_STRAY_KEYS: Final = (
    "DELETE FROM wrapped_key WHERE referral_id = ANY($1::text[])"
    " RETURNING referral_id, recipient, field_group, NULL AS category"
)
_CIPHERTEXTS: Final = "DELETE FROM sealed_group WHERE referral_id = ANY($1::text[]) RETURNING referral_id, field_group"
_AGAIN: Final = (
    "UPDATE referral r SET shred_look_at = e.look_at FROM unnest($1::text[], $2::timestamptz[])"
    " AS e(referral_id, look_at) WHERE r.referral_id = e.referral_id"
)

_AT_ONCE: Final = "UPDATE referral SET shred_look_at = now() WHERE referral_id = ANY($1::text[])"


async def look_at_once(connection: Connection, referrals: Iterable[str]) -> None:
    """The basis of these referrals' needs is gone: what nothing else permits goes at the clock's next turn."""
    await connection.execute(_AT_ONCE, list(referrals))


async def shred(connection: Connection, broker_org: OrgId) -> int:
    """Destroy what has served, in the caller's transaction; returns how many referrals were looked at."""
    now = await connection.fetchval("SELECT clock_timestamp()")
    due = await connection.fetch(_LOOK, now, limits.shred_referrals_max)
    if not due:
        return 0
    found = await _ends_of(connection, due)
    destroyed = await _destroy(connection, found, now)
    looks = [(referral, end.look_again(now, TIMES.look)) for referral, end in found.items()]
    await connection.execute(_AGAIN, *(list(column) for column in zip(*looks, strict=True)))
    for referral, told in destroyed.items():
        facts = {"at": now, "actor": broker_org, **{name: sorted(codes) for name, codes in told.items()}}
        await add_entry(connection, entry(Step.PAYLOAD_SHREDDED, referral, facts, fresh_salt()))
    return len(due)


async def _ends_of(connection: Connection, due: Sequence[Mapping[str, Any]]) -> dict[str, Ends]:
    waiting = [NextAction.CHASE_KEYS.value, NextAction.ASK_FOR_KEYS.value]
    needs: defaultdict[str, list[NeedStanding]] = defaultdict(list)
    for row in await connection.fetch(_NEEDS, [row["referral_id"] for row in due], waiting):
        category, state = RecipientCategory(row["category"]), NeedState(row["state"])
        needs[row["referral_id"]].append(
            NeedStanding(category, state, row["changed_at"], row["expires_at"], row["handed_over_at"])
        )
    return {row["referral_id"]: ends(needs[row["referral_id"]], row["received_at"], TIMES) for row in due}


async def _destroy(
    connection: Connection, found: Mapping[str, Ends], now: datetime
) -> dict[str, defaultdict[str, set[str]]]:
    """Delete keys, then ciphertexts; returns by referral what went, and why, in the trail's words."""
    told: dict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    served = [(r, c.value) for r, end in found.items() for c, keys in end.keys.items() if keys.at <= now]
    whole = [referral for referral, end in found.items() if end.ciphertexts <= now]
    keys = await connection.fetch(_KEYS, [referral for referral, _ in served], [category for _, category in served])
    # What was wrapped for somebody who is not asked for any need of this referral goes with the ciphertexts.
    keys += await connection.fetch(_STRAY_KEYS, whole)
    for row in keys:
        about = told[row["referral_id"]]
        about["keysOf"].add(row["recipient"])
        about["keys"].add(row["field_group"])
        about["because"].add(_why(found[row["referral_id"]], row["category"]))
    for row in await connection.fetch(_CIPHERTEXTS, whole):
        about = told[row["referral_id"]]
        about["ciphertexts"].add(row["field_group"])
        about["because"] |= {keys.why.value for keys in found[row["referral_id"]].keys.values()}
    return told


def _why(end: Ends, category: str | None) -> str:
    return Served.NEED_OVER.value if category is None else end.keys[RecipientCategory(category)].why.value
