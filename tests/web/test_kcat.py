"""The example of docs/quickstart-kcat.md is run: what it prints for the shell is an event that the broker takes."""

import asyncio
import re
import shlex
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from broker.composition import kafka_of
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


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed: apt-get install kcat")
async def test_kcat_itself_does_what_the_page_says(served: County, defined: dict[str, Any]) -> None:
    """Publishes by the line that is printed, and reads the answer by the page's own."""
    referral = new_referral_id()
    content = {key: value for key, value in PUBLISHED.items() if value}
    prefix = served.settings.topic_prefix
    line = defined["command"]("referral.requested", referral, content).replace("-t source.", f"-t {prefix}source.")
    environment = f"KAFKA={kafka_of(served.settings)['bootstrap_servers']} ORG={POLICE}; "
    await _shell(environment + line)
    await served.settled()
    assert (await served.need(referral))["referral_id"] == referral
    read = blocks("sh")[0].replace('"notice.', f'"{prefix}notice.')
    assert referral in await _shell(environment + read)


async def _shell(line: str) -> str:
    done = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, wrong = await asyncio.wait_for(done.communicate(), 60)
    assert done.returncode == 0, wrong.decode()
    return out.decode()


async def test_the_page_leads_only_to_what_exists() -> None:
    """A page that points nowhere is worse than none."""
    for name in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (PAGE.parent / name).exists(), name
