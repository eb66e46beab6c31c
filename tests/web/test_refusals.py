"""What the broker would refuse at once the door refuses at once, with the same code and field; none of it is kept."""

import asyncio
import logging
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from aiokafka import TopicPartition
from fastapi.routing import APIRoute

from broker.schemas.envelope import HEADERS_MAX
from broker.schemas.event import FROM_SOURCE
from broker.schemas.ids import KeyId, OrgId, new_event_id, new_referral_id
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.vocabulary import OrgClass
from broker.seal.keys import SigningKey
from broker.store.directory import suspend
from broker.trail.entries import fresh_salt
from broker.web.app import WebParts, agencies_door
from broker.web.callers import Callers
from tests.broker.county import County
from tests.broker.facts import HOTLINE, NAME, POLICE, card, read, request
from tests.broker.letters import Letter
from tests.broker.refusals import CONSENTS, RECORDS, Bad, good
from tests.web.agency import Agency
from tests.web.conftest import DoorOfOwn

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONLY_ON_KAFKA: Final = {
    "no value",
    "a null header",
    "a null header of a foreign name",
    "more headers than any event",  # Foreign headers stay at the door; too many of an event's own are refused below.
    "a binary header",  # Sent below: an HTTP client will not.
    "a key that is not the subject",
    "no key",
    "a neighbour's topic",
}
"""HTTP has no way to send them: a body is always there, and key and topic follow from the event."""
HERE: Final = [bad for bad in RECORDS if bad.name not in ONLY_ON_KAFKA]
STATUS: Final = {
    "TOO_LARGE": 413,
    "SIGNATURE_MISSING": 401,
    "SIGNATURE_INVALID": 401,
    "KEY_UNKNOWN": 401,
    "TYPE_NOT_YOURS": 403,
    "SOURCE_UNKNOWN": 403,
}
"""Every other one is a 400."""


async def test_what_only_kafka_can_carry_is_still_called_so() -> None:
    """The names above are names of bad records: none is left out by mistake."""
    assert {bad.name for bad in RECORDS} >= ONLY_ON_KAFKA
    assert len(HERE) > 30


@pytest.mark.parametrize("bad", HERE, ids=lambda bad: bad.name)
async def test_a_bad_event_is_refused_as_the_intake_refuses_it(
    served: County, police: Agency, caplog: pytest.LogCaptureFixture, bad: Bad
) -> None:
    """With the code and field of tests/broker/test_refusals.py, which asks the intake itself; no value is repeated or
    logged, and nothing reaches Kafka.
    """
    caplog.set_level(logging.DEBUG)
    letter = bad.make(served, new_referral_id())
    before = await _ends(served)
    said = await police.publish(letter)
    assert (said.status, said.code) == (STATUS.get(bad.code, 400), bad.code.value)
    assert said.content.get("field") == bad.field
    assert NAME not in said.text + caplog.text
    assert await _ends(served) == before


async def _ends(county: County) -> int:
    """How many records the police have put on Kafka."""
    await county.listen()  # From then on its consumer knows the topics.
    topics = [county.topics.name(flow, POLICE) for flow in FROM_SOURCE]
    partitions = range(county.settings.topic_partitions)
    places = [TopicPartition(topic, partition) for topic in topics for partition in partitions]
    return sum((await county.ear.end_offsets(places)).values())


@pytest.mark.parametrize("bad", CONSENTS, ids=lambda bad: bad.name)
async def test_what_the_law_does_not_allow_is_told_where_the_agency_asks(
    served: County, hotline: Agency, bad: Bad
) -> None:
    """Whether a release is lawful the policy in force says, which the door does not read: refused here or later."""
    letter = bad.make(served, new_referral_id())
    said = await hotline.publish(letter)
    if said.status == 202:
        [told] = (await hotline.outcome(letter.event_id))["refusals"]
    else:
        told = said.content
    assert (told["code"], told.get("field")) == (bad.code.value, bad.field)


async def test_too_many_attributes_are_refused(served: County, police: Agency) -> None:
    """The bound of a record on Kafka is that of an event here; foreign headers do not count."""
    whole = good(served, new_referral_id())
    said = await police.publish(whole, **{f"x-{number}": "1" for number in range(HEADERS_MAX)})
    assert said.status == 202
    crowd = replace(whole, headers=[*whole.headers, *((f"ce_x{number}", b"1") for number in range(HEADERS_MAX))])
    said = await police.publish(crowd)
    assert (said.status, said.code, said.content["field"]) == (413, "TOO_LARGE", "headers")


