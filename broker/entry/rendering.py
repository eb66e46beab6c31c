"""Pages of an application that one signs in at, for whoever reads them.

Its own folder has `base.html`, which extends `signed_in.html` and says what there is to go to; it may have any other
template of the kit's in its own words.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment
from starlette.responses import HTMLResponse, RedirectResponse

from broker import limits
from broker.entry.front import Anybody, Asked, Front, Somebody
from broker.entry.marks import mark
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
    return _rendered(template, who.front, status, session=signed_in, exits=signed_in is not None, **content)


def stored(who: Somebody, path: str) -> RedirectResponse:
    """To the page that shows what has become of something, and says first that it was stored (`broker.entry.marks`)."""
    return RedirectResponse(f"{path}?stored={mark(who.session, path, who.front.clock())}", HTTPStatus.SEE_OTHER)


def notice(
    who: Asked | Somebody, status: HTTPStatus, title: str, *sentences: str, back: bool = True, again: str | None = None
) -> HTMLResponse:
    """A page that says what is wrong and what to do; `again` is where to look once more.

    The way out is on it even where nobody knows who asks: somebody may be watched who was signed in a moment ago.
    """
    said = {"title": title, "sentences": sentences, "back": back, "again": again}
    return _rendered("notice.html", who.front, status, session=who.session, exits=True, **said)


def _rendered(template: str, front: Front, status: HTTPStatus, **content: Any) -> HTMLResponse:
    practice = front.environment is MsgStatus.EXERCISE
    said = {"wrong": (), **content}
    text = front.pages.get_template(template).render(practice=practice, as_of=front.clock(), **said)
    return HTMLResponse(text, status, headers={"content-language": spoken()})
