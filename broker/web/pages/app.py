"""The pages of the network as a web application: everybody may see them, in their language, and they show nobody.

GET /                       what the network does, for the public; /rules.toml the policy pack in force
GET /events                 the catalogue; /events/{name} one event, /groups/{code} one field group
GET /schemas/{name}.json    its JSON Schema; /asyncapi.json the whole contract
GET /errors                 every refusal: what it means, what to do
GET /start                  the quick start; /practice how to try things without people
GET /exit                   a neutral page
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypeVar

from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from broker.look.rendering import STATIC
from broker.schemas.asyncapi import document
from broker.schemas.catalogue import pretty
from broker.schemas.field_groups import FieldGroup, groups_with_model
from broker.schemas.vocabulary import MsgStatus
from broker.web.pages import contract, refusals
from broker.web.pages.public import PublicDesk, public_content
from broker.web.pages.quick_start import WAYS_IN
from broker.web.pages.rendering import rendered

router = APIRouter()
Found = TypeVar("Found")

_MEDIA: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages are made with."""

    environment: MsgStatus
    public: PublicDesk
    leave_for: str
    """The neutral page that "Exit this page" shows."""


def network_pages(site: Site) -> FastAPI:
    """The pages of this network."""
    app = FastAPI(openapi_url=None, redirect_slashes=False, default_response_class=HTMLResponse)
    app.state.site = site
    app.router.routes.extend(router.routes)
    for name in contract.named_events():
        # Each its own: every other `/events/…` names an event that was sent, and is the door's.
        app.add_api_route(f"/events/{name}", _event_route(name), methods=["GET"])
    return app


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def _found(listed: Mapping[str, Found], name: str) -> Found:
    if name not in listed:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return listed[name]


def _page(request: Request, template: str, **content: Any) -> Response:
    return rendered(request, template, practice=_site(request).environment is MsgStatus.EXERCISE, **content)


@router.get("/")
async def public(request: Request) -> Response:
    """What the network does, for everybody."""
    return _page(request, "public.html", **await public_content(_site(request).public))


@router.get("/rules.toml")
async def rules(request: Request) -> Response:
    """The exact text of the policy pack in force."""
    return Response((await _site(request).public.known()).text, media_type="text/plain")


@router.get("/events")
async def events(request: Request) -> Response:
    """Every event and field group."""
    return _page(request, "events.html", by_way=contract.by_way(), groups=contract.groups())


@router.get("/groups/{code}")
async def group(request: Request, code: str) -> Response:
    """One field group."""
    if code not in groups_with_model():
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return _page(request, "event.html", page=contract.group_page(FieldGroup(code)), event=False)


@router.get("/schemas/{name}.json")
async def schema(name: str) -> Response:
    """The JSON Schema of an event or a field group."""
    return Response(_found(contract.schemas(), name), media_type="application/schema+json")


@router.get("/asyncapi.json")
async def asyncapi() -> Response:
    """The whole contract, for machines."""
    return Response(pretty(document()), media_type="application/json")


@router.get("/errors")
async def errors(request: Request) -> Response:
    """Every refusal."""
    return _page(request, "errors.html", events=refusals.of_events(), door=refusals.of_the_door())


@router.get("/start")
async def start(request: Request) -> Response:
    """How to begin."""
    return _page(request, "start.html", ways=WAYS_IN)


@router.get("/practice")
async def practise(request: Request) -> Response:
    """How to try things where nothing is about anybody."""
    return _page(request, "practice.html", provoked=refusals.PROVOKED)


@router.get("/exit")
async def leave(request: Request) -> Response:
    """A plain link, so that nothing has to work but the network."""
    return RedirectResponse(_site(request).leave_for, HTTPStatus.SEE_OTHER)


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """Our own style and scripts."""
    return Response(_found(STATIC, name), media_type=_MEDIA[name.rpartition(".")[2]])


def _event_route(name: str) -> Callable[[Request], Awaitable[Response]]:
    async def event(request: Request) -> Response:
        return _page(request, "event.html", page=contract.event_page(name), event=True)

    return event
