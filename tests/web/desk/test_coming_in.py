"""Coming in at the desk: by a link, a passkey, the operator's own sign-in; let in by commands, and out at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from playwright.async_api import expect
from pydantic import SecretStr
from typer.testing import Result

from broker.entry.links import LinkPurpose
from broker.entry.openid import Organisation
from broker.entry.ways import CALLBACK, OwnSignIn
from broker.errors import SettingsInvalid
from broker.local.databases import ZoneDatabase
from broker.local.ports import any_free
from broker.schemas.vocabulary import MsgStatus
from broker.settings import Settings, load_settings
from broker.trail.entries import Step
from broker.web.desk.asking import Asking, own_sign_in
from broker.web.desk.roles import DeskRole
from broker.web.running import running_web
from tests.adapters.pages.organisation import CLIENT, SECRET, logging_in
from tests.adapters.pages.test_passkeys import Device
from tests.broker.shell import run
from tests.browsing import FROM_HERE
from tests.parts import Parts
from tests.web.desk.office import Office

ROLES: Final = {"duty": DeskRole.COORDINATOR, "audit": DeskRole.AUDITOR}
AtHome = Callable[[Office], None]


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, office_database: ZoneDatabase) -> AtHome:
    """Lets commands find an office's database and address, as in an exercise."""

    def set_up(office: Office) -> None:
        monkeypatch.setenv("HANDOFF_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("HANDOFF_KAFKA_BOOTSTRAP", "127.0.0.1:1")
        monkeypatch.setenv("HANDOFF_POSTGRES_DSN", office_database.app_dsn)
        monkeypatch.setenv("HANDOFF_DESK_URL", office.base)
        monkeypatch.setenv("HANDOFF_ENVIRONMENT", "exercise")

    return set_up


async def told(office: Office) -> list[str]:
    """What the trail says of who may come in."""
    rows = await office.pool.fetch("SELECT kind, convert_from(preimage, 'UTF8') AS told FROM trail_entry ORDER BY idx")
    assert {row["kind"] for row in rows} == {Step.ORGANISATION_CHANGED}
    return [row["told"] for row in rows]


def printed(done: Result) -> str:
    """The first thing that a command has printed."""
    assert done.exit_code == 0, done.output
    return done.stdout.split()[0]


@pytest.mark.parametrize("role", DeskRole)
async def test_a_link_lets_one_person_in_once_in_one_role(office: Office, role: DeskRole) -> None:
    """Each role arrives at a page; nobody's name is anywhere; the link is used up."""
    office.allowed.append("410")
    link = await office.link(role)
    async with office.visitor() as page, office.visitor() as other:
        await page.goto(link)
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(office.base + "/")
        await expect(page.locator("footer")).to_contain_text(role.value.replace("_", " ").lower())
        await other.goto(link)
        await expect(other.get_by_role("heading")).to_have_text("This sign-in link does not work any more")


async def test_commands_say_who_may_come_in_and_the_trail_says_so(office: Office, at_home: AtHome) -> None:
    """A link, a passkey made, one taken out of use, by command or by one's own hand: organisation.changed each time."""
    office.named()
    at_home(office)
    async with office.visitor() as page:
        await page.goto(printed(await run("desk", "sign-in-link", "--role", "coordinator")))
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator("footer")).to_contain_text("coordinator")
        await page.get_by_role("button", name="Sign out").click()
        await page.wait_for_url("**/signed-out")
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        device = Device(session)
        await device.plug_in()
        await page.goto(printed(await run("desk", "passkey", "link", "--role", "operator")))
        await page.get_by_role("button", name="Make a passkey").click()
        await page.wait_for_url(office.base + "/")
        await page.get_by_role("button", name="Sign out").click()
        await page.get_by_role("link", name="Sign in").click()
        await page.get_by_role("button", name="With a passkey").click()
        await expect(page.locator("footer")).to_contain_text("operator")
        passkey = printed(await run("desk", "passkey", "list"))
        await page.goto("/passkeys")
        await device.put_away()
        await device.plug_in()
        await page.get_by_role("button", name="Make a passkey").click()
        await expect(page.get_by_role("button", name="Take it out of use")).to_have_count(2)
        await page.get_by_role("button", name="Take it out of use").last.click()
        await expect(page.get_by_role("button", name="Take it out of use")).to_have_count(1)
        assert (await run("desk", "passkey", "revoke", passkey)).exit_code == 0
        assert (await run("desk", "passkey", "revoke", passkey)).exit_code == 1
        await page.goto("/")
        await expect(page.get_by_role("heading")).to_have_text("You are signed out")
    link, first, made, another, gone, revoked = await told(office)
    assert ("COORDINATOR" in link, "SIGN_IN" in link) == (True, True)
    assert ("OPERATOR" in first, "PASSKEY" in first) == (True, True)
    assert ("passkey made" in made, "OPERATOR" in made, passkey in made) == (True, True, True)
    assert ("passkey made" in another, "passkey revoked" in gone, passkey in gone) == (True, True, False)
    assert ("passkey revoked" in revoked, passkey in revoked) == (True, True)


