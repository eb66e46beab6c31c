"""The demo's shelter system: only what is signed by the zone's key is taken, once, and it can go away and come back."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.guard import Guard, endpoints_of
from adapters.standard_webhooks import Ed25519Secret, signed_headers
from adapters.transports.outgoing import outgoing_of
from adapters.transports.transport import Channel, Delivered, Refused, TryAgain
from adapters.transports.webhook import Webhook, notice
from adapters.transports.webhook_secret_making import list_secrets
from broker.local.demo.own_system import Notice, OwnSystem, signed_by
from broker.settings import load_settings
from tests.adapters.handovers import an_offer, channel_to


@pytest.fixture
async def system() -> AsyncIterator[OwnSystem]:
    """Cedar house's, believing nobody yet."""
    async with OwnSystem() as listening:
        yield listening


@pytest.fixture
async def webhook(system: OwnSystem) -> AsyncIterator[Webhook]:
    """The transport, allowed to reach it."""
    transport = Webhook(lambda: outgoing_of(load_settings(outgoing_loopback=system.address, _env_file=None)))
    yield transport
    await transport.stop()


def _channel(webhook: Webhook, system: OwnSystem, folder: Path) -> Channel:
    channel = channel_to("webhook", {"url": system.url}, folder)
    webhook.prepare(channel, datetime.now(UTC))
    return channel


async def test_a_webhook_is_taken_once_and_only_from_whom_it_believes(
    system: OwnSystem, webhook: Webhook, home: Path
) -> None:
    """401 before the zone's public key is known to it, 204 afterwards; the same again is no news."""
    channel, offer = _channel(webhook, system, home), an_offer()
    told: list[Notice] = []
    system.told = told.append
    assert await webhook.attempt(channel, offer) == Refused("HTTP_401", pause=True)
    system.believes = tuple(one.public for one in list_secrets(channel.secrets) if one.public)
    assert [await webhook.attempt(channel, offer) for _ in range(2)] == [Delivered("HTTP_204")] * 2
    assert (system.refused, told) == (1, system.notices)
    [taken] = system.about(offer.offer_id)
    assert (taken.message_id, taken.body) == (offer.message_id, notice(offer))
    assert taken.says == f"offer.made {offer.reference}"


def test_a_changed_or_old_webhook_is_not_believed() -> None:
    """Every part is signed, and what is older than five minutes may be a replay."""
    key = Ed25519Secret.new()
    keys, now, body = (key.public().text(),), int(time.time()), b"{}"
    good = signed_headers("m1", now, body, [key])
    assert signed_by(keys, good, body)
    assert not signed_by(keys, good, b"{ }")
    assert not signed_by(keys, {**good, "webhook-id": "m2"}, body)
    assert not signed_by((Ed25519Secret.new().public().text(),), good, body)
    assert not signed_by(keys, signed_headers("m1", now - 301, body, [key]), body)
    assert not signed_by(keys, {}, body)
    assert not signed_by(keys, {**good, "webhook-signature": "v1a,????"}, body)


async def test_whoever_is_away_is_there_again_at_the_same_address(
    system: OwnSystem, webhook: Webhook, home: Path
) -> None:
    """So that a channel is tried again, and needs no new settings."""
    channel, offer, address = _channel(webhook, system, home), an_offer(), system.address
    system.believes = tuple(one.public for one in list_secrets(channel.secrets) if one.public)
    assert Guard(endpoints_of(address)).endpoint(system.url).url == system.url
    await system.go_away()
    assert await webhook.attempt(channel, offer) == TryAgain("NOT_REACHED")
    await system.listen()
    assert system.address == address
    assert await webhook.attempt(channel, offer) == Delivered("HTTP_204")
