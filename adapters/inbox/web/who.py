"""Who asks for a page of the inbox, beside the types of `broker.entry.front`: a test demands one of each route.

`Reader`    somebody who is signed in, of whatever role, with the inbox of their organisation
`Decider`   staff and supervisors, who answer offers and open what was released
`Overseer`  supervisors and privacy officers, who see who has opened what
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends
from starlette.requests import Request

from adapters.inbox.inbox import Inbox
from adapters.inbox.web.roles import StaffRole
from adapters.provider import Provider
from broker.entry.front import RoleMayNot, Somebody, somebody
from broker.schemas.ids import OrgId
from broker.schemas.offer_accepted import AcceptedBy
from broker.sql.bulk import Pool

_READS_AS: Final[Mapping[StaffRole, AcceptedBy]] = {
    StaffRole.STAFF: AcceptedBy.STAFF,
    StaffRole.SUPERVISOR: AcceptedBy.SUPERVISOR,
}
"""In which role whoever may decide is written down."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages work with; `providers` may change meanwhile."""

    pool: Pool
    providers: Mapping[OrgId, Provider]


@dataclass(frozen=True, slots=True)
class SignedIn(Somebody):
    """Somebody of one organisation, and that organisation's inbox: there is no way from here to another's."""

    desk: Desk
    inbox: Inbox


@dataclass(frozen=True, slots=True)
class Deciding(SignedIn):
    """Somebody who may answer and open, in the role that is written down."""

    role: AcceptedBy


@dataclass(frozen=True, slots=True)
class Overseeing(SignedIn):
    """Somebody who sees who has opened what."""


async def _signed_in(request: Request) -> SignedIn:
    who = await somebody(request)
    desk: Desk = request.app.state.desk
    account = who.session.account.letters
    inbox = Inbox(desk.pool, desk.providers[who.session.org], who.front.environment, account=account)
    return SignedIn(who.front, who.session, desk, inbox)


async def _deciding(request: Request) -> Deciding:
    who = await _signed_in(request)
    role = _READS_AS.get(who.session.role)
    if role is None:
        raise RoleMayNot
    return Deciding(who.front, who.session, who.desk, who.inbox, role)


async def _overseeing(request: Request) -> Overseeing:
    who = await _signed_in(request)
    if not who.session.role.oversees:
        raise RoleMayNot
    return Overseeing(who.front, who.session, who.desk, who.inbox)


Reader = Annotated[SignedIn, Depends(_signed_in)]
Decider = Annotated[Deciding, Depends(_deciding)]
Overseer = Annotated[Overseeing, Depends(_overseeing)]
