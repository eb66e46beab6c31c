"""`handoff status`: what is open, how old, whose turn it is, what is overdue, held or stuck, and who is needed."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from broker.commands.channel_finding import AWAY, shut
from broker.commands.channel_finding import as_json as channel_json
from broker.commands.channel_finding import told as channel_told
from broker.commands.clock_finding import clock_trouble
from broker.commands.work import age
from broker.composition import broker_pool
from broker.limits import outbox_age_seconds_max, overdue_seconds_max, quarantine_alarm_hours, status_hours
from broker.local.parts import attached, running_addresses
from broker.settings import Settings, load_settings
from broker.store.quarantine import Backlog
from broker.store.standing import Standing, standing
from broker.store.work import WorkLine, open_work

if TYPE_CHECKING:
    from broker.app import TroubledChannel


_CALM: Final = "everything open has its next step"


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False) -> None:
    """Tell at a glance how the network stands. Exits 0 where everything goes by itself, 1 where a human is needed."""
    settings = load_settings()
    seen = asyncio.run(_read(settings if _is_zone_alone(settings) else attached(settings)))
    needed = list(seen.needed())
    if as_json:
        typer.echo(json.dumps({**seen.as_json(), "needed": needed}, default=datetime.isoformat))
    else:
        for line in (*seen.told(), *(f"→ {line}" for line in needed)):
            typer.echo(line)
        if not needed:
            calm = "no channel is paused, or failing for long" if seen.network is None else _CALM
            typer.echo(f"Nobody is needed: {calm}.")
    raise typer.Exit(1 if needed else 0)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What could be looked at from here: the broker's zone, the providers', or both."""

    network: tuple[Standing, list[WorkLine]] | None
    channels: "tuple[int, list[TroubledChannel]] | str"
    """The providers' zone; a text where it cannot be asked."""

    def needed(self) -> Iterator[str]:
        """What a human must look at, each in one line with what to do."""
        if self.network is not None:
            yield from _needed(*self.network)
        if isinstance(self.channels, str):
            yield self.channels
        else:
            yield from (f"Channel {channel_told(one)}: {one.remedy}" for one in self.channels[1])

    def told(self) -> Iterator[str]:
        """The whole, line by line."""
        if self.network is not None:
            yield from _told(*self.network)
        if not isinstance(self.channels, str) and self.channels[0]:
            number, troubled = self.channels
            yield f"{number} channels of providers are set, {len(troubled)} of them paused or failing"

    def as_json(self) -> dict[str, Any]:
        """The same for a program."""
        channels = [] if isinstance(self.channels, str) else [channel_json(one) for one in self.channels[1]]
        if self.network is None:
            return {"channels": channels}
        now, work = self.network
        return {**asdict(now), "work": [asdict(line) for line in work], "channels": channels}


def _is_zone_alone(settings: Settings) -> bool:
    """Whether this is a providers' zone by itself, which has nothing of the broker's."""
    given = settings.provider_postgres_dsn is not None and settings.postgres_dsn is None
    return given and running_addresses(settings.home) is None


async def _read(settings: Settings) -> _Seen:
    channels: tuple[int, list[TroubledChannel]] | str = (0, [])
    if settings.provider_postgres_dsn is not None:
        found = await shut(settings)
        channels = AWAY if found is None else found
    if _is_zone_alone(settings):
        return _Seen(None, channels)
    async with broker_pool(settings) as pool, pool.acquire() as connection:
        return _Seen((await standing(connection, settings.broker_org), await open_work(connection)), channels)


def _needed(now: Standing, work: list[WorkLine]) -> Iterator[str]:
    trouble = clock_trouble(now.clock)
    if trouble is not None:
        yield f"{trouble[0]}: {trouble[1]}"
    late = max((group.overdue_seconds for group in now.needs), default=0)
    if late > overdue_seconds_max and trouble is None:
        yield f"A deadline is worked {age(late)} late: start another clock (`handoff serve clock`)."
    if now.idle:
        yield f"{now.idle} open needs have no next step: this is a defect of the broker; please report it."
    if now.idle_recalls:
        yield f"{now.idle_recalls} recalls are open and nobody asks again: this is a defect; please report it."
    if now.outbox.count and now.outbox.oldest_seconds > outbox_age_seconds_max:
        yield f"A message has not left for {age(now.outbox.oldest_seconds)}: see that Kafka and a relay run."
    yield from _late_in_quarantine(now.quarantine)
    untouched = [line for line in work if line.claimed_by is None and line.assigned_to is None]
    aged = [line for line in work if line.aged]
    if aged:
        yield f"{len(aged)} items of the work list are too old: `handoff work list`."
    elif untouched:
        yield f"{len(untouched)} items of the work list are nobody's yet: `handoff work list`."


def _late_in_quarantine(lying: Sequence[Backlog]) -> Iterator[str]:
    late = [one for one in lying if one.overdue]
    if late:
        whose = ", ".join(f"{one.overdue} of {one.owner}" for one in late)
        yield f"Refused records wait for more than {quarantine_alarm_hours} hours ({whose}): `handoff quarantine list`."


def _told(now: Standing, work: list[WorkLine]) -> Iterator[str]:
    yield f"at {now.at:%Y-%m-%d %H:%M:%S}Z"
    open_needs = sum(group.count for group in now.needs)
    states = ", ".join(f"{count} {state}" for state, count in now.referrals.items())
    yield f"{sum(now.referrals.values())} referrals are open{f': {states}' if states else ''}"
    yield f"{open_needs} needs of theirs are open"
    for group in now.needs:
        late = f"  {group.overdue} overdue, {age(group.overdue_seconds)} at most" if group.overdue else ""
        then = group.next_action or "with a human"
        yield (
            f"  {group.count:>6}  {group.state:<16} {then:<16} with {group.owner or 'nobody'}"
            f"  oldest {age(group.oldest_seconds)}{late}"
        )
    climbed = ", ".join(f"{level} {count}" for level, count in now.escalations.items()) or "none"
    yield f"Escalations in the last {status_hours} h: {climbed}"
    yield from _work(work)
    for what, pile in (
        ("messages wait to leave", now.outbox),
        ("recipients have not answered a recall", now.recalls),
        (f"records were refused in the last {status_hours} h", now.refused),
    ):
        oldest = f", the oldest {age(pile.oldest_seconds)} ago" if pile.count else ""
        yield f"{pile.count} {what}{oldest}"
    yield f"{sum(one.open for one in now.quarantine)} records lie in quarantine{':' if now.quarantine else ''}"
    for one in now.quarantine:
        alarm = f", {one.overdue} TOO OLD" if one.overdue else ""
        waited = (now.at - one.oldest).total_seconds()
        yield f"  {one.open:>6}  with {one.owner}, the oldest {age(int(waited))} ago{alarm}"


def _work(work: list[WorkLine]) -> Iterator[str]:
    yield f"{len(work)} items wait for a human" + (":" if work else "")
    for reason in dict.fromkeys(line.reason for line in work):
        lines = [line for line in work if line.reason == reason]
        taken = sum(line.claimed_by is not None or line.assigned_to is not None for line in lines)
        aged = sum(line.aged for line in lines)
        alarm = f", {aged} TOO OLD" if aged else ""
        oldest = max(line.age_seconds for line in lines)
        yield f"  {len(lines):>6}  {reason:<22} oldest {age(oldest)}, {taken} taken on{alarm}"
