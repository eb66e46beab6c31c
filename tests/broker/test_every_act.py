"""No act without its entry: every story, command and route names what it enters, and does so when it is done."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from adapters.door.app import door_app
from adapters.inbox.web.app import inbox_pages
from broker.cli import COMMANDS, _loaded
from broker.handlers.stories import STORIES
from broker.schemas.ids import KeyId, OrgId, new_referral_id
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.vocabulary import MsgStatus
from broker.seal.keys import SigningKey
from broker.store.quarantine import DiscardReason, ReleaseReason
from broker.web.app import WebParts, agencies_door
from broker.web.desk.app import desk_pages
from broker.web.desk.who import Desk
from broker.web.pages.app import network_pages
from tests.broker.acts import COMMANDS_ENTER, ROUTES_ENTER, STORIES_ENTER, Entered, Says, Steps
from tests.broker.county import County
from tests.broker.facts import POLICE
from tests.broker.shell import at_home, run
from tests.broker.test_work_list import stuck
from tests.trail.stories_played import played

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT: Final = Path(__file__).parents[2]
ACTING: Final = OrgId("org-acts")


def commands() -> Iterator[str]:
    """Every command of `handoff`, as it is typed."""

    def walk(words: str, command: Any) -> Iterator[str]:
        below = getattr(command, "commands", None)
        if below is None:
            yield words
        for name, one in (below or {}).items():
            yield from walk(f"{words} {name}", one)

    for entry in COMMANDS:
        yield from walk(entry.name, _loaded(entry))


def routes() -> Iterator[str]:
    """Every route of the agencies' door, the providers' door and the pages: whose, method, path."""
    nobody: Any = None
    pages = inbox_pages(nobody, {}, MsgStatus.ACTUAL, origin="https://i.example", leave_for="https://n.example/")
    doors: dict[str, FastAPI] = {
        "agencies": agencies_door(WebParts(nobody, {}, nobody, nobody, Path())),
        "providers": door_app(nobody, {}, MsgStatus.ACTUAL),
        "inbox": pages,
        "network": network_pages(nobody),
        "desk": desk_pages(
            Desk(nobody, nobody, nobody, {}), MsgStatus.ACTUAL, origin="https://d.example", leave_for=""
        ),
    }
    for whose, door in doors.items():
        for route in door.routes:
            assert isinstance(route, APIRoute), f"{route} cannot be walked"
            path = re.sub(r"^/events/[a-z.]+$", "/events/{event}", route.path)  # one page for each event
            yield from (f"{whose} {method} {path}" for method in route.methods or ())


async def test_every_act_has_its_line() -> None:
    """Whoever adds a story, a command or a route says what it enters, or why nothing; what is gone has no line."""
    assert set(STORIES_ENTER) == set(STORIES)
    assert set(COMMANDS_ENTER) == set(commands())
    assert set(ROUTES_ENTER) == set(routes())
    said: Sequence[Entered] = [*COMMANDS_ENTER.values(), *ROUTES_ENTER.values()]
    assert all(event in STORIES_ENTER for one in said if isinstance(one, Says) for event in one.events)
    assert all(one.strip() for one in said if isinstance(one, str))


async def test_every_story_enters_what_it_names() -> None:
    """Each event is played on a desk in memory: exactly these kinds of entries are written, and never none."""
    wrote = played()
    assert {event: frozenset(kinds) for event, kinds in wrote.items()} == {
        event: one.kinds for event, one in STORIES_ENTER.items()
    }
    assert all(one.kinds for one in STORIES_ENTER.values())


async def test_every_command_enters_what_it_names(
    served: County, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each command that names entries is run as by a person, and has written them; or the test is named that does."""
    at_home(served, monkeypatch)
    done = set()
    for words, arguments in [*await _of_a_referral(served), *_of_an_organisation(tmp_path), *await _refused(served)]:
        before = await served.pool.fetchval("SELECT max(idx) FROM trail_entry")
        said = await run(*words.split(), *arguments)
        assert said.exit_code in (0, 1), f"{words}: {said.output} {said.exception}"
        kinds = await served.pool.fetch("SELECT kind FROM trail_entry WHERE idx > $1", before)
        named = COMMANDS_ENTER[words]
        assert isinstance(named, Steps)
        assert named.kinds <= {row["kind"] for row in kinds}, f"{words} has not written what it names"
        done.add(words)
    await served.pool.execute("DELETE FROM break_glass WHERE break_glass_id = 'bgl-acts'")
    for words, named in (*COMMANDS_ENTER.items(), *ROUTES_ENTER.items()):
        if isinstance(named, Steps) and words not in done:
            assert named.done_in is not None, f"{words} is neither done here nor elsewhere"
            text = (ROOT / named.done_in).read_text()
            assert all(kind.value in text for kind in named.kinds), f"{named.done_in} does not look for the entry"


async def _of_a_referral(county: County) -> list[tuple[str, list[str]]]:
    """What is read and decided of a referral that a human has; an emergency so that the list has one."""
    referral, item, category = await stuck(county)
    await county.pool.execute(
        "INSERT INTO break_glass (break_glass_id, referral_id, category, source, recipient, groups, reason, basis,"
        " invoked_by, narrative_ref, invoked_at, expires_at, approve_by, review_by, subject_informed, void, overdue)"
        " VALUES ('bgl-acts', $1, $3, $2, $2, '[]', 'LIFE_THREAT_IMMINENT', 'AGENCY_POLICY', 'wrk-1', 'nar-1', now(),"
        " now(), now(), now(), 'NOT_YET', true, false)",
        *(referral, POLICE, category),
    )
    folder = county.settings.home / "exported"
    return [
        ("work list", []),
        ("work show", [item]),
        ("work claim", [item]),
        ("work assign", [item, "--to", "desk:night"]),
        ("work release", [item]),
        ("work resolve", [item]),
        ("breakglass list", []),
        ("unanswered list", []),
        ("explain", [referral]),
        ("trail show", [referral]),
        ("audit story", [referral]),
        ("audit disclosures", [referral]),
        ("audit accounting", [POLICE]),
        ("audit deliveries", [referral]),
        *(
            (f"audit {question}", [])
            for question in ("overdue", "emergencies", "reads", "policies", "failures", "fhir", "find")
        ),
        ("trail reconcile", []),
        ("trail export", [str(folder)]),
    ]


def _of_an_organisation(folder: Path) -> list[tuple[str, list[str]]]:
    card = SigningKey.new(KeyId(f"{ACTING}#sign-2")).card(datetime.now(UTC))
    path = folder / "card.json"
    path.write_text(card.wire())
    who = ["--name", "Acting", "--class", "COURT"]
    return [
        ("org host", [ACTING, *who]),
        ("org add", [ACTING, *who, "--days", "3"]),
        ("retention set", [ACTING, "30"]),
        ("org rotate-key", [str(path)]),
        ("org revoke-key", [card.key_id]),
        ("org suspend", [ACTING]),
    ]


async def _refused(county: County) -> list[tuple[str, list[str]]]:
    """A record that is refused, and refused again; then it is given up."""
    letter = county.letter(POLICE, b"{}", new_referral_id(), event=ReferralRequested)
    place = "/".join(map(str, await county.post(letter)))
    await county.settled()
    return [
        ("quarantine release", [place, "--reason", next(iter(ReleaseReason)).value]),
        ("quarantine discard", [place, "--reason", next(iter(DiscardReason)).value]),
    ]
