"""Who asks for a page: each route takes one of these types as a parameter, and a test demands that each does.

`Visitor`   anybody, known or not; the page shows nothing of anybody
`Reader`    somebody who is signed in, of whatever role
`Listener`  the same, asked for by a page and not by a person: it keeps nobody signed in
`Decider`   staff and supervisors, who answer offers and open what was released
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from adapters.inbox.inbox import Inbox
from adapters.inbox.web.counts import Counts
from adapters.inbox.web.entry import Entry, StaffSession
from adapters.inbox.web.roles import StaffRole
from adapters.provider import Provider
from broker.look.language import preferred, speak
from broker.schemas.ids import OrgId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.vocabulary import MsgStatus
from broker.sql.bulk import Pool

_READS_AS: Final[Mapping[StaffRole, AcceptedBy]] = {
    StaffRole.STAFF: AcceptedBy.STAFF,
    StaffRole.SUPERVISOR: AcceptedBy.SUPERVISOR,
}
"""In which role whoever may decide is written down."""


class SignedOut(Exception):
    """Nobody is signed in, or not any more."""


class NobodyListens(SignedOut):
    """The same, said to a page that asks by itself."""


class RoleMayNot(Exception):
    """Somebody is signed in whose role does not do this."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages work with; `providers` may change meanwhile, `clock` gives the time in UTC."""

    pool: Pool
    providers: Mapping[OrgId, Provider]
    environment: MsgStatus
    entry: Entry
    counts: Counts
    leave_for: str
    """The neutral page that quick exit shows."""
    clock: Callable[[], datetime]

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

    desk: Desk
    token: str | None
    language: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody of one organisation, and that organisation's inbox: there is no way from here to another's."""

    desk: Desk
    session: StaffSession
    inbox: Inbox


@dataclass(frozen=True, slots=True)
class Listening(SignedIn):
    """Somebody's page, which asks by itself."""


@dataclass(frozen=True, slots=True)
class Deciding(SignedIn):
    """Somebody who may answer and open, in the role that is written down."""

    role: AcceptedBy


def desk_of(request: Request) -> Desk:
    """What the application was made with."""
    desk: Desk = request.app.state.desk
    return desk


def _anybody(request: Request) -> Anybody:
    desk = desk_of(request)
    language = preferred(request.headers.get("accept-language", ""))
    speak(language)
    return Anybody(desk, request.cookies.get(desk.cookie), language)


async def _signed_in(request: Request) -> SignedIn:
    anybody = _anybody(request)
    sessions = anybody.desk.entry.sessions
    return _somebody(anybody, await sessions.touched(anybody.token, anybody.desk.clock()) if anybody.token else None)


async def _listening(request: Request) -> Listening:
    anybody = _anybody(request)
    sessions = anybody.desk.entry.sessions
    session = await sessions.found(anybody.token, anybody.desk.clock()) if anybody.token else None
    try:
        who = _somebody(anybody, session)
    except SignedOut:
        raise NobodyListens from None
    return Listening(who.desk, who.session, who.inbox)


def _somebody(anybody: Anybody, session: StaffSession | None) -> SignedIn:
    desk = anybody.desk
    provider = desk.providers.get(session.org) if session is not None else None
    if session is None or provider is None:
        raise SignedOut
    speak(session.language)
    return SignedIn(desk, session, Inbox(desk.pool, provider, desk.environment))


async def _deciding(request: Request) -> Deciding:
    who = await _signed_in(request)
    role = _READS_AS.get(who.session.role)
    if role is None:
        raise RoleMayNot
    return Deciding(who.desk, who.session, who.inbox, role)


async def _visitor(request: Request) -> Anybody:
    return _anybody(request)


Visitor = Annotated[Anybody, Depends(_visitor)]
Reader = Annotated[SignedIn, Depends(_signed_in)]
Listener = Annotated[Listening, Depends(_listening)]
Decider = Annotated[Deciding, Depends(_deciding)]
