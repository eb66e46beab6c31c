"""Deliveries per second to HTTP receivers, and what each costs: durable attempts, the zone's gate asked each time.

The deliveries wait as rows of offers when the courier begins; counted is what the database says has arrived. The
receiver is a process of its own, and its time is not ours; PostgreSQL's is.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

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
from broker.schemas.ids import OrgId
from broker.settings import Settings, load_settings
from broker.sql.bulk import Pool, insert
from broker.sql.migrate import migrate
from tests.adapters.courier_desk import CourierDesk
from tests.adapters.network import until
from tests.adapters.scripted import ScriptedTransport

DELIVERIES: Final = 8000
QUEUED_TOGETHER: Final = 500
LOOK_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Way:
    """How a transport reaches the receiver."""

    transport: Callable[[int], Transport]
    """By the receiver's port, which its guard has to let through."""
    settings: Callable[[int], Mapping[str, Any]]
    """By the receiver's port, as they stand on the wire."""


def _webhook(port: int) -> Transport:
    given = load_settings(outgoing_loopback=f"127.0.0.1:{port}", _env_file=None)
    return Webhook(lambda: outgoing_of(given))


WAYS: Final[Mapping[str, Way]] = {
    Webhook.NAME: Way(_webhook, lambda port: {"url": f"http://127.0.0.1:{port}/notices"}),
    ScriptedTransport.NAME: Way(lambda _: ScriptedTransport(), lambda port: {"port": port}),
}
"""By the transport's name. `scripted` is the least that HTTP can be: what is measured with it is the courier."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One measurement."""

    recipients: int
    answer_milliseconds: int


SETTINGS: Final = tuple(Setting(recipients, ms) for ms in (0, 50) for recipients in (1, 100))


@dataclass(frozen=True, slots=True)
class Figure:
    """What came of one."""

    per_second: float
    courier_milliseconds: float
    """CPU of our process for each delivery."""
    postgres_milliseconds: float


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
            async with _receiving(setting.answer_milliseconds) as port:
                desk = CourierDesk(pool, folder / f"deliveries-{number}", dsn, {way: WAYS[way].transport(port)})
                await _queued(desk, way, WAYS[way].settings(port), setting.recipients, deliveries)
                found[setting] = await _delivered(desk, deliveries)
    return found


@asynccontextmanager
async def _receiving(milliseconds: int) -> AsyncIterator[int]:
    """The port of a receiver while the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.receiver", str(milliseconds), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def _queued(desk: CourierDesk, way: str, settings: Mapping[str, Any], recipients: int, deliveries: int) -> None:
    """Put offers on their way to so many organisations, in an empty database."""
    for name in ("channel", "delivery", "offer", "received", "answer"):
        await desk.pool.execute(f"DELETE FROM {name}")
    orgs = [OrgId(f"org-bench-{number}") for number in range(recipients)]
    desk.serve(*orgs)
    columns = ("org_id", "place", "transport", "settings", "folder", "on_call", "failures", "changed_at")
    now = await desk.pool.fetchval("SELECT clock_timestamp()")
    said = to_json(dict(settings)).decode()
    async with desk.pool.acquire() as connection:
        await insert(connection, table(Channel), columns, [(org, 1, way, said, "c1", False, 0, now) for org in orgs])
    for org in orgs:
        new_secret(desk.zones / org / SECRETS_FOLDER / "c1", SecretKind.ED25519, now)
    share = deliveries // recipients
    for org in orgs:
        for start in range(0, share, QUEUED_TOGETHER):
            await desk.offers(org, min(QUEUED_TOGETHER, share - start))
    await desk.pool.execute("ANALYZE delivery, offer, attempt, answer")


async def _delivered(desk: CourierDesk, deliveries: int) -> Figure:
    """Hand over all that is on its way."""
    clock = asyncio.get_running_loop().time
    postgres = await _postgres(desk.pool)
    own = psutil.Process()
    before, theirs, began = _seconds([own]), _seconds(postgres), clock()
    async with desk.running():
        await until(lambda: _arrived(desk, deliveries))
        lasted = clock() - began
        ours, theirs = _seconds([own]) - before, _seconds(postgres) - theirs
    return Figure(deliveries / lasted, ours / deliveries * 1000, theirs / deliveries * 1000)


async def _arrived(desk: CourierDesk, deliveries: int) -> bool:
    await asyncio.sleep(LOOK_SECONDS)
    count: int = await desk.pool.fetchval("SELECT count(*) FROM delivery WHERE state = 'DELIVERED'")
    return count >= deliveries


async def _postgres(pool: Pool) -> list[psutil.Process]:
    """The server's processes, those of the pool's connections among them."""
    backend = psutil.Process(await pool.fetchval("SELECT pg_backend_pid()"))
    postmaster = backend.parent()
    assert postmaster is not None
    return [postmaster, *postmaster.children()]


def _seconds(processes: list[psutil.Process]) -> float:
    """The time on a processor of these and of what they have waited for."""
    return sum(sum(process.cpu_times()[:4]) for process in processes if process.is_running())


def report(figures: Mapping[Setting, Figure], way: str) -> list[str]:
    """The results as lines of a page."""
    return [
        "",
        f"| Deliveries by `{way}`, durable, the gate asked each time | per second | CPU ms each, ours | PostgreSQL |",
        "|---|---:|---:|---:|",
        *(
            f"| {setting.recipients} recipient{'s' if setting.recipients > 1 else ''}, answering in"
            f" {setting.answer_milliseconds} ms | {figure.per_second:,.0f} | {figure.courier_milliseconds:.2f} |"
            f" {figure.postgres_milliseconds:.2f} |"
            for setting, figure in figures.items()
        ),
    ]
