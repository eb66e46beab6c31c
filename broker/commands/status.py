"""`handoff status`: what is open, how old, whose turn it is, what is overdue, held or stuck, and who is needed."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from broker.commands.clock_finding import clock_trouble
from broker.commands.work import age
from broker.composition import broker_pool
from broker.limits import outbox_age_seconds_max, overdue_seconds_max, quarantine_alarm_hours, status_hours
from broker.local.parts import attached
from broker.settings import Settings, load_settings
from broker.store.quarantine import Backlog
from broker.store.standing import Standing, standing
from broker.store.work import WorkLine, open_work


def status(as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False) -> None:
    """Tell at a glance how the network stands. Exits 0 where everything goes by itself, 1 where a human is needed."""
    now, work = asyncio.run(_read(attached(load_settings())))
    needed = list(_needed(now, work))
    if as_json:
        told = {**asdict(now), "work": [asdict(line) for line in work], "needed": needed}
        typer.echo(json.dumps(told, default=datetime.isoformat))
    else:
        for line in (*_told(now, work), *(f"→ {line}" for line in needed)):
            typer.echo(line)
        if not needed:
            typer.echo("Nobody is needed: everything open has its next step.")
    raise typer.Exit(1 if needed else 0)


async def _read(settings: Settings) -> tuple[Standing, list[WorkLine]]:
    async with broker_pool(settings) as pool, pool.acquire() as connection:
        return await standing(connection, settings.broker_org), await open_work(connection)


def _needed(now: Standing, work: list[WorkLine]) -> Iterator[str]:
    """What a human must look at, each in one line with what to do."""
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
