"""Five thousand answers in ten seconds at the door for providers' own systems, a fifth repeated: none is lost."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp

from adapters.door.app import door_app
from adapters.door.callers import door_folder
from adapters.inbox.inboxes import database
from adapters.standing import Standing
from adapters.transports.webhook_secret_making import add_secret
from bench.deliveries import emptied
from broker.schemas.ids import OfferId, OrgId, new_event_id, new_offer_id, new_referral_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.reference import reference_of
from broker.schemas.vocabulary import MsgStatus, RecipientCategory
from broker.sql.bulk import Pool
from broker.web.serving import served
from tests.adapters.courier_desk import CourierDesk
from tests.adapters.door.own_system import OwnSystem
from tests.adapters.network import example_offer

ANSWERS: Final = 5000
DISTINCT: Final = 4000
SECONDS: Final = 10
ORG: Final = OrgId("org-bench-door")

_OFFER: Final = (
    "INSERT INTO offer (org_id, offer_id, referral_id, reference, standing, category, priority, answer_by, content,"
    " received_at, changed_at)"
    " VALUES ($1, $2, $3, $4, $5, 'SHELTER', 'P1', now() + interval '1 hour', $6, now(), now())"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """How long it took, and what came of it."""

    seconds: float
    taken: int
    """Requests that were answered with a success."""
    stored: int
    """Answers in the database: one for each that was distinct, or something is lost or doubled."""


async def measure(dsn: str, folder: Path) -> Figures:
    """On the migrated database of the provider zone at `dsn`; whoever asks runs on the same cores."""
    async with database(dsn) as pool:
        desk = CourierDesk(pool, folder / "storm", dsn)
        await emptied(desk)
        desk.serve(ORG)
        offers = await _offered(pool)
        async with (
            served(door_app(pool, desk.providers, MsgStatus.ACTUAL), "127.0.0.1:0", "HANDOFF_DOOR_ADDRESS") as (
                host,
                port,
            ),
            aiohttp.ClientSession() as session,
        ):
            own = OwnSystem(session, f"http://{host}:{port}", ORG)
            add_secret(door_folder(desk.providers[ORG]), own.secret, datetime.now(UTC))
            clock = asyncio.get_running_loop().time
            began = clock()
            statuses = await _stormed(own, offers)
            lasted = clock() - began
        stored = await pool.fetchval("SELECT count(DISTINCT event_id) FROM answer WHERE org_id = $1", ORG)
    return Figures(lasted, sum(count for status, count in statuses.items() if status < 300), stored)


async def _offered(pool: Pool) -> list[OfferId]:
    offers = [(new_offer_id(), new_referral_id()) for _ in range(DISTINCT)]
    content = example_offer(RecipientCategory.SHELTER, offers[0][0]).wire().decode()
    waiting = Standing.WAITING.value
    rows = [(ORG, offer, referral, reference_of(referral), waiting, content) for offer, referral in offers]
    await pool.executemany(_OFFER, rows)
    return [offer for offer, _ in offers]


async def _stormed(own: OwnSystem, offers: list[OfferId]) -> Counter[int]:
    """Every offer accepted once, a thousand said again under the same id, in any order, evenly over the seconds."""
    drawn = random.Random(11)
    said = [(offer, new_event_id()) for offer in offers]
    said += drawn.sample(said, ANSWERS - DISTINCT)
    drawn.shuffle(said)
    clock = asyncio.get_running_loop().time
    began, statuses = clock(), Counter[int]()

    async def say(number: int, offer: OfferId, event_id: str) -> None:
        await asyncio.sleep(began + number * SECONDS / ANSWERS - clock())
        fact = OfferAccepted(offer_id=offer, accepted_by=AcceptedBy.STAFF)
        statuses[(await own.answer(fact, message_id=event_id)).status] += 1

    async with asyncio.TaskGroup() as group:
        for number, (offer, event_id) in enumerate(said):
            group.create_task(say(number, offer, event_id))
    return statuses


def report(figures: Figures) -> list[str]:
    """The lines of the page."""
    lost = DISTINCT - figures.stored
    return [
        "",
        (
            f"{ANSWERS:,} answers at the door within {SECONDS} s, a fifth of them repeats: taken in"
            f" {figures.seconds:.1f} s, {ANSWERS - figures.taken} refused, {lost} lost or doubled."
        ),
    ]
