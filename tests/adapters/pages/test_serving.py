"""The adapter's process shows the pages where an address is set, and nowhere else."""

import socket
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from adapters.inbox.web.asking import organisation_of
from adapters.provider import load_providers
from broker.app import Inboxes, adapter, sign_in_link
from broker.errors import SettingsInvalid
from broker.schemas.ids import OrgId
from broker.settings import load_settings
from tests.adapters.network import Installation
from tests.conftest import KafkaForTest


@pytest.mark.asyncio(loop_scope="function")
async def test_the_process_shows_the_pages_at_its_address(installation: Installation, kafka: KafkaForTest) -> None:
    """As long as it runs, to whoever has a link as the demonstration prints it; without an address nothing listens."""
    org = await installation.serve(kafka.org("haven"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = load_settings(
        zones_dir=installation.zones,
        kafka_bootstrap=kafka.bootstrap,
        provider_postgres_dsn=SecretStr(installation.dsn),
        topic_prefix=kafka.prefix,
        inbox_address=address,
        inbox_sign_in_links=True,
        _env_file=None,
    )
    inboxes = Inboxes(installation.pool, load_providers(installation.zones), settings.environment)
    link = await sign_in_link(settings, inboxes, org, "SUPERVISOR")
    async with aiohttp.ClientSession() as session:
        async with adapter(settings), session.get(f"http://{address}/signed-out") as answer:
            assert answer.status == 200
            async with session.get(link) as page:
                assert "Before you sign in" in await page.text()
        async with adapter(settings.model_copy(update={"inbox_address": None})):
            with pytest.raises(aiohttp.ClientConnectionError):
                await session.get(f"http://{address}/signed-out")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("inbox_address", "8090"),
        ("inbox_url", "http://inbox.haven.example"),
        ("inbox_url", "https://inbox.haven.example/"),
        ("inbox_exit_url", "javascript:alert(1)"),
        ("inbox_oidc_issuer", "http://login.haven.example"),
        ("inbox_oidc_roles", "advocates=ADMINISTRATOR"),
        ("inbox_oidc_role_claim", "realm access"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str) -> None:
    """Pages of the open network are reached by https, or not at all."""
    with pytest.raises(SettingsInvalid, match=f"HANDOFF_{name.upper()}: must look like"):
        load_settings(**{name: value}, _env_file=None)


def test_how_the_pages_are_reached_is_known_or_asked_for() -> None:
    """On this machine by the address; behind a proxy somebody has to say it."""
    assert load_settings(inbox_address="127.0.0.1:8090", _env_file=None).inbox_origin == "http://127.0.0.1:8090"
    said = load_settings(inbox_address="0.0.0.0:80", inbox_url="https://inbox.example", _env_file=None)
    assert said.inbox_origin == "https://inbox.example"
    with pytest.raises(SettingsInvalid, match="HANDOFF_INBOX_URL"):
        _ = load_settings(inbox_address="0.0.0.0:80", _env_file=None).inbox_origin


def test_the_parts_of_the_organisations_sign_in_belong_together(tmp_path: Path) -> None:
    """None is left out; the secret is its owner's alone; and it is said whose it is where several are served."""
    secret = tmp_path / "secret"
    secret.write_text("s\n")
    secret.chmod(0o600)
    parts = {
        "inbox_oidc_issuer": "https://login.haven.example",
        "inbox_oidc_client_id": "desk",
        "inbox_oidc_client_secret_file": secret,
        "inbox_oidc_roles": "leads=SUPERVISOR,advocates=STAFF",
    }
    for name in parts:
        with pytest.raises(SettingsInvalid, match="belong together"):
            load_settings(**{key: value for key, value in parts.items() if key != name}, _env_file=None)
    settings = load_settings(**parts, _env_file=None)
    found = organisation_of(settings, {OrgId("org-haven"): None})
    assert (found.org, found.client_secret, list(found.roles)) == ("org-haven", "s", ["leads", "advocates"])
    with pytest.raises(SettingsInvalid, match="INBOX_OIDC_ORG"):
        organisation_of(settings, {OrgId("org-haven"): None, OrgId("org-brook"): None})
    secret.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="CLIENT_SECRET_FILE"):
        organisation_of(settings, {OrgId("org-haven"): None})
