"""The example of docs/quickstart-http.md that people copy is run, against the real door and the real broker."""

import asyncio
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from broker.composition import zone_folder
from broker.schemas.ids import new_referral_id
from broker.seal import base64url
from broker.web.codes import WebCode
from broker.zone import KEYS_FOLDER
from tests.broker.county import County
from tests.broker.facts import POLICE

PAGE = Path(__file__).parents[2] / "docs" / "quickstart-http.md"

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def example(served: County, door: str) -> dict[str, Any]:
    """What the example defines, set to this test's door and the police department's key."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    defined: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), defined)
    [file] = (zone_folder(served.settings, POLICE) / KEYS_FOLDER).glob("*.signing.json")
    private = base64url.decode(json.loads(file.read_text())["privateKey"])
    defined.update({"DOOR": door, "ORG": POLICE, "KEY_ID": served.keys[POLICE].key_id, "PRIVATE_KEY": private})
    return defined


async def test_the_example_refers_and_hears_what_became_of_it(served: County, example: dict[str, Any]) -> None:
    """From a request to its acceptance, and on to the notices, page by page."""
    referral = new_referral_id()
    became = await asyncio.to_thread(example["refer"], referral)
    assert (became["status"], became["refusals"]) == ("ACCEPTED", [])
    assert (await served.need(referral))["referral_id"] == referral
    await served.settled()
    page, after = await asyncio.to_thread(example["notices"])
    while not any(referral == one["headers"]["ce_subject"] for one in page):
        assert page, "the notice of acceptance has not come"
        page, after = await asyncio.to_thread(example["notices"], after)


async def test_the_example_says_what_is_wrong_and_sends_again_what_was_not_confirmed(example: dict[str, Any]) -> None:
    """A refusal by its code and field; an away door four times, then a person is told to telephone."""
    with pytest.raises(ValueError, match="PROPERTY_MISSING priority"):
        await asyncio.to_thread(example["publish"], "referral.requested", new_referral_id(), {})
    waits: list[int] = []
    example["time"] = SimpleNamespace(sleep=waits.append)
    example["DOOR"] = "http://127.0.0.1:1"
    with pytest.raises(RuntimeError, match="telephone"):
        await asyncio.to_thread(example["publish"], "referral.requested", new_referral_id(), {})
    assert waits == [0, 1, 5, 30]


async def test_the_page_names_every_code_of_the_door() -> None:
    """And leads only to pages that exist."""
    text = PAGE.read_text(encoding="utf-8")
    told_elsewhere = {WebCode.PATH_UNKNOWN, WebCode.METHOD_NOT_ALLOWED, WebCode.REQUEST_INVALID}
    assert [code for code in WebCode if code not in told_elsewhere and f"`{code.value}`" not in text] == []
    for name in re.findall(r"\]\(([^)#]+)\)", text):
        assert (PAGE.parent / name).exists(), name
