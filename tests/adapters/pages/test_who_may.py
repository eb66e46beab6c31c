"""Who may see a page: every route says so, nobody sees another organisation's, nothing comes in from elsewhere."""

from collections.abc import Iterator
from typing import get_type_hints

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from playwright.async_api import APIRequestContext

from adapters.inbox.web.app import inbox_pages
from adapters.inbox.web.roles import StaffRole
from adapters.inbox.web.who import Deciding, Overseeing, SignedIn
from adapters.standing import Standing
from broker.entry.front import Anybody, Listening, Somebody
from broker.look.guard import HEADERS
from broker.schemas.ids import new_event_id
from broker.schemas.vocabulary import MsgStatus
from tests.adapters.courier_desk import HAVEN
from tests.adapters.network import ALIAS, SAFE_CONTACT
from tests.adapters.pages.house import BROOK, House
from tests.browsing import FROM_HERE, OPEN_TO_ANYBODY

Form = dict[str, str | float | bool]

ACTORS = (Anybody, Somebody, SignedIn, Deciding, Overseeing, Listening)
FORMS: dict[str, dict[str, str]] = {
    "/offers/{offer_id}/answer": {"answer": "accept"},
    "/offers/{offer_id}/draft": {"answer": "accept"},
    "/offers/{offer_id}/handoff": {"step": "WORKER"},
    "/offers/{offer_id}/opened": {"contact": "show"},
    "/offers/{offer_id}/confirmed": {},
    "/offers/{offer_id}/progress": {"step": "made:"},
    "/offers/{offer_id}/revocation": {"outcome": "COMPLIED"},
}
KEYED = ("answer", "progress", "handoff", "revocation")
CANARIES = (str(SAFE_CONTACT["handle"]), str(ALIAS["alias"]))


def application() -> FastAPI:
    """The pages of nobody: enough to walk their routes."""
    return inbox_pages(
        None,  # type: ignore[arg-type]  # nothing is asked of it
        {},
        MsgStatus.ACTUAL,
        origin="https://inbox.example",
        leave_for="https://neutral.example/",
    )


def routes() -> Iterator[tuple[str, APIRoute]]:
    """Every route with its method."""
    for route in application().routes:
        assert isinstance(route, APIRoute), "a page that does not say who may see it"
        for method in route.methods or ():
            yield method, route


def actor(route: APIRoute) -> type:
    """Whom a route is for."""
    found = [kind for kind in get_type_hints(route.endpoint).values() if kind in ACTORS]
    assert len(found) == 1, f"{route.path} does not say who may see it"
    kind: type = found[0]
    return kind


def form_of(path: str) -> Form:
    """What the page's own form would send."""
    form: Form = dict(FORMS[path])
    return {**form, "key": new_event_id()} if path.rpartition("/")[2] in KEYED else form


def test_every_route_says_who_may_see_it() -> None:
    """By the type of a parameter; those for anybody are named here, so that none is added by oversight."""
    seen = {(method, route.path): actor(route) for method, route in routes()}
    assert {one for one, kind in seen.items() if kind is Anybody} == OPEN_TO_ANYBODY
    assert {path for _, path in seen if "{offer_id}" in path} == {"/offers/{offer_id}", *FORMS}
    assert not {path for _, path in seen} & {"/docs", "/redoc", "/openapi.json"}


@pytest.mark.parametrize("role", StaffRole)
async def test_another_organisations_offer_is_not_there(house: House, role: StaffRole) -> None:
    """On every route with an id, for every role: the same 404 as for an id that nobody has, and nothing changes."""
    offer_id = await house.offered(HAVEN)
    taken = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, taken)
    invented = offer_id[:-12] + "0" * 12
    async with house.person(BROOK, role) as page:
        assert offer_id not in await page.content()
        asked = page.context.request
        paths = [(method, route) for method, route in routes() if "{offer_id}" in route.path]
        assert len(paths) == 2 + len(FORMS)
        for method, route in paths:
            answers = [await ask(asked, method, route.path, one) for one in (offer_id, taken, invented, "x")]
            expected = 403 if actor(route) is Deciding and not role.decides else 404
            assert {status for status, _ in answers} == {expected}, route.path
            assert len({text for _, text in answers}) == 1, "one answer, whether it exists or not"
    for table in ("answer", "reading", "contact_confirmed"):
        assert await house.desk.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def ask(asked: APIRequestContext, method: str, path: str, offer_id: str) -> tuple[int, str]:
    """Status and text."""
    url = path.replace("{offer_id}", offer_id)
    if method == "GET":
        answer = await asked.get(url)
    else:
        answer = await asked.post(url, form=form_of(path), headers=FROM_HERE)
    return answer.status, await answer.text()