async def test_where_people_are_real_no_link_signs_anybody_in(
    office: Office, at_home: AtHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leads to a passkey, or to nothing; and nothing is entered that was not done."""
    at_home(office)
    monkeypatch.setenv("HANDOFF_ENVIRONMENT", "actual")
    refused = await run("desk", "sign-in-link", "--role", "coordinator")
    assert refused.exit_code == 1
    assert "passkey link" in str(getattr(refused.exception, "remedy", ""))
    assert await office.pool.fetchval("SELECT count(*) FROM trail_entry") == 0


async def test_whoever_the_operator_knows_comes_in_under_their_role(office: Office) -> None:
    """By the claim's table, over the desk's own client; the same person is the same account."""
    async with logging_in(office.base + CALLBACK) as provider, aiohttp.ClientSession() as session:
        organisation = Organisation(office.desk.broker_org, provider.issuer, CLIENT, SECRET, "groups", ROLES)
        office.own_sign_in, office.elsewhere = OwnSignIn(organisation, Asking(session)), provider.issuer
        office.pages = office.application()
        async with office.visitor() as page:
            for group, role in (("duty", "coordinator"), ("audit", "auditor")):
                provider.groups = [group]
                await page.goto("/sign-in")
                await page.get_by_role("link", name="With your organisation's account").click()
                await page.get_by_role("link", name="It is me").click()
                await expect(page.locator("footer")).to_contain_text(role)
                await page.get_by_role("button", name="Sign out").click()
                await page.wait_for_url("**/signed-out")
    accounts = await office.pool.fetch("SELECT DISTINCT account_id FROM desk_session")
    assert len(accounts) == 1


@pytest.mark.parametrize("how", ["click", "shift"])
async def test_leaving_ends_the_session_at_once(office: Office, how: str) -> None:
    """By the button and by Shift three times; a copied cookie is worth nothing."""
    async with office.person(DeskRole.COORDINATOR) as page:
        [cookie] = await page.context.cookies()
        if how == "shift":
            for _ in range(3):
                await page.keyboard.press("Shift")
        else:
            await page.get_by_role("link", name="Exit this page").click()
        await page.wait_for_url("**/signed-out")
        await page.context.add_cookies([{"name": "session", "value": cookie["value"], "url": office.base}])
        answer = await page.context.request.get("/", max_redirects=0)
        assert (answer.status, answer.headers["location"]) == (303, "/signed-out")


async def test_the_process_shows_the_desk_apart_from_what_everybody_may_reach(
    office_database: ZoneDatabase, parts: Parts, tmp_path: Path
) -> None:
    """At an address of its own: the public one knows no sign-in, and the desk no door."""
    desk = f"127.0.0.1:{any_free()}"
    settings = load_settings(
        home=tmp_path / "home",
        kafka_bootstrap=parts.kafka_bootstrap,
        postgres_dsn=SecretStr(office_database.app_dsn),
        web_address="127.0.0.1:0",
        desk_address=desk,
        _env_file=None,
    )
    async with running_web(settings) as (host, port), aiohttp.ClientSession() as session:
        answers = [
            (await session.get(f"http://{where}{path}", allow_redirects=False)).status
            for where in (f"{host}:{port}", desk)
            for path in ("/sign-in", "/events", "/passkeys")
        ]
    assert answers == [404, 200, 404, 200, 404, 303]


def settings_of(**given: object) -> Settings:
    """An installation's settings."""
    return load_settings(**given, _env_file=None)


async def test_the_settings_of_the_desk_are_whole_or_refused(tmp_path: Path) -> None:
    """As those of the inbox: how it is reached, the parts of a sign-in, the secret that is its owner's alone."""
    assert settings_of(desk_address="127.0.0.1:8091").desk_origin == "http://127.0.0.1:8091"
    with pytest.raises(SettingsInvalid, match="HANDOFF_DESK_URL"):
        _ = settings_of(desk_address="0.0.0.0:80").desk_origin
    assert [settings_of(environment=one).desk_links_allowed for one in (MsgStatus.ACTUAL, MsgStatus.EXERCISE)] == [
        False,
        True,
    ]
    secret = tmp_path / "secret"
    secret.write_text("s\n")
    secret.chmod(0o644)
    parts = {
        "desk_oidc_issuer": "https://login.network.example",
        "desk_oidc_client_id": "desk",
        "desk_oidc_client_secret_file": secret,
        "desk_oidc_roles": "duty=COORDINATOR,audit=AUDITOR",
    }
    with pytest.raises(SettingsInvalid, match="HANDOFF_DESK_OIDC_ISSUER"):
        settings_of(**{**parts, "desk_oidc_issuer": None})
    with pytest.raises(SettingsInvalid, match="HANDOFF_DESK_OIDC_ROLES"):
        settings_of(**{**parts, "desk_oidc_roles": "duty=STAFF"})
    with pytest.raises(SettingsInvalid, match="HANDOFF_DESK_OIDC_CLIENT_SECRET_FILE"):
        async with own_sign_in(settings_of(**parts)):
            pass
    secret.chmod(0o600)
    async with own_sign_in(settings_of(**parts)) as own:
        assert own is not None
        assert own.organisation.roles == {"duty": DeskRole.COORDINATOR, "audit": DeskRole.AUDITOR}


async def test_a_passkey_link_is_no_sign_in_link(office: Office) -> None:
    """Its page offers a passkey, and sending it as the other kind signs nobody in."""
    link = await office.link(DeskRole.OPERATOR, LinkPurpose.PASSKEY)
    async with office.visitor() as page:
        await page.goto(link)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Make a passkey")
        form: dict[str, str | float | bool] = {"link": link.rpartition("/")[2]}
        answer = await page.context.request.post("/sign-in", form=form, headers=FROM_HERE)
        assert answer.status == 410
