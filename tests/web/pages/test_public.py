"""What the public is told: figures in which nobody can be found, the rules that are in force, whom to turn to."""

import tomllib
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import aiohttp
import pytest
from playwright.async_api import Page, expect

from broker.domain.quarters import Quarter
from broker.errors import SettingsInvalid
from broker.policies import shipped_text
from broker.schemas.vocabulary import Priority, RecipientCategory
from broker.settings import load_settings
from broker.store.policies import in_force, put_in_force, verified
from broker.store.public_reports import reports
from broker.trail.entries import fresh_salt
from broker.web.pages.public import Contacts
from tests.web.pages.history import Asked, happened
from tests.web.pages.network import NOW, Network


async def row(page: Page, caption: str, name: str) -> str:
    """The number that stands beside a name in a table of the page."""
    table = page.locator("table").filter(has=page.locator("caption", has_text=caption))
    line = table.locator("tbody tr").filter(has=page.locator("th", has_text=name))
    return (await line.first.locator("td").first.inner_text()).strip()


async def test_a_small_count_is_not_told_nor_what_it_would_follow_from(network: Network) -> None:
    """Four asked for counselling: neither they nor the shelters' figure are told; what stands apart is."""
    async with network.visitor() as page:
        await page.goto("/")
        await expect(page.get_by_text("July to September 2026: 139 needs.")).to_be_visible()
        assert await row(page, "What was asked for", "Counselling") == "Not told"
        assert await row(page, "What was asked for", "A safe place") == "Not told"
        assert await row(page, "What was asked for", "Legal help") == "36"
        assert await row(page, "What was asked for", "Health care") == "0"
        assert await row(page, "How long providers took", "Up to 15 minutes") == "102"
        assert await row(page, "How long providers took", "No answer") == "11"
        await expect(page.get_by_text("92% came in time.")).to_be_visible()
        assert await row(page, "Quarter by quarter", "April to June 2026") == "59"
        assert await page.get_by_text("October to December 2026").count() == 0, "it is not over yet"


async def test_what_was_told_of_a_quarter_is_never_told_otherwise(network: Network) -> None:
    """Nor can anybody see who has been forgotten since, or has been added."""
    async with network.pool.acquire() as connection:
        before = await reports(connection, NOW)
    await network.pool.execute("DELETE FROM need WHERE category = 'LEGAL_AID'")
    await happened(network.pool, [Asked(Quarter(2026, 2), RecipientCategory.ADVOCACY, Priority.P1, (None,) * 30)])
    async with network.pool.acquire() as connection:
        assert await reports(connection, NOW) == before


async def test_a_quarter_is_counted_only_when_it_has_been_over_for_days(network: Network) -> None:
    """What happened in its last minutes has been stored by then."""
    over = Quarter(2026, 3).ends
    async with network.pool.acquire() as connection:
        for now, latest in ((over + timedelta(days=1), Quarter(2026, 2)), (over + timedelta(days=3), Quarter(2026, 3))):
            assert (await reports(connection, now))[0].quarter == latest


async def test_the_rules_are_those_of_the_pack_in_force(network: Network) -> None:
    """Another pack, another page, and its exact text; nothing is kept by hand."""
    async with network.pool.acquire() as connection:
        american = await in_force(connection)
        async with network.visitor() as page:
            await page.goto("/")
            await expect(page.get_by_text("A permission to share lasts 30 days at most")).to_be_visible()
            await expect(page.get_by_text(str(american))).to_be_visible()
        british = verified(shipped_text("uk-dpa-safeguarding"), b"", {})
        await put_in_force(connection, british, american, fresh_salt(), looser=False)
        try:
            network.open()
            async with network.visitor() as page:
                await page.goto("/")
                await expect(page.get_by_text(british.pack.reference)).to_be_visible()
                days = british.pack.max_release.days
                await expect(page.get_by_text(f"A permission to share lasts {days} days at most")).to_be_visible()
                await page.get_by_text("Who may tell whom what").first.click()
                await expect(page.get_by_text("by a note of necessity").first).to_be_visible()
            async with aiohttp.ClientSession() as session, session.get(network.base + "/rules.toml") as answer:
                text = await answer.read()
            assert sha256(text).hexdigest() == british.pack.digest
            assert tomllib.loads(text.decode())["policyPack"] == "uk-dpa-safeguarding"
        finally:
            assert american is not None
            await put_in_force(connection, verified(shipped_text(), b"", {}), None, fresh_salt(), looser=False)


async def test_people_are_told_whom_to_turn_to(network: Network) -> None:
    """In the operator's own words where there are some, and else to whom they spoke."""
    async with network.visitor() as page:
        await page.goto("/")
        await expect(page.get_by_text("tell the worker or the agency that asked you")).to_be_visible()
        network.open(contacts=Contacts("Lakeside County", "+1 555 555 0100", "+1 555 555 0101, day and night"))
        await page.goto("/")
        await expect(page.get_by_text("To complain: +1 555 555 0100")).to_be_visible()
        await expect(page.get_by_text("To take back a permission: +1 555 555 0101, day and night")).to_be_visible()
        await expect(page.get_by_text("Operated by Lakeside County")).to_be_visible()


async def test_a_network_that_has_just_begun_says_that_there_are_no_figures(network: Network) -> None:
    """In its first quarter, that is."""
    network.open(now=datetime(2025, 2, 1, tzinfo=UTC))
    async with network.visitor() as page:
        await page.goto("/")
        await expect(page.get_by_text("There are no figures yet")).to_be_visible()


@pytest.mark.parametrize("name", ["public_complaints", "public_operator", "public_withdrawal"])
def test_what_the_page_would_not_say_well_is_refused(name: str) -> None:
    """One line, without markup."""
    assert getattr(load_settings(**{name: "+1 555 555 0100"}, _env_file=None), name) == "+1 555 555 0100"
    for bad in ("two\nlines", "<b>", "x" * 201):
        with pytest.raises(SettingsInvalid, match=f"HANDOFF_{name.upper()}: must be one line"):
            load_settings(**{name: bad}, _env_file=None)
