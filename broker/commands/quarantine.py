"""`handoff quarantine`: what was not taken in, whose, why, how old; have it judged again, or give it up by code."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from broker.bus.rereading import Rereader, rereader
from broker.commands.database import with_broker
from broker.commands.trail import ACTOR, Json
from broker.composition import broker_pool, judge_of, kafka_of
from broker.judging_again import Judge, Judged, Judgement, judge_again
from broker.limits import quarantine_alarm_hours, quarantine_bulk_max
from broker.local.parts import attached
from broker.schemas.refusal import ADVICE, RefusalCode
from broker.settings import Settings, load_settings
from broker.sql.bulk import Connection
from broker.store import quarantine
from broker.store.quarantine import DiscardReason, Filter, Quarantined, ReleaseReason

app = typer.Typer(no_args_is_help=True, help="Records that were not taken in: look, have them judged again, give up.")

_SPAN: Final = re.compile(r"^(\d{1,6})(m|h|d)$")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}


def _span(text: str) -> timedelta:
    found = _SPAN.match(text)
    if found is None:
        raise typer.BadParameter("write it like 90m, 12h or 3d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


Code = Annotated[RefusalCode | None, typer.Option("--code", help="Only those refused with this code.")]
Owner = Annotated[str | None, typer.Option("--org", help="Only those on this organisation's topics: org-…")]
Older = Annotated[Any, typer.Option("--older-than", parser=_span, metavar="AGE", help="Such as 90m, 12h or 3d.")]
Younger = Annotated[Any, typer.Option("--younger-than", parser=_span, metavar="AGE", help="Such as 90m, 12h or 3d.")]
Records = Annotated[list[str] | None, typer.Argument(help="Records as `list` names them: topic/partition/offset.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would come of it, and do nothing.")]
Yes = Annotated[int | None, typer.Option("--yes", metavar="COUNT", help="Do it to that many: the dry run's count.")]


@app.command("list")
def list_(
    code: Code = None,
    org: Owner = None,
    older_than: Older = None,
    younger_than: Younger = None,
    limit: Annotated[int, typer.Option(help="How many, newest first.", min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """Open records: where they lie in Kafka, why, whose they are and since when. Never their content."""
    wanted = Filter(code, org, older_than, younger_than)

    async def work(settings: Settings, connection: Connection) -> None:
        rows = await quarantine.found(connection, wanted, settings.broker_org, limit)
        for one in rows:
            typer.echo(_as_json(one, settings) if as_json else _line(one, settings))
        if as_json:
            return
        for line in await quarantine.backlog(connection, settings.broker_org):
            late = f", {line.overdue} OVERDUE" if line.overdue else ""
            typer.echo(f"{line.owner} has {line.open}{late}; the oldest waits {_age(line.oldest)}")
        if not rows:
            typer.echo("Nothing of that kind in quarantine." if wanted.narrows else "Nothing in quarantine.")

    with_broker(work)


@app.command()
def show(
    record: Annotated[str, typer.Argument(help="The record as `list` names it: topic/partition/offset.")],
    as_json: Json = False,
) -> None:
    """Say of one record why it was not taken in, whose it is, what to do, and whether Kafka still has it."""

    async def work(settings: Settings, connection: Connection) -> None:
        one = await _named(connection, record)
        async with rereader(kafka_of(settings)) as reader:
            kept = await reader.read(*one.place) is not None
        if as_json:
            typer.echo(_as_json(one, settings, kept=kept))
            return
        for line in _told(one, settings, kept=kept):
            typer.echo(line)

    with_broker(work)


@app.command()
def release(
    reason: Annotated[ReleaseReason, typer.Option(help="What has changed since it was refused.")],
    records: Records = None,
    code: Code = None,
    org: Owner = None,
    older_than: Older = None,
    younger_than: Younger = None,
    dry_run: DryRun = False,
    yes: Yes = None,
    as_json: Json = False,
) -> None:
    """Have records read again from Kafka and judged again now, as if they came anew: nothing is waived.

    What is refused again stays, with the new code; its publisher hears of it only where that is another one. What is
    taken in takes effect once, under its own message id. Several at once, or by a filter: look at `--dry-run` first.
    """
    settings = attached(load_settings())
    wanted = Filter(code, org, older_than, younger_than)
    failed = asyncio.run(
        _release(settings, _Bulk(records or [], wanted, yes, dry_run=dry_run), reason, as_json=as_json)
    )
    if failed:
        raise typer.Exit(1)


@app.command()
def discard(
    reason: Annotated[DiscardReason, typer.Option(help="Why nothing more is to be done.")],
    records: Records = None,
    code: Code = None,
    org: Owner = None,
    older_than: Older = None,
    younger_than: Younger = None,
    dry_run: DryRun = False,
    yes: Yes = None,
) -> None:
    """Give records up, with a reason that stays on the trail. Several at once, or by a filter: `--dry-run` first."""
    bulk = _Bulk(records or [], Filter(code, org, older_than, younger_than), yes, dry_run=dry_run)

    async def work(settings: Settings, connection: Connection) -> None:
        rows = await _meant(connection, bulk, settings)
        if bulk.dry_run:
            for one in rows:
                typer.echo(_line(one, settings))
            typer.echo(f"{len(rows)} would be given up. To do it: --yes {len(rows)}")
            return
        done = [await quarantine.discard(connection, one, reason, ACTOR) for one in rows]
        typer.echo(f"{sum(done)} given up: {reason.value}.")
        if not all(done):
            typer.echo(f"{done.count(False)} had been settled already.")

    with_broker(work)


@dataclass(frozen=True, slots=True)
class _Bulk:
    """What an act is meant for, and what its user knows of that."""

    records: Sequence[str]
    wanted: Filter
    yes: int | None
    dry_run: bool

    def refuse_unseen(self, rows: Sequence[Quarantined]) -> None:
        """Several at once only with the count that a dry run showed; whatever came since would be meant, too."""
        if self.dry_run or (len(self.records) == len(rows) == 1) or self.yes == len(rows):
            return
        if self.yes is None:
            typer.echo(f"This means {len(rows)} records. Nothing was done: look at them with --dry-run,", err=True)
            typer.echo(f"  → then do it with --yes {len(rows)}", err=True)
        else:
            typer.echo(f"It is {len(rows)} records now, not {self.yes}. Nothing was done: look again.", err=True)
        raise typer.Exit(2)


async def _meant(connection: Connection, bulk: _Bulk, settings: Settings) -> list[Quarantined]:
    """The open records that are meant, oldest first; exits where there are none or nobody has looked at them."""
    if bool(bulk.records) is bulk.wanted.narrows:
        typer.echo("Name records, or else a filter: --code, --org, --older-than, --younger-than.", err=True)
        raise typer.Exit(2)
    if bulk.records:
        rows = [one for name in dict.fromkeys(bulk.records) if _is_open(one := await _named(connection, name))]
    else:
        rows = await quarantine.found(
            connection, bulk.wanted, settings.broker_org, quarantine_bulk_max, oldest_first=True
        )
    if not rows:
        typer.echo("No such open record in quarantine.", err=True)
        raise typer.Exit(1)
    bulk.refuse_unseen(rows)
    return rows


def _is_open(one: Quarantined) -> bool:
    if one.settled is not None and one.settled_at is not None:
        typer.echo(f"{one.place} is settled: {one.settled.value}, {one.reason}, {one.settled_at:%Y-%m-%d %H:%M}Z")
    return one.settled is None


async def _named(connection: Connection, name: str) -> Quarantined:
    try:
        one = await quarantine.named(connection, name)
    except ValueError:
        typer.echo("A record is named as topic/partition/offset; `handoff quarantine list` shows them.", err=True)
        raise typer.Exit(2) from None
    if one is None:
        typer.echo("No such record in quarantine.", err=True)
        raise typer.Exit(1)
    return one


@asynccontextmanager
async def _at_hand(settings: Settings) -> AsyncIterator[tuple[Judge, Connection, Rereader]]:
    async with (
        broker_pool(settings) as pool,
        pool.acquire() as connection,
        rereader(kafka_of(settings)) as reader,
    ):
        yield judge_of(settings), connection, reader


async def _release(settings: Settings, bulk: _Bulk, reason: ReleaseReason, *, as_json: bool) -> int:
    """Judge them again, one by one; returns how many are not taken in."""
    came: Counter[str] = Counter()
    async with _at_hand(settings) as (judge, connection, reader):
        for one in await _meant(connection, bulk, settings):
            judged = await judge_again(connection, judge, reader, one, reason, ACTOR, dry_run=bulk.dry_run)
            came[judged.judged.value] += 1
            told = f"{one.place}: {_outcome(judged, dry_run=bulk.dry_run)}"
            outcome = {"record": str(one.place), "outcome": judged.judged.value}
            typer.echo(json.dumps(outcome) if as_json else told)
    if not as_json and came.total() > 1:
        typer.echo(", ".join(f"{outcome}: {count}" for outcome, count in sorted(came.items())))
    if not as_json and bulk.dry_run:
        typer.echo(f"Nothing was done. To do it: --yes {came.total()}")
    return came.total() - came[Judged.TAKEN_IN] - came[Judged.KNOWN_ALREADY]


def _outcome(judgement: Judgement, *, dry_run: bool) -> str:
    would = "would be " if dry_run else ""
    match judgement.judged:
        case Judged.TAKEN_IN:
            return f"{would}taken in"
        case Judged.KNOWN_ALREADY:
            return f"{would}settled: the same event was taken in by another record"
        case Judged.SETTLED_MEANWHILE:
            return "somebody has settled it meanwhile"
        case Judged.GONE:
            return "Kafka does not keep it any more; ask its publisher to send it anew"
        case Judged.REFUSED:
            assert judgement.code is not None
            at = f" at {judgement.field}" if judgement.field else ""
            return f"{would}refused again: {judgement.code.value}{at}: {ADVICE[judgement.code].meaning}"


def _line(one: Quarantined, settings: Settings) -> str:
    field = f" at {one.field}" if one.field else ""
    late = "  OVERDUE" if one.is_overdue(datetime.now(UTC)) else ""
    owner = one.owner(settings.broker_org)
    when = f"{one.quarantined_at:%Y-%m-%d %H:%M:%S}Z"
    return f"{when}  {one.code.value}{field}  {one.place}  owner {owner}  {_age(one.quarantined_at)}{late}"


def _told(one: Quarantined, settings: Settings, *, kept: bool) -> list[str]:
    """One record in words: why, whose, how old, what to do."""
    advice, field = ADVICE[one.code], f" at {one.field}" if one.field else ""
    told = f"{one.org} was told" if one.org else "nobody could be told: it came on no organisation's topic"
    lines = [
        str(one.place),
        f"  why       {one.code.value}{field}: {advice.meaning}",
        f"  publisher {told}; → {advice.remedy}",
        f"  owner     {one.owner(settings.broker_org)}",
        f"  since     {one.quarantined_at:%Y-%m-%d %H:%M:%S}Z, {_age(one.quarantined_at)}",
        f"  event     {one.event_id or 'its id could not be read'}, {one.size_bytes} bytes",
        f"  in Kafka  {'yes' if kept else 'no: its topic does not keep it any more'}",
    ]
    if one.judged_at is not None:
        lines.append(f"  again     judged again {one.judged_at:%Y-%m-%d %H:%M:%S}Z, and refused again")
    if one.settled is not None and one.settled_at is not None:
        return [*lines, f"  settled   {one.settled.value}, {one.reason}, {one.settled_at:%Y-%m-%d %H:%M:%S}Z"]
    if one.is_overdue(datetime.now(UTC)):
        lines.append(f"  OVERDUE   it has been here for more than {quarantine_alarm_hours} hours")
    if kept:
        lines.append(f"  → once the cause is gone: handoff quarantine release {one.place} --reason …")
    return [*lines, f"  → where nothing is to be done: handoff quarantine discard {one.place} --reason …"]


def _as_json(one: Quarantined, settings: Settings, *, kept: bool | None = None) -> str:
    told = asdict(one) | {
        "place": str(one.place),
        "owner": one.owner(settings.broker_org),
        "overdue": one.is_overdue(datetime.now(UTC)),
    }
    return json.dumps(told if kept is None else told | {"kept": kept}, default=str)


def _age(since: datetime) -> str:
    minutes = int((datetime.now(UTC) - since).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
