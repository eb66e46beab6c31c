"""Pictures of plain facts: what they show stands beside them in words, in every state, for everybody."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.async_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from broker.look.guard import Guard
from broker.look.pictures import WIDTH, Moment, Rung, Standing, bars, points
from broker.look.rendering import templates_of
from broker.web.serving import served
from tests.adapters.pages.test_look import AXE
from tests.web.pages.network import Network

DOCUMENTATION: Final = Path(__file__).parents[3] / "docs" / "network-pages.md"
PAGE: Final = """{% extends "frame.html" %}{% import "pictures.html" as pictures with context %}
{% block title %}Pictures{% endblock %}{% block content %}<h1>Pictures</h1>
<section>{{ pictures.ladder(rungs, "Where it stands") }}</section>
<section>{{ pictures.timeline(line) }}</section>
<section>{{ pictures.barred(answers, "Answers", "Time", "How many") }}</section>
{% endblock %}"""
RUNGS: Final = tuple(Rung(f"A{at}", f"Step {at}", one, f"at {at}") for at, one in enumerate(Standing))
LENGTHS: Final = st.lists(st.timedeltas(timedelta(0), timedelta(days=60)), min_size=1, max_size=11)


@asynccontextmanager
async def shown(network: Network, folder: Path, **facts: Any) -> AsyncIterator[None]:
    """A page of pictures at the network's address, with its style."""
    (folder / "page.html").write_text(PAGE)
    text = templates_of(folder).get_template("page.html").render(practice=False, **facts)
    pages = network.app
    assert pages is not None

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/pictures":
            await Guard(HTMLResponse(text), "", lambda *_: HTMLResponse())(scope, receive, send)
        else:
            await pages(scope, receive, send)

    before = network.base
    async with served(app, "127.0.0.1:0", "HANDOFF_WEB_ADDRESS") as (host, port):
        network.base = f"http://{host}:{port}"
        yield
    network.base = before


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
async def test_every_state_is_told_in_words_and_seen(network: Network, tmp_path: Path, width: int, scheme: Any) -> None:
    """Done, here, open, ended, not told: by form and by word; nothing runs over, and axe finds nothing in the words."""
    line = points([Moment(timedelta(minutes=one), f"Moment {one}", f"{one} min") for one in (0, 1, 2, 90)])
    answers = bars([("Soon", 40, "40"), ("Late", None, "Not told"), ("Never", 0, "0")])
    async with (
        shown(network, tmp_path, rungs=RUNGS, line=line, answers=answers),
        network.visitor(viewport={"width": width, "height": 700}, color_scheme=scheme) as page,
    ):
        await page.goto("/pictures")
        said = await page.locator(".ladder li").all_inner_texts()
        for text, told in zip(said, ("done", "it stands here", "", "ended here", "not told"), strict=True):
            assert told in text
        assert await page.locator("[aria-current=step]").count() == 1
        forms = {await one.inner_html() for one in await page.locator(".ladder .glyph").all()}
        assert len(forms) == len(Standing), "no two states are told apart by colour alone"
        assert await page.locator("svg:not([aria-hidden=true])").count() == 0
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        found = (await Axe().run(page, options=AXE)).response
        assert [one["id"] for one in found["violations"]] == []


@given(LENGTHS)
async def test_the_points_of_a_timeline_keep_their_order_and_their_distance(lengths: list[timedelta]) -> None:
    """Whatever happened when: each number can be read, and none leaves the line."""
    drawn = points(Moment(one, "", "") for one in lengths)
    assert [point.moment.after for point in drawn] == sorted(lengths)
    places = [point.x for point in drawn]
    assert all(16 <= x <= WIDTH - 16 for x in places)
    assert all(later - earlier >= 26.9 for earlier, later in pairwise(places))


async def test_a_line_that_has_no_room_says_so() -> None:
    """Rather than numbers over numbers."""
    with pytest.raises(ValueError, match="more moments"):
        points(Moment(timedelta(minutes=one), "", "") for one in range(12))


async def test_the_longest_bar_is_the_largest_number() -> None:
    """One that is held back has no length, and nothing is divided by zero."""
    assert [bar.length for bar in bars([("a", 10, ""), ("b", 40, ""), ("c", None, "")])] == [25.0, 100.0, None]
    assert [bar.length for bar in bars([("a", 0, ""), ("b", None, "")])] == [0.0, None]


async def test_the_example_of_the_documentation_makes_pictures(network: Network, tmp_path: Path) -> None:
    """As it stands there."""
    names: dict[str, Any] = {}
    [block] = re.findall(r"```python\n(.*?)```", DOCUMENTATION.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(compile(block, str(DOCUMENTATION), "exec"), names)
    facts = {name: names[name] for name in ("rungs", "line", "answers")}
    async with shown(network, tmp_path, **facts), network.visitor() as page:
        await page.goto("/pictures")
        assert await page.get_by_text("14:14").count() == 1
