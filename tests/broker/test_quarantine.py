"""What was not taken in is looked after: said why and whose, judged again as if it came anew, or given up by code."""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from typer.testing import CliRunner, Result

from broker.cli import app
from broker.composition import kafka_of, zone_folder
from broker.limits import quarantine_alarm_hours, quarantine_settled_days
from broker.onboarding import create_topics
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import KeyId, OrgId, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.referral_cancelled import CancelReason, ReferralCancelled
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import OrgClass
from broker.seal.keys import SigningKey
from broker.store.keys import register_key
from broker.store.quarantine import Backlog, backlog, forget_settled
from broker.zone import KEYS_FOLDER
from tests.broker.county import County
from tests.broker.facts import (
    BIRCH,
    CEDAR,
    HOTLINE,
    NAME,
    POLICE,
    card,
    consent_of,
    granted,
    release,
    request,
    revoked,
)
from tests.broker.letters import Letter, until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("environment")]

Place = tuple[str, int, int]


@pytest.fixture
def environment(served: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """The county's settings as a shell has them."""
    assert served.settings.postgres_dsn is not None
    monkeypatch.setenv("HANDOFF_HOME", str(served.settings.home))
    monkeypatch.setenv("HANDOFF_KAFKA_BOOTSTRAP", str(served.settings.kafka_bootstrap))
    monkeypatch.setenv("HANDOFF_POSTGRES_DSN", served.settings.postgres_dsn.get_secret_value())
    monkeypatch.setenv("HANDOFF_TOPIC_PREFIX", served.settings.topic_prefix)


async def said(*words: str) -> Result:
    """`handoff quarantine ...`, as a process of its own would."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["quarantine", *words])


def named(place: Place) -> str:
    """A record as the commands name it."""
    return "/".join(map(str, place))


async def row(county: County, place: Place) -> dict[str, Any]:
    """What is kept of a record."""
    found = await county.pool.fetchrow(
        "SELECT * FROM quarantine WHERE topic = $1 AND partition = $2 AND record_offset = $3", *place
    )
    assert found is not None
    return dict(found)


class LateKey:
    """A key of an agency that the operator has not registered yet."""

    def __init__(self, org: OrgId = HOTLINE) -> None:
        self.org = org
        self._key = SigningKey.new(KeyId(f"{org}#late-{new_referral_id()[4:12]}"))

    async def publish(self, county: County, letter: Letter) -> Place:
        """Put a record signed by it into Kafka, where it is refused; returns where it lies."""
        place = await county.post(letter.signed(self._key))
        await county.settled()
        assert (await row(county, place))["code"] == RefusalCode.KEY_UNKNOWN
        return place

    async def register(self, county: County) -> None:
        """The operator makes good for it."""
        async with county.pool.acquire() as connection:
            await register_key(connection, self.org, self._key.card(datetime.now(UTC)))


async def consented(county: County) -> tuple[Letter, str, Any]:
    """A request under a release that is known; with the referral's id and the release."""
    record, referral = release(BIRCH, CEDAR), new_referral_id()
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    return county.letter(HOTLINE, request(), referral, consent=consent_of(record)), referral, record


async def test_what_a_late_key_signed_is_told_in_words_and_takes_effect_once(served: County) -> None:
    """Refused, looked at, released once the key is known: offered, told as accepted under its own id; never twice."""
    letter, referral, _ = await consented(served)
    key = LateKey()
    place = await key.publish(served, letter)
    told = (await said("show", named(place))).output
    assert "KEY_UNKNOWN at wh-signature: " in told
    assert "owner     org-hotline" in told
    assert "in Kafka  yes" in told
    assert letter.event_id in told
    assert NAME not in told
    await key.register(served)
    result = await said("release", named(place), "--reason", "KEY_REGISTERED")
    assert (result.exit_code, result.output) == (0, f"{named(place)}: taken in\n")
    await served.settled()
    assert [one.duplicate for one in served.facts(EventAccepted, about=referral)] == [False]
    assert len(served.facts(OfferMade, about=referral)) == len(await served.offers(referral)) > 0
    assert "quarantine.released" in await served.steps(referral)
    again = await said("release", named(place), "--reason", "KEY_REGISTERED")
    assert again.exit_code == 1
    assert "is settled: RELEASED, KEY_REGISTERED" in again.output
    offers = len(await served.offers(referral))
    await served.post(letter)
    await served.settled()
    assert served.refusal(letter.event_id) == ("KEY_UNKNOWN", "wh-signature"), "it was refused once, by its first key"
    assert len(await served.offers(referral)) == offers


async def test_a_release_that_is_killed_has_taken_in_each_record_wholly_or_not_at_all(served: County) -> None:
    """kill -9 in the middle of twelve, twice; run again it finishes: each is offered once and told as accepted once."""
    key = LateKey()
    made = [await consented(served) for _ in range(12)]
    places = [await key.publish(served, letter) for letter, _, _ in made]
    await key.register(served)
    for done_before in (3, 4):
        await _killed_after(done_before, [place for place in places if await _is_open(served, place)])
    rest = [place for place in places if await _is_open(served, place)]
    assert 0 < len(rest) <= 5, "it was killed in the middle, and what it had told was done"
    result = await said("release", *map(named, rest), "--reason", "KEY_REGISTERED", "--yes", str(len(rest)))
    assert result.exit_code == 0, result.output
    await served.settled()
    for place, (letter, referral, _) in zip(places, made, strict=True):
        assert not await _is_open(served, place)
        assert [one.duplicate for one in served.facts(EventAccepted, about=referral)] == [False]
        assert len(served.facts(OfferMade, about=referral)) == len(await served.offers(referral)) > 0
        assert (await served.steps(referral)).count("quarantine.released") == 1
        assert served.refusal(letter.event_id) == ("KEY_UNKNOWN", "wh-signature")


async def _is_open(county: County, place: Place) -> bool:
    return (await row(county, place))["settled_at"] is None


async def _killed_after(told: int, places: list[Place]) -> None:
    """Release these in a process of its own that dies at the moment when it has told of so many."""
    words = ["release", *map(named, places), "--reason", "KEY_REGISTERED", "--yes", str(len(places))]
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "broker.cli", "quarantine", *words), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    for _ in range(told):
        assert (await child.stdout.readline()).endswith(b": taken in\n")
    child.kill()
    await child.wait()


