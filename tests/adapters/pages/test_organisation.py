"""The organisation's own sign-in, against a small provider of its own: who comes in, and who does not."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from playwright.async_api import Page, expect

from adapters.guard import Guard
from adapters.inbox.web.asking import Asking
from adapters.inbox.web.entry import TABLES, StaffSignIn
from adapters.inbox.web.roles import StaffRole
from adapters.transports.outgoing import Outgoing
from broker.entry.accounts import Account
from broker.entry.errors import OpenIdAway, OpenIdError, OpenIdRefused, RoleUnknown
from broker.entry.openid import OpenId, Organisation
from broker.entry.ways import CALLBACK, OwnSignIn
from tests.adapters.courier_desk import HAVEN
from tests.adapters.pages.house import House
from tests.adapters.pages.organisation import CLIENT, SECRET, OrganisationsOwn, logging_in
from tests.browsing import FROM_HERE

ROLES: Final = {"leads": StaffRole.SUPERVISOR, "advocates": StaffRole.STAFF}


@asynccontextmanager
async def own_of(house: House, **settings: Any) -> AsyncIterator[tuple[OrganisationsOwn, StaffSignIn]]:
    """Haven's own sign-in, and how its pages ask it."""
    async with logging_in(house.base + CALLBACK) as provider:
        port = urlsplit(provider.issuer).port
        assert port is not None
        outgoing = Outgoing(Guard(frozenset({("127.0.0.1", port)})), ssl.create_default_context())
        organisation = Organisation(
            **{
                "org": HAVEN,
                "issuer": provider.issuer,
                "client_id": CLIENT,
                "client_secret": SECRET,
                "role_claim": "groups",
                "roles": ROLES,
                **settings,
            }
        )
        try:
            yield provider, OwnSignIn(organisation, Asking(outgoing))
        finally:
            await outgoing.stop()


@asynccontextmanager
async def shown(house: House) -> AsyncIterator[OrganisationsOwn]:
    """The pages, with that way in."""
    async with own_of(house) as (provider, own):
        house.own_sign_in, house.elsewhere = own, provider.issuer
        house.pages = house.application()
        yield provider


async def log_in(page: Page, house: House) -> None:
    """From the sign-in page to the organisation and back."""
    await page.goto("/sign-in")
    await page.get_by_role("link", name="With your organisation's account").click()
    await page.get_by_role("link", name="It is me").click()
    await page.wait_for_url(house.base + "/**")


async def test_whoever_the_organisation_knows_comes_in_under_its_role(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """By the claim's table; the same person is the same account, and nothing else of the token is kept or told."""
    caplog.set_level("DEBUG")
    async with shown(house) as provider, house.visitor() as page:
        for groups, role in ((["advocates"], "staff"), (["advocates", "leads"], "supervisor")):
            provider.groups = groups
            await log_in(page, house)
            await expect(page.locator("footer").get_by_text(role)).to_be_visible()
            await page.get_by_role("button", name="Sign out").click()
            await page.wait_for_url("**/signed-out")
        assert provider.logins == 2, "each time anew: the desk is shared"
    rows = await house.desk.pool.fetch("SELECT s.*::text FROM staff_session s")
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("broker", "adapters"))]
    assert "Wolfsbane" not in f"{rows}{ours}{house.urls}"
    accounts = await house.desk.pool.fetch("SELECT DISTINCT account_id FROM staff_session")
    assert len(accounts) == 1
    assert await house.desk.pool.fetchval("SELECT count(*) FROM sign_in_ceremony") == 0


async def test_whoever_has_no_role_is_told_so(house: House) -> None:
    """In words, without a session; and so is whoever comes back in a browser that asked nothing."""
    house.allowed.append("403")
    async with shown(house) as provider:
        async with house.visitor() as page:
            provider.groups = ["kitchen"]
            await log_in(page, house)
            await expect(page.get_by_text("Your organisation's account has no role on these pages.")).to_be_visible()
            await page.context.clear_cookies()
        async with house.visitor() as page, house.visitor() as other:
            await page.goto("/sign-in")
            await page.get_by_role("link", name="With your organisation's account").click()
            provider.groups = ["leads"]
            href = await page.get_by_role("link", name="It is me").get_attribute("href")
            await other.goto(f"{provider.issuer}{href}")
            await expect(other.get_by_role("heading")).to_have_text("Nobody was signed in")
            await page.context.clear_cookies()
    assert await house.desk.pool.fetchval("SELECT count(*) FROM staff_session") == 0


async def test_there_are_no_passkeys_beside_the_organisations_accounts(house: House) -> None:
    """Who is let in is the organisation's to say: a passkey would outlive the account."""
    house.named()
    async with shown(house), house.visitor() as page:
        await log_in(page, house)
        await page.goto("/passkeys")
        await expect(page.get_by_text("There are no passkeys beside it.")).to_be_visible()
        forged = await page.context.request.post("/passkeys/options", form={}, headers=FROM_HERE)
        assert forged.status == 403


async def test_a_provider_that_is_away_is_said_to_be_away(house: House) -> None:
    """A page that says what to do, and nobody waits."""
    house.allowed.append("502")
    async with own_of(house) as (_provider, own), house.visitor() as page:
        gone = replace(own.organisation, issuer="http://127.0.0.1:9")
        house.own_sign_in = OwnSignIn(gone, own.fetch)
        house.pages = house.application()
        await page.goto("/sign-in")
        await page.get_by_role("link", name="With your organisation's account").click()
        await expect(page.get_by_text("Your organisation's sign-in cannot be reached")).to_be_visible()


