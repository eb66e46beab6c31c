"""Puts everything together: the broker's processes and the provider zone. The only file that names an adapter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from adapters import tables as provider_tables
from adapters.channel_commands import channel_app
from adapters.channel_desk import ChannelDesk
from adapters.commands import inbox_app
from adapters.delivery_commands import delivery_app
from adapters.delivery_desk import DeliveryDesk
from adapters.inbox.inbox import Inbox
from adapters.inbox.inboxes import Inboxes
from adapters.inbox.inboxes import database as provider_database
from adapters.inbox.listing import OfferSeen
from adapters.provider import load_providers, write_provider_folder
from adapters.transports.fhir import Fhir
from adapters.transports.outgoing import outgoing_of
from adapters.transports.webhook import Webhook
from adapters.transports.webhook_secret_making import SecretKind, list_secrets, new_secret, retire_secret
from adapters.transports.webhook_secrets import DOOR_FOLDER
from adapters.troubled import TroubledChannel, troubled_channels
from adapters.zone import GROUP as PROVIDER_GROUP
from adapters.zone import ProviderZone, ZoneParts, every_transport
from broker import limits
from broker.composition import (
    ensure_broker_key,
    ensure_operator_key,
    kafka_of,
    operator_keys,
    prepare_broker,
    signed_network_directory,
    topics_of,
    zone_folder,
)
from broker.errors import SettingsInvalid
from broker.local.parts import attached
from broker.look.zone import see_in
from broker.onboarding import kept, onboard_organisation
from broker.schemas.ids import KeyId, OrgId
from broker.seal.cards import KeyCard, KeyKind
from broker.seal.key_files import read_cards
from broker.seal.keys import SigningKey
from broker.seal.opening import OpeningKey
from broker.settings import Settings, load_settings
from broker.sql.bulk import Connection, Pool
from broker.sql.migrate import migrate
from broker.store.directory import OrganisationCard, listed
from broker.zone import KEYS_FOLDER, write_zone

__all__ = [
    "ChannelDesk",
    "DeliveryDesk",
    "Inbox",
    "Inboxes",
    "OfferSeen",
    "TroubledChannel",
    "adapter",
    "channel",
    "channel_desk",
    "delivery",
    "delivery_desk",
    "door_secret",
    "hand_out_directory",
    "host",
    "inbox",
    "open_inboxes",
    "prepare",
    "sign_in_link",
    "zone_channels",
]


async def prepare(settings: Settings) -> None:
    """Bring the tables of both zones up to date, as their owners, where their addresses are known here."""
    await prepare_broker(settings)
    if settings.provider_postgres_owner_dsn is not None:
        await migrate(settings.provider_postgres_owner_dsn.get_secret_value(), provider_tables.ZONE)


@asynccontextmanager
async def adapter(settings: Settings) -> AsyncIterator[ProviderZone]:
    """The provider zone's process, for every organisation whose folder is here."""
    async with provider_database(provider_dsn(settings)) as pool:
        parts = ZoneParts(
            pool=pool,
            kafka=kafka_of(settings),
            topics=topics_of(settings),
            broker_org=settings.broker_org,
            load_providers=lambda: load_providers(settings.zones),
            group=settings.topic_prefix + PROVIDER_GROUP,
        )
        async with ProviderZone(parts) as zone, _door(settings, pool, zone), _pages(settings, pool, zone):
            yield zone


@asynccontextmanager
async def _door(settings: Settings, pool: Pool, zone: ProviderZone) -> AsyncIterator[None]:
    """The zone's door, where an address is set."""
    if settings.door_address is None:
        yield
        return
    from adapters.door.app import door_app  # a web framework, for whoever opens a door
    from adapters.fhir.hook import router as fhir_hook
    from broker.web.serving import served

    application = door_app(pool, zone.providers, settings.environment)
    for transport in zone.transports.values():
        if isinstance(transport, Fhir):
            application.include_router(fhir_hook(transport.ear.wake))
    async with served(application, settings.door_address, "HANDOFF_DOOR_ADDRESS"):
        yield


@asynccontextmanager
async def _pages(settings: Settings, pool: Pool, zone: ProviderZone) -> AsyncIterator[None]:
    """The inbox in a browser, where an address is set."""
    if settings.inbox_address is None:
        yield
        return
    from adapters.inbox.web.app import inbox_pages
    from adapters.inbox.web.asking import own_sign_in
    from broker.web.serving import served  # a web framework, for whoever shows pages

    async with own_sign_in(settings, zone.providers) as own:
        application = inbox_pages(
            pool,
            zone.providers,
            settings.environment,
            origin=settings.inbox_origin,
            leave_for=settings.inbox_exit_url,
            links_allowed=settings.inbox_links_allowed,
            own_sign_in=own,
            zone=settings.house_zone,
        )
        async with served(
            application, settings.inbox_address, "HANDOFF_INBOX_ADDRESS", connections_max=limits.inbox_requests_max
        ):
            yield


