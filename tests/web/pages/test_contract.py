"""The contract's pages are those of the classes: every event, every property, every refusal, without a script."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator
from playwright.async_api import Browser

from broker.schemas.catalogue import FLOW_WORDS, short_name
from broker.schemas.event import EventData, events
from broker.schemas.field_groups import groups_with_model
from broker.schemas.ids import new_event_id
from broker.schemas.json_schema import event_schema
from broker.schemas.refusal import ADVICE, RefusalCode
from broker.sql.bulk import Pool
from broker.web.codes import WORDING, WebCode
from broker.web.pages.contract import named_events
from broker.web.pages.quick_start import WAYS_IN
from broker.web.pages.refusals import PROVOKED
from tests.parts import Parts
from tests.web.pages.network import Network, open_network

DOCS = Path(__file__).parents[3] / "docs"
TAGS = re.compile(r"<[^>]+>")
EVENTS = pytest.mark.parametrize("event", events().values(), ids=lambda event: event.__name__)


class Reader:
    """Reads pages as a program does: no browser, no script."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session = session
        self._base = base

    async def raw(self, path: str, status: int = 200) -> str:
        """What is at this path."""
        async with self._session.get(self._base + path, allow_redirects=False) as answer:
            assert answer.status == status, path
            return await answer.text()

    async def text(self, path: str) -> str:
        """The words of a page, one blank between each."""
        return " ".join(unescape(TAGS.sub("", await self.raw(path))).split())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reader(pool: Pool, browser: Browser, parts: Parts) -> AsyncIterator[Reader]:
    """Somebody who reads the pages without a browser."""
    network = Network(browser, pool, {"bootstrap_servers": parts.kafka_bootstrap})
    async with open_network(network), aiohttp.ClientSession() as session:
        yield Reader(session, network.base)


def plain(sentence: str) -> str:
    """A docstring's words as a page shows them."""
    words = " ".join(sentence.replace("`", "").split())
    return re.sub(r" \((domain|reliability)\.md [^)]*\)", "", words)


@EVENTS
async def test_every_event_has_its_page(reader: Reader, event: type[EventData]) -> None:
    """Its whole docstring, which way and on which topic it travels, each property with tier and label, its example."""
    schema, path = event_schema(event), f"/events/{short_name(event.TYPE)}"
    text = await reader.text(path)
    for paragraph in (event.__doc__ or "").strip().split("\n\n"):
        assert plain(paragraph) in text
    for flow in event.FLOWS:
        assert FLOW_WORDS[flow] in text
        assert f"{flow.value}.<org>" in text
    for name, part in schema["properties"].items():
        tier = "sealed" if part.get("x-sealed") else f"Tier {part['x-tier']}"
        required = " required" if name in schema.get("required", ()) else ""
        assert re.search(rf"\b{name}{required} .*?{tier}{re.escape(part['x-label'])}", text), name
    shown = unescape(TAGS.sub("", re.findall(r"<pre[^>]*>(.*?)</pre>", await reader.raw(path), re.DOTALL)[0]))
    event.read(shown.encode())
    assert f"This is {event.TYPE.rsplit('.', 1)[-1]}." in text
    assert short_name(event.TYPE) in await reader.raw("/events")


@EVENTS
async def test_every_event_has_its_schema_which_its_example_fits(reader: Reader, event: type[EventData]) -> None:
    """JSON Schema 2020-12, as it is checked in."""
    schema: dict[str, Any] = json.loads(await reader.raw(f"/schemas/{short_name(event.TYPE)}.json"))
    assert schema == event_schema(event)
    Draft202012Validator(schema).validate(event.EXAMPLE)


async def test_every_field_group_has_its_page_and_its_schema(reader: Reader) -> None:
    """The catalogue leads to each."""
    listed = await reader.raw("/events")
    for code in groups_with_model():
        assert f'href="/groups/{code}"' in listed
        assert code in await reader.text(f"/groups/{code}")
        assert json.loads(await reader.raw(f"/schemas/{code}.json"))["title"].startswith(code)


async def test_the_whole_contract_is_one_document(reader: Reader) -> None:
    """The very file that is checked in."""
    assert await reader.raw("/asyncapi.json") == (DOCS / "asyncapi.json").read_text(encoding="utf-8")


async def test_every_refusal_is_told_with_what_to_do(reader: Reader) -> None:
    """Of events and of the door, in the words that the refusal itself uses."""
    text = await reader.text("/errors")
    told = [*ADVICE.items(), *WORDING.advice.items()]
    assert {code for code, _ in told} == {*RefusalCode, *WebCode}
    for code, advice in told:
        status = WORDING.status.get(code, 400)
        assert f"{code.value}{plain(advice.meaning)}{plain(advice.remedy)}By HTTP: {status}" in text.replace("\n", "")


async def test_the_code_to_copy_is_that_of_the_documentation(reader: Reader) -> None:
    """Which is run by the tests: to the letter."""
    page = unescape(TAGS.sub("", await reader.raw("/start")))
    for way in WAYS_IN:
        assert way.name in page
        for snippet in way.snippets:
            assert f"\n{snippet.code}```" in (DOCS / snippet.page).read_text(encoding="utf-8"), snippet.about
            assert snippet.code.strip() in page


async def test_what_practice_promises_is_there(reader: Reader) -> None:
    """A file for each code that it names, and a name for each file."""
    assert set(PROVOKED) == {file.stem for file in (DOCS / "examples" / "refused").glob("*.json")}
    text = await reader.text("/practice")
    assert all(code in text for code in PROVOKED)
    assert "This is the live network" in text


async def test_no_link_leads_nowhere(reader: Reader) -> None:
    """From every page, to every page, and to the place in it."""
    pages: dict[str, str] = {}
    places: list[tuple[str, str]] = []
    waiting = ["/", "/events"]
    while waiting:
        path = waiting.pop()
        if path in pages:
            continue
        pages[path] = await reader.raw(path, 303 if path == "/exit" else 200)
        for link in re.findall(r'href="([^"]+)"', pages[path]):
            page, _, place = unescape(link).partition("#")
            waiting.append(page or path)
            places += [(page or path, place)] if place else []
    assert len(pages) > 3 * len(named_events())
    assert [one for one in places if f'id="{one[1]}"' not in pages[one[0]]] == []


async def test_what_is_no_page_is_the_doors(reader: Reader) -> None:
    """An event's id is not an event's name; nobody learns by a page what became of an event."""
    for path in (f"/events/{new_event_id()}", "/events/no.such", "/notices"):
        assert json.loads(await reader.raw(path, 401))["code"] == "SIGNATURE_MISSING"
    assert json.loads(await reader.raw("/nothing", 404))["code"] == "PATH_UNKNOWN"
    assert "There is no such page here" in await reader.raw("/groups/FG99", 404)