async def test_an_organisation_that_was_onboarded_late_is_heard_at_last(served: County) -> None:
    """Nobody could be told, so the operator owned it; onboarded since, its request is offered like any other."""
    org, referral = OrgId("org-late-hospital"), new_referral_id()
    names = served.topics.of_organisation(org, provider=False)
    await create_topics(kafka_of(served.settings), names, partitions=served.settings.topic_partitions, replicas=1)
    key = SigningKey.new(KeyId(f"{org}#sign-1"))
    key.keep(zone_folder(served.settings, org) / KEYS_FOLDER, datetime.now(UTC))
    served.keys[org] = key
    place = await served.post(served.letter(org, request(), referral))
    await until(lambda: served.pool.fetchval("SELECT 1 FROM quarantine WHERE topic = $1", place[0]))
    assert "owner org-broker" in (await said("list", "--code", "SOURCE_UNKNOWN")).output
    await served.onboard(card(org, OrgClass.HOSPITAL_HIPAA))
    result = await said("release", named(place), "--reason", "ORGANISATION_ONBOARDED")
    assert (result.exit_code, result.output) == (0, f"{named(place)}: taken in\n")
    await served.settled()
    assert len(served.facts(EventAccepted, org=org, about=referral)) == 1
    assert not served.facts(EventRefused, org=org)


