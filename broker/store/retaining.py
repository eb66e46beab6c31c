"""What has been kept as long as its schedule says is handed to erasure; consents that ended shrink to a tombstone.

Schedules are data (broker/limits/retention.py, broker/domain/retention.py, the policy pack's regimes); a shorter
rule of an organisation's own wins (`handoff retention set`).
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from broker import limits
from broker.domain.policy import PolicyPack
from broker.domain.retention import Schedule, schedule_of
from broker.schemas.ids import OrgId, new_uuid4
from broker.schemas.vocabulary import OrgClass
from broker.sql.bulk import Connection
from broker.store.directory import tell_change
from broker.store.erasing import ERASABLE, OPEN_STATES, ErasureBasis, announce
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry, fresh_salt
from broker.trail.errors import ErasureUnknown

_DUE: Final = f"""
WITH kept AS (SELECT * FROM unnest($3::text[], $4::int[], $5::text[]) AS k (org_class, days, rule))
SELECT r.referral_id, CASE WHEN s.days < k.days THEN 'OWN' ELSE k.rule END AS rule
FROM referral r JOIN organisation o ON o.org_id = r.source JOIN kept k USING (org_class)
LEFT JOIN trail_schedule s ON s.org_id = r.source
WHERE r.received_at < now() - make_interval(days => least(k.days, s.days))
    AND (SELECT max(n.changed_at) FROM need n WHERE n.referral_id = r.referral_id)
        < now() - make_interval(days => least(k.days, s.days))
    AND NOT EXISTS (SELECT FROM erasure e WHERE e.referral_id = r.referral_id AND e.finished_at IS NULL)
    AND {ERASABLE.format(referral="r.referral_id", states="$2")}
ORDER BY r.received_at LIMIT $1 FOR UPDATE OF r SKIP LOCKED
"""  # noqa: S608  names of our own
_UNBOUND: Final = """
SELECT l.idx FROM trail_entry e JOIN log_entry l ON l.entry_idx = e.idx
WHERE e.written_at < now() - make_interval(days => $2) AND e.kind <> 'texts.erased'
    AND NOT EXISTS (SELECT FROM referral r WHERE r.referral_id = e.referral_id)
    AND NOT EXISTS (SELECT FROM erasure WHERE finished_at IS NULL AND referral_id IS NULL)
