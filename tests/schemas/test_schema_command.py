"""`handoff schema` shows the whole contract, in words and for machines, and writes no broken promise."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from broker.commands import schema as commands
from broker.schemas import catalogue
from broker.schemas.catalogue import entries, golden_texts, pretty
from broker.schemas.event import events
from broker.schemas.refusal import ADVICE, RefusalCode


def handoff_schema(*arguments: str) -> Result:
    """What the command says."""
    return CliRunner().invoke(commands.app, list(arguments))


def test_list_has_every_event_and_group_in_aligned_columns() -> None:
    """One line each, under a headline, each column beginning at the same place."""
    lines = handoff_schema("list").stdout.splitlines()
    names = [line.split()[0] for line in lines[1:]]
    assert names == [entry.name for entry in entries()]
    assert len(names) >= len(events()) + 20
    column = lines[0].index("TRAVELS")
    assert all(line[column - 1] == " " and line[column] != " " for line in lines)


@pytest.mark.parametrize(
    "name", ["referral.requested", "referral.requested.v1", "org.warmhandoff.referral.requested.v1"]
)
def test_show_takes_short_and_full_names(name: str) -> None:
    """The short name is enough."""
    assert handoff_schema("show", name).stdout.startswith("org.warmhandoff.referral.requested.v1\n")


ENTRIES = entries()


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES])
def test_show_knows_everything_that_list_lists(name: str) -> None:
    """In words, as an example and as JSON Schema."""
    assert handoff_schema("show", name).exit_code == 0
    example = json.loads(handoff_schema("show", name, "--example").stdout)
    schema = json.loads(handoff_schema("show", name, "--json-schema").stdout)
    assert schema["examples"] == [example]


def test_show_gives_asyncapi_for_one_event_and_for_all() -> None:
    """One message with its definitions, or the whole document."""
    one = json.loads(handoff_schema("show", "offer.made", "--asyncapi").stdout)
    whole = json.loads(handoff_schema("show", "--asyncapi").stdout)
    assert one["components"]["messages"]["OfferMade"] == whole["components"]["messages"]["OfferMade"]


def test_show_explains_a_refusal() -> None:
    """A code that came in a notice is explained with what to do."""
    shown = handoff_schema("show", "SETTING_NOT_PRIVATE").stdout
    assert ADVICE[RefusalCode.SETTING_NOT_PRIVATE].remedy in shown


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    """Nobody is left alone with a typing error."""
    result = handoff_schema("show", "referal.requested")
    assert result.exit_code == 2
    assert "referral.requested" in result.output


def test_write_writes_what_is_missing_and_removes_what_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checked-in copies are those of the classes afterwards."""
    monkeypatch.setattr(catalogue, "GOLDEN_FOLDER", tmp_path / "golden")
    monkeypatch.setattr(commands, "ASYNCAPI_FILE", tmp_path / "asyncapi.json")
    assert handoff_schema("write").exit_code == 0
    written = {file.name: file.read_text(encoding="utf-8") for file in (tmp_path / "golden").iterdir()}
    assert written == golden_texts()
    assert (tmp_path / "asyncapi.json").exists()


def test_write_refuses_to_break_a_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older peer could not follow is named and not written, unless nobody speaks it yet."""
    promised = json.loads(golden_texts()["org.warmhandoff.contact.made.v1.json"])
    promised["properties"]["promised"] = {"type": "boolean"}
    file = tmp_path / "org.warmhandoff.contact.made.v1.json"
    file.write_text(pretty(promised), encoding="utf-8")
    monkeypatch.setattr(catalogue, "GOLDEN_FOLDER", tmp_path)
    monkeypatch.setattr(commands, "ASYNCAPI_FILE", tmp_path / "asyncapi.json")
    refused = handoff_schema("write")
    assert refused.exit_code == 1
    assert "promised: this property is not read" in refused.output
    assert file.read_text(encoding="utf-8") == pretty(promised)
    assert handoff_schema("write", "--incompatible").exit_code == 0
    assert file.read_text(encoding="utf-8") == golden_texts()[file.name]
