"""The checked-in schemas are those of the classes, and no event changes so that an older peer could not follow."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from broker.schemas.catalogue import GOLDEN_FOLDER, golden_texts
from broker.schemas.compatibility import incompatibilities
from broker.schemas.json_schema import all_schemas

SCHEMAS = all_schemas()
TEXTS = golden_texts()
GOLDEN = sorted(GOLDEN_FOLDER.glob("*.json"))


def test_the_golden_folder_holds_every_schema_and_no_other() -> None:
    """A new event brings its schema along; `handoff schema write` writes it."""
    assert {file.name for file in GOLDEN} == set(TEXTS)


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_the_golden_schema_is_that_of_the_class(file: Any) -> None:
    """Any drift is seen in review: run `handoff schema write` and look at the difference."""
    assert file.read_text(encoding="utf-8") == TEXTS[file.name]


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_an_older_peer_can_follow(file: Any) -> None:
    """A change that an older sender or reader could not follow gets a new version in a file of its own."""
    now = SCHEMAS.get(file.stem)
    assert now is not None, "an event of the contract is gone"
    assert incompatibilities(json.loads(file.read_text(encoding="utf-8")), now) == []


Change = Callable[[dict[str, Any]], Any]
REQUESTED = "org.warmhandoff.referral.requested.v1"
MADE = "org.warmhandoff.offer.made.v1"


def changed(name: str, change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema as it is, and with one change."""
    old = copy.deepcopy(SCHEMAS[name])
    new = copy.deepcopy(old)
    change(new)
    return old, new


NARROWED: list[tuple[str, Change]] = [
    ("a property is gone", lambda s: s["properties"].pop("area")),
    ("an optional property is required", lambda s: s["required"].append("area")),
    ("a value is gone", lambda s: s["$defs"]["Service"]["enum"].remove("TRANSPORT")),
    ("a list is shorter", lambda s: s["properties"]["services"].update(maxItems=2)),
    ("another form", lambda s: s["properties"]["area"].update(pattern="^[0-9]{3}$")),
    ("another type", lambda s: s["properties"].update(area={"type": "integer"})),
    ("a part's property is gone", lambda s: s["$defs"]["AccessNeeds"]["properties"].pop("interpreter")),
    ("another rule", lambda s: s.update(anyOf=[{"required": ["workerContact"]}])),
    ("only listed values", lambda s: s["properties"]["area"].update(enum=["941"])),
]
WIDENED: list[tuple[str, Change]] = [
    ("a new optional property", lambda s: s["properties"].update(note={"type": "boolean"})),
    ("a new value", lambda s: s["$defs"]["Service"]["enum"].append("DENTIST")),
    ("a longer list", lambda s: s["properties"]["services"].update(maxItems=9)),
    ("no longer required", lambda s: s["required"].remove("services")),
]


@pytest.mark.parametrize("change", [pytest.param(case[1], id=case[0]) for case in NARROWED])
def test_what_the_broker_reads_must_not_be_narrowed(change: Change) -> None:
    """Agencies still send what yesterday's schema allowed."""
    assert incompatibilities(*changed(REQUESTED, change))


@pytest.mark.parametrize("change", [pytest.param(case[1], id=case[0]) for case in WIDENED])
def test_what_the_broker_reads_may_be_widened(change: Change) -> None:
    """An agency that does not know the new possibility does not use it."""
    assert incompatibilities(*changed(REQUESTED, change)) == []


@pytest.mark.parametrize("change", [pytest.param(case[1], id=case[0]) for case in WIDENED])
def test_what_others_read_must_not_be_widened(change: Change) -> None:
    """Providers refuse what they do not know: a new property or value would be lost on them."""
    assert incompatibilities(*changed(MADE, change))


@pytest.mark.parametrize("change", [*(pytest.param(case[1], id=case[0]) for case in NARROWED[:4])])
def test_what_others_read_may_be_narrowed(change: Change) -> None:
    """Saying less is understood by everybody."""
    assert incompatibilities(*changed(MADE, change)) == []


@pytest.mark.parametrize("change", [pytest.param(case[1], id=case[0]) for case in (*NARROWED[:1], *WIDENED[:2])])
def test_a_field_group_stays_as_it_is(change: Change) -> None:
    """Groups are written by sources and read by providers, each at its own pace."""
    old, new = changed(REQUESTED, change)
    for schema in (old, new):
        del schema["x-flows"]
    assert incompatibilities(old, new)


def test_an_event_keeps_its_flows() -> None:
    """Whoever may write and read a topic is part of the promise."""
    assert incompatibilities(*changed(MADE, lambda s: s.update({"x-flows": ["notice"]})))


def test_an_alternative_that_nobody_reads_is_seen() -> None:
    """Of several kinds of recipient in a record, none may disappear."""
    granted = "org.warmhandoff.consent.granted.v1"

    def change(schema: dict[str, Any]) -> None:
        schema["$defs"]["ConsentRecord"]["properties"]["recipients"]["items"]["oneOf"].pop()

    assert incompatibilities(*changed(granted, change))
