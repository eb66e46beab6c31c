"""The demo's clinic: an offer comes up as a Task on its server, and what a nurse sets there is an answer."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from adapters.inbox.opening import OpenedGroup
from adapters.transports.fhir import Fhir
from adapters.transports.outgoing import outgoing_of
from adapters.transports.transport import Delivered
from broker.local.demo.clinic import Nurse
from broker.local.demo.fhir_server import ORGANISATION, FhirServer
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.ids import OrgId, new_event_id
from broker.schemas.offer_accepted import OfferAccepted
from broker.settings import load_settings
from tests.adapters.fhir.material import TERMS, handover, offer, opened
from tests.adapters.fhir.staff import Doors, channel

TOKEN = "invented-token"


@pytest.fixture
async def server() -> AsyncIterator[FhirServer]:
    """The clinic's server."""
    async with FhirServer(TOKEN) as running:
        yield running


@pytest.fixture
async def fhir(server: FhirServer) -> AsyncIterator[Fhir]:
    """The transport, allowed to reach it."""
    made = Fhir(
        lambda: outgoing_of(load_settings(outgoing_loopback=server.address, _env_file=None)),
        broker=lambda: OrgId("org-broker"),
    )
    yield made
    await made.stop()


async def test_a_nurse_takes_a_task_and_has_said_yes(fhir: Fhir, server: FhirServer, tmp_path: Path) -> None:
    """About nobody before; after her yes she finds whom to expect, and what was released for a clinic."""
    way, nurse = (
        channel(server.base_url, tmp_path / "secrets", organization=ORGANISATION),
        Nurse(server.base_url, TOKEN),
    )
    made = offer()
    shown = handover(made)
    await fhir.check(way)
    assert await nurse.task(made.offer_id) is None
    assert await fhir.attempt(way, shown) == Delivered("TRANSACTION_DONE")
    task = await nurse.task(made.offer_id)
    assert task is not None
    assert (task["status"], server.now("Patient")) == ("requested", [])
    await nurse.accept(task)
    doors = Doors()
    await fhir.look(way, doors)
    assert doors.types(made.offer_id) == [OfferAccepted]

    async def groups() -> Sequence[OpenedGroup]:
        return opened("FG04", "FG17")

    release = replace(shown, type=DisclosureReleased.TYPE, message_id=new_event_id(), open_groups=groups, terms=TERMS)
    assert await fhir.attempt(way, release) == Delivered("TRANSACTION_DONE")
    linked = await nurse.task(made.offer_id)
    assert linked is not None
    assert await nurse.statements(linked["for"]["reference"]) == {"FG04", "FG17"}


async def test_nobody_else_works_on_it(server: FhirServer) -> None:
    """Whoever has no token is let in to nothing."""
    with pytest.raises(aiohttp.ClientResponseError, match="401"):
        await Nurse(server.base_url, "another-token").task("off-1")
