"""What an agency publishes by HTTP is on Kafka as if it had published it there, and what became of it is told to it."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.composition import zone_folder
from broker.schemas.envelope import Envelope, read_envelope, structured_record
from broker.schemas.event import Flow
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import KeyId, OrgId, new_event_id, new_referral_id
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.vocabulary import OrgClass
from broker.seal.key_files import read_cards
from broker.seal.keys import PublicSigningKey
from broker.seal.signature import VerifiedSignature, verify
from broker.zone import KEYS_FOLDER
from tests.broker.county import County
from tests.broker.facts import BIRCH, HOTLINE, POLICE, card, consent_of, granted, read, release, request
from tests.broker.letters import Letter
from tests.web.agency import Agency, on_kafka

pytestmark = pytest.mark.asyncio(loop_scope="session")


def structured(county: County, org: OrgId, fact: ReferralRequested, referral: str) -> Letter:
    """A signed event in structured mode."""
    envelope = Envelope(new_event_id(), org, fact.TYPE, referral, datetime.now(UTC), county.topics.environment)
    headers, value = structured_record(envelope, fact.wire())
    topic = county.topics.name(Flow.SOURCE_TO_BROKER, org)
    return Letter(topic, referral.encode(), [*headers], value).signed(county.keys[org])


def notice(county: County, shown: dict[str, Any]) -> Any:
    """What a notice says, once it is certain that the broker signed just this."""
    headers = [(name, text.encode()) for name, text in shown["headers"].items()]
    value = shown["value"].encode()
    folder = zone_folder(county.settings, county.settings.broker_org) / KEYS_FOLDER
    keys = {card.key_id: PublicSigningKey(KeyId(card.key_id), card.public) for card in read_cards(folder)}
    assert isinstance(verify(headers, value, county.settings.broker_org, keys.get), VerifiedSignature)
    subject = dict(headers)["ce_subject"]
    received = read_envelope(subject, headers, value)
    return received.event_class.read(received.data)


@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_an_event_lies_on_kafka_byte_for_byte_as_it_was_signed(served: County, police: Agency, mode: str) -> None:
    """Topic, key, headers and value are those that the agency's own client would have published; nothing is added."""
    referral = new_referral_id()
    letter = (
        served.letter(POLICE, request(), referral)
        if mode == "binary"
        else structured(served, POLICE, request(), referral)
    )
    said = await police.publish(letter, **{"user-agent": "records/4.2", "ce_time": "not ours", "traceparent": "00-x"})
    assert said.status == 202
    [record] = [one for one in await on_kafka(served, letter.topic) if one.key == letter.key]
    assert (record.value, sorted(record.headers)) == (letter.value, sorted(letter.headers))
    assert said.headers["location"] == f"/events/{said.content['eventId']}"
    assert said.headers["cache-control"] == "no-store"
    assert (await police.outcome(said.content["eventId"]))["status"] == "ACCEPTED"


async def test_a_whole_referral_goes_by_http_alone(served: County, hotline: Agency) -> None:
    """Release, request and wrapped keys; each is accepted, and the agency hears it, signed by the broker."""
    record, referral = release(BIRCH), new_referral_id()
    letters = [
        served.letter(HOTLINE, granted(record), record.consent_id),
        served.letter(HOTLINE, request(), referral, consent=consent_of(record)),
        served.letter(HOTLINE, wraps(), referral, consent=consent_of(record)),
    ]
    for letter in letters:
        assert (await hotline.publish(letter)).status == 202
        became = await hotline.outcome(letter.event_id)
        assert (became["status"], became["refusals"]) == ("ACCEPTED", [])
        assert datetime.fromisoformat(became["acceptedAt"]) <= datetime.now(UTC)
    await served.settled()
    told = [notice(served, one) for one in await hotline.notices()]
    accepted = {fact.event_id for fact in told if isinstance(fact, EventAccepted)}
    assert accepted >= {letter.event_id for letter in letters}
    assert [letter.topic for letter in letters if letter.topic.endswith(f"source-keys.{HOTLINE}")] == [letters[2].topic]
    assert len(await served.offers(referral)) == 1


def wraps() -> ReferralSealed:
    """Keys to the groups of `request()`, for the shelter that the release names."""
    one = dict(ReferralSealed.EXAMPLE["wraps"][0]) | {"recipient": BIRCH, "keyId": f"{BIRCH}#seal-1"}
    return read(ReferralSealed, {"wraps": [{**one, "fieldGroup": group} for group in ("FG03", "FG04", "FG10")]})


async def test_keys_that_are_there_before_their_referral_are_held(served: County, hotline: Agency) -> None:
    """The agency is told so, and later that they were accepted."""
    referral, record = new_referral_id(), release(BIRCH)
    letter = served.letter(HOTLINE, wraps(), referral, consent=consent_of(record))
    assert (await hotline.publish(letter)).status == 202
    held = await hotline.outcome(letter.event_id)
    assert (held["status"], held["acceptedAt"], held["refusals"]) == ("HELD", None, [])
    await hotline.publish(served.letter(HOTLINE, granted(record), record.consent_id))
    await hotline.publish(served.letter(HOTLINE, request(), referral, consent=consent_of(record)))
    await served.settled()
    assert (await hotline.outcome(letter.event_id))["status"] == "ACCEPTED"


