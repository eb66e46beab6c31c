"""What `handoff doctor` and `handoff status` say of a provider zone's channels: which are shut or broken, and whose."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from broker.commands.findings import Finding, State
from broker.commands.work import age
from broker.settings import Settings

if TYPE_CHECKING:
    from broker.app import TroubledChannel

AWAY = "The database of the providers' zone cannot be asked about channels: `handoff doctor`."


async def shut(settings: Settings) -> "tuple[int, list[TroubledChannel]] | None":
    """How many channels the providers' zone has, and those that need somebody; None where it cannot be asked."""
    import asyncpg

    from broker.app import zone_channels  # the providers' zone, for whoever has one
    from broker.errors import PostgresUnreachable
    from broker.sql.transient import TRANSIENT

    try:
        return await zone_channels(settings)
    except (*TRANSIENT, PostgresUnreachable, asyncpg.PostgresError):
        return None


async def channel_findings(settings: Settings) -> list[Finding]:
    """One finding for each channel that needs somebody, or one for all; none where there is no zone to ask."""
    if settings.provider_postgres_dsn is None or (found := await shut(settings)) is None:
        return []  # That the database does not answer, or has no tables yet, is a finding of its own.
    number, troubled = found
    if not number:
        return [Finding("Channels", State.IDLE, "none is set: providers are reached by their inboxes alone")]
    if not troubled:
        return [Finding("Channels", State.OK, f"{number}, none paused, none failing for long")]
    return [Finding("Channels", State.WARNING, told(one), one.remedy) for one in troubled]


def told(one: "TroubledChannel") -> str:
    """One channel in one line: which, how it stands, since when, and who owns it."""
    return f"{one.place} ({one.transport}) of {one.org} is {one.what} for {age(one.age_seconds)}; {one.org} owns it"


def as_json(one: "TroubledChannel") -> dict[str, Any]:
    """One channel for a program."""
    return {**asdict(one), "owner": one.org}
