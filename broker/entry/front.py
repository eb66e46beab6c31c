"""Who asks for a page: each route takes one of these types, or one made of them, and a test demands that each does.

`Visitor`   anybody, known or not; the page shows nothing of anybody
`Person`    somebody who is signed in, of whatever role
`Listener`  the same, asked for by a page and not by a person: it keeps nobody signed in

An application's own types say more: `Annotated[Deciding, Depends(deciding)]`, where `deciding` first asks `somebody`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Depends
from jinja2 import Environment
from starlette.requests import Request

from broker.entry.accounts import Account, Clock
from broker.entry.marks import marked
from broker.entry.sessions import Session
from broker.entry.ways import Entry
from broker.look.counts import Counts
from broker.look.language import preferred, speak
from broker.look.zone import UTC_ZONE, see_in
from broker.schemas.vocabulary import MsgStatus


class SignedOut(Exception):
    """Nobody is signed in, or not any more."""


class NobodyListens(SignedOut):
    """The same, said to a page that asks by itself."""


class RoleMayNot(Exception):
    """Somebody is signed in whose role does not do this."""


@dataclass(frozen=True, slots=True)
class Front:
    """What the pages of an application that one signs in at have in common; `clock` gives the time in UTC."""

    environment: MsgStatus
    entry: Entry[Any]
    pages: Environment
    """The application's templates (`broker.entry.rendering.front_templates`)."""
    counts: Counts
    """What an open page has counted, by the organisation of whoever looks at it."""
    leave_for: str
    """The neutral page that quick exit shows."""
    clock: Clock
    admits: Callable[[Account[Any]], bool]
    """Whether an account still belongs here: its organisation may have gone meanwhile."""
    zone: ZoneInfo = UTC_ZONE
    """In which moments are told here, and written."""

    @property
    def secure(self) -> bool:
        """Whether the pages are reached by https; only a demo on this very machine is not."""
        return self.entry.site.origin.startswith("https:")

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return "__Host-session" if self.secure else "session"

    @property
    def entry_cookie(self) -> str:
        """The name of the cookie that ends what was begun to come in."""
        return "__Host-entry" if self.secure else "entry"


@dataclass(frozen=True, slots=True)
class Anybody:
    """Whoever asks, signed in or not."""

    front: Front
    token: str | None
    language: str


@dataclass(frozen=True, slots=True)
class Somebody:
    """Somebody who is signed in."""

    front: Front
    session: Session[Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whoever asked for what cannot be done: signed in, as far as is known."""

    front: Front
    session: Session[Any] | None


@dataclass(frozen=True, slots=True)
class Listening(Somebody):
    """Somebody's page, which asks by itself."""


def front_of(request: Request) -> Front:
    """What the application was made with."""
    front: Front = request.app.state.front
    return front


async def anybody(request: Request) -> Anybody:
    """Whoever asks, spoken to in the language that their browser asks for."""
    front = front_of(request)
    language = preferred(request.headers.get("accept-language", ""))
    speak(language)
    see_in(front.zone)
    return Anybody(front, request.cookies.get(front.cookie), language)


async def somebody(request: Request) -> Somebody:
    """Whoever is signed in; their session lives on from now.

    Raises:
        SignedOut: nobody is.
    """
    asking = await anybody(request)
    sessions, now = asking.front.entry.sessions, asking.front.clock()
    who = _admitted(asking.front, await sessions.touched(asking.token, now) if asking.token else None)
    stored = marked(who.session, request.url.path, request.query_params.get("stored", ""), now)
    request.state.session = who.session
    return Somebody(who.front, replace(who.session, stored=stored))


async def recognise(request: Request) -> None:
    """Find out who has asked for what cannot be done, where no route did; that keeps nobody signed in."""
    if asked(request).session is not None:
        return
    asking = await anybody(request)
    sessions, now = asking.front.entry.sessions, asking.front.clock()
    session = await sessions.found(asking.token, now) if asking.token else None
    if session is not None and asking.front.admits(session.account):
        speak(session.language)
        request.state.session = session


def asked(request: Request) -> Asked:
    """Whoever has asked, as `somebody` or `recognise` have found them."""
    return Asked(front_of(request), getattr(request.state, "session", None))


async def listening(request: Request) -> Listening:
    """Whose page asks by itself; that keeps nobody signed in.

    Raises:
        NobodyListens: nobody is signed in.
    """
    asking = await anybody(request)
    sessions, now = asking.front.entry.sessions, asking.front.clock()
    session = await sessions.found(asking.token, now) if asking.token else None
    try:
        who = _admitted(asking.front, session)
    except SignedOut:
        raise NobodyListens from None
    return Listening(who.front, who.session)


def _admitted(front: Front, session: Session[Any] | None) -> Somebody:
    if session is None or not front.admits(session.account):
        raise SignedOut
    speak(session.language)
    return Somebody(front, session)


Visitor = Annotated[Anybody, Depends(anybody)]
Person = Annotated[Somebody, Depends(somebody)]
Listener = Annotated[Listening, Depends(listening)]
