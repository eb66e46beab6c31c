"""Kafka may die and come back: what is published meanwhile is confirmed once it is there, by the same client."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from broker.agency.errors import NotConfirmed
from broker.client import Notice
from broker.local.parts import LocalParts
from broker.schemas.incident_reported import IncidentReported
from broker.settings import load_settings
from tests.client.county import found, found_without_broker
from tests.crash.test_outages import settings_of

INCIDENT = IncidentReported(occurred="TODAY", jurisdiction_code="US-CA")


async def test_an_event_that_is_published_while_kafka_is_dead_is_confirmed_when_it_is_back(
    own_parts: LocalParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client sends the same bytes again; when time is up it says that it does not know, and can go on."""
    settings = load_settings(home=own_parts.home.path, kafka_bootstrap=own_parts.kafka_bootstrap, _env_file=None)
    county = await found_without_broker(settings)
    monkeypatch.setattr("broker.agency.sending.REQUEST_TIMEOUT_MS", 1_000)
    monkeypatch.setattr("broker.agency.sending.confirm_seconds_max", 2.0)
    async with county.client() as client:
        before = await client.report_incident(INCIDENT)
        await asyncio.to_thread(own_parts.kafka.kill)
        with pytest.raises(NotConfirmed) as unknown:
            await client.report_incident(INCIDENT)
        monkeypatch.setattr("broker.agency.sending.confirm_seconds_max", 60.0)
        assert unknown.value.event_id is not None
        again = asyncio.create_task(client.publish_again(unknown.value.event_id))
        await asyncio.to_thread(own_parts.kafka.start)
        published = await again
    assert published.event_id == unknown.value.event_id
    assert before.at < published.at <= datetime.now(UTC)


async def test_a_reader_ends_with_its_client_though_kafka_is_dead(own_parts: LocalParts) -> None:
    """Its place can be noted nowhere any more: whoever reads is let go all the same, and hears the notice once more."""

    async def rest(notices: AsyncIterator[Notice]) -> list[Notice]:
        return [notice async for notice in notices]

    county = await found(settings_of(own_parts))
    async with county.client() as client:
        async with county.broker():
            await client.accepted(await client.report_incident(INCIDENT))
        notices = client.notices()
        await anext(notices)
        await asyncio.to_thread(own_parts.kafka.kill)
        reading = asyncio.create_task(rest(notices))
    async with asyncio.timeout(30):
        assert await reading == []