async def test_nobody_sees_anything_without_a_session(house: House) -> None:
    """Every route that is not for anybody leads to the page that says so, or is empty, and nothing changes."""
    offer_id = await house.offered(HAVEN)
    async with house.visitor() as page:
        for method, route in routes():
            if actor(route) is Anybody:
                continue
            url = route.path.replace("{offer_id}", offer_id)
            answer = await page.context.request.fetch(url, method=method, headers=FROM_HERE, max_redirects=0)
            expected = (204, None) if actor(route) is Listening else (303, "/signed-out")
            assert (answer.status, answer.headers.get("location")) == expected, url
    assert await house.desk.pool.fetchval("SELECT count(*) FROM answer") == 0


async def test_a_form_from_elsewhere_is_refused(house: House) -> None:
    """On every route that changes something: from another site, from a sibling, and from who does not say."""
    offer_id = await house.offered(HAVEN)
    async with house.person(HAVEN) as page:
        for method, route in routes():
            if method == "GET":
                continue
            url = route.path.replace("{offer_id}", offer_id)
            for headers in (
                {"sec-fetch-site": "cross-site"},
                {"sec-fetch-site": "same-site"},
                {"sec-fetch-site": "none"},
                {"origin": "https://elsewhere.example"},
                {"origin": "null"},
            ):
                answer = await page.context.request.fetch(url, method=method, headers=headers, max_redirects=0)
                assert answer.status == 403, (url, headers)
        assert await house.desk.pool.fetchval("SELECT count(*) FROM answer") == 0
        form: Form = {"answer": "waitlist", "key": new_event_id()}
        older = await page.context.request.post(
            f"/offers/{offer_id}/answer", form=form, headers={"origin": house.base}, max_redirects=0
        )
        assert older.status == 303, "a browser that says where it comes from by Origin alone"


async def test_every_answer_keeps_to_itself(house: House) -> None:
    """Each header of pages.md §2, on pages, files, refusals and redirects alike."""
    async with house.person(HAVEN) as page:
        for path in ("/", "/static/pages.css", "/offers/x", "/nothing", "/signed-out", "/exit"):
            answer = await page.context.request.get(path, max_redirects=0)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        cookies = await page.context.cookies()
    assert cookies == [], "leaving takes the cookie away"


async def test_a_privacy_officer_reads_and_decides_nothing(house: House) -> None:
    """The role sees the offer without a form, and what was released stays closed to it."""
    offer_id = await house.offered(HAVEN)
    taken = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, taken)
    async with house.person(HAVEN, StaffRole.PRIVACY_OFFICER) as page:
        for one in (offer_id, taken):
            await page.goto(f"/offers/{one}")
            assert await page.locator("main form").count() == 0
        answer = await page.context.request.post(f"/offers/{taken}/opened", form={}, headers=FROM_HERE)
        assert answer.status == 403
    assert await house.desk.pool.fetchval("SELECT count(*) FROM reading") == 0


async def test_names_and_numbers_are_where_they_were_opened_and_nowhere_else(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """In no list, title, header, address or log line, although the page that was asked for shows both."""
    caplog.set_level("DEBUG")
    taken = await house.offered(HAVEN, Standing.CONTACT_PENDING)
    await house.release(HAVEN, taken)
    headers: list[str] = []
    async with house.person(HAVEN) as page:
        page.on("response", lambda answer: headers.append(str(answer.headers)))
        await page.goto(f"/offers/{taken}")
        assert not told(await page.content())
        await page.get_by_role("button", name="Open what was released").click()
        await page.get_by_role("button", name="Show contact details").click()
        assert told(await page.locator("main").inner_text()) == list(CANARIES)
        assert not told(await page.title())
        await page.goto("/")
        assert not told(await page.content())
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("playwright", "asyncio"))]
    assert not told("\n".join([*house.urls, *headers, *ours]))


def told(text: str) -> list[str]:
    """Which canaries stand in a text."""
    return [canary for canary in CANARIES if canary in text]
