"""Who asks for a page of the desk, beside the types of `broker.entry.front`: a test demands one of each route.

`Reader`     somebody who is signed in, of whatever role
`Worker`     coordinators and operators, who work what waits for a human
`Settler`    operators, who say what becomes of records that were not taken in
`Examiner`   auditors and privacy officers, who ask the trail

To whoever's role it is not, a page is not there.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends
from starlette.requests import Request

from broker.entry.front import RoleMayNot, Somebody, somebody
from broker.judging_again import Judge
from broker.look.zone import UTC_ZONE, see_in
from broker.schemas.ids import OrgId
from broker.sql.bulk import Pool
from broker.trail.proofs import PublishedLog
from broker.web.desk.roles import DeskRole


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages work with."""

    pool: Pool
    broker_org: OrgId
    judge: Judge
    """By whom records that were not taken in are judged again."""
    kafka: Mapping[str, Any]
    """What a Kafka client is made with: such records are read where they lie."""
    log: PublishedLog | None = None
    """The trail's log as it is published here; None where it is not."""


@dataclass(frozen=True, slots=True)
class Reading(Somebody):
    """Somebody of the network's own."""

    desk: Desk

    @property
    def by(self) -> str:
        """Who acts, as the trail has it: a role and a short reference, such as `role:coordinator-1f3a9c2e`."""
        return self.session.account.reference


@dataclass(frozen=True, slots=True)
class Working(Reading):
    """Somebody who works what waits for a human."""


@dataclass(frozen=True, slots=True)
class Settling(Working):
    """Somebody who says what becomes of records that were not taken in."""


@dataclass(frozen=True, slots=True)
class Examining(Reading):
    """Somebody who asks the trail."""


Kind = TypeVar("Kind", bound=Reading)


def _only(kind: type[Kind], *roles: DeskRole) -> Callable[[Request], Awaitable[Kind]]:
    async def found(request: Request) -> Kind:
        who = await somebody(request)
        if who.session.role not in roles:
            raise RoleMayNot
        if issubclass(kind, Examining):
            see_in(UTC_ZONE)  # What the trail says is compared across houses.
        return kind(who.front, who.session, request.app.state.desk)

    return found


Reader = Annotated[Reading, Depends(_only(Reading, *DeskRole))]
Worker = Annotated[Working, Depends(_only(Working, *(role for role in DeskRole if role.works)))]
Settler = Annotated[Settling, Depends(_only(Settling, *(role for role in DeskRole if role.settles)))]
Examiner = Annotated[Examining, Depends(_only(Examining, DeskRole.AUDITOR, DeskRole.PRIVACY_OFFICER))]
