"""The pages of the network, made from their templates."""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from starlette.responses import HTMLResponse

from broker.look.language import spoken
from broker.look.rendering import templates_of

_PAGES: Final = templates_of(Path(__file__).parent / "templates")


def rendered(template: str, *, practice: bool, status: HTTPStatus = HTTPStatus.OK, **content: Any) -> HTMLResponse:
    """A page, in the language that this task speaks."""
    text = _PAGES.get_template(template).render(practice=practice, **content)
    return HTMLResponse(text, status, headers={"content-language": spoken()})
