"""Who may see a page of the desk: every route says so, what is not one's role's is not there."""

from collections.abc import Iterator
from typing import Any, Final, get_type_hints

import pytest
from fastapi.routing import APIRoute
from playwright.async_api import APIRequestContext

from broker.entry.front import Anybody, Listening, Somebody
from broker.look.guard import HEADERS
from broker.schemas.vocabulary import MsgStatus
from broker.web.desk.app import desk_pages
from broker.web.desk.roles import DeskRole
from broker.web.desk.who import Desk, Examining, Reading, Settling, Working
from tests.browsing import FROM_HERE, OPEN_TO_ANYBODY
from tests.web.desk.office import Office

EVERY_ROLE: Final = frozenset(DeskRole)
FOR: Final = {
    Somebody: EVERY_ROLE,
    Listening: EVERY_ROLE,
    Reading: EVERY_ROLE,
    Working: {DeskRole.COORDINATOR, DeskRole.OPERATOR},
    Settling: {DeskRole.OPERATOR},
    Examining: {DeskRole.AUDITOR, DeskRole.PRIVACY_OFFICER},
}
"""Which roles a type of `who` lets in, said here once more: a role that is let in by oversight is seen."""


def routes() -> Iterator[tuple[str, APIRoute]]:
    """Every route with its method."""
    nobody: Any = None
    pages = desk_pages(Desk(nobody, nobody, nobody, {}), MsgStatus.ACTUAL, origin="https://desk.example", leave_for="")
    for route in pages.routes:
        assert isinstance(route, APIRoute), "a page that does not say who may see it"
        for method in route.methods or ():
            yield method, route


def actor(route: APIRoute) -> type:
    """Whom a route is for."""
    found = [kind for kind in get_type_hints(route.endpoint).values() if kind is Anybody or kind in FOR]
    assert len(found) == 1, f"{route.path} does not say who may see it"
    kind: type = found[0]
    return kind


def address(route: APIRoute) -> str:
    """Where a route would be, about something that is not there."""
    return route.path_format.format(**dict.fromkeys(route.param_convertors, "x"))


async def asked(request: APIRequestContext, method: str, url: str, headers: dict[str, str]) -> tuple[int, str, str]:
    """Status, text, and where it leads."""
    answer = await request.fetch(url, method=method, headers=headers, max_redirects=0)
    return answer.status, await answer.text(), answer.headers.get("location", "")


def test_every_route_says_who_may_see_it() -> None:
    """By the type of a parameter; those for anybody are named here, so that none is added by oversight."""
    seen = {(method, route.path): actor(route) for method, route in routes()}
    assert {one for one, kind in seen.items() if kind is Anybody} == OPEN_TO_ANYBODY
    assert not {path for _, path in seen} & {"/docs", "/redoc", "/openapi.json"}


@pytest.mark.parametrize("role", DeskRole)
async def test_what_is_not_ones_roles_is_not_there(office: Office, role: DeskRole) -> None:
    """On every route: the same answer, word for word, as where there is no page; and nothing is written."""
    async with office.person(role) as page:
        request = page.context.request
        _, nothing, _ = await asked(request, "GET", "/nothing-is-here", FROM_HERE)
        for method, route in routes():
            if role in FOR.get(actor(route), EVERY_ROLE):
                continue
            status, text, _ = await asked(request, method, address(route), FROM_HERE)
            assert (status, text) == (404, nothing), (method, route.path)
    assert await office.pool.fetchval("SELECT count(*) FROM trail_entry") == 0


async def test_nobody_sees_anything_without_a_session(office: Office) -> None:
    """Every route that is not for anybody leads to the page that says so, or is empty."""
    async with office.visitor() as page:
        for method, route in routes():
            if actor(route) is Anybody:
                continue
            status, _, leads_to = await asked(page.context.request, method, address(route), FROM_HERE)
            expected = (204, "") if actor(route) is Listening else (303, "/signed-out")
            assert (status, leads_to) == expected, (method, route.path)


async def test_an_account_of_another_organisation_is_let_out(office: Office) -> None:
    """The desk is the operator's alone: a session that belongs elsewhere is none."""
    async with office.person(DeskRole.OPERATOR) as page:
        await office.pool.execute("UPDATE desk_session SET org_id = 'org-elsewhere'")
        assert (await asked(page.context.request, "GET", "/", {}))[0] == 303


async def test_a_form_from_elsewhere_is_refused(office: Office) -> None:
    """On every route that changes something: from another site, from a sibling, and from who does not say."""
    async with office.person(DeskRole.OPERATOR) as page:
        for method, route in routes():
            if method == "GET":
                continue
            for headers in (
                {"sec-fetch-site": "cross-site"},
                {"sec-fetch-site": "same-site"},
                {"sec-fetch-site": "none"},
                {"origin": "https://elsewhere.example"},
                {"origin": "null"},
            ):
                assert (await asked(page.context.request, method, address(route), headers))[0] == 403, route.path
    assert await office.pool.fetchval("SELECT count(*) FROM trail_entry") == 0


async def test_every_answer_keeps_to_itself(office: Office) -> None:
    """Each header of pages.md §2, on pages, files, refusals and redirects alike."""
    async with office.person(DeskRole.OPERATOR) as page:
        for path in ("/", "/static/pages.css", "/nothing", "/signed-out", "/exit"):
            answer = await page.context.request.get(path, max_redirects=0)
            assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        assert await page.context.cookies() == [], "leaving takes the cookie away"