def provider_dsn(settings: Settings) -> str:
    """The provider zone's database as its everyday role."""
    if settings.provider_postgres_dsn is None:
        raise SettingsInvalid("HANDOFF_PROVIDER_POSTGRES_DSN is not set and no embedded PostgreSQL runs.")
    return settings.provider_postgres_dsn.get_secret_value()


@asynccontextmanager
async def open_inboxes(given: Settings | None = None) -> AsyncIterator[Inboxes]:
    """The inboxes of the providers whose folders are here; moments are told in the house's zone from then on."""
    settings = given or attached(load_settings(), "provider_postgres_dsn")
    see_in(settings.house_zone)
    async with provider_database(provider_dsn(settings)) as pool:
        yield Inboxes(pool, load_providers(settings.zones), settings.environment)


inbox = inbox_app(open_inboxes, load_settings)
"""The `handoff inbox` command group."""

channel = channel_app(open_inboxes, every_transport)
"""The `handoff channel` command group."""

delivery = delivery_app(open_inboxes, every_transport)
"""The `handoff delivery` command group."""


def channel_desk(settings: Settings, inboxes: Inboxes, org: OrgId) -> ChannelDesk:
    """Where an organisation's channels are set, by what `settings` say of where this zone may send to."""
    transports = {
        **every_transport(),
        Webhook.NAME: Webhook(lambda: outgoing_of(settings)),
        Fhir.NAME: Fhir(lambda: outgoing_of(settings)),
    }
    return ChannelDesk(inboxes.pool, inboxes.of(org).provider, transports)


def delivery_desk(inboxes: Inboxes, org: OrgId) -> DeliveryDesk:
    """What is on its way to an organisation, and what came of it."""
    return DeliveryDesk(inboxes.pool, inboxes.of(org).provider, every_transport(), inboxes.environment)


async def zone_channels(settings: Settings) -> tuple[int, list[TroubledChannel]]:
    """How many channels the zone of these settings has, and those that need somebody."""
    async with provider_database(provider_dsn(settings)) as pool:
        return await troubled_channels(pool, every_transport())


def door_secret(inboxes: Inboxes, org: OrgId) -> str:
    """A new secret that an organisation's own system signs with at the door (`whsec_…`); older ones end."""
    folder = inboxes.of(org).provider.keys.parent / DOOR_FOLDER
    for older in list_secrets(folder):
        retire_secret(folder, older.name)
    return new_secret(folder, SecretKind.HMAC, datetime.now(UTC)).for_other_side


async def sign_in_link(settings: Settings, inboxes: Inboxes, org: OrgId, role: str) -> str:
    """A link by which one person signs in at the pages of the inbox once, where the settings allow it."""
    from adapters.inbox.web.entry import staff_links  # a library for passkeys, for whoever shows pages
    from adapters.inbox.web.roles import StaffRole
    from broker.entry.links import LinkPurpose

    links = staff_links(inboxes.pool, allowed=settings.inbox_links_allowed)
    token = await links.make(org, StaffRole(role), LinkPurpose.SIGN_IN, await inboxes.of(org).now())
    return f"{settings.inbox_origin}/sign-in/{token}"


async def host(settings: Settings, connection: Connection, card: OrganisationCard) -> None:
    """Onboard an organisation whose zone is on this machine: keys made where missing, its folder made ready."""
    folder = zone_folder(settings, card.org_id)
    cards = _own_keys(folder / KEYS_FOLDER, card)
    kafka, topics = kafka_of(settings), topics_of(settings)
    await onboard_organisation(connection, kafka, topics, card, cards, kept(settings))
    if card.category is not None:
        write_provider_folder(folder, card.org_id, card.category, ensure_broker_key(settings), card.org_class)


def _own_keys(folder: Path, card: OrganisationCard) -> list[KeyCard]:
    now = datetime.now(UTC)
    cards = read_cards(folder) if folder.exists() else []
    if not any(one.kind is KeyKind.SIGNING for one in cards):
        cards.append(SigningKey.new(KeyId(f"{card.org_id}#sign-1")).keep(folder, now))
    if card.category is not None and not any(one.kind is KeyKind.SEALING for one in cards):
        cards.append(OpeningKey.new(KeyId(f"{card.org_id}#seal-1")).keep(folder, now))
    return cards


async def hand_out_directory(settings: Settings, connection: Connection) -> None:
    """Write the directory and the broker's cards into every zone's folder on this machine."""
    cards, pins = ensure_broker_key(settings), ensure_operator_key(settings)
    directory = await signed_network_directory(settings, connection, operator_keys(settings))
    for row in await listed(connection):
        folder = zone_folder(settings, row["org_id"])
        if folder.is_dir() and not row["suspended"]:
            write_zone(folder, directory, cards, pins)
