"""The inbox's pages for whoever reads them."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from starlette.responses import HTMLResponse

from adapters import words
from adapters.inbox.web.who import Anybody, Desk, SignedIn
from broker import limits
from broker.look.language import spoken
from broker.look.rendering import templates_of
from broker.schemas.vocabulary import MsgStatus

_PAGES: Final = templates_of(Path(__file__).parent / "templates")
_PAGES.globals["limits"] = limits
_PAGES.filters.update(plain=words.plain, moment=words.moment)


def page(template: str, who: SignedIn | Anybody, status: HTTPStatus = HTTPStatus.OK, **content: Any) -> HTMLResponse:
    """A page for somebody."""
    signed_in = who.session if isinstance(who, SignedIn) else None
    return _rendered(template, who.desk, status, session=signed_in, **content)


def notice(desk: Desk, status: HTTPStatus, title: str, *sentences: str, back: bool = True) -> HTMLResponse:
    """A page that says what is wrong and what to do."""
    return _rendered("notice.html", desk, status, session=None, title=title, sentences=sentences, back=back)


def _rendered(template: str, desk: Desk, status: HTTPStatus, **content: Any) -> HTMLResponse:
    practice = desk.environment is MsgStatus.EXERCISE
    text = _PAGES.get_template(template).render(practice=practice, **content)
    return HTMLResponse(text, status, headers={"content-language": spoken()})
