"""The staff's list with a hundred thousand referrals in the file: how soon it comes, how large, how soon pages hear."""

import asyncio
import gzip
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from statistics import quantiles
from typing import Final
from urllib.parse import urljoin

import aiohttp
import psutil

from adapters.inbox.inboxes import database
from adapters.inbox.web.entry import staff_entry
from adapters.inbox.web.roles import StaffRole
from adapters.standing import Standing
from bench.deliveries import analysed, emptied
from broker.entry.accounts import Account, new_account_id
from broker.schemas.ids import OfferId, OrgId, new_offer_id, new_referral_id
from broker.schemas.reference import reference_of
from broker.schemas.vocabulary import Priority, RecipientCategory
from broker.sql.bulk import Pool
from tests.adapters.courier_desk import CourierDesk
from tests.adapters.network import example_offer

ORG: Final = OrgId("org-bench-shelter")
STORED: Final = 100_000
WAITING: Final = 50
"""So many of them wait for an answer and stand in the list."""
RATE: Final = 50
"""Requests a second."""
SECONDS: Final = 20
OPEN_PAGES: Final = 500
OPENED_EVERY_SECONDS: Final = 0.01
_COLUMNS: Final = (
    "org_id", "offer_id", "referral_id", "reference", "standing", "category", "priority", "answer_by", "content",
    "received_at", "changed_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds of the list; bytes of its first view, compressed; until the last open page has heard; megabytes."""

    p50: float
    p95: float
    kilobytes: float
    heard_milliseconds: float
    megabytes: float
    """Of the process that serves them, at its largest."""


async def measure(dsn: str, owner_dsn: str, folder: Path) -> Figures:
    """On the migrated database of the provider zone at `dsn`; whoever asks runs on the same cores."""
    async with database(dsn) as pool:
        desk = CourierDesk(pool, folder / "pages", dsn)
        await emptied(desk)
        desk.serve(ORG)
        await _stored(pool)
        await analysed(owner_dsn, "offer")
        account = Account(new_account_id(), ORG, StaffRole.STAFF)
        begun = await staff_entry(pool, "http://localhost", links_allowed=False, own=None).sessions.begin(
            account, "en", datetime.now(UTC)
        )
        async with (
            _serving(dsn, desk.zones) as (server, base),
            aiohttp.ClientSession(
                headers={"cookie": f"session={begun.token}"}, connector=aiohttp.TCPConnector(limit=0)
            ) as session,
        ):
            size = await _first_view(session, base)
            waits = quantiles(await _asked(session, base), n=100)
            heard = await _heard(session, base, pool)
            memory = server.memory_info().rss
    return Figures(waits[49] * 1000, waits[94] * 1000, size / 1024, heard * 1000, memory / 1e6)


async def _stored(pool: Pool) -> None:
    """What came in some years: nearly all of it is over."""
    now, content = datetime.now(UTC), example_offer(RecipientCategory.SHELTER, new_offer_id()).wire().decode()

    def row(number: int) -> tuple[object, ...]:
        referral, at = new_referral_id(), now - timedelta(minutes=10 * number + 1)
        waits = number < WAITING
        standing = Standing.WAITING if waits else Standing.EXPIRED
        priority = tuple(Priority)[number % len(Priority)]
        told = (standing.value, "SHELTER", priority.value, at + timedelta(hours=24), content if waits else None)
        return (ORG, new_offer_id(), referral, reference_of(referral), *told, at, at)

    async with pool.acquire() as connection:
        await connection.copy_records_to_table("offer", records=map(row, range(STORED)), columns=_COLUMNS)


@asynccontextmanager
async def _serving(dsn: str, zones: Path) -> AsyncIterator[tuple[psutil.Process, str]]:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.desk", dsn, str(zones)), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        port = int(await child.stdout.readline())
        yield psutil.Process(child.pid), f"http://127.0.0.1:{port}"
    finally:
        child.kill()
        await child.wait()


class _Linked(HTMLParser):
    """What a browser fetches by itself for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A style sheet, a script, a picture."""
        given = dict(attrs)
        address = given.get("href") if tag == "link" else given.get("src")
        if address and tag in ("link", "script", "img"):
            self.found.add(address)


async def _first_view(session: aiohttp.ClientSession, base: str) -> int:
    """Bytes of the list and of all that it brings along, each compressed as on the way."""
    async with session.get(f"{base}/") as answer:
        assert answer.status == HTTPStatus.OK
        text = await answer.text()
    linked = _Linked()
    linked.feed(text)
    size = len(gzip.compress(text.encode()))
    for address in sorted(linked.found):
        async with session.get(urljoin(f"{base}/", address)) as part:
            assert part.status == HTTPStatus.OK
            size += len(gzip.compress(await part.read()))
    return size


async def _asked(session: aiohttp.ClientSession, base: str) -> list[float]:
    """Seconds of each request, begun in its turn whether the one before it is answered or not."""
    clock, waits = asyncio.get_running_loop().time, list[float]()
    began = clock()

    async def ask(number: int) -> None:
        due = began + number / RATE
        await asyncio.sleep(due - clock())
        async with session.get(f"{base}/") as answer:
            assert answer.status == HTTPStatus.OK, answer.status
            await answer.read()
        waits.append(clock() - due)

    async with asyncio.TaskGroup() as group:
        for number in range(RATE * SECONDS):
            group.create_task(ask(number))
    return waits


async def _heard(session: aiohttp.ClientSession, base: str, pool: Pool) -> float:
    """Seconds from the commit of a new offer until the last of the open pages has heard of it."""
    ready = [asyncio.Event() for _ in range(OPEN_PAGES)]
    since = int(datetime.now(UTC).timestamp() * 1000)

    async def page(number: int) -> None:
        await asyncio.sleep(number * OPENED_EVERY_SECONDS)
        async with session.get(f"{base}/counts?since={since}") as stream:
            assert stream.status == HTTPStatus.OK, stream.status
            assert await stream.content.readuntil(b"\n\n") == b"data:0\n\n"
            ready[number].set()
            while await stream.content.readuntil(b"\n\n") != b"data:1\n\n":
                pass

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in range(OPEN_PAGES):
            group.create_task(page(number))
        await asyncio.gather(*(one.wait() for one in ready))
        await _come(pool)
        began = asyncio.get_running_loop().time()
    return asyncio.get_running_loop().time() - began


async def _come(pool: Pool) -> OfferId:
    offer_id, referral = new_offer_id(), new_referral_id()
    content = example_offer(RecipientCategory.SHELTER, offer_id).wire().decode()
    await pool.execute(
        "INSERT INTO offer (org_id, offer_id, referral_id, reference, standing, category, priority, answer_by,"
        " content, received_at, changed_at)"
        " VALUES ($1, $2, $3, $4, $5, 'SHELTER', 'P1', now() + interval '1 hour', $6, now(), now())",
        *(ORG, offer_id, referral, reference_of(referral), Standing.WAITING.value, content),
    )
    return offer_id


def report(figures: Figures) -> list[str]:
    """The lines of the page."""
    return [
        "",
        (
            f"The staff's list with {STORED:,} referrals in the file, {WAITING} of them waiting, at {RATE} requests/s:"
            f" p50 {figures.p50:.0f} ms, p95 {figures.p95:.0f} ms; first view {figures.kilobytes:.0f} KB compressed."
        ),
        "",
        (
            f"A new offer has reached the last of {OPEN_PAGES} open pages {figures.heard_milliseconds:.0f} ms after its"
            f" commit; the process that serves them took {figures.megabytes:.0f} MB."
        ),
    ]