@pytest.mark.parametrize("mode", ["application/json", "application/cloudevents+json"])
async def test_a_header_that_is_no_text_is_refused(door: str, mode: str) -> None:
    """By code, with the header's name as the record would have it."""
    where = urlsplit(door)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    with closing(writer):
        head = f"POST /events HTTP/1.1\r\nhost: door\r\ncontent-type: {mode}\r\ncontent-length: 2\r\nce-type: "
        writer.write(head.encode() + b"\xff\xfe\r\nconnection: close\r\n\r\n{}")
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"HEADER_NOT_TEXT" in answer
    assert b'"field":"ce_type"' in answer


async def test_an_organisation_that_is_not_in_the_network_is_refused(served: County, police: Agency) -> None:
    """One that never was, and one whose agreement is suspended, though its key is registered."""
    stranger, gone = OrgId("org-stranger"), OrgId("org-gone")
    await served.onboard(card(gone, OrgClass.LAW_ENFORCEMENT))
    served.keys[stranger] = SigningKey.new(KeyId(f"{stranger}#sign-1"))
    async with served.pool.acquire() as connection:
        await suspend(connection, gone, fresh_salt())
    for org in (stranger, gone):
        said = await police.publish(served.letter(org, request(), new_referral_id()))
        assert (said.status, said.code, said.content["field"]) == (403, "SOURCE_UNKNOWN", "source")
        said = await Agency(police.session, police.base, served.keys.pop(org)).ask("/notices")
        assert (said.status, said.code) == (401, "KEY_UNKNOWN")


async def test_no_signature_of_one_agency_counts_for_another(served: County, police: Agency, hotline: Agency) -> None:
    """An event in another's name, and another's event under one's own signature."""
    letter = served.letter(HOTLINE, request(), new_referral_id())
    renamed = letter.header("ce_source", f"urn:dvb:org:{POLICE}".encode())
    for forged in (letter.signed(police.key), renamed):
        said = await police.publish(forged)
        assert (said.status, said.code, said.content["field"]) == (401, "KEY_UNKNOWN", "wh-signature")


