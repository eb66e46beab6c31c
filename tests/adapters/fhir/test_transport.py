"""The FHIR transport on a real server: brought once, taken back, and heard again."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from adapters.errors import KeysNotHere
from adapters.fhir import codes
from adapters.fhir.hook import router
from adapters.inbox.opening import OpenedGroup
from adapters.transports import transports
from adapters.transports.fhir import Fhir
from adapters.transports.transport import Channel, Delivered, Handover, Refused, TryAgain
from broker import limits
from broker.schemas.contact_made import ContactMade
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.ids import OrgId, new_event_id
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from tests.adapters.fhir.material import BY_STAFF, ORG, TERMS, coded, handover, offer, opened, withdrawn
from tests.adapters.fhir.staff import Doors, Staff, channel
from tests.adapters.receivers.fhir import TOKEN, FhirReceiver
from tests.adapters.receivers.receiver import Behaviour

WAIT_SECONDS = 30.0


def release(shown: Handover, *groups: str) -> Handover:
    """A release of these groups for an offer."""

    async def open_groups() -> Sequence[OpenedGroup]:
        return opened(*groups)

    changed = {"type": DisclosureReleased.TYPE, "message_id": new_event_id(), "terms": TERMS}
    return replace(shown, open_groups=open_groups, **changed)  # type: ignore[arg-type]


def test_it_is_found_by_its_being_there() -> None:
    """Channels name it `fhir`."""
    assert transports()["fhir"] is Fhir


async def test_what_is_brought_twice_is_there_once_and_what_was_done_meanwhile_stays(
    fhir: Fhir, receiver: FhirReceiver, way: Channel
) -> None:
    """A repeat makes no second Task and does not undo an acceptance."""
    made = offer()
    shown = handover(made)
    staff = Staff(receiver.base_url, TOKEN)
    assert await fhir.attempt(way, shown) == Delivered("TRANSACTION_DONE")
    await staff.say(made.offer_id, {"status": "accepted", **BY_STAFF})
    assert await fhir.attempt(way, replace(shown, attempt=2)) == Delivered("TRANSACTION_DONE")
    task = await staff.task(made.offer_id)
    assert task["status"] == "accepted"
    assert len(receiver.now("ServiceRequest")) == 1
    assert task["focus"]["reference"] == f"ServiceRequest/{receiver.now('ServiceRequest')[0]['id']}"


async def test_a_release_comes_once_links_the_task_and_is_taken_back_by_group(
    fhir: Fhir, receiver: FhirReceiver, way: Channel
) -> None:
    """Patient, statement, Consent and Provenance once; then without what was taken back; then nothing of it."""
    made = offer()
    shown = handover(made)
    staff = Staff(receiver.base_url, TOKEN)
    await fhir.attempt(way, shown)
    await staff.say(made.offer_id, {"status": "accepted", **BY_STAFF})
    given = release(shown, "FG03", "FG04", "FG06", "FG14")
    assert await fhir.attempt(way, given) == Delivered("TRANSACTION_DONE")
    assert await fhir.attempt(way, given) == Delivered("ALREADY_THERE")
    [patient] = receiver.now("Patient")
    assert (await staff.task(made.offer_id))["for"] == {"reference": f"Patient/{patient['id']}"}
    assert len(receiver.now("Provenance")) == len(receiver.now("Consent")) == 1
    assert "Invented Opponent" not in json.dumps(receiver.now("QuestionnaireResponse")), (
        "for one look only, and not here"
    )

    fact = DisclosureRevoked.model_validate({**DisclosureRevoked.EXAMPLE, "offerId": made.offer_id})
    revoked = replace(shown, type=DisclosureRevoked.TYPE, message_id=new_event_id(), content=None, fact=fact)
    assert await fhir.attempt(way, revoked) == Delivered("TRANSACTION_DONE")
    assert await fhir.attempt(way, revoked) == Delivered("NOTHING_THERE")
    now = json.dumps([*receiver.now("Patient"), *receiver.now("QuestionnaireResponse")])
    assert "Robin" not in now
    assert "+15555550142" not in now
    assert receiver.now("Patient")[0]["gender"] == "female"

    assert await fhir.attempt(way, withdrawn(shown)) == Delivered("TRANSACTION_DONE")
    assert (await staff.task(made.offer_id))["status"] == "cancelled"
    assert {one["status"] for one in receiver.now("QuestionnaireResponse")} == {"entered-in-error"}


async def test_nothing_of_a_person_and_no_secret_is_in_a_log_or_an_address(
    fhir: Fhir, receiver: FhirReceiver, way: Channel, caplog: pytest.LogCaptureFixture
) -> None:
    """Through success, refusal and rubbish: ids and codes alone; what is asked of the server names ids alone, too."""
    caplog.set_level(logging.DEBUG)
    made = offer()
    given = release(handover(made), "FG03", "FG04", "FG05")
    outcomes = [await fhir.attempt(way, given)]
    await Staff(receiver.base_url, TOKEN).say(made.offer_id, {"status": "failed", "statusReason": {"text": "Robin"}})
    await fhir.look(way, Doors())
    receiver.answer = b'{"resourceType":"Robin"}'
    outcomes.append(await fhir.attempt(way, given))
    shown = f"{caplog.text} {outcomes} {given} {way} {fhir.ear.set_aside} {[path for path, _ in receiver.asked]}"
    assert "END_NOT_SAID" in caplog.text
    for canary in ("Robin", "Invented", "+15555550142", "1990-01-01", TOKEN):
        assert canary not in shown


async def test_a_release_for_a_task_that_nobody_touched_says_accepted(
    fhir: Fhir, receiver: FhirReceiver, way: Channel
) -> None:
    """Somebody said yes by another door, and even the offer had come by another way: the Task is there and says so."""
    made = offer()
    assert await fhir.attempt(way, release(handover(made), "FG04")) == Delivered("TRANSACTION_DONE")
    task = await Staff(receiver.base_url, TOKEN).task(made.offer_id)
    assert task["status"] == "accepted"
    doors = Doors()
    await fhir.look(way, doors)
    assert doors.types(made.offer_id) == [], "what we wrote is no answer"
    assert not fhir.ear.set_aside


async def test_somebody_who_was_quicker_is_not_overwritten(
    fhir: Fhir, receiver: FhirReceiver, way: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Task that changed between our look and our write makes us try again, and nothing of the transaction happens."""
    made = offer()
    shown = handover(made)
    await fhir.attempt(way, shown)
    staff = Staff(receiver.base_url, TOKEN)

    async def groups() -> Sequence[OpenedGroup]:
        await staff.say(made.offer_id, {"status": "accepted", **BY_STAFF})
        return opened("FG04")

    given = replace(release(shown), open_groups=groups)
    assert await fhir.attempt(way, given) == TryAgain("HTTP_412")
    assert receiver.now("Patient") == []
    assert await fhir.attempt(way, release(shown, "FG04")) == Delivered("TRANSACTION_DONE")


