"""The example of docs/providers.md that people copy is run, against a real door."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.door.app import door_app
from adapters.door.callers import door_folder
from adapters.provider import load_providers
from adapters.standard_webhooks import HmacSecret
from adapters.transports.webhook_secret_making import add_secret
from broker.schemas.ids import new_offer_id
from broker.schemas.vocabulary import MsgStatus
from broker.web.serving import served
from tests.adapters.network import Installation, until
from tests.conftest import KafkaForTest

PAGE = Path(__file__).parents[3] / "docs" / "providers.md"


@pytest.fixture
async def example(installation: Installation, kafka: KafkaForTest) -> AsyncIterator[dict[str, Any]]:
    """What the example defines, set to this test's door."""
    org = await installation.serve(kafka.org("haven"))
    providers, secret = load_providers(installation.zones), HmacSecret.new().text()
    add_secret(door_folder(providers[org]), secret, datetime.now(UTC))
    [block] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    defined: dict[str, Any] = {}
    exec(compile(block, str(PAGE), "exec"), defined)
    app = door_app(installation.pool, providers, MsgStatus.ACTUAL)
    async with served(app, "127.0.0.1:0", "HANDOFF_DOOR_ADDRESS") as (host, port):
        defined.update({"DOOR": f"http://{host}:{port}", "ORG": org, "SECRET": secret})
        yield defined


async def test_the_example_sends_again_while_the_door_is_away(
    installation: Installation, example: dict[str, Any]
) -> None:
    """Several times, then a person is told to telephone."""
    waits: list[int] = []
    example["time"] = SimpleNamespace(sleep=waits.append)
    await installation.pool.close()
    with pytest.raises(RuntimeError, match="telephone"):
        await asyncio.to_thread(
            example["answer"], "org.warmhandoff.offer.accepted.v1", new_offer_id(), acceptedBy="STAFF"
        )
    assert waits == [0, 1, 5, 30]


async def test_the_example_fetches_and_answers(installation: Installation, example: dict[str, Any]) -> None:
    """A notice is handled: the offer fetched, accepted, and a second yes refused with the code that says why."""
    async with installation.running():
        offer_id, _ = await installation.voice.offer(example["ORG"])

        async def there() -> bool:
            return bool(await installation.rows("SELECT 1 FROM offer"))

        await until(there)
        notice = {"data": {"offerId": offer_id}}
        accepted = await asyncio.to_thread(example["handle"], notice)
        assert accepted["standing"] == "CONTACT_PENDING"
        assert (await asyncio.to_thread(example["handle"], notice))["standing"] == "CONTACT_PENDING"
        again = await asyncio.to_thread(
            example["answer"], "org.warmhandoff.offer.accepted.v1", offer_id, acceptedBy="STAFF"
        )
    assert (again["status"], again["code"]) == (409, "OFFER_ALREADY_ANSWERED")
