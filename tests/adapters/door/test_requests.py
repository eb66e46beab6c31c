"""What is no request of the door is refused by code; its values are neither repeated nor logged."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr
from pydantic_core import from_json, to_json

from adapters.door.app import door_app
from adapters.door.callers import Caller
from broker import limits
from broker.app import adapter
from broker.errors import SettingsInvalid
from broker.schemas.ids import OfferId, new_offer_id
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.vocabulary import MsgStatus
from broker.settings import load_settings
from broker.web.serving import served
from tests.adapters.door.doorway import Doorway, yes
from tests.adapters.door.own_system import OwnSystem
from tests.conftest import KafkaForTest

CANARY = "quillfeather"


def malformed(offer_id: OfferId) -> dict[str, str]:
    """Bodies that are no answer, by the code that they must get."""
    good: dict[str, Any] = {
        "type": OfferAccepted.TYPE,
        "offerId": offer_id,
        "data": {"offerId": offer_id, "acceptedBy": "STAFF"},
    }
    deep = '{"type":' + "[" * 5000 + "]" * 5000 + "}"
    return {
        CANARY: "JSON_INVALID",
        "\x00": "JSON_INVALID",
        '"\\ud800"': "JSON_INVALID",
        "[]": "PROPERTY_INVALID",
        "null": "PROPERTY_INVALID",
        "{}": "PROPERTY_MISSING",
        deep: "TOO_DEEP",
        '{"data":' + '{"a":' * 150 + "1" + "}" * 150 + "}": "PROPERTY_MISSING",
        told(good, type=f"org.{CANARY}.v1"): "TYPE_UNKNOWN",
        told(good, type="org.warmhandoff.offer.made.v1"): "TYPE_NOT_YOURS",
        told(good, type=7): "PROPERTY_INVALID",
        told(good, offerId=CANARY): "PROPERTY_INVALID",
        told(good, offerId=new_offer_id()): "PROPERTY_INVALID",
        told(good, data={"offerId": offer_id}): "PROPERTY_MISSING",
        told(good, data={"offerId": offer_id, "acceptedBy": CANARY}): "PROPERTY_INVALID",
        told(good, data={"offerId": offer_id, "acceptedBy": "STAFF", CANARY: 1}): "PROPERTY_UNKNOWN",
        told(good, data={"offerId": offer_id, "acceptedBy": "STAFF", "dateOfBirth": CANARY}): "IDENTITY_IN_CLEAR",
        told(good, data=CANARY): "PROPERTY_INVALID",
        told(good, source=CANARY): "PROPERTY_UNKNOWN",
        told(good, orgId="org-brook"): "PROPERTY_UNKNOWN",
        told(good, givingBack=True): "PROPERTY_INVALID",
        told(good, release={"consentId": CANARY, "version": 1}): "PROPERTY_INVALID",
        told(good, data={"offerId": offer_id, "acceptedBy": "STAFF", "expectedContactBy": "1e999"}): "PROPERTY_INVALID",
    }


def told(good: dict[str, Any], **other: Any) -> str:
    """A good answer with something else in it."""
    return to_json({**good, **other}).decode()


async def test_what_is_no_answer_is_refused_by_code_and_its_values_are_not_repeated(
    doorway: Doorway, haven: OwnSystem, caplog: pytest.LogCaptureFixture
) -> None:
    """S12: never a 500; neither in the refusal nor in a log."""
    for body, code in malformed(await doorway.offered(haven.org)).items():
        said = await haven.post(body)
        assert (said.status, said.code) == (400, code), body[:100]
        assert CANARY not in said.text
    assert CANARY not in caplog.text
    assert await doorway.stored() == []


async def test_what_is_no_request_of_the_door_is_refused_by_code(doorway: Doorway, haven: OwnSystem) -> None:
    """Other paths and methods, other content, too much of it; there is no page that lists what there is."""
    for path in ("/", "/openapi.json", "/docs", "/redoc", "/offers", "/offers/a/b", "/answers/"):
        said = await haven.request("GET", path, headers=haven.signed(f"GET {path}"))
        assert (said.status, said.code) == (404, "PATH_UNKNOWN"), path
    for method, path in (("PUT", "/answers"), ("GET", "/answers"), ("DELETE", f"/offers/{new_offer_id()}")):
        said = await haven.request(method, path)
        assert (said.status, said.code) == (405, "METHOD_NOT_ALLOWED")
        assert said.headers["allow"]
    body = "{}"
    for headers in ({"content-type": "text/plain"}, {"content-encoding": "gzip"}):
        whole = {"content-type": "application/json", **haven.signed(body), **headers}
        said = await haven.request("POST", "/answers", headers=whole, body=body.encode())
        assert (said.status, said.code) == (415, "CONTENT_UNSUPPORTED")
    said = await haven.post('"' + "a" * limits.door_body_bytes_max + '"')
    assert (said.status, said.code) == (413, "TOO_LARGE")
    unnamed = {k: v for k, v in haven.signed("GET /offers/off").items() if k != "handoff-org"}
    assert (await haven.request("GET", "/offers/off", headers=unnamed)).code == "ORGANISATION_NOT_NAMED"
    twice = [*haven.signed("GET /offers/off").items(), ("webhook-id", "another")]
    async with doorway.session.get(f"{doorway.base}/offers/off", headers=twice) as response:
        assert from_json(await response.read())["code"] == "HEADER_INVALID"


async def test_a_refusal_is_told_in_the_language_that_is_asked_for(haven: OwnSystem) -> None:
    """English or Spanish, and which is said; its code is the same in both."""
    for asked, spoken, title in (("es-US", "es", "Aquí no hay nada."), ("fr", "en", "There is nothing here.")):
        said = await haven.request("GET", "/", headers={"accept-language": asked})
        assert (said.code, said.content["title"]) == ("PATH_UNKNOWN", title)
        assert (said.headers["content-language"], said.headers["vary"]) == (spoken, "accept-language")


async def test_a_body_that_trickles_is_given_up(
    doorway: Doorway, haven: OwnSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sends a byte now and then does not keep the door busy."""
    monkeypatch.setattr(limits, "door_body_seconds_max", 0.2)

    async def trickling() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    headers = {"content-type": "application/json", **haven.signed(" ")}
    async with doorway.session.post(f"{doorway.base}/answers", headers=headers, data=trickling()) as response:
        assert (response.status, from_json(await response.read())["code"]) == (408, "TOO_SLOW")


