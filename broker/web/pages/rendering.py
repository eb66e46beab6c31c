"""The pages of the network, made from their templates."""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from broker.look.language import spoken
from broker.look.rendering import templates_of

_CODE: Final = re.compile(r"`([^`]+)`")
_PAGES: Final = templates_of(Path(__file__).parent / "templates")


def coded(sentence: str) -> Markup:
    """A sentence of a docstring, what stands between backticks in it as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(sentence))))  # noqa: S704  escaped before


def breakable(name: str) -> Markup:
    """A long name, to be broken after its dots and lines where the screen is narrow."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(name))))  # noqa: S704  escaped before


_PAGES.filters.update(coded=coded, breakable=breakable)


def rendered(template: str, *, practice: bool, status: HTTPStatus = HTTPStatus.OK, **content: Any) -> HTMLResponse:
    """A page, in the language that this task speaks."""
    text = _PAGES.get_template(template).render(practice=practice, **content)
    return HTMLResponse(text, status, headers={"content-language": spoken()})
