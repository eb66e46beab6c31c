"""Pages of an application that one signs in at, for whoever reads them.

Its own folder has `base.html`, which extends `signed_in.html` and says what there is to go to; it may have any other
template of the kit's in its own words.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment
from starlette.responses import HTMLResponse

from broker import limits
from broker.entry.front import Anybody, Front, Somebody
from broker.look.language import spoken
from broker.look.rendering import templates_of
from broker.look.words import moment, plain
from broker.schemas.vocabulary import MsgStatus

_OWN: Final = Path(__file__).parent / "templates"


def front_templates(*folders: Path, home: str) -> Environment:
    """The templates of one application; `home` says where its first page leads: "To the list"."""
    made = templates_of(*folders, _OWN)
    made.globals.update({"limits": limits, "home": home})
    made.filters.update(plain=plain, moment=moment)
    return made


def page(template: str, who: Somebody | Anybody, status: HTTPStatus = HTTPStatus.OK, **content: Any) -> HTMLResponse:
    """A page for somebody; `wrong` is what they have to mend in a form (`broker.entry.forms.Wrong`)."""
    signed_in = who.session if isinstance(who, Somebody) else None
    return _rendered(template, who.front, status, session=signed_in, **content)


def notice(
    front: Front, status: HTTPStatus, title: str, *sentences: str, back: bool = True, again: str | None = None
) -> HTMLResponse:
    """A page that says what is wrong and what to do; `again` is where to look once more."""
    said = {"title": title, "sentences": sentences, "back": back, "again": again}
    return _rendered("notice.html", front, status, session=None, **said)


def _rendered(template: str, front: Front, status: HTTPStatus, **content: Any) -> HTMLResponse:
    practice = front.environment is MsgStatus.EXERCISE
    text = front.pages.get_template(template).render(practice=practice, **{"wrong": (), **content})
    return HTMLResponse(text, status, headers={"content-language": spoken()})
