"""What an agency owes while nobody sits at a desk: every choice is answered, what has ended is destroyed.

One task hears the notices, one looks now and then: at the zone's folder, at choices that wait for an organisation's
key, at keys whose time is over. Nothing is kept only in memory, so that it can end and begin again at any moment.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from broker.agency.errors import AgencyError, NotConfirmed, RecipientUnknown, ShareDenied
from broker.agency.publishing import Published
from broker.client import AgencyClient, EventRefused, Notice, RecipientChosen
from broker.domain.retention import schedule_of
from broker.limits import agent_again_seconds, agent_look_seconds, trail_days
from broker.schemas.ids import OrgId, ReferralId
from broker.seal.errors import KeyFileError

log = logging.getLogger(__name__)

NAME: Final = "agent"
"""Under this name the agent has its own place among the notices; copies of it share the work."""


async def attend(client: AgencyClient) -> None:
    """Answer every choice of the broker's until cancelled. The client is connected, its name is `NAME`.

    Raises:
        NotOnboarded, KafkaUnreachable: the notices cannot be heard.
    """
    tasks = [asyncio.create_task(_hear(client)), asyncio.create_task(_look_again_and_again(client))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _hear(client: AgencyClient) -> None:
    async with aclosing(client.notices()) as notices:
        async for notice in notices:
            await _heard(client, notice)


async def _heard(client: AgencyClient, notice: Notice) -> None:
    fact = notice.fact
    if isinstance(fact, EventRefused):
        log.error("the broker has refused event %s: %s at %s", fact.event_id, fact.code.value, fact.field)
    elif isinstance(fact, RecipientChosen):
        client.look_again()
        await _answered(ReferralId(notice.subject), fact.recipient, partial(client.seal_chosen, notice))


async def _look_again_and_again(client: AgencyClient) -> None:
    tried: datetime | None = None
    while True:
        try:
            tried = await look(client, datetime.now(UTC), tried)
        except (AgencyError, KeyFileError) as error:
            log.error("%s", error)
        await asyncio.sleep(agent_look_seconds)


async def look(client: AgencyClient, now: datetime, tried: datetime | None = None) -> datetime:
    """One look: take in a changed zone, let in who waited for it, destroy what has been kept for too long.

    `tried` is of when the directory was with which the choices that wait were tried last, and so is what is returned:
    with the same one they are not tried again.
    """
    client.look_again()
    issued_at = client.zone.directory.issued_at
    for choice, referral_id, chosen in await client.late.waiting() if issued_at != tried else ():
        await _answered(referral_id, chosen.recipient, partial(client.late.seal_chosen, choice, referral_id, chosen))
    if ended := await client.kept_keys.forget_ended(now):
        log.info("content keys of %d referrals destroyed: kept long enough", ended)
    party, pack = client.zone.party, client.zone.pack
    kept = schedule_of(party.org_class, pack.regimes.get(party.org_class, ()), trail_days)
    if ended := client.ledger.forget(now, timedelta(days=kept.days)):
        log.info("%d files of the ledger destroyed: kept long enough", ended)
    return issued_at


async def _answered(referral_id: ReferralId, recipient: OrgId, seal: Callable[[], Awaitable[Published]]) -> None:
    """Seal, as often as Kafka needs; what the rules or the zone do not allow is told and not tried again."""
    while True:
        try:
            published = await seal()
        except NotConfirmed:
            log.warning("%s: Kafka has not confirmed the keys for %s, sending them again", referral_id, recipient)
            await asyncio.sleep(agent_again_seconds)
        except RecipientUnknown as unknown:
            log.error("%s: %s Waiting for a newer directory.", referral_id, unknown)
            return
        except ShareDenied as denied:
            log.error("%s: %s is let in to nothing (%s)", referral_id, recipient, denied.reason.value)
            return
        except (AgencyError, KeyFileError) as error:
            log.error("%s: %s is not let in: %s", referral_id, recipient, error)
            return
        else:
            log.info("%s: keys wrapped for %s in event %s", referral_id, recipient, published.event_id)
            return
