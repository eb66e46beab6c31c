"""Deliveries per second to HTTP receivers, and what each costs: durable attempts, the zone's gate asked each time.

The deliveries wait as rows of offers when the couriers begin; counted is what the database says has arrived. Couriers
and the receiver are processes of their own; the receiver's time is not ours, PostgreSQL's is.
"""

import asyncio
import sys
from asyncio.subprocess import Process as Child
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg
import psutil
from pydantic_core import to_json

from adapters.channels import SECRETS_FOLDER
from adapters.delivery_tables import Channel
from adapters.inbox.inboxes import database
from adapters.tables import ZONE, table
from adapters.transports.outgoing import outgoing_of
from adapters.transports.transport import Transport
from adapters.transports.webhook import Webhook
from adapters.transports.webhook_secret_making import SecretKind, new_secret
from bench.processors import postgres_of, seconds
from broker.schemas.ids import OrgId
from broker.settings import Settings, load_settings
from broker.sql.bulk import insert
from broker.sql.migrate import migrate
from tests.adapters.courier_desk import CHANNEL, CourierDesk
from tests.adapters.network import until
from tests.adapters.scripted import ScriptedTransport

DELIVERIES: Final = 8000
QUEUED_TOGETHER: Final = 500
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Way:
    """How a transport reaches the receiver."""

    transport: Callable[..., Transport]
    """By the receivers' ports, which its guard has to let through."""
    settings: Callable[[int], Mapping[str, Any]]
    """By the receiver's port, as they stand on the wire."""


def _webhook(*ports: int) -> Transport:
    given = load_settings(outgoing_loopback=",".join(f"127.0.0.1:{port}" for port in ports), _env_file=None)
    return Webhook(lambda: outgoing_of(given))


WAYS: Final[Mapping[str, Way]] = {
    Webhook.NAME: Way(_webhook, lambda port: {"url": f"http://127.0.0.1:{port}/notices"}),
    ScriptedTransport.NAME: Way(lambda *_: ScriptedTransport(), lambda port: {"port": port}),
}
"""By the transport's name. `scripted` is the least that HTTP can be: what is measured with it is the courier."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One measurement."""

    recipients: int
    answer_milliseconds: int
    couriers: int
    """Processes."""


SETTINGS: Final = tuple(
    Setting(recipients, ms, couriers) for ms in (0, 50) for recipients in (1, 100) for couriers in (1, 2)
)


@dataclass(frozen=True, slots=True)
class Figure:
    """What came of one."""

    per_second: float
    courier_milliseconds: float
    """CPU of our processes for each delivery."""
    postgres_milliseconds: float
    receiver_milliseconds: float
    """CPU of whoever takes it, which is not ours and stands beside us."""
    idle_share: float
    """Of the machine's processors, meanwhile."""


def databases_of(settings: Settings) -> tuple[str, str]:
    """The provider zone's database, as its everyday role and as its owner."""
    assert settings.provider_postgres_dsn is not None, "embedded parts have one"
    assert settings.provider_postgres_owner_dsn is not None
    return (
        settings.provider_postgres_dsn.get_secret_value(),
        settings.provider_postgres_owner_dsn.get_secret_value(),
    )


async def measure(
    dsn: str, owner_dsn: str, folder: Path, way: str, deliveries: int = DELIVERIES
) -> dict[Setting, Figure]:
    """Every setting, one after another, on the provider zone's database at `dsn`."""
    await migrate(owner_dsn, ZONE)
    found = {}
    async with database(dsn) as pool:
        for number, setting in enumerate(SETTINGS):
            async with receiving(setting.answer_milliseconds) as receiver:
                port = receiver.port
                desk = CourierDesk(pool, folder / f"deliveries-{number}", dsn, {way: WAYS[way].transport(port)})
                await emptied(desk)
                await _queued(desk, way, port, setting.recipients, deliveries)
                await analysed(owner_dsn, "delivery", "offer", "attempt", "answer")
                courier = [dsn, str(desk.zones), way, str(port)]
                found[setting] = await _delivered(desk, deliveries, courier, setting.couriers, receiver)
    return found


class Receiver(NamedTuple):
    """Where one listens, and its process."""

    port: int
    process: psutil.Process


@asynccontextmanager
async def receiving(milliseconds: int) -> AsyncIterator[Receiver]:
    """A receiver while the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.receiver", str(milliseconds), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield Receiver(int(await process.stdout.readline()), psutil.Process(process.pid))
    finally:
        process.kill()
        await process.wait()


async def emptied(desk: CourierDesk) -> None:
    """Nothing is left of another measurement."""
    for name in ("channel", "delivery", "offer", "received", "answer"):
        await desk.pool.execute(f"DELETE FROM {name}")


async def analysed(owner_dsn: str, *tables: str) -> None:
    """Have PostgreSQL know what was just filled, as the tables' owner: of anybody else it takes no such order."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        await connection.execute(f"ANALYZE {', '.join(tables)}")
    finally:
        await connection.close()