async def test_what_people_say_in_a_task_is_heard_once_and_in_order(
    fhir: Fhir, receiver: FhirReceiver, way: Channel
) -> None:
    """Acceptance and what followed between two looks, each once; a look by another process says the same again."""
    made = offer()
    await fhir.attempt(way, handover(made))
    staff = Staff(receiver.base_url, TOKEN)
    await staff.say(made.offer_id, {"status": "accepted", **BY_STAFF})
    await staff.say(made.offer_id, {"status": "in-progress"})
    outcome = {"output": [{"type": {"text": "x"}, "valueCodeableConcept": coded(codes.OUTCOME, "INFO_ONLY")}]}
    await staff.say(made.offer_id, {"status": "completed", **outcome})
    doors = Doors()
    await fhir.look(way, doors)
    said = [OfferAccepted, ContactMade, ServiceStarted, ServiceCompleted]
    assert doors.types(made.offer_id) == said
    asked = len(receiver.asked)
    await fhir.look(way, doors)
    assert len(receiver.asked) == asked + 1, "what was read is not read again"
    other = Fhir(broker=lambda: OrgId("org-broker"))
    await other.look(way, doors)
    await other.stop()
    assert doors.types(made.offer_id) == said, "the ids are the same"


async def test_what_is_too_much_for_one_look_is_read_in_the_next(
    fhir: Fhir, receiver: FhirReceiver, way: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are followed, so many at once; then the next look begins where this one has ended, and none is left out."""
    monkeypatch.setattr(limits, "fhir_page_entries", 2)
    monkeypatch.setattr(limits, "fhir_pages_max", 2)
    monkeypatch.setattr(limits, "fhir_poll_overlap_seconds", 0)
    staff, many = Staff(receiver.base_url, TOKEN), [offer() for _ in range(6)]
    for made in many:
        await fhir.attempt(way, handover(made))
        await staff.say(made.offer_id, {"status": "rejected"})
    doors = Doors()
    await fhir.look(way, doors)
    assert len(doors.given) == 4
    await fhir.look(way, doors)
    assert {of for of, _ in doors.given.values()} == {made.offer_id for made in many}


async def test_a_jump_and_a_yes_by_nobody_are_counted_and_not_sent(
    fhir: Fhir, receiver: FhirReceiver, way: Channel
) -> None:
    """What a reference implementation lets any client write is refused here (lessons.md §3)."""
    jumped, unsigned = offer(), offer()
    staff = Staff(receiver.base_url, TOKEN)
    for made, status in ((jumped, "completed"), (unsigned, "accepted")):
        await fhir.attempt(way, handover(made))
        await staff.say(made.offer_id, {"status": status})
    doors = Doors()
    await fhir.look(way, doors)
    assert doors.given == {}
    assert fhir.ear.set_aside == {"TRANSITION_IMPOSSIBLE": 1, "ACCEPTED_BY_NOBODY": 1}


async def test_a_knock_at_the_door_has_the_zone_look_at_once(
    fhir: Fhir, receiver: FhirReceiver, tmp_path: Path
) -> None:
    """The next look would be in an hour; the notification's body claims anything, and is not believed."""
    way = channel(receiver.base_url, tmp_path / "secrets", pollSeconds=3600)
    made = offer()
    await fhir.attempt(way, handover(made))
    doors = Doors()
    listening = asyncio.create_task(fhir.hear(lambda: [way], doors))
    try:
        await asyncio.wait_for(receiver.looked.wait(), WAIT_SECONDS)
        await Staff(receiver.base_url, TOKEN).say(made.offer_id, {"status": "rejected"})
        app = FastAPI()
        app.include_router(router(fhir.ear.wake))
        claim = json.dumps({"resourceType": "Task", "status": "accepted"}).encode()
        for org in (ORG, "org-nobody"):
            assert await _knock(app, f"/fhir/changed/{org}/Task/1", claim) == 204
        await asyncio.wait_for(doors.answered.wait(), WAIT_SECONDS)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    assert doors.types(made.offer_id) == [OfferDeclined]


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour.TRY_LATER, TryAgain("HTTP_503")),
        (Behaviour.REFUSE, Refused("HTTP_422")),
        (Behaviour.AWAY, TryAgain("NOT_REACHED")),
    ],
)
async def test_what_the_server_says_is_what_came_of_the_attempt(
    fhir: Fhir, receiver: FhirReceiver, way: Channel, behaviour: Behaviour, outcome: Any
) -> None:
    """Later is later, never is never, and nobody there is nobody there; then it is taken."""
    shown = handover(offer())
    await receiver.behave(behaviour)
    assert await fhir.attempt(way, shown) == outcome
    await receiver.behave(Behaviour.TAKE)
    assert await fhir.attempt(way, shown) == Delivered("TRANSACTION_DONE")


async def test_keys_that_have_not_come_are_waited_for(fhir: Fhir, way: Channel) -> None:
    """Nothing is written before something has opened."""

    async def none() -> Sequence[OpenedGroup]:
        raise KeysNotHere

    made = offer()
    given = replace(release(handover(made)), open_groups=none)
    assert await fhir.attempt(way, given) == TryAgain("KEYS_NOT_HERE")


async def _knock(app: FastAPI, path: str, body: bytes) -> int:
    """One request to an ASGI application."""
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": "PUT",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
    }
    await app({**scope, "http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send)
    return statuses[0]
