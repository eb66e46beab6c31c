"""Coming in by passkey and by the organisation's own sign-in; making a passkey, seeing one's own, giving one up.

POST /sign-in/passkey/options   what the browser needs to ask for a passkey
POST /sign-in/passkey           signs its holder in
POST /sign-in/first/options     what the browser needs to make a first passkey, for whoever holds a link
POST /sign-in/first             keeps it, uses the link up, and signs in
GET  /organisation              goes to the organisation's own sign-in
GET  /organisation/back         comes back from there
GET  /passkeys                  one's own passkeys
POST /passkeys/options          what the browser needs to make another one
POST /passkeys                  keeps it
POST /passkeys/revoke           takes one out of use
"""

from datetime import timedelta
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter
from pydantic import StringConstraints
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from broker import limits
from broker.entry.accounts import PasskeyId
from broker.entry.ceremonies import Ceremony
from broker.entry.entering import LinkUsed, let_in, link_over
from broker.entry.errors import PasskeyRefused
from broker.entry.forms import Nothing, read_form
from broker.entry.front import Front, Person, Somebody, Visitor
from broker.entry.links import LinkPurpose
from broker.entry.rendering import page, stored
from broker.schemas.event import Contract

router = APIRouter()


class _Used(Contract):
    """A passkey that a browser has made or used, as its JSON."""

    credential: Annotated[str, StringConstraints(min_length=2, max_length=limits.page_form_bytes_max)]


class _GivenUp(Contract):
    passkey: Annotated[str, StringConstraints(pattern=r"^key-[0-9a-f]{16}$")]


def _begun(front: Front, ceremony: Ceremony, answer: Response) -> Response:
    answer.set_cookie(
        front.entry_cookie,
        ceremony.token,
        max_age=limits.ceremony_minutes * 60,
        secure=front.secure,
        httponly=True,
        samesite="lax",
        path="/",
    )
    return answer


def _ended(front: Front, answer: Response) -> Response:
    answer.delete_cookie(front.entry_cookie, secure=front.secure, httponly=True, samesite="lax", path="/")
    return answer


def _asked(front: Front, ceremony: Ceremony) -> Response:
    return _begun(front, ceremony, Response(ceremony.told, media_type="application/json"))


def _begun_by(front: Front, request: Request) -> str:
    return request.cookies.get(front.entry_cookie, "")


@router.post("/sign-in/passkey/options")
async def passkey_options(who: Visitor, request: Request) -> Response:
    """Any passkey of these pages will do: the device knows which it has."""
    await read_form(request, Nothing)
    return _asked(who.front, await who.front.entry.passkeys.begin_signing_in(who.front.clock()))


@router.post("/sign-in/passkey")
async def passkey_sign_in(who: Visitor, request: Request) -> Response:
    """Sign in."""
    form, front = await read_form(request, _Used), who.front
    account, passkey = await front.entry.passkeys.sign_in(_begun_by(front, request), form.credential, front.clock())
    return _ended(front, await let_in(who, account, Response(status_code=HTTPStatus.NO_CONTENT), passkey))


@router.post("/sign-in/first/options")
async def first_options(who: Visitor, request: Request) -> Response:
    """For whoever holds a link that still waits."""
    form, front = await read_form(request, LinkUsed), who.front
    account = await front.entry.links.account(form.link, LinkPurpose.PASSKEY, front.clock())
    if account is None:
        return link_over(front)
    return _asked(front, await front.entry.passkeys.begin_registering(account, front.clock(), form.link))


@router.post("/sign-in/first")
async def first_passkey(who: Visitor, request: Request) -> Response:
    """Keep it, and sign its holder in."""
    form, front = await read_form(request, _Used), who.front
    account, passkey = await front.entry.passkeys.register(
        _begun_by(front, request), form.credential, front.clock(), by=None
    )
    return _ended(front, await let_in(who, account, Response(status_code=HTTPStatus.NO_CONTENT), passkey))


@router.get("/organisation")
async def to_organisation(who: Visitor) -> Response:
    """A plain link: a form that leads elsewhere is what the pages' own policy forbids."""
    openid = who.front.entry.openid
    if openid is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    ceremony = await openid.begin(who.front.clock())
    return _begun(who.front, ceremony, RedirectResponse(ceremony.told, HTTPStatus.SEE_OTHER))


@router.get("/organisation/back")
async def from_organisation(who: Visitor, request: Request) -> Response:
    """Only the browser that went there comes in; what the address says is worth nothing without its cookie."""
    openid, front = who.front.entry.openid, who.front
    if openid is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    account = await openid.finish(_begun_by(front, request), dict(request.query_params), front.clock())
    return _ended(front, await let_in(who, account, RedirectResponse("/", HTTPStatus.SEE_OTHER)))


@router.get("/passkeys")
async def own_passkeys(who: Person) -> Response:
    """Those of this very account."""
    account, entry = who.session.account, who.front.entry
    return page(
        "passkeys.html",
        who,
        possible=entry.site.takes_passkeys and not account.elsewhere,
        elsewhere=account.elsewhere,
        fresh=_fresh(who),
        passkeys=await entry.passkeys.listed(account.org, account.account_id),
    )


def _fresh(who: Somebody) -> bool:
    """A passkey outlives a session: a screen that somebody left open must not make one."""
    return who.front.clock() - who.session.began_at < timedelta(minutes=limits.passkey_fresh_minutes)


@router.post("/passkeys/options")
async def another_options(who: Person, request: Request) -> Response:
    """For somebody who has just signed in here, and whom no other sign-in answers for."""
    await read_form(request, Nothing)
    if who.session.account.elsewhere or not _fresh(who):
        raise PasskeyRefused
    return _asked(who.front, await who.front.entry.passkeys.begin_registering(who.session.account, who.front.clock()))


@router.post("/passkeys", status_code=HTTPStatus.NO_CONTENT)
async def another_passkey(who: Person, request: Request) -> Response:
    """Keep it; the session goes on."""
    form, front = await read_form(request, _Used), who.front
    await front.entry.passkeys.register(
        _begun_by(front, request), form.credential, front.clock(), by=who.session.account.account_id
    )
    return _ended(front, Response(status_code=HTTPStatus.NO_CONTENT))


@router.post("/passkeys/revoke")
async def give_up(who: Person, request: Request) -> Response:
    """Take one of one's own out of use; what it began ends, this session too."""
    form, account = await read_form(request, _GivenUp), who.session.account
    await who.front.entry.passkeys.revoke(
        account.org, PasskeyId(form.passkey), who.front.clock(), account=account.account_id
    )
    return stored(who, "/passkeys")
