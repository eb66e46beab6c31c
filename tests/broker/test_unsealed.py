"""Fail closed: what could not be proved is not sent, and goes out by itself when the trail is sealed again."""

from datetime import timedelta

import pytest

from broker import limits
from broker.composition import Process
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.ids import new_referral_id
from broker.store import writing
from broker.store.unsealed import SealWatch, unsealed_age
from tests.broker.county import County
from tests.broker.facts import POLICE, request
from tests.broker.letters import until


async def test_nothing_is_sent_while_the_trail_is_unsealed_for_too_long(
    own_county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a sequencer events are taken in and stay; with one they go out, and what was written is sealed."""
    monkeypatch.setattr(limits, "unsealed_stop_seconds", 0)
    monkeypatch.setattr(limits, "unsealed_look_seconds", 0.05)
    monkeypatch.setattr(writing, "LEASE_SECONDS", 1)
    referral = new_referral_id()
    async with own_county.broker(Process.BROKER, Process.RELAY):
        await own_county.say(POLICE, request(), referral)
        waiting = await until(lambda: own_county.pool.fetchval("SELECT count(*) FROM outbox WHERE send_after < now()"))
        await own_county.listen()
        assert own_county.heard == []
        assert await own_county.pool.fetchval("SELECT count(*) FROM outbox") >= waiting
        async with own_county.pool.acquire() as connection:
            assert await unsealed_age(connection) is not None
    async with own_county.broker(Process.BROKER, Process.RELAY, Process.SEQUENCER):
        await own_county.settled()
        assert own_county.facts(EventAccepted, org=POLICE, about=referral)

        async def sealed() -> bool:
            async with own_county.pool.acquire() as connection:
                return await unsealed_age(connection) is None

        await until(sealed)


def test_an_alarm_comes_a_minute_after_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """After a minute an alarm, after fifteen the stop; each is told when it begins, and so is the end."""
    watch = SealWatch()
    told = []
    for seconds in (None, 59, 61, 62, 899, 901, 902, 1, None):
        caplog.clear()
        watch.take(None if seconds is None else timedelta(seconds=seconds))
        told.append((watch.stopped, [record.levelname for record in caplog.records]))
    alarm, over, nothing = ["ERROR"], ["WARNING"], list[str]()
    assert told == [
        *((False, said) for said in (nothing, nothing, alarm, nothing, nothing)),
        *((True, said) for said in (alarm, nothing)),
        *((False, said) for said in (over, nothing)),
    ]