async def test_an_event_that_is_sent_again_takes_effect_once(served: County, police: Agency) -> None:
    """202 each time; under the same id with other content it is refused, and both are told."""
    referral = new_referral_id()
    letter = served.letter(POLICE, request(), referral)
    assert [(await police.publish(letter)).status for _ in range(3)] == [202, 202, 202]
    other = served.letter(POLICE, request(priority="P3"), referral, id=letter.event_id)
    assert (await police.publish(other)).status == 202
    await served.settled()
    taken = served.facts(EventAccepted, org=POLICE, about=referral)
    assert [fact.duplicate for fact in taken] == [False, True, True]
    became = await police.outcome(letter.event_id)
    assert (became["status"], [one["code"] for one in became["refusals"]]) == ("ACCEPTED", ["ID_REUSED"])
    assert (await served.need(referral))["referral_id"] == referral


async def test_what_only_the_brokers_tables_can_tell_is_told_afterwards(served: County, police: Agency) -> None:
    """Taken with a 202, refused at the intake: its code, meaning and remedy stand where the agency asks, and come as a
    notice.
    """
    letter = served.letter(POLICE, read(ReferralCancelled, {**ReferralCancelled.EXAMPLE}), new_referral_id())
    assert (await police.publish(letter)).status == 202
    became = await police.outcome(letter.event_id)
    [refusal] = became["refusals"]
    assert (became["status"], refusal["code"]) == ("REFUSED", "REFERRAL_UNKNOWN")
    assert refusal["meaning"]
    assert refusal["remedy"]
    await served.settled()
    told = [notice(served, one) for one in await police.notices()]
    assert [one.code for one in told if isinstance(one, EventRefused) and one.event_id == letter.event_id]


async def test_another_agencys_event_is_not_there(served: County, police: Agency, hotline: Agency) -> None:
    """404, byte for byte what an id gives that nobody has used, accepted or refused: nobody learns that it exists."""
    record = release(BIRCH)
    accepted = served.letter(HOTLINE, granted(record), record.consent_id)
    refused = served.letter(HOTLINE, read(ReferralCancelled, {**ReferralCancelled.EXAMPLE}), new_referral_id())
    for letter in (accepted, refused):
        await hotline.publish(letter)
        await hotline.outcome(letter.event_id)
    unknown = await police.ask(f"/events/{new_event_id()}")
    assert (unknown.status, unknown.code) == (404, "EVENT_UNKNOWN")
    for event_id in (accepted.event_id, refused.event_id, "nothing"):
        assert (await police.ask(f"/events/{event_id}")).text == unknown.text


async def test_nobody_hears_anothers_notices(served: County, police: Agency, hotline: Agency) -> None:
    """Each agency's notices are about its own events alone."""
    record = release(BIRCH)
    letter = served.letter(HOTLINE, granted(record), record.consent_id)
    await hotline.publish(letter)
    await served.settled()
    assert any(letter.event_id in one["value"] for one in await hotline.notices())
    assert not any(letter.event_id in one["value"] for one in await police.notices())


async def test_notices_come_page_by_page_and_none_is_left_out(
    served: County, police: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any size of page, from any cursor again: the same notices; the last cursor gives the next one that comes."""
    org = OrgId("org-constables")
    await served.onboard(card(org, OrgClass.LAW_ENFORCEMENT))
    agency = Agency(police.session, police.base, served.keys[org])
    for _ in range(5):
        await agency.publish(served.letter(org, request(), new_referral_id()))
    await served.settled()
    whole = await agency.notices()
    monkeypatch.setattr("broker.limits.web_notices_max", 2)
    assert len(whole) >= 5
    assert sorted(json.dumps(one) for one in await agency.notices()) == sorted(json.dumps(one) for one in whole)
    monkeypatch.undo()
    last = (await agency.ask("/notices")).content["next"]
    empty = (await agency.ask(f"/notices?after={last}")).content
    assert empty == {"notices": [], "more": False, "next": last}
    waiting = asyncio.create_task(agency.ask(f"/notices?after={last}&wait=20"))
    letter = served.letter(org, request(), new_referral_id())
    await agency.publish(letter)
    assert (letter.key or b"").decode() in {one["headers"]["ce_subject"] for one in (await waiting).content["notices"]}


@pytest.mark.parametrize("after", ["", "x", "0", "0.1,1.2", "9.1", "0.-1", "0.1_", "0.999999", "0.9999999999999999999"])
async def test_a_cursor_that_is_none_is_refused(police: Agency, after: str) -> None:
    """By code and name."""
    said = await police.ask(f"/notices?after={after}")
    assert (said.status, said.code, said.content["field"]) == (400, "CURSOR_INVALID", "after")


@pytest.mark.parametrize("wait", ["", "-1", "21", "1.5", "soon"])
async def test_a_wait_that_is_none_is_refused(police: Agency, wait: str) -> None:
    """By code and name."""
    said = await police.ask(f"/notices?wait={wait}")
    assert (said.status, said.code, said.content["field"]) == (400, "WAIT_INVALID", "wait")