async def come_back(openid: OpenId[StaffRole], **sent: str) -> Account[StaffRole]:
    """Go there, log in, and come back; `sent` replaces what comes back."""
    now = datetime.now(UTC)
    ceremony = await openid.begin(now)
    login = ceremony.told.replace("/login?", "/let-in?")
    async with aiohttp.ClientSession() as session, session.get(login, allow_redirects=False) as answer:
        query = parse_qs(urlsplit(answer.headers["location"]).query)
    answered = {name: values[0] for name, values in query.items()} | sent
    return await openid.finish(ceremony.token, answered, now)


def openid_of(house: House, own: StaffSignIn) -> OpenId[StaffRole]:
    """A way in of its own, which knows nothing of the provider yet."""
    return OpenId(own.organisation, own.fetch, house.desk.pool, TABLES, house.base + CALLBACK)


LONG_AGO = int((datetime.now(UTC) - timedelta(hours=2)).timestamp())


@pytest.mark.parametrize(
    "bend",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"exp": LONG_AGO},
        {"exp": None},
        {"iat": LONG_AGO},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": ""},
        {"sub": 7},
        {"auth_time": LONG_AGO},
        {"nbf": LONG_AGO + 86_400},
    ],
    ids=lambda bend: "-".join(bend),
)
async def test_a_token_that_does_not_hold_lets_nobody_in(house: House, bend: dict[str, Any]) -> None:
    """Another issuer's, another client's, an old one, one for another question, one of nobody, an old proof."""
    async with own_of(house) as (provider, own):
        provider.bend = bend
        with pytest.raises(OpenIdRefused):
            await come_back(openid_of(house, own))


async def test_only_the_providers_own_keys_sign(house: House) -> None:
    """Not another's, not the client's secret, not no key at all; a key that is newer is looked for."""
    async with own_of(house) as (provider, own):
        openid = openid_of(house, own)
        real = provider.key
        assert (await come_back(openid)).role is StaffRole.STAFF
        provider.published = [real]
        provider.key = RSAKey.generate_key(2048, {"kid": "one"})
        with pytest.raises(OpenIdRefused):
            await come_back(openid)
        provider.key = OctKey.import_key(SECRET)
        for algorithm in ("HS256", "none"):
            provider.header = {"alg": algorithm}
            with pytest.raises(OpenIdRefused):
                await come_back(openid)
        provider.key, provider.header = ECKey.generate_key("P-256", {"kid": "two"}), {"alg": "ES256"}
        provider.published = [real, provider.key]
        assert (await come_back(openid)).org == HAVEN


async def test_what_comes_back_answers_what_was_asked_once(house: House) -> None:
    """Another state, another issuer, another code, an error, a second time, too late: nobody comes in."""
    async with own_of(house) as (provider, own):
        openid = openid_of(house, own)
        for sent in ({"state": "x"}, {"iss": "https://elsewhere.example"}, {"code": "x"}):
            with pytest.raises(OpenIdRefused):
                await come_back(openid, **sent)
        now = datetime.now(UTC)
        ceremony = await openid.begin(now)
        state = parse_qs(urlsplit(ceremony.told).query)["state"][0]
        with pytest.raises(OpenIdRefused):
            await openid.finish(ceremony.token, {"state": state, "error": "access_denied"}, now)
        with pytest.raises(OpenIdRefused):
            await openid.finish(ceremony.token, {"state": state, "code": "x"}, now)
        late = await openid.begin(now)
        with pytest.raises(OpenIdRefused):
            await openid.finish(late.token, {"state": state, "code": "x"}, now + timedelta(minutes=6))
        assert provider.subject not in repr(await come_back(openid))


async def test_roles_are_found_where_the_operator_says(house: House) -> None:
    """In an object within an object, as one word, and nowhere: then nobody comes in."""
    async with own_of(house, role_claim="realm_access.roles") as (provider, own):
        openid = openid_of(house, own)
        provider.bend = {"realm_access": {"roles": ["leads"]}}
        assert (await come_back(openid)).role is StaffRole.SUPERVISOR
        provider.bend = {"realm_access": {"roles": "advocates"}}
        assert (await come_back(openid)).role is StaffRole.STAFF
        for bend in ({}, {"realm_access": "leads"}, {"realm_access": {"roles": [["leads"]]}}):
            provider.bend = dict(bend)
            with pytest.raises(RoleUnknown):
                await come_back(openid)


async def test_a_provider_that_is_another_one_is_not_believed(house: House) -> None:
    """Its document must name the very issuer that the operator has set; and no address within is taken unguarded."""
    async with own_of(house) as (provider, own):
        issuer, provider.issuer = provider.issuer, provider.issuer + "/other"
        with pytest.raises(OpenIdAway):
            await openid_of(house, own).begin(datetime.now(UTC))
        provider.issuer = issuer
        with pytest.raises(OpenIdError):
            await Asking(own.fetch.outgoing)("GET", "http://169.254.169.254/keys", {}, b"")  # type: ignore[attr-defined]
