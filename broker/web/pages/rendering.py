"""The pages of the network, made from their templates."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from broker.look.rendering import templates_of
from broker.look.speaking import LANGUAGE, chosen, told_headers

_CODE: Final = re.compile(r"`([^`]+)`")
_PAGES: Final = templates_of(Path(__file__).parent / "templates")


def coded(sentence: str, **links: Markup) -> Markup:
    """A sentence, what stands between backticks in it as code; `links` are put where it has `%(their names)s`."""
    made = Markup(_CODE.sub(r"<code>\1</code>", str(escape(sentence))))  # noqa: S704  escaped before
    return made % links if links else made


def breakable(name: str) -> Markup:
    """A long name, to be broken after its dots and lines where the screen is narrow."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(name))))  # noqa: S704  escaped before


_PAGES.filters.update(coded=coded, breakable=breakable)


def rendered(
    request: Request, template: str, *, practice: bool, status: HTTPStatus = HTTPStatus.OK, **content: Any
) -> HTMLResponse:
    """A page, in the language that this task speaks; its links keep to a language that its own address names."""
    named = chosen(request)
    ways = {"path": request.url.path, "to": lambda path: in_language(path, named)}
    text = _PAGES.get_template(template).render(practice=practice, **ways, in_language=in_language, **content)
    return HTMLResponse(text, status, headers=told_headers())


def in_language(path: str, language: str | None) -> str:
    """The address of one of these pages in this language; None leaves that to the browser."""
    page, mark, place = path.partition("#")
    return path if language is None else f"{page}?{LANGUAGE}={language}{mark}{place}"
