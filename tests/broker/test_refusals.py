"""Whatever is wrong with a record: its publisher hears code and field, never a value, and the next one is taken."""

import pytest

from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import new_referral_id
from tests.broker.county import County
from tests.broker.facts import NAME
from tests.broker.refusals import CONSENTS, RECORDS, Bad, good

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("bad", [*RECORDS, *CONSENTS], ids=lambda bad: bad.name)
async def test_a_bad_record_is_told_quarantined_and_left_behind(served: County, bad: Bad) -> None:
    """Told by code and field on the notice topic, kept as a pointer, without effect; the partition goes on."""
    referral = new_referral_id()
    letter = bad.make(served, referral)
    before = await served.pool.fetchval("SELECT count(*) FROM inbox")
    place = await served.post(letter, partition=0)
    await served.settled()
    [(heard, told)] = [one for one in served.events(EventRefused) if one[1].position and _at(one[1]) == place]
    assert (heard.org, told.code, told.field) == (bad.told, bad.code, bad.field)
    assert NAME.encode() not in heard.record
    assert await _pointer(served, place) == (bad.code, bad.field, bad.told)
    assert await served.pool.fetchval("SELECT count(*) FROM inbox") == before
    await served.post(good(served, referral), partition=0)
    await served.settled()
    assert len(served.events(EventAccepted, about=referral)) == 1


def _at(told: EventRefused) -> tuple[str, int, int]:
    assert told.position is not None
    return told.position.topic, told.position.partition, told.position.offset


async def _pointer(county: County, place: tuple[str, int, int]) -> tuple[str, str | None, str | None]:
    """What is kept of the record: where it lies, why, and whose topic it came on. Nothing of it can be read there."""
    row = await county.pool.fetchrow(
        "SELECT * FROM quarantine WHERE topic = $1 AND partition = $2 AND record_offset = $3", *place
    )
    assert row is not None
    assert NAME not in str(dict(row))
    return row["code"], row["field"], row["org_id"]
