"""The door for agencies, the pages of the network and its desk, while a block lasts: without a key of anybody's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from broker import limits
from broker.agency.sending import Sender
from broker.composition import broker_pool, judge_of, kafka_of, topics_of
from broker.errors import SettingsInvalid
from broker.settings import Settings
from broker.sql.bulk import Pool
from broker.trail.proofs import PublishedLog
from broker.web.app import WebParts, agencies_door
from broker.web.desk.app import desk_pages
from broker.web.desk.asking import own_sign_in
from broker.web.desk.who import Desk
from broker.web.pages.app import Site
from broker.web.pages.public import Contacts, PublicDesk
from broker.web.serving import served
from broker.web.site import SiteAndDoor


def _site(settings: Settings, pool: Pool) -> Site:
    operator = settings.public_operator or settings.broker_org
    contacts = Contacts(operator, settings.public_complaints, settings.public_withdrawal)
    return Site(settings.environment, PublicDesk(pool, contacts), settings.inbox_exit_url)


@asynccontextmanager
async def _desk(settings: Settings, pool: Pool) -> AsyncIterator[None]:
    """The desk, where an address is set: apart from what everybody may reach."""
    if settings.desk_address is None:
        yield
        return
    async with own_sign_in(settings) as own:
        pages = desk_pages(
            Desk(pool, settings.broker_org, judge_of(settings), kafka_of(settings), PublishedLog(settings.log)),
            settings.environment,
            origin=settings.desk_origin,
            leave_for=settings.inbox_exit_url,
            links_allowed=settings.desk_links_allowed,
            own_sign_in=own,
            zone=settings.house_zone,
        )
        async with served(pages, settings.desk_address, "HANDOFF_DESK_ADDRESS", limits.desk_requests_max):
            yield


@asynccontextmanager
async def running_web(settings: Settings) -> AsyncIterator[tuple[str, int]]:
    """Serve at the address that is set; gives the one that it listens at.

    Raises:
        SettingsInvalid: none is set, or nothing can listen there.
        PostgresUnreachable: nobody answers there.
    """
    if settings.web_address is None:
        raise SettingsInvalid("HANDOFF_WEB_ADDRESS is not set: it says where the door for agencies listens.")
    kafka = kafka_of(settings)
    sender = Sender(kafka, limits.web_confirm_seconds_max)
    async with broker_pool(settings) as pool:
        door = agencies_door(WebParts(pool, kafka, topics_of(settings), sender, settings.log))
        app = SiteAndDoor(_site(settings, pool), door)
        try:
            async with (
                served(app, settings.web_address, "HANDOFF_WEB_ADDRESS", limits.web_connections_max) as place,
                _desk(settings, pool),
            ):
                yield place
        finally:
            await sender.stop()
