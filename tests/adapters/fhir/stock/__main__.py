"""Everything that the FHIR transport does, done on a stock server that checks each request by R4's definitions."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from adapters.fhir import codes
from adapters.inbox.opening import OpenedGroup
from adapters.kind import kinds
from adapters.transports.fhir import Fhir
from adapters.transports.transport import Channel, ChannelRefused, Delivered, Handover, Outcome, TryAgain
from broker.schemas.contact_made import ContactMade
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event import EventData
from broker.schemas.field_groups import SEALABLE
from broker.schemas.ids import OfferId, OrgId, new_event_id
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import MsgStatus
from tests.adapters.fhir.material import TERMS, coded, handover, offer, opened
from tests.adapters.fhir.staff import Doors, Staff, channel
from tests.adapters.fhir.stock.running import NotToBeHad, stock_server

TRIES = 10
DONE = Delivered("TRANSACTION_DONE")
ACCEPTED = {"status": "accepted", "owner": {"reference": "Practitioner/nurse-1"}}


def main() -> int:
    """Say what held; 1 where something did not, 2 where there is no server to be had."""
    _tell("Starting HAPI FHIR's JPA server (minutes; 400 MB the first time) ...")
    try:
        with stock_server() as base_url:
            os.environ["HANDOFF_OUTGOING_LOOPBACK"] = base_url.split("/")[2]
            asyncio.run(_check(base_url))
    except NotToBeHad as missing:
        _tell(f"The stock server cannot be started: {missing}")
        return 2
    except AssertionError as wrong:
        _tell(f"not so: {wrong}")
        return 1
    return 0


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say(what: str, *, holds: bool) -> None:
    if not holds:
        raise AssertionError(what)
    _tell(f"ok  {what}")


async def _check(base_url: str) -> None:
    staff = Staff(base_url)
    await staff.put({"resourceType": "Organization", "id": "clinic-1", "name": "Clinic"})
    await staff.put({"resourceType": "Practitioner", "id": "nurse-1"})
    fhir = Fhir(broker=lambda: OrgId("org-broker"))
    with tempfile.TemporaryDirectory() as folder:
        way = channel(base_url, Path(folder) / "secrets")
        await _settled(fhir, way)
        try:
            await _offers(fhir, way, staff)
            await _releases(fhir, way, staff)
            await _refusals(fhir, way, staff)
        finally:
            await fhir.stop()


async def _attempt(fhir: Fhir, way: Channel, handover: Handover) -> Outcome:
    """What came of it at last: a cold server takes its time, and a courier tries again as well."""
    for number in range(1, TRIES + 1):
        outcome = await fhir.attempt(way, replace(handover, attempt=number))
        if not isinstance(outcome, TryAgain):
            break
        _tell(f"    not yet ({outcome.code})")
    if not isinstance(outcome, Delivered):
        _tell(f"    {outcome}")
    return outcome


async def _heard(fhir: Fhir, way: Channel, doors: Doors, offer_id: OfferId, wanted: Sequence[type[EventData]]) -> bool:
    """Whether this and nothing else is heard in the end."""
    for _ in range(TRIES):
        await fhir.look(way, doors)
        if doors.types(offer_id) == list(wanted):
            return True
    return False


async def _settled(fhir: Fhir, way: Channel) -> None:
    """The first statement of what it can takes a cold server longer than any attempt may last."""
    for _ in range(TRIES):
        try:
            await fhir.check(way)
            break
        except ChannelRefused as refused:
            _tell(f"    not yet ({refused.code})")
    await fhir.check(way)
    _say("its own statement of what it can lets it be used", holds=True)


async def _offers(fhir: Fhir, way: Channel, staff: Staff) -> None:
    made, doors = offer(), Doors()
    shown = handover(made, MsgStatus.EXERCISE)
    _say("an offer is taken", holds=await _attempt(fhir, way, shown) == DONE)
    await staff.say(made.offer_id, {"status": "rejected", "statusReason": {"text": "NO_CAPACITY_STAFF"}})
    _say("the same again is taken", holds=await _attempt(fhir, way, shown) == DONE)
    _say("and changes nothing", holds=(await staff.task(made.offer_id))["status"] == "rejected")
    _say("a no is heard", holds=await _heard(fhir, way, doors, made.offer_id, [OfferDeclined]))


async def _releases(fhir: Fhir, way: Channel, staff: Staff) -> None:
    made, doors = offer(), Doors()
    policy = kinds()[made.category].POLICY
    shown = handover(made)

    async def groups() -> Sequence[OpenedGroup]:
        return opened(*sorted((policy.needs | policy.may_ask) & SEALABLE))

    given = replace(shown, type=DisclosureReleased.TYPE, message_id=new_event_id(), terms=TERMS, open_groups=groups)
    await _attempt(fhir, way, shown)
    await staff.say(made.offer_id, ACCEPTED)
    _say("a yes is heard", holds=await _heard(fhir, way, doors, made.offer_id, [OfferAccepted]))
    _say("every group of a release is taken", holds=await _attempt(fhir, way, given) == DONE)
    _say("and is there once", holds=await _attempt(fhir, way, given) == Delivered("ALREADY_THERE"))
    [patient] = await staff.all("Patient", codes.PERSON, made.offer_id)
    said = {"type": {"text": "outcome"}, "valueCodeableConcept": coded(codes.OUTCOME, "INFO_ONLY")}
    await staff.say(made.offer_id, {"status": "in-progress"})
    await staff.say(made.offer_id, {"status": "completed", "output": [said]})
    wanted: list[type[EventData]] = [OfferAccepted, ContactMade, ServiceStarted, ServiceCompleted]
    heard = await _heard(fhir, way, doors, made.offer_id, wanted)
    _say("what followed is heard, with the Task's whole history", holds=heard)

    revoked = DisclosureRevoked.model_validate({**DisclosureRevoked.EXAMPLE, "offerId": made.offer_id})
    taken = replace(shown, type=DisclosureRevoked.TYPE, content=None, fact=revoked)
    _say("groups are taken back", holds=await _attempt(fhir, way, taken) == DONE)
    [left] = await staff.all("Patient", codes.PERSON, made.offer_id)
    _say("and only these", holds=len(left["name"]) == len(patient["name"]) - 1 and "birthDate" in left)
    again = replace(given, message_id=new_event_id())
    _say("a release anew replaces the one before", holds=await _attempt(fhir, way, again) == DONE)
    _say("with one Patient", holds=len(await staff.all("Patient", codes.PERSON, made.offer_id)) == 1)


async def _refusals(fhir: Fhir, way: Channel, staff: Staff) -> None:
    made, jumped, doors = offer(), offer(), Doors()
    for one in (made, jumped):
        await _attempt(fhir, way, handover(one))
    fact = OfferWithdrawn.model_validate({**OfferWithdrawn.EXAMPLE, "offerId": made.offer_id})
    ended = replace(handover(made), type=OfferWithdrawn.TYPE, content=None, fact=fact)
    _say("an offer is taken back", holds=await _attempt(fhir, way, ended) == DONE)
    _say("and its Task is cancelled", holds=(await staff.task(made.offer_id))["status"] == "cancelled")
    await staff.say(jumped.offer_id, {"status": "completed"})
    for _ in range(TRIES):
        await fhir.look(way, doors)
        if fhir.ear.set_aside:
            break
    silent = doors.types(jumped.offer_id) == []
    _say("a jump is counted and not believed", holds=silent and fhir.ear.set_aside == {"TRANSITION_IMPOSSIBLE": 1})
    wrong = {"resourceType": "Task", "id": "wrong", "intent": "order", "status": "undreamt-of"}
    try:
        await staff.put(wrong)
    except AssertionError:
        _say("the server itself refuses what is not R4", holds=True)
    else:
        _say("the server itself refuses what is not R4", holds=False)


if __name__ == "__main__":
    sys.exit(main())
