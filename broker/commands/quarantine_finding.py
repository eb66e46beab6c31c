"""What `handoff doctor` says of the quarantine: how much lies there, and whose lies there for too long."""

from typing import TYPE_CHECKING

from broker.commands.findings import Finding, State
from broker.composition import broker_pool
from broker.limits import quarantine_alarm_hours
from broker.settings import Settings

if TYPE_CHECKING:
    from broker.store.quarantine import Backlog


async def quarantine_finding(settings: Settings) -> list[Finding]:
    """One finding; none where there is no database to ask, it does not answer, or it has no tables yet."""
    import asyncpg

    from broker.errors import PostgresUnreachable
    from broker.sql.transient import TRANSIENT
    from broker.store.quarantine import backlog

    if settings.postgres_dsn is None:
        return []
    try:
        async with broker_pool(settings) as pool, pool.acquire() as connection:
            lying = await backlog(connection, settings.broker_org)
    except (*TRANSIENT, PostgresUnreachable, asyncpg.PostgresError):
        return []  # That the database does not answer, or has no tables, is a finding of its own.
    return [_told(lying)]


def _told(lying: "list[Backlog]") -> Finding:
    overdue = [one for one in lying if one.overdue]
    if not overdue:
        return Finding("Quarantine", State.OK, f"{sum(one.open for one in lying)} records, none too old")
    whose = ", ".join(f"{one.overdue} of {one.owner}" for one in overdue)
    return Finding(
        "Quarantine",
        State.WARNING,
        f"for more than {quarantine_alarm_hours} hours: {whose}",
        "`handoff quarantine list`, then release what is right by now, or discard it with its reason.",
    )