async def test_what_is_refused_again_stays_and_is_told_only_where_the_code_is_another(served: County) -> None:
    """The same code: the publisher has heard it. Another one: told once more. The trail has every attempt."""
    key = LateKey(POLICE)
    letter = served.letter(POLICE, ReferralCancelled(reason=CancelReason.SOURCE_WITHDREW), new_referral_id())
    place = await key.publish(served, letter)

    async def released() -> list[str]:
        result = await said("release", named(place), "--reason", "DEFECT_MENDED")
        assert result.exit_code == 1
        await served.settled()
        return [told.code.value for told in served.facts(EventRefused) if told.event_id == letter.event_id]

    assert await released() == ["KEY_UNKNOWN"]
    await key.register(served)
    told = await released()
    assert told == ["KEY_UNKNOWN", "REFERRAL_UNKNOWN"]
    assert await released() == told
    kept = await row(served, place)
    assert (kept["code"], kept["settled_at"]) == (told[1], None)
    assert kept["judged_at"] > kept["quarantined_at"]
    entries = await served.pool.fetchval(
        "SELECT count(*) FROM trail_entry WHERE kind = 'quarantine.kept' AND convert_from(preimage, 'UTF8') LIKE $1",
        f'%"{named(place)}"%',
    )
    assert entries == 3


async def test_the_gate_is_asked_as_of_now(served: County) -> None:
    """The release was taken back while the request lay in quarantine: it is taken in, and nobody is asked."""
    letter, referral, record = await consented(served)
    key = LateKey()
    place = await key.publish(served, letter)
    await served.say(HOTLINE, revoked(), record.consent_id)
    await key.register(served)
    await served.settled()
    assert (await said("release", named(place), "--reason", "KEY_REGISTERED")).exit_code == 0
    await served.settled()
    assert (await served.need(referral))["state"] == "CONSENT_HOLD"
    assert await served.offers(referral) == []


async def test_the_same_event_in_two_records_takes_effect_once(served: County) -> None:
    """The second is settled without effect; another event under the same id is refused, and stays."""
    letter, referral, record = await consented(served)
    key = LateKey()
    first, second = await key.publish(served, letter), await key.publish(served, letter)
    other = served.letter(HOTLINE, request(priority="P2"), referral, id=letter.event_id, consent=consent_of(record))
    third = await key.publish(served, other)
    await key.register(served)
    came = [(await said("release", named(one), "--reason", "KEY_REGISTERED")).output for one in (first, second, third)]
    assert "taken in" in came[0]
    assert "the same event was taken in by another record" in came[1]
    assert "refused again: ID_REUSED at id" in came[2]
    await served.settled()
    assert [one.duplicate for one in served.facts(EventAccepted, about=referral)] == [False, True]
    assert (await row(served, third))["settled_at"] is None


async def test_many_at_once_only_after_a_dry_run_and_a_dry_run_does_nothing(served: County) -> None:
    """A filter needs the count that the dry run showed; an outdated count is refused; then all of them are taken in."""
    key = LateKey(OrgId("org-sheriff"))
    referrals = [new_referral_id() for _ in range(3)]
    places = [await key.publish(served, served.letter(key.org, request(), one)) for one in referrals]
    await key.register(served)
    meant = ("release", "--code", "KEY_UNKNOWN", "--org", key.org, "--reason", "KEY_REGISTERED")

    async def counts() -> list[int]:
        """Of these three referrals alone: a clock goes on with those of other tests."""
        found = "SELECT count(*) FROM {} WHERE referral_id = ANY($1)"
        return [await served.pool.fetchval(found.format(name), referrals) for name in ("trail_entry", "referral")]

    refused = await said(*meant)
    assert (refused.exit_code, "This means 3 records" in refused.output) == (2, True)
    dry = await said(*meant, "--dry-run")
    assert "TAKEN_IN: 3" in dry.output
    assert "To do it: --yes 3" in dry.output
    outdated = await said(*meant, "--yes", "2")
    assert (outdated.exit_code, "It is 3 records now, not 2" in outdated.output) == (2, True)
    assert await counts() == [0, 0]
    assert all([(await row(served, place))["settled_at"] is None for place in places])
    done = await said(*meant, "--yes", "3", "--json")
    assert [json.loads(line)["outcome"] for line in done.output.splitlines()] == ["TAKEN_IN"] * 3
    await served.settled()
    for referral in referrals:
        assert await served.offers(referral)


