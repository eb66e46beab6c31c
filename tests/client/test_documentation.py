"""The examples that people copy are run, on real Kafka with the real broker: the docstring's and the quick start's."""

import ast
import asyncio
import re
import textwrap
from functools import partial
from pathlib import Path
from typing import Any

import broker.client
from broker.client import AgencyClient, ReferralClosed, ReferralPublished
from broker.schemas.ids import ReferralId
from broker.schemas.referral_cancelled import CancelReason
from broker.schemas.referral_requested import ReferralRequested
from tests.client.county import BIRCH, HOTLINE, SAFE_CONTACT, County, release
from tests.client.test_publishing import on_topic

QUICK_START = Path(__file__).parents[2] / "docs" / "quickstart-client.md"
SECONDS = 60


def client_class(county: County) -> Any:
    """The client as it is written in the examples, on this test's topics."""
    return partial(AgencyClient, topic_prefix=county.settings.topic_prefix)


async def cancelled_later(county: County) -> ReferralId:
    """Wait for the hotline's referral, and take it back, so that it is closed."""
    while True:
        for record in await on_topic(county):
            if dict(record.headers)["ce_type"] == ReferralRequested.TYPE.encode():
                referral = ReferralId((record.key or b"").decode())
                async with county.client() as client:
                    await client.accepted(await client.cancel_referral(referral, CancelReason.SAFE_ELSEWHERE))
                return referral
        await asyncio.sleep(0.05)


async def test_the_example_in_the_clients_docstring_runs(served: County) -> None:
    """Whoever copies it gets a referral published, accepted and followed to its end."""
    example = (broker.client.__doc__ or "").split("\n\n")[1]
    body = textwrap.indent(textwrap.dedent(example), "    ")
    names: dict[str, Any] = {
        **vars(broker.client),
        "AgencyClient": lambda org, zone, _kafka: client_class(served)(org, zone, served.settings.kafka_bootstrap),
        "zone": served.settings.home / "zones" / HOTLINE,
        "release": release(BIRCH),
        "safe_contact": SAFE_CONTACT,
    }
    exec(compile(f"async def example():\n{body}\n", "broker/client.py", "exec"), names)
    async with asyncio.timeout(SECONDS):
        _, referral = await asyncio.gather(names["example"](), cancelled_later(served))
    assert referral.startswith("ref-")


async def test_the_quick_start_runs(served: County) -> None:
    """Each block of Python of the page, in order."""
    blocks = re.findall(r"```python\n(.*?)```", QUICK_START.read_text(encoding="utf-8"), flags=re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(QUICK_START), "exec"), names)
    names["AgencyClient"] = client_class(served)
    zone = served.settings.home / "zones" / HOTLINE
    async with asyncio.timeout(SECONDS):
        referral = await names["refer"](zone, served.settings.kafka_bootstrap, release(BIRCH), SAFE_CONTACT)
        assert isinstance(referral, ReferralPublished)
        async with served.client() as client:
            await client.cancel_referral(referral.referral_id, CancelReason.SAFE_ELSEWHERE)
            closed = await names["follow"](client)
    assert isinstance(closed.fact, ReferralClosed)


def test_the_quick_start_names_only_files_and_commands_that_exist() -> None:
    """A page that points nowhere is worse than none."""
    text = QUICK_START.read_text(encoding="utf-8")
    for name in re.findall(r"docs/examples/\S+\.json", text):
        assert (QUICK_START.parents[1] / name).is_file(), name
    for name in re.findall(r"\]\(([^)]+)\)", text):
        assert (QUICK_START.parent / name).exists(), name


def test_every_public_name_of_the_client_says_what_it_does() -> None:
    """Every method has a docstring, and those that can fail say how."""
    tree = ast.parse(Path(broker.client.__file__).read_text(encoding="utf-8"))
    methods = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)]
    public = [method for method in methods if not method.name.startswith("_")]
    assert all(ast.get_docstring(method) for method in public)
    assert len(public) > 10
