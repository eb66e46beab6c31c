"""Coming in by a link, and going out: a session, and a way out that takes one tap.

GET  /sign-in          which ways in there are
GET  /sign-in/{link}   says what these pages are, and uses nothing up: programs that fetch links sign nobody in
POST /sign-in          uses a sign-in link up
GET  /signed-out       where whoever is not signed in arrives
GET  /exit             ends the session and leaves for a neutral page
POST /sign-out         ends the session
POST /stay             somebody is still there
POST /language         says everything in another language
"""

from http import HTTPStatus
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import StringConstraints
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker.entry.accounts import Account, PasskeyId
from broker.entry.forms import Nothing, read_form
from broker.entry.front import Anybody, Asked, Front, Person, Visitor
from broker.entry.links import LinkPurpose
from broker.entry.rendering import notice, page
from broker.look.language import _
from broker.look.rendering import STATIC
from broker.schemas.event import Contract

router = APIRouter()

_MEDIA: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
Link = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]


class LinkUsed(Contract):
    """The form of a link's page."""

    link: Link


class _Language(Contract):
    language: Literal["en", "es"]


def link_over(front: Front) -> Response:
    """What a link that works no more leads to."""
    return notice(
        Asked(front, None),
        HTTPStatus.GONE,
        _("This sign-in link does not work any more"),
        _("Each link works once and for a few minutes. Ask whoever gave it to you for another one."),
        back=False,
    )


async def let_in(
    who: Anybody, account: Account[Any], answer: Response, passkey_id: PasskeyId | None = None
) -> Response:
    """Sign an account in under a fresh cookie; whatever this browser held before ends."""
    front = who.front
    if who.token is not None:
        await front.entry.sessions.end(who.token, front.clock())
    session = await front.entry.sessions.begin(account, who.language, front.clock(), passkey_id)
    answer.set_cookie(front.cookie, session.token, secure=front.secure, httponly=True, samesite="lax", path="/")
    return answer


@router.get("/sign-in")
async def ways_in(who: Visitor) -> Response:
    """By passkey, by the organisation's own sign-in, or by asking for a link."""
    entry = who.front.entry
    return page("ways_in.html", who, passkeys=entry.site.takes_passkeys, own=entry.openid is not None)


@router.get("/sign-in/{link}")
async def link_page(who: Visitor, link: str) -> Response:
    """What whoever opens the link sees first."""
    match await who.front.entry.links.purpose(link, who.front.clock()):
        case LinkPurpose.SIGN_IN:
            return page("sign_in.html", who, link=link)
        case LinkPurpose.PASSKEY:
            return page("first_passkey.html", who, link=link)
    return link_over(who.front)


@router.post("/sign-in")
async def sign_in(who: Visitor, request: Request) -> Response:
    """Use the link up."""
    form, front = await read_form(request, LinkUsed), who.front
    account = await front.entry.links.use(form.link, LinkPurpose.SIGN_IN, front.clock())
    if account is None:
        return link_over(front)
    return await let_in(who, account, RedirectResponse("/", HTTPStatus.SEE_OTHER))


@router.get("/signed-out")
async def signed_out(who: Visitor) -> Response:
    """Where whoever is not signed in arrives."""
    return page("signed_out.html", who)


@router.get("/exit")
async def leave(who: Visitor) -> Response:
    """Quick exit. A plain link, so that nothing has to work but the network."""
    answer = RedirectResponse(who.front.leave_for, HTTPStatus.SEE_OTHER)
    # An addition where browsers know it: what ends the session is its row.
    answer.headers["clear-site-data"] = '"cache", "cookies", "storage"'
    return await _ended(who.front, who.token, answer)


@router.post("/sign-out")
async def sign_out(who: Person, request: Request) -> Response:
    """The end of a shift."""
    await read_form(request, Nothing)
    return await _ended(who.front, who.session.token, RedirectResponse("/signed-out", HTTPStatus.SEE_OTHER))


async def _ended(front: Front, token: str | None, answer: Response) -> Response:
    if token is not None:
        await front.entry.sessions.end(token, front.clock())
        answer.delete_cookie(front.cookie, secure=front.secure, httponly=True, samesite="lax", path="/")
    return answer


@router.post("/stay", status_code=HTTPStatus.NO_CONTENT)
async def stay(who: Person, request: Request) -> Response:
    """Asking who it is has let the session live on already."""
    await read_form(request, Nothing)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/language")
async def language(who: Person, request: Request) -> Response:
    """Speak another language for the rest of the session."""
    form = await read_form(request, _Language)
    await who.front.entry.sessions.speaks(who.session.token, form.language)
    return RedirectResponse("/", HTTPStatus.SEE_OTHER)


@router.get("/static/{name}")
async def static(who: Visitor, name: str) -> Response:
    """Our own style and scripts; as little kept on the device as the pages are."""
    content = STATIC.get(name)
    if content is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return Response(content, media_type=_MEDIA[name.rpartition(".")[2]])