async def test_while_nothing_can_be_stored_the_door_asks_to_come_again(doorway: Doorway, haven: OwnSystem) -> None:
    """503 with a time, and no answer counts as given."""
    offer_id = await doorway.offered(haven.org)
    await doorway.installation.pool.close()
    for said in (await haven.answer(yes(offer_id)), await haven.offer(offer_id)):
        assert (said.status, said.code, said.headers["retry-after"]) == (503, "ZONE_AWAY", "5")


def test_every_route_has_a_caller(doorway: Doorway) -> None:
    """Nothing is shown or taken that nobody has signed for."""
    app = door_app(doorway.installation.pool, doorway.providers, MsgStatus.ACTUAL)
    assert {route.path for route in app.routes if isinstance(route, APIRoute)} == {
        "/offers/{offer_id}",
        "/offers/{offer_id}/conflict-check",
        "/answers",
    }
    for route in app.routes:
        assert isinstance(route, APIRoute)
        calls = [one.call for one in route.dependant.dependencies]
        assert [getattr(call, "__annotations__", {}).get("return") for call in calls] == [Caller]


async def test_the_adapter_opens_the_door_at_the_address_that_is_set(
    doorway: Doorway, haven: OwnSystem, kafka: KafkaForTest
) -> None:
    """And no other; an address that cannot be had is a bad setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsInvalid, match="HANDOFF_DOOR_ADDRESS"):
            async with served(lambda *_: None, address, "HANDOFF_DOOR_ADDRESS"):  # type: ignore[arg-type]
                pass
    offer_id = await doorway.offered(haven.org)
    settings = load_settings(
        zones_dir=doorway.installation.zones,
        kafka_bootstrap=kafka.bootstrap,
        provider_postgres_dsn=SecretStr(doorway.installation.dsn),
        topic_prefix=kafka.prefix,
        door_address=address,
        _env_file=None,
    )
    async with adapter(settings):
        haven.base = f"http://{address}"
        assert (await haven.offer(offer_id)).status == 200
    with pytest.raises(aiohttp.ClientConnectionError):
        await haven.offer(offer_id)


@pytest.mark.parametrize("value", ["8080", "localhost", "a b:1", "http://localhost:1"])
def test_a_bad_address_is_named(value: str) -> None:
    """And none is set by default."""
    assert load_settings(_env_file=None).door_address is None
    with pytest.raises(SettingsInvalid, match="HANDOFF_DOOR_ADDRESS: must look like"):
        load_settings(door_address=value, _env_file=None)


def test_tolerance_is_the_standard_s() -> None:
    """Five minutes, as its libraries have it."""
    assert timedelta(seconds=limits.door_signature_seconds_max) == timedelta(minutes=5)
