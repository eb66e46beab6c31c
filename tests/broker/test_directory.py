"""The directory as the broker reads it: what it holds is true at this very moment, by the database's clock."""

from datetime import timedelta

import pytest

from broker.handlers.directory import Directory
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import OrgClass
from broker.sql.bulk import Connection
from broker.store.directory import clock_and_directory, onboard, suspend
from tests.broker.county import County
from tests.broker.facts import card
from tests.broker.letters import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

COURT = OrgId("org-court-for-a-moment")


async def test_an_agreement_ends_by_the_clock_alone(served: County) -> None:
    """Nobody has changed anything since: a process that read the directory before must notice by itself."""
    async with served.pool.acquire() as connection:
        now, _ = await clock_and_directory(connection, Directory.empty())
        ends = now + timedelta(seconds=0.5)
        court = card(COURT, OrgClass.COURT).model_copy(update={"agreement_until": ends})
        await onboard(connection, court, bytes(32))
        _, before = await clock_and_directory(connection, Directory.empty())
        assert COURT in before.parties
        assert before.good_until == ends
        after = await until(lambda: _without(COURT, connection, before))
        assert after.version == before.version


async def test_an_unchanged_directory_is_not_read_again(served: County) -> None:
    """It is asked for with every batch; a change is seen at once."""
    async with served.pool.acquire() as connection:
        _, first = await clock_and_directory(connection, Directory.empty())
        _, again = await clock_and_directory(connection, first)
        assert again is first
        await onboard(connection, card(COURT, OrgClass.COURT), bytes(32))
        assert COURT in (await clock_and_directory(connection, first))[1].parties
        await suspend(connection, COURT, bytes(32))
        assert COURT not in (await clock_and_directory(connection, first))[1].parties


async def _without(org: OrgId, connection: Connection, known: Directory) -> Directory | None:
    _, found = await clock_and_directory(connection, known)
    return None if org in found.parties else found