KINDS: Final = (
    "application/json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "text/xml",
)
CANARY: Final = b"quillfeather"
MALFORMED: Final = (
    b"",
    b"\x00",
    b"{",
    b"[]",
    b"null",
    b"1e999",
    b'"' + CANARY + b'"',
    b"{}" + CANARY,
    b'{"data":' + b"[" * 5_000,
    b'{"data":{}}',
    b'{"specversion":"1.0","data":' + b'{"a":' * 3_000,
    b'{"specversion":1,"data":{}}',
    b'{"specversion":"1.0","id":null,"data":{}}',
    b'{"\\ud800":"' + CANARY + b'","data":{}}',
    b'{"id":"\\ud800","data":{}}',
    b'{"data":{},"data":{}}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b"<xml>" + CANARY + b"</xml>",
    b"NaN",
    b'{"data":NaN,"' + CANARY + b'":1}',
    b" " * 65_536,
    b"a=1&b=" + CANARY,
    b"--boundary\r\n\r\n" + CANARY,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attributed", [True, False], ids=["attributes", "none"])
async def test_no_body_is_a_fault_of_ours(
    served: County, police: Agency, caplog: pytest.LogCaptureFixture, kind: str, *, attributed: bool
) -> None:
    """Each gets a code, signed or not; never a 5xx, and nothing of it is repeated or logged."""
    caplog.set_level(logging.DEBUG)
    for body in MALFORMED:
        whole = served.letter(POLICE, request(), new_referral_id())
        headers = whole.headers if attributed else []
        bare = Letter(whole.topic, whole.key, [one for one in headers if one[0] != "content-type"], body)
        said = await police.publish(bare.header("content-type", kind.encode()).signed(police.key))
        assert 400 <= said.status < 500, body[:20]
        assert said.code
        assert CANARY.decode() not in said.text
    assert CANARY.decode() not in caplog.text


async def test_what_is_no_request_of_the_door_is_refused_by_code(served: County, police: Agency) -> None:
    """Other paths beside the pages, other methods, packed bodies; none says anything of how it is made."""
    letter = good(served, new_referral_id())
    said = await police.publish(letter, **{"content-encoding": "gzip"})
    assert (said.status, said.code) == (415, "CONTENT_UNSUPPORTED")
    for method, path, status, code in (
        ("POST", "/", 404, "PATH_UNKNOWN"),
        ("GET", "/docs", 404, "PATH_UNKNOWN"),
        ("GET", "/openapi.json", 404, "PATH_UNKNOWN"),
        ("POST", "/events/", 404, "PATH_UNKNOWN"),
        ("PUT", "/events", 405, "METHOD_NOT_ALLOWED"),
        ("POST", "/notices", 405, "METHOD_NOT_ALLOWED"),
    ):
        said = await police.request(method, path)
        assert (said.status, said.code) == (status, code), path
        assert "server" not in said.headers


async def test_a_request_counts_for_what_was_signed_and_for_five_minutes(
    served: County, police: Agency, hotline: Agency, own_door: DoorOfOwn
) -> None:
    """Another path, another query, another time, another's key id: each is refused; a replay in time shows the same."""
    target = f"/events/{new_event_id()}"
    signed = police.signed(target)
    for path in (f"/events/{new_event_id()}", f"{target}?x=1", "/notices"):
        said = await police.request("GET", path, headers=signed)
        assert (said.status, said.code) == (401, "SIGNATURE_INVALID")
    later = {**signed, "wh-timestamp": str(int(signed["wh-timestamp"]) + 1)}
    renamed = {**signed, "wh-signature": signed["wh-signature"].replace(POLICE, HOTLINE)}
    for headers in (later, renamed, {**signed, "wh-signature": "v1 x y"}, {**signed, "wh-signature": "\u00ff"}):
        said = await police.request("GET", target, headers=headers)
        assert (said.status, said.code, said.content["field"]) == (401, "SIGNATURE_INVALID", "wh-signature")
    said = await police.request("GET", target, headers={**signed, "wh-timestamp": "soon"})
    assert (said.status, said.code, said.content["field"]) == (400, "HEADER_INVALID", "wh-timestamp")
    for name in signed:
        said = await police.request("GET", target, headers={key: text for key, text in signed.items() if key != name})
        assert (said.status, said.code, said.content["field"]) == (401, "SIGNATURE_MISSING", name)
    assert [(await police.request("GET", target, headers=signed)).code for _ in range(2)] == ["EVENT_UNKNOWN"] * 2
    for seconds, code in ((290, "EVENT_UNKNOWN"), (310, "SIGNATURE_STALE"), (-310, "SIGNATURE_STALE")):
        now = int(signed["wh-timestamp"]) + seconds
        async with own_door(clock=lambda now=now: now) as base:
            assert (await Agency(police.session, base, police.key).request("GET", target, headers=signed)).code == code


async def test_an_event_s_signature_opens_nothing(served: County, police: Agency) -> None:
    """It is published for all who read the topic; shown as that of a request, it counts for none."""
    letter = good(served, new_referral_id())
    signature = dict(letter.headers)["wh-signature"] or b""
    headers = {**police.signed("/notices"), "wh-signature": signature.decode()}
    said = await police.request("GET", "/notices", headers=headers)
    assert (said.status, said.code) == (401, "SIGNATURE_INVALID")


async def test_a_refusal_is_told_in_the_language_that_is_asked_for(served: County, police: Agency) -> None:
    """English or Spanish, and which is said; what machines read is the same in both, and no event is told otherwise."""
    letter = served.letter(POLICE, read(ReferralCancelled, {**ReferralCancelled.EXAMPLE}), new_referral_id())
    for asked, spoken, title, meaning in (
        ("es-MX, en;q=0.5", "es", "La firma no concuerda con el evento.", "No hay tal derivación de su organización."),
        ("fr, en;q=0.5", "en", "The signature does not fit the event.", "No such referral of yours."),
    ):
        said = await police.publish(letter.header("wh-signature", b"v1 none"), **{"accept-language": asked})
        assert (said.status, said.code, said.content["title"]) == (401, "SIGNATURE_INVALID", title)
        assert said.content["type"] == "urn:warm-handoff:problem:SIGNATURE_INVALID"
        assert (said.headers["content-language"], said.headers["vary"]) == (spoken, "accept-language")
        assert (await police.publish(letter, **{"accept-language": asked})).status == 202
        await police.outcome(letter.event_id)
        path = f"/events/{letter.event_id}"
        became = await police.request("GET", path, headers={**police.signed(path), "accept-language": asked})
        assert became.content["refusals"][0]["meaning"] == meaning
        assert became.headers["content-language"] == spoken


async def test_every_route_has_a_signature(served: County) -> None:
    """Whoever adds a route says who may call it: by a signed request, or by a signed event; the log is everybody's."""
    app = agencies_door(WebParts(served.pool, {}, served.topics, None, Path()))  # type: ignore[arg-type]
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    signed = {
        route.path
        for route in routes
        if any(isinstance(getattr(one.call, "__self__", None), Callers) for one in route.dependant.dependencies)
    }
    unsigned = {route.path for route in routes} - signed
    assert {path for path in unsigned if not path.startswith("/log/")} == {"/events"}
