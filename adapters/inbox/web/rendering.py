"""Pages from templates: everything escaped, an unknown name is an error, each sentence in the reader's language."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from adapters import words
from adapters.inbox.web.who import Anybody, Desk, SignedIn
from adapters.language import LANGUAGES, _, counted, spoken
from broker import limits
from broker.schemas.vocabulary import MsgStatus

_FOLDER: Final = Path(__file__).parent
STATIC: Final = {path.name: path.read_bytes() for path in (_FOLDER / "static").iterdir()}
"""Our own style and scripts, by name: nothing else is served as a file."""


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update({"_": _said, "counted": counted, "spoken": spoken, "languages": LANGUAGES, "limits": limits})
    made.filters.update(plain=words.plain, moment=words.moment)
    return made


def _said(sentence: str, **values: object) -> str:
    return _(sentence) % values if values else _(sentence)


_PAGES: Final = _environment()


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