ORDER BY e.idx LIMIT $1
"""
_ENDED: Final = """
UPDATE consent c SET record = '{}', subject_ref = NULL
WHERE c.record <> '{}' AND (c.record #>> '{validity,notAfter}')::timestamptz < now() - make_interval(days => $1)
    AND NOT EXISTS (
        SELECT FROM referral r JOIN need n USING (referral_id)
        WHERE r.consent_id = c.consent_id AND n.state = ANY($2::text[])
    )
"""
_OLD: Final = "DELETE FROM consent WHERE record = '{}' AND received_at < now() - make_interval(days => $1)"
_RELEASE_DAYS_MAX: Final = 366
"""No release lasts longer (domain.md §4.2): so old is what came longer ago than that and a tombstone's time."""


class Kept(NamedTuple):
    """How long the trail of an organisation's referrals is kept, and by which rule: OWN is its own."""

    org: str
    days: int
    rule: str


class Handed(NamedTuple):
    """What a turn found to have been kept long enough."""

    referrals: int
    texts: int
    consents: int


async def retain(connection: Connection, pack: PolicyPack, broker_org: OrgId) -> Handed:
    """Hand to erasure what has been kept long enough, in the caller's transaction."""
    by_class = {kind: _schedule(kind, pack) for kind in OrgClass}
    referrals = await _referrals(connection, by_class, broker_org)
    texts = await _unbound(connection, broker_org)
    return Handed(referrals, texts, await _consents(connection, broker_org))


async def schedules(connection: Connection, pack: PolicyPack) -> Sequence[Kept]:
    """Every organisation's schedule, its own shorter rule where it has one."""
    rows = await connection.fetch(
        "SELECT o.org_id, o.org_class, s.days FROM organisation o LEFT JOIN trail_schedule s USING (org_id)"
        " ORDER BY o.org_id"
    )
    found = []
    for row in rows:
        days, rule = _schedule(OrgClass(row["org_class"]), pack)
        own = row["days"] is not None and row["days"] < days
        found.append(Kept(row["org_id"], row["days"] if own else days, "OWN" if own else rule))
    return found


async def set_schedule(connection: Connection, org: OrgId, days: int) -> None:
    """Note an organisation's own rule, in the caller's transaction.

    Raises:
        ErasureUnknown: there is no such organisation.
    """
    made = await connection.execute(
        "INSERT INTO trail_schedule (org_id, days, set_at) SELECT org_id, $2, now() FROM organisation WHERE org_id = $1"
        " ON CONFLICT (org_id) DO UPDATE SET days = excluded.days, set_at = excluded.set_at",
        *(org, days),
    )
    if made == "INSERT 0 0":
        raise ErasureUnknown("There is no such organisation.", remedy="`handoff org list` has them.")
    await tell_change(connection, org, "trail-days", fresh_salt(), days=str(days))


def _schedule(kind: OrgClass, pack: PolicyPack) -> Schedule:
    return schedule_of(kind, pack.regimes.get(kind, ()), limits.trail_days)


async def _referrals(connection: Connection, by_class: Mapping[OrgClass, Schedule], broker_org: OrgId) -> int:
    due = await connection.fetch(
        _DUE,
        limits.erasures_at_once_max,
        OPEN_STATES,
        [kind.value for kind in by_class],
        [kept.days for kept in by_class.values()],
        [kept.rule for kept in by_class.values()],
    )
    for row in due:
        await _hand_over(connection, row["referral_id"], f"schedule:{row['rule']}", broker_org)
    return len(due)


async def _unbound(connection: Connection, broker_org: OrgId) -> int:
    """Entries that belong to no referral of ours, by their age; the next ones when these are gone."""
    found = await connection.fetch(_UNBOUND, limits.texts_erased_each_look_max, limits.trail_days_unbound)
    for begin in range(0, len(found), limits.texts_erased_at_once_max):
        places = [row["idx"] for row in found[begin : begin + limits.texts_erased_at_once_max]]
        erasure = await _hand_over(connection, None, "schedule:UNBOUND", broker_org)
        await announce(connection, erasure, places, broker_org)
    return len(found)


async def _hand_over(
    connection: Connection, referral: str | None, approver: str, broker_org: OrgId
) -> Mapping[str, str]:
    """An erasure that no human asks for: the schedule, which people have set, approves it."""
    row = {
        "erasure_id": f"ers-{new_uuid4()}",
        "basis": ErasureBasis.RETENTION.value,
        "requested_by": broker_org,
        "approved_by": approver,
    }
    await connection.execute(
        "INSERT INTO erasure (erasure_id, basis, requested_by, approved_by, referral_id, requested_at, approved_at)"
        " VALUES ($1, $2, $3, $4, $5, now(), now())",
        *(*row.values(), referral),
    )
    return row


async def _consents(connection: Connection, broker_org: OrgId) -> int:
    """The record of an ended consent goes and its tombstone stays; that goes in its time."""
    ended = await connection.execute(_ENDED, limits.consent_content_days, OPEN_STATES)
    old = await connection.execute(_OLD, limits.consent_tombstone_days + _RELEASE_DAYS_MAX)
    tombs, gone = (int(done.rpartition(" ")[2]) for done in (ended, old))
    if tombs or gone:
        now = await connection.fetchval("SELECT now()")
        facts = {"at": now, "actor": broker_org, "records": tombs, "tombstones": gone}
        await add_entry(connection, entry(Step.CONSENTS_FORGOTTEN, None, facts, fresh_salt()))
    return tombs + gone
