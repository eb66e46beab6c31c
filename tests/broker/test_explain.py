"""`handoff explain`: what was decided is told from the trail, what would be decided now by the gate itself."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from broker.cli import app
from broker.schemas.ids import ReferralId, new_referral_id
from broker.schemas.offer_made import OfferMade
from tests.broker.county import County
from tests.broker.facts import BIRCH, CALLBACK, CEDAR, HOTLINE, accepted, consent_of, granted, release, request, revoked

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def environment(served: County, monkeypatch: pytest.MonkeyPatch) -> None:
    """The county's settings as a shell has them."""
    assert served.settings.postgres_dsn is not None
    monkeypatch.setenv("HANDOFF_HOME", str(served.settings.home))
    monkeypatch.setenv("HANDOFF_KAFKA_BOOTSTRAP", str(served.settings.kafka_bootstrap))
    monkeypatch.setenv("HANDOFF_POSTGRES_DSN", served.settings.postgres_dsn.get_secret_value())
    monkeypatch.setenv("HANDOFF_TOPIC_PREFIX", served.settings.topic_prefix)


async def explained(*words: str) -> Result:
    """Run the command, as a process of its own would."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["explain", *words])


async def rulings(referral: ReferralId, *words: str) -> list[dict[str, Any]]:
    """The same as a program reads it."""
    result = await explained(referral, "--json", *words)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


async def _accepted_referral(county: County) -> tuple[ReferralId, Any]:
    """A referral of the hotline's to Birch alone, accepted and handed over as far as keys were wrapped."""
    record, referral = release(BIRCH), new_referral_id()
    await county.say(HOTLINE, granted(record), record.consent_id)
    await county.settled()
    await county.say(HOTLINE, request(), referral, consent=consent_of(record))
    await county.settled()
    [offer] = county.facts(OfferMade, org=BIRCH, about=referral)
    await county.say(BIRCH, accepted(offer.offer_id), referral)
    await county.settled()
    return referral, record


@pytest.mark.usefixtures("environment")
async def test_each_group_is_told_with_its_rule_then_and_now(served: County) -> None:
    """The offer rested on that version; taken back since, the same question has another answer, and the past stands."""
    referral, record = await _accepted_referral(served)
    before = await rulings(referral)
    await served.say(HOTLINE, revoked(), record.consent_id)
    await served.settled()
    after = await rulings(referral, "--recipient", BIRCH)
    offer = next(one for one in after if one["kind"] == "decided" and one["phase"] == "OFFER")
    assert offer["effect"] == "PERMIT"
    assert offer["consents"] == [f"{record.consent_id}/1"]
    assert offer["policy"].startswith("us-federal-vawa/")
    assert {"FG01", "FG02"} <= set(offer["let_through"])
    assert offer["withheld"]["FG04"] == "AFTER_ACCEPTANCE"
    assert [one["effect"] for one in before if one["kind"] == "now" and one["recipient"] == BIRCH] == ["PERMIT"]
    assert [(one["effect"], one["reason"]) for one in after if one["kind"] == "now"] == [("DENY", "CONSENT_REVOKED")]
    assert {one["recipient"] for one in after if one["kind"] in ("decided", "now")} == {BIRCH}


@pytest.mark.usefixtures("environment")
async def test_it_reads_like_an_auditors_page_and_holds_nothing_of_hers(served: County) -> None:
    """Grouped by recipient, groups by their labels, every reason with its rule; who was passed over is there, too."""
    referral, record = await _accepted_referral(served)
    result = await explained(referral)
    assert result.exit_code == 0, result.output
    text = result.output
    assert f"\n\n{BIRCH}\n" in text
    assert f"\n\n{CEDAR}\n" in text
    assert "RECIPIENT_NOT_NAMED (VAWA-05): The release does not name this organisation." in text
    assert "AFTER_ACCEPTANCE (§7.4): Not in an offer" in text
    assert f"on release {record.consent_id}/1" in text
    assert f"{HOTLINE}\n" in text
    assert "FEEDBACK_NOT_RELEASED (VAWA-12)" in text
    assert CALLBACK not in text


@pytest.mark.usefixtures("environment")
async def test_reading_is_an_entry_with_who_and_why(served: County) -> None:
    """And asking the gate anew sends nothing and changes nothing."""
    referral, _ = await _accepted_referral(served)
    need, steps = await served.need(referral), await served.steps(referral)
    assert (await explained(referral, "--reason", "COMPLAINT")).exit_code == 0
    assert await served.steps(referral) == [*steps, "trail.read"]
    last = "SELECT preimage FROM trail_entry WHERE referral_id = $1 ORDER BY idx DESC LIMIT 1"
    told = json.loads(await served.pool.fetchval(last, referral))
    assert (told["actor"], told["reason"]) == ("role:operator", "COMPLAINT")
    assert await served.need(referral) == need
    assert await served.pool.fetchval("SELECT count(*) FROM outbox WHERE referral_id = $1", referral) == 0


@pytest.mark.usefixtures("environment")
async def test_an_unknown_referral_is_said_to_be_unknown(served: County) -> None:
    """And leaves no entry about what does not exist."""
    referral = new_referral_id()
    result = await explained(referral)
    assert result.exit_code == 1
    assert await served.steps(referral) == []
