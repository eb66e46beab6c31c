"""The pages of the network as a web application: everybody may see them, and they show nobody.

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

from broker.look.language import LANGUAGES, preferred, speak
from broker.look.rendering import STATIC
from broker.schemas.asyncapi import document
from broker.schemas.catalogue import pretty
from broker.schemas.vocabulary import MsgStatus
from broker.web.pages import contract, refusals
from broker.web.pages.public import PublicDesk, public_content
from broker.web.pages.quick_start import WAYS_IN
from broker.web.pages.rendering import rendered

router = APIRouter()
Found = TypeVar("Found")

_MEDIA: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
LANGUAGE: Final = "language"


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
    for name, page in contract.event_pages().items():
        # Each its own: every other `/events/…` names an event that was sent, and is the door's.
        app.add_api_route(f"/events/{name}", _event_route(page), methods=["GET"])
    return app


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def _found(listed: Mapping[str, Found], name: str) -> Found:
    if name not in listed:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return listed[name]


def _page(request: Request, template: str, **content: Any) -> Response:
    return rendered(template, practice=_site(request).environment is MsgStatus.EXERCISE, **content)


def _english(request: Request, template: str, **content: Any) -> Response:
    """A page about the contract, which is in English: its names, and the words that explain them."""
    speak(LANGUAGES[0])
    return _page(request, template, **content)


@router.get("/")
async def public(request: Request) -> Response:
    """What the network does, for everybody, in the language that they ask for."""
    asked = request.query_params.get(LANGUAGE, "")
    speak(asked if asked in LANGUAGES else preferred(request.headers.get("accept-language", "")))
    return _page(request, "public.html", **await public_content(_site(request).public))


@router.get("/rules.toml")
async def rules(request: Request) -> Response:
    """The exact text of the policy pack in force."""
    return Response((await _site(request).public.known()).text, media_type="text/plain")


@router.get("/events")
async def events(request: Request) -> Response:
    """Every event and field group."""
    return _english(request, "events.html", by_way=contract.by_way(), groups=contract.group_pages())


@router.get("/groups/{code}")
async def group(request: Request, code: str) -> Response:
    """One field group."""
    return _english(request, "event.html", page=_found(contract.group_pages(), code), event=False)


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
    return _english(request, "errors.html", events=refusals.of_events(), door=refusals.of_the_door())


@router.get("/start")
async def start(request: Request) -> Response:
    """How to begin."""
    return _english(request, "start.html", ways=WAYS_IN)


@router.get("/practice")
async def practise(request: Request) -> Response:
    """How to try things where nothing is about anybody."""
    return _english(request, "practice.html", provoked=refusals.PROVOKED)


@router.get("/exit")
async def leave(request: Request) -> Response:
    """A plain link, so that nothing has to work but the network."""
    return RedirectResponse(_site(request).leave_for, HTTPStatus.SEE_OTHER)


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """Our own style and scripts."""
    return Response(_found(STATIC, name), media_type=_MEDIA[name.rpartition(".")[2]])


def _event_route(page: contract.Page) -> Callable[[Request], Awaitable[Response]]:
    async def event(request: Request) -> Response:
        return _english(request, "event.html", page=page, event=True)

    return event
