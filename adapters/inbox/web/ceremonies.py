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

from adapters.inbox.web.entering import LinkUsed, let_in, link_over
from adapters.inbox.web.forms import Nothing, read_form
from adapters.inbox.web.rendering import page
from adapters.inbox.web.who import Desk, Reader, SignedIn, Visitor
from broker import limits
from broker.entry.accounts import PasskeyId
from broker.entry.ceremonies import Ceremony
from broker.entry.errors import PasskeyRefused
from broker.entry.links import LinkPurpose
from broker.schemas.event import Contract

router = APIRouter()


class _Used(Contract):
    """A passkey that a browser has made or used, as its JSON."""

    credential: Annotated[str, StringConstraints(min_length=2, max_length=limits.page_form_bytes_max)]


class _GivenUp(Contract):
    passkey: Annotated[str, StringConstraints(pattern=r"^key-[0-9a-f]{16}$")]


def _begun(desk: Desk, ceremony: Ceremony, answer: Response) -> Response:
    answer.set_cookie(
        desk.entry_cookie,
        ceremony.token,
        max_age=limits.ceremony_minutes * 60,
        secure=desk.secure,
        httponly=True,
        samesite="lax",
        path="/",
    )
    return answer


def _ended(desk: Desk, answer: Response) -> Response:
    answer.delete_cookie(desk.entry_cookie, secure=desk.secure, httponly=True, samesite="lax", path="/")
    return answer


def _asked(desk: Desk, ceremony: Ceremony) -> Response:
    return _begun(desk, ceremony, Response(ceremony.told, media_type="application/json"))


def _begun_by(desk: Desk, request: Request) -> str:
    return request.cookies.get(desk.entry_cookie, "")


@router.post("/sign-in/passkey/options")
async def passkey_options(who: Visitor, request: Request) -> Response:
    """Any passkey of these pages will do: the device knows which it has."""
    await read_form(request, Nothing)
    return _asked(who.desk, await who.desk.entry.passkeys.begin_signing_in(who.desk.clock()))


@router.post("/sign-in/passkey")
async def passkey_sign_in(who: Visitor, request: Request) -> Response:
    """Sign in."""
    form, desk = await read_form(request, _Used), who.desk
    account, passkey = await desk.entry.passkeys.sign_in(_begun_by(desk, request), form.credential, desk.clock())
    return _ended(desk, await let_in(who, account, Response(status_code=HTTPStatus.NO_CONTENT), passkey))


@router.post("/sign-in/first/options")
async def first_options(who: Visitor, request: Request) -> Response:
    """For whoever holds a link that still waits."""
    form, desk = await read_form(request, LinkUsed), who.desk
    account = await desk.entry.links.account(form.link, LinkPurpose.PASSKEY, desk.clock())
    if account is None:
        return link_over(desk)
    return _asked(desk, await desk.entry.passkeys.begin_registering(account, desk.clock(), form.link))


@router.post("/sign-in/first")
async def first_passkey(who: Visitor, request: Request) -> Response:
    """Keep it, and sign its holder in."""
    form, desk = await read_form(request, _Used), who.desk
    account, passkey = await desk.entry.passkeys.register(
        _begun_by(desk, request), form.credential, desk.clock(), by=None
    )
    return _ended(desk, await let_in(who, account, Response(status_code=HTTPStatus.NO_CONTENT), passkey))


@router.get("/organisation")
async def to_organisation(who: Visitor) -> Response:
    """A plain link: a form that leads elsewhere is what the pages' own policy forbids."""
    openid = who.desk.entry.openid
    if openid is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    ceremony = await openid.begin(who.desk.clock())
    return _begun(who.desk, ceremony, RedirectResponse(ceremony.told, HTTPStatus.SEE_OTHER))


@router.get("/organisation/back")
async def from_organisation(who: Visitor, request: Request) -> Response:
    """Only the browser that went there comes in; what the address says is worth nothing without its cookie."""
    openid, desk = who.desk.entry.openid, who.desk
    if openid is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    account = await openid.finish(_begun_by(desk, request), dict(request.query_params), desk.clock())
    return _ended(desk, await let_in(who, account, RedirectResponse("/", HTTPStatus.SEE_OTHER)))


@router.get("/passkeys")
async def own_passkeys(who: Reader) -> Response:
    """Those of this very account."""
    account, entry = who.session.account, who.desk.entry
    return page(
        "passkeys.html",
        who,
        possible=entry.site.takes_passkeys and not account.elsewhere,
        elsewhere=account.elsewhere,
        fresh=_fresh(who),
        passkeys=await entry.passkeys.listed(account.org, account.account_id),
    )


def _fresh(who: SignedIn) -> bool:
    """A passkey outlives a session: a screen that somebody left open must not make one."""
    return who.desk.clock() - who.session.began_at < timedelta(minutes=limits.passkey_fresh_minutes)


@router.post("/passkeys/options")
async def another_options(who: Reader, request: Request) -> Response:
    """For somebody who has just signed in here, and whom no other sign-in answers for."""
    await read_form(request, Nothing)
    if who.session.account.elsewhere or not _fresh(who):
        raise PasskeyRefused
    return _asked(who.desk, await who.desk.entry.passkeys.begin_registering(who.session.account, who.desk.clock()))


@router.post("/passkeys", status_code=HTTPStatus.NO_CONTENT)
async def another_passkey(who: Reader, request: Request) -> Response:
    """Keep it; the session goes on."""
    form, desk = await read_form(request, _Used), who.desk
    await desk.entry.passkeys.register(
        _begun_by(desk, request), form.credential, desk.clock(), by=who.session.account.account_id
    )
    return _ended(desk, Response(status_code=HTTPStatus.NO_CONTENT))


@router.post("/passkeys/revoke")
async def give_up(who: Reader, request: Request) -> Response:
    """Take one of one's own out of use; what it began ends, this session too."""
    form, account = await read_form(request, _GivenUp), who.session.account
    await who.desk.entry.passkeys.revoke(
        account.org, PasskeyId(form.passkey), who.desk.clock(), account=account.account_id
    )
    return RedirectResponse("/passkeys", HTTPStatus.SEE_OTHER)
