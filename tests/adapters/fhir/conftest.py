"""A provider's FHIR server, the transport, and a channel between them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from adapters.transports.fhir import Fhir
from adapters.transports.transport import Channel
from broker.schemas.ids import OrgId
from tests.adapters.fhir.staff import channel
from tests.adapters.receivers.fhir import FhirReceiver


@pytest.fixture
async def receiver() -> AsyncIterator[FhirReceiver]:
    """The provider's server."""
    async with FhirReceiver() as running:
        yield running


@pytest.fixture
async def fhir() -> AsyncIterator[Fhir]:
    """The transport."""
    made = Fhir(broker=lambda: OrgId("org-broker"))
    yield made
    await made.stop()


@pytest.fixture
def way(receiver: FhirReceiver, tmp_path: Path) -> Channel:
    """A channel to the server."""
    return channel(receiver.base_url, tmp_path / "secrets")
