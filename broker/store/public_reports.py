"""What the public is told of a quarter: counted once it is over, small counts held back, and never changed again.

A report that were counted anew each time would tell by its changes: 41 yesterday and 40 today is one person who has
been forgotten. So the first process that is asked stores it, as it may be told, and from then on that is the report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import from_json, to_json

from broker.domain.quarters import Quarter, over
from broker.domain.small_cells import Published, published
from broker.limits import public_quarters_max, public_report_days
from broker.sql.bulk import Connection
from broker.store.public_counts import CELLS, counts_of


@dataclass(frozen=True, slots=True)
class Report:
    """One quarter in figures: needs by kind of help and by urgency, answers of providers by time and by deadline."""

    quarter: Quarter
    kinds: Published
    urgencies: Published
    times: Published
    deadlines: Published


async def reports(connection: Connection, now: datetime) -> list[Report]:
    """The reports of the latest quarters, the latest first; those that are due are stored meanwhile."""
    first = await connection.fetchval("SELECT min(activated_at) FROM policy_activation")
    if first is None:
        return []
    due = over(first, now - timedelta(days=public_report_days), public_quarters_max)
    return [await _report(connection, quarter) for quarter in due]


async def _report(connection: Connection, quarter: Quarter) -> Report:
    kept = await _kept(connection, quarter)
    if kept is None:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO public_report (quarter, content) VALUES ($1, $2::jsonb) ON CONFLICT DO NOTHING",
                *(str(quarter), to_json(await _told(connection, quarter)).decode()),
            )
        kept = await _kept(connection, quarter)  # Of two processes at once the first one's counts.
        assert kept is not None
    return kept


async def _kept(connection: Connection, quarter: Quarter) -> Report | None:
    text = await connection.fetchval("SELECT content::text FROM public_report WHERE quarter = $1", str(quarter))
    if text is None:
        return None
    told: Mapping[str, Mapping[str, Any]] = from_json(text)
    return Report(quarter, **{name: Published(one["cells"], one["total"]) for name, one in told.items()})


async def _told(connection: Connection, quarter: Quarter) -> dict[str, dict[str, Any]]:
    """What may be told of a quarter; the counts themselves are not kept any longer."""
    counts = await counts_of(connection, quarter)
    told = (*published([counts["kinds"], counts["urgencies"]]), *published([counts["times"], counts["deadlines"]]))
    return {name: {"cells": dict(one.cells), "total": one.total} for name, one in zip(CELLS, told, strict=True)}