async def test_what_is_given_up_has_a_reason_on_the_trail_and_is_forgotten_in_time(served: County) -> None:
    """No reason, no filter and no record: refused. Given up, it is listed no more; its row goes after weeks."""
    key = LateKey()
    place = await key.publish(served, served.letter(HOTLINE, request(), new_referral_id()))
    assert (await said("discard", named(place))).exit_code == 2
    assert (await said("discard", "--reason", "FORGED")).exit_code == 2
    assert (await said("discard", named(place), "--reason", "BECAUSE")).exit_code == 2
    assert named(place) in (await said("list", "--org", HOTLINE, "--younger-than", "1h")).output
    assert (await said("discard", named(place), "--reason", "FORGED")).output == "1 given up: FORGED.\n"
    assert named(place) not in (await said("list", "--limit", "10000")).output
    told = await served.pool.fetchval(
        "SELECT convert_from(preimage, 'UTF8') FROM trail_entry WHERE kind = 'quarantine.discarded'"
        " ORDER BY idx DESC LIMIT 1"
    )
    facts = json.loads(told)
    assert (facts["actor"], facts["reason"], facts["record"]) == ("role:operator", "FORGED", named(place))
    async with served.pool.acquire() as connection:
        await forget_settled(connection)
        assert (await row(served, place))["settled"] == "DISCARDED"
        await connection.execute(
            "UPDATE quarantine SET settled_at = now() - make_interval(days => $2, mins => 1) WHERE record_offset = $1"
            " AND topic = $3 AND partition = $4",
            place[2],
            quarantine_settled_days,
            place[0],
            place[1],
        )
        assert await forget_settled(connection) >= 1
    assert not await served.pool.fetchval(
        "SELECT count(*) FROM quarantine WHERE topic = $1 AND partition = $2 AND record_offset = $3", *place
    )


async def test_what_kafka_keeps_no_longer_is_said_to_be_gone(served: County) -> None:
    """It is not judged, and stays open until somebody gives it up: its publisher must send it anew."""
    key = LateKey()
    place = await key.publish(served, served.letter(HOTLINE, request(), new_referral_id()))
    await key.register(served)
    admin = AIOKafkaAdminClient(**kafka_of(served.settings))
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(place[0], place[1]): RecordsToDelete(before_offset=place[2] + 1)})
    finally:
        await admin.close()
    assert "in Kafka  no" in (await said("show", named(place))).output
    result = await said("release", named(place), "--reason", "KEY_REGISTERED")
    assert (result.exit_code, "Kafka does not keep it any more" in result.output) == (1, True)
    assert (await row(served, place))["settled_at"] is None


async def test_each_record_has_an_owner_and_what_lies_too_long_is_overdue(served: County) -> None:
    """The publisher owns what came on its topic; the operator what nobody else can mend, a defect of ours, too."""
    key = LateKey()
    places = [await key.publish(served, served.letter(HOTLINE, request(), new_referral_id())) for _ in range(2)]
    await served.pool.execute("UPDATE quarantine SET settled_at = now() WHERE org_id = 'org-hotline'")
    for place, code in zip(places, ("KEY_UNKNOWN", "BROKER_FAULT"), strict=True):
        await served.pool.execute(
            "UPDATE quarantine SET settled_at = NULL, code = $4, quarantined_at = now() - make_interval(hours => $5)"
            " WHERE topic = $1 AND partition = $2 AND record_offset = $3",
            *place,
            code,
            quarantine_alarm_hours + 1,
        )
    async with served.pool.acquire() as connection:
        owed = {line.owner: line for line in await backlog(connection, served.settings.broker_org)}
    assert (owed[HOTLINE].open, owed[HOTLINE].overdue) == (1, 1)
    assert owed[served.settings.broker_org].overdue == 1
    assert isinstance(owed[HOTLINE], Backlog)
    assert datetime.now(UTC) - owed[HOTLINE].oldest > timedelta(hours=quarantine_alarm_hours)
    listed = (await said("list", "--older-than", f"{quarantine_alarm_hours}h", "--org", HOTLINE)).output
    assert f"{named(places[0])}  owner org-hotline" in listed
    assert "OVERDUE" in listed
