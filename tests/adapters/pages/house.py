"""A provider's house for tests: its pages open at a port, offers in its file, people who look by a browser."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from playwright.async_api import Browser, Page
from pydantic_core import to_json

from adapters.inbox.inbox import Inbox
from adapters.inbox.web.app import inbox_pages
from adapters.inbox.web.entry import StaffSignIn, staff_links
from adapters.inbox.web.roles import StaffRole
from adapters.standing import Standing
from broker import limits
from broker.entry.front import Front
from broker.entry.links import LinkPurpose
from broker.look.zone import UTC_ZONE
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OfferId, OrgId, new_event_id, new_offer_id, new_referral_id
from broker.schemas.reference import reference_of
from broker.schemas.vocabulary import MsgStatus, RecipientCategory
from broker.seal.sealing import seal_group, wrap_key
from tests.adapters.courier_desk import CourierDesk
from tests.adapters.network import GROUPS, example_offer
from tests.browsing import NEUTRAL, Entered, open_pages

BROOK: Final = OrgId("org-brook")


@dataclass(slots=True)
class House(Entered):
    """An installation of two providers whose pages are open, and a clock that a test may set."""

    desk: CourierDesk
    browser: Browser
    environment: MsgStatus = MsgStatus.ACTUAL
    base: str = ""
    links_allowed: bool = True
    own_sign_in: StaffSignIn | None = None
    elsewhere: str | None = None
    pages: FastAPI | None = None
    ahead: timedelta = timedelta(0)
    zone: ZoneInfo = UTC_ZONE
    urls: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def inbox(self, org: OrgId) -> Inbox:
        """The inbox behind the pages."""
        return Inbox(self.desk.pool, self.desk.providers[org], self.environment)

    @property
    def front(self) -> Front:
        """What the pages work with."""
        assert self.pages is not None
        front: Front = self.pages.state.front
        return front

    def practise(self) -> None:
        """From here on this is the network of exercises."""
        self.environment = MsgStatus.EXERCISE
        self.pages = self.application()

    def application(self) -> FastAPI:
        """The pages, as they are reached at this port."""
        return inbox_pages(
            self.desk.pool,
            self.desk.providers,
            self.environment,
            origin=self.base,
            leave_for=self.base + NEUTRAL,
            links_allowed=self.links_allowed,
            own_sign_in=self.own_sign_in,
            clock=self.clock,
            zone=self.zone,
        )

    async def link(self, org: OrgId, role: StaffRole = StaffRole.STAFF) -> str:
        """A path that signs somebody in once."""
        links = staff_links(self.desk.pool, allowed=True)
        return f"/sign-in/{await links.make(org, role, LinkPurpose.SIGN_IN, self.clock())}"

    async def passkey_link(self, org: OrgId, role: StaffRole = StaffRole.STAFF) -> str:
        """A path by which somebody makes a first passkey, once."""
        links = staff_links(self.desk.pool, allowed=False)
        return f"/sign-in/{await links.make(org, role, LinkPurpose.PASSKEY, self.clock())}"

    @asynccontextmanager
    async def person(self, org: OrgId, role: StaffRole = StaffRole.STAFF, **options: Any) -> AsyncIterator[Page]:
        """Somebody of this organisation who has just signed in, and sees the list."""
        async with self.visitor(**options) as page:
            await page.goto(await self.link(org, role))
            await page.get_by_role("button").last.click()
            await page.wait_for_url(self.base + "/")
            yield page

    async def offered(
        self,
        org: OrgId,
        standing: Standing = Standing.WAITING,
        *,
        due: timedelta = timedelta(minutes=12),
        priority: str = "P1",
    ) -> OfferId:
        """An offer in the provider's file, as if it had come."""
        offer_id, referral, now = new_offer_id(), new_referral_id(), datetime.now(UTC)
        offer = example_offer(RecipientCategory.SHELTER, offer_id)
        await self.desk.pool.execute(
            "INSERT INTO offer (org_id, offer_id, referral_id, reference, standing, category, priority, answer_by,"
            " content, received_at, changed_at) VALUES ($1, $2, $3, $4, $5, 'SHELTER', $6, $7, $8, $9, $9)",
            *(org, offer_id, referral, reference_of(referral), standing.value, priority, now + due),
            *(offer.wire().decode(), now),
        )
        return offer_id

    async def release(
        self,
        org: OrgId,
        offer_id: OfferId,
        groups: Mapping[str, Mapping[str, Any]] = GROUPS,
        *,
        lasts: timedelta = timedelta(days=1),
    ) -> None:
        """What a source has sealed to this provider, as if it had come."""
        pool, released, now = self.desk.pool, new_event_id(), datetime.now(UTC)
        referral = await pool.fetchval("SELECT referral_id FROM offer WHERE offer_id = $1", offer_id)
        await pool.execute(
            "INSERT INTO disclosure (org_id, offer_id, expires_at, redisclosure_prohibited, notice_code,"
            " contact_fresh_hours, released_at) VALUES ($1, $2, $3, TRUE, 'VAWA-LOCAL', 72, $4)",
            *(org, offer_id, now + lasts, now),
        )
        public = self.desk.providers[org].key_ring.newest
        for code, content in groups.items():
            part, key = seal_group(referral, FieldGroup(code), to_json(content))
            wrap = wrap_key(referral, part, key, public)
            await pool.execute(
                "INSERT INTO sealed_part (org_id, offer_id, field_group, release_id, suite, ciphertext)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                *(org, offer_id, code, released, part.suite, part.ciphertext),
            )
            await pool.execute(
                "INSERT INTO wrapped_part (org_id, offer_id, field_group, key_id, release_id, wrapped, received_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                *(org, offer_id, code, wrap.key_id, released, wrap.wrapped, now),
            )


def open_house(house: House) -> AbstractAsyncContextManager[House]:
    """Open its pages."""
    return open_pages(house, "HANDOFF_INBOX_ADDRESS", limits.inbox_requests_max)