async def reached(desk: CourierDesk, way: str, ports: Mapping[OrgId, int]) -> None:
    """Serve these organisations, each by one channel to the receiver at its port."""
    desk.serve(*ports)
    now = await desk.pool.fetchval("SELECT clock_timestamp()")
    said = {port: to_json(dict(WAYS[way].settings(port))).decode() for port in set(ports.values())}
    rows = [(org, 1, way, said[port], "c1", False, 0, now) for org, port in ports.items()]
    async with desk.pool.acquire() as connection:
        await insert(connection, table(Channel), CHANNEL, rows)
    for org in ports:
        new_secret(desk.zones / org / SECRETS_FOLDER / "c1", SecretKind.ED25519, now)


async def _queued(desk: CourierDesk, way: str, port: int, recipients: int, deliveries: int) -> None:
    """Put offers on their way to so many organisations."""
    orgs = [OrgId(f"org-bench-{number}") for number in range(recipients)]
    await reached(desk, way, dict.fromkeys(orgs, port))
    share = deliveries // recipients
    for org in orgs:
        for start in range(0, share, QUEUED_TOGETHER):
            await desk.offers(org, min(QUEUED_TOGETHER, share - start))


async def _delivered(
    desk: CourierDesk, deliveries: int, courier: Sequence[str], couriers: int, receiver: Receiver
) -> Figure:
    """Hand over all that is on its way, by so many processes."""
    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as stack:
        children = [await stack.enter_async_context(_ready(courier)) for _ in range(couriers)]
        postgres, own = await postgres_of(desk.pool), [psutil.Process(child.pid) for child in children]
        parties = own, postgres, [receiver.process]
        before, idle, began = [seconds(party) for party in parties], psutil.cpu_times().idle, clock()
        for child in children:
            assert child.stdin is not None
            child.stdin.write(b"\n")
        await until(lambda: _arrived(desk, deliveries))
        lasted = clock() - began
        idle = (psutil.cpu_times().idle - idle) / lasted / (psutil.cpu_count() or 1)
        of_couriers, of_postgres, of_receiver = (
            (seconds(party) - was) / deliveries * 1000 for party, was in zip(parties, before, strict=True)
        )
    return Figure(deliveries / lasted, of_couriers, of_postgres, of_receiver, idle)


@asynccontextmanager
async def _ready(courier: Sequence[str]) -> AsyncIterator[Child]:
    """A courier in a process of its own, connected, that begins when it is told."""
    command = sys.executable, "-m", "bench.courier", *courier
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        assert child.stdout is not None
        await child.stdout.readline()
        yield child
    finally:
        child.kill()
        await child.wait()


async def _arrived(desk: CourierDesk, deliveries: int) -> bool:
    await asyncio.sleep(LOOK_SECONDS)
    count: int = await desk.pool.fetchval("SELECT count(*) FROM delivery WHERE state = 'DELIVERED'")
    return count >= deliveries


_COSTS: Final = "CPU ms each, ours | PostgreSQL | the receiver | processors idle"


def report(figures: Mapping[Setting, Figure], way: str) -> list[str]:
    """The results as lines of a page."""
    lines = [
        "",
        f"| Deliveries by `{way}`, durable, the gate asked each time | per second | {_COSTS} |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for setting, figure in figures.items():
        whom = f"{_many(setting.recipients, 'recipient')}, answering in {setting.answer_milliseconds} ms"
        ours = f"{figure.courier_milliseconds:.2f} | {figure.postgres_milliseconds:.2f}"
        costs = f"{ours} | {figure.receiver_milliseconds:.2f} | {figure.idle_share:.0%}"
        lines.append(f"| {whom}, {_many(setting.couriers, 'courier')} | {figure.per_second:,.0f} | {costs} |")
    return [*lines, "", *_what_holds_it_back(figures)]


def _what_holds_it_back(figures: Mapping[Setting, Figure]) -> list[str]:
    """Where the time of the quickest setting goes."""
    setting, figure = max(figures.items(), key=lambda found: found[1].per_second)
    ours = figure.courier_milliseconds + figure.postgres_milliseconds
    whole = ours + figure.receiver_milliseconds
    where = f"{_many(setting.recipients, 'recipient')}, {setting.answer_milliseconds} ms"
    return [
        f"What holds it back: processors. At {figure.per_second:,.0f}/s ({where}) couriers, PostgreSQL and the",
        f"receiver are on one for {whole * figure.per_second / 1000:.2f} s of each second, for",
        f"{figure.receiver_milliseconds / whole:.0%} of that the receiver; the bench and the kernel take the rest, and",
        f"{figure.idle_share:.0%} of the machine's {psutil.cpu_count()} processors are idle.",
    ]


def _many(count: int, of: str) -> str:
    return f"{count} {of}{'s' if count > 1 else ''}"
