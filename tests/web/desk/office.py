"""A network's office for tests: its desk open at a port, what waits in its tables, people who look by a browser."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from playwright.async_api import Browser, Page

from broker import limits
from broker.composition import judge_of, kafka_of
from broker.entry.links import LinkPurpose
from broker.look.zone import UTC_ZONE
from broker.schemas.delivery_failed import DeliveryFailure
from broker.schemas.ids import new_event_id, new_offer_id, new_referral_id
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import MsgStatus, NeedState, OfferState, Priority
from broker.settings import Settings
from broker.sql.bulk import Pool
from broker.trail.entries import Step, entry, fresh_salt
from broker.web.desk.app import desk_pages
from broker.web.desk.entry import DeskSignIn, desk_links
from broker.web.desk.roles import DeskRole
from broker.web.desk.who import Desk
from tests.browsing import NEUTRAL, Entered, open_pages


@dataclass(slots=True)
class Office(Entered):
    """A desk whose pages are open, and a clock that a test may set."""

    desk: Desk
    browser: Browser
    environment: MsgStatus = MsgStatus.ACTUAL
    base: str = ""
    own_sign_in: DeskSignIn | None = None
    elsewhere: str | None = None
    pages: FastAPI | None = None
    ahead: timedelta = timedelta(0)
    zone: ZoneInfo = UTC_ZONE
    urls: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    @property
    def pool(self) -> Pool:
        """The broker's database."""
        return self.desk.pool

    def practise(self) -> None:
        """From here on this is the network of exercises."""
        self.environment = MsgStatus.EXERCISE
        self.pages = self.application()

    def application(self) -> FastAPI:
        """The pages, as they are reached at this port."""
        return desk_pages(
            self.desk,
            self.environment,
            origin=self.base,
            leave_for=self.base + NEUTRAL,
            links_allowed=True,
            own_sign_in=self.own_sign_in,
            clock=self.clock,
            zone=self.zone,
        )

    async def link(self, role: DeskRole, purpose: LinkPurpose = LinkPurpose.SIGN_IN) -> str:
        """A path by which somebody comes in once."""
        links = desk_links(self.pool, allowed=True)
        return f"/sign-in/{await links.make(self.desk.broker_org, role, purpose, self.clock())}"

    async def waits(
        self,
        reason: str,
        priority: Priority = Priority.P1,
        *,
        age: timedelta = timedelta(minutes=4),
        state: NeedState = NeedState.NO_MATCH,
        provider: str | None = None,
    ) -> str:
        """Something that waits for a human, as if it had come to that; the id of its item."""
        referral, item, at = new_referral_id(), str(uuid4()), datetime.now(UTC) - age
        await self.pool.execute(
            "INSERT INTO referral (referral_id, source, priority, policy, victim_agreed, request, excluded, groups,"
            " received_at) VALUES ($1, 'org-police', $2, 'p', 'YES', '{}', '[]', '[]', $3)",
            *(referral, priority.value, at),
        )
        await self.pool.execute(
            "INSERT INTO need (referral_id, category, state, services, engaged, released, changed_at, priority,"
            " expires_at, provider, next_action, due_at)"
            " VALUES ($1, 'SHELTER', $2, '[]', FALSE, FALSE, $3, $4, $3, $5, 'CLIMB_LADDER', $6)",
            *(referral, state.value, at, priority.value, provider, at + timedelta(days=1)),
        )
        await self.pool.execute(
            "INSERT INTO work_item (work_id, referral_id, category, reason, owner, priority, raised_at)"
            " VALUES ($1, $2, 'SHELTER', $3, $4, $5, $6)",
            *(item, referral, reason, self.desk.broker_org, priority.value, at),
        )
        return item

    async def lies(
        self, code: RefusalCode, *, age: timedelta = timedelta(hours=2), org: str | None = "org-police"
    ) -> str:
        """A record that was not taken in, and that Kafka does not keep any more; its path."""
        offset = await self.pool.fetchval("SELECT count(*) FROM quarantine")
        topic = f"source.{org or 'org-gone'}"
        await self.pool.execute(
            "INSERT INTO quarantine (topic, partition, record_offset, record_time_ms, code, field, org_id, event_id,"
            " size_bytes, quarantined_at) VALUES ($1, 0, $2, 0, $3, 'wh-signature', $4, $5, 512, $6)",
            *(topic, offset, code.value, org, new_event_id() if org else None, datetime.now(UTC) - age),
        )
        return f"/quarantine/{topic}/0/{offset}"

    async def failed(self, provider: str, code: DeliveryFailure, *, age: timedelta = timedelta(hours=3)) -> None:
        """An offer that did not arrive, as the provider's zone has reported it."""
        referral, offer, at = new_referral_id(), new_offer_id(), datetime.now(UTC) - age
        await self.pool.execute(
            "INSERT INTO offer (offer_id, referral_id, category, provider, state, rung, made_at, answer_by, reason,"
            " changed_at) VALUES ($1, $2, 'SHELTER', $3, 'WITHDRAWN', 'A0', $4, $4, 'UNDELIVERED', $4)",
            *(offer, referral, provider, at),
        )
        facts = {"at": at, "offer": offer, "provider": provider, "from": OfferState.MADE, "to": OfferState.WITHDRAWN}
        moved = entry(Step.OFFER_MOVED, referral, {**facts, "reason": "UNDELIVERED", "why": code}, fresh_salt())
        await self.pool.execute(
            "INSERT INTO trail_entry (kind, referral_id, salt, preimage, written_at) VALUES ($1, $2, $3, $4, $5)",
            *(moved.kind.value, referral, moved.salt, moved.preimage, at),
        )

    async def recalled(self, provider: str, *, age: timedelta = timedelta(hours=5)) -> str:
        """A taking back that a recipient has not confirmed in time, with its item; the item's id."""
        item = await self.waits("REVOCATION_UNANSWERED", Priority.P2, state=NeedState.REVOKED, provider=provider)
        offer, at = new_offer_id(), datetime.now(UTC) - age
        referral = await self.pool.fetchval("SELECT referral_id FROM work_item WHERE work_id = $1", item)
        await self.pool.execute(
            "INSERT INTO offer (offer_id, referral_id, category, provider, state, rung, made_at, answer_by, changed_at)"
            " VALUES ($1, $2, 'SHELTER', $3, 'ACCEPTED', 'A3', $4, $4, $4)",
            *(offer, referral, provider, at),
        )
        await self.pool.execute(
            "INSERT INTO recall (offer_id, referral_id, groups, asked_at, due_at, reminded, changed_at)"
            " VALUES ($1, $2, '[]', $3, $3, FALSE, $3)",
            *(offer, referral, at),
        )
        return item

    @asynccontextmanager
    async def person(self, role: DeskRole, **options: Any) -> AsyncIterator[Page]:
        """Somebody who has just signed in, and sees where they arrive."""
        async with self.visitor(**options) as page:
            await page.goto(await self.link(role))
            await page.locator("main form button").click()
            await page.wait_for_url(self.base + "/")
            yield page


def desk_of(pool: Pool, settings: Settings) -> Desk:
    """What the pages of these settings work with."""
    return Desk(pool, settings.broker_org, judge_of(settings), kafka_of(settings))


def open_office(office: Office) -> AbstractAsyncContextManager[Office]:
    """Open its desk."""
    return open_pages(office, "HANDOFF_DESK_ADDRESS", limits.desk_requests_max)
