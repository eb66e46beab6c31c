"""What is over is forgotten after a day: content, keys and ciphertexts; that there was an offer stays, by code."""

from adapters.retention import forget_ended
from adapters.standing import Standing
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.vocabulary import Outcome, Service
from tests.adapters.network import Installation, until
from tests.conftest import KafkaForTest


async def test_a_day_after_its_end_an_offer_is_forgotten(installation: Installation, kafka: KafkaForTest) -> None:
    """NNEDV-11: not earlier, so that a refused answer can still be put back; not what is under way, however old."""
    haven = await installation.serve(kafka.org("haven"))
    voice = installation.voice
    async with installation.running() as zone:
        inbox = zone.inbox(haven)
        (done, referral), (waiting, _) = [await voice.offer(haven) for _ in range(2)]

        async def both() -> bool:
            return len(await inbox.offers()) == 2

        await until(both)
        await inbox.accept(done)
        await voice.release(haven, done, referral)

        async def released() -> bool:
            return (await inbox.find(done)).released

        await until(released)
        await inbox.open_groups(done, reader=AcceptedBy.STAFF)
        await inbox.contact_made(done)
        await inbox.service_started(done, Service.EMERGENCY_SHELTER)
        await inbox.service_completed(done, Outcome.SHELTERED)
    assert await forget_ended(installation.pool) == 0
    await installation.pool.execute("UPDATE offer SET changed_at = changed_at - interval '25 hours'")
    assert await forget_ended(installation.pool) == 1
    gone, kept = await inbox.find(done), await inbox.find(waiting)
    assert (gone.standing, gone.offer) == (Standing.COMPLETED, None)
    assert (kept.standing, kept.offer is not None) == (Standing.WAITING, True)
    assert await installation.rows("SELECT 1 FROM sealed_part UNION ALL SELECT 1 FROM wrapped_part") == []
    assert len(await installation.rows("SELECT 1 FROM reading")) == 1
    assert await forget_ended(installation.pool) == 0
