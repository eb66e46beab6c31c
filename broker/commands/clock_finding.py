"""What `handoff status` and `handoff doctor` say of the clocks: whether one runs, and whether deadlines are held."""

from pydantic import SecretStr

from broker.commands.findings import Finding, State
from broker.limits import clock_silent_seconds_max
from broker.store.standing import Clock

_START = "Start one: `handoff serve clock`, or `handoff up`."
_HELD = "See that the database's clock is right, then `handoff work resolve` the item CLOCK_HELD."


def clock_trouble(clock: Clock) -> tuple[str, str] | None:
    """What is wrong with the clocks, and what to do; None where nothing is."""
    if clock.held_seconds is not None:
        step = clock.held_step_seconds or 0
        return f"Deadlines are held, because the database's clock stepped by {step:+.0f} s", _HELD
    if clock.silent_seconds is None:
        return "No clock has ever run: deadlines are not worked", _START
    if clock.silent_seconds > clock_silent_seconds_max:
        return f"No clock has run for {clock.silent_seconds} s: deadlines are not worked", _START
    return None


async def clock_finding(dsn: SecretStr | None) -> list[Finding]:
    """One finding; none where there is no database to ask, or it has no tables yet."""
    import asyncpg

    from broker.sql.transient import TRANSIENT
    from broker.store.standing import clock_state

    if dsn is None:
        return []
    try:
        connection = await asyncpg.connect(dsn.get_secret_value(), timeout=2)
        try:
            clock = await clock_state(connection)
        finally:
            await connection.close()
    except asyncpg.UndefinedTableError:
        return [Finding("Clock", State.IDLE, "the broker has no tables yet", "`handoff migrate` makes them.")]
    except (*TRANSIENT, asyncpg.PostgresError):
        return []  # That the database does not answer is a finding of its own.
    if clock.silent_seconds is None:
        return [Finding("Clock", State.IDLE, "none has run yet", _START)]
    trouble = clock_trouble(clock)
    if trouble is None:
        return [Finding("Clock", State.OK, f"ticked {clock.silent_seconds} s ago")]
    return [Finding("Clock", State.MISSING, *trouble)]
