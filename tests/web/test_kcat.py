"""The example of docs/quickstart-kcat.md is run: what it prints for the shell is an event that the broker takes."""

import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from broker.schemas.ids import new_referral_id
from broker.schemas.referral_requested import ReferralRequested
from tests.broker.county import County
from tests.broker.facts import POLICE
from tests.web.test_example import example as example

PAGE = Path(__file__).parents[2] / "docs" / "quickstart-kcat.md"
TEXT = PAGE.read_text(encoding="utf-8")
PUBLISHED = dict(ReferralRequested.EXAMPLE) | {"sealed": [], "excludedRecipients": []}

pytestmark = pytest.mark.asyncio(loop_scope="session")


def blocks(kind: str) -> list[str]:
    """The page's code."""
    return re.findall(rf"```{kind}\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture
def defined(served: County, example: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the example defines, on top of the HTTP quick start's functions."""
    door = ModuleType("door")
    vars(door).update(example)
    monkeypatch.setitem(sys.modules, "door", door)
    names: dict[str, Any] = {}
    exec(compile(blocks("python")[0], str(PAGE), "exec"), names)
    return names


async def test_what_the_example_prints_is_an_event_that_is_taken(served: County, defined: dict[str, Any]) -> None:
    """Its arguments are read as kcat reads them: topic, key, each header, and the value as it stands."""
    referral = new_referral_id()
    content = {key: value for key, value in PUBLISHED.items() if value}
    printf = shlex.split(defined["command"]("referral.requested", referral, content))
    value, kcat = printf[2], printf[4:]
    assert (printf[:2], kcat[0]) == (["printf", "%s"], "kcat")
    headers = [tuple(kcat[at + 1].split("=", 1)) for at, word in enumerate(kcat) if word == "-H"]
    topic, key = (kcat[kcat.index(word) + 1] for word in ("-t", "-k"))
    assert topic == f"source.{POLICE}"
    await served.producer.send_and_wait(
        served.settings.topic_prefix + topic,
        value.encode(),
        key=key.encode(),
        headers=[(name, text.encode()) for name, text in headers],
    )
    await served.settled()
    assert (await served.need(referral))["referral_id"] == referral


async def test_the_page_leads_only_to_what_exists() -> None:
    """A page that points nowhere is worse than none."""
    for name in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / name).exists(), name
