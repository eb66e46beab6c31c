"""`handoff keys` makes keys, lists them and prints their cards, and never a private half."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from broker.commands.keys import app
from broker.seal.cards import KeyKind, read_card
from broker.seal.errors import KeyFileTooOpen, KeyMissing, PublicKeyRefused
from broker.seal.key_files import read_cards

ORG = "org-haven"


@pytest.fixture
def zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's folder, in which the zone's keys come to rest."""
    monkeypatch.setenv("HANDOFF_HOME", str(tmp_path))
    return tmp_path / "zones" / ORG / "keys"


def run(*arguments: str, code: int = 0) -> str:
    """What the command prints for programs to read."""
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, Exception) and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.output


@pytest.mark.parametrize("kind", [KeyKind.SIGNING, KeyKind.SEALING])
def test_a_new_key_s_card_is_printed_and_its_private_half_is_not(zone: Path, kind: KeyKind) -> None:
    """The output is the card and can be sent on as it is."""
    printed = run("new", "--org", ORG, "--kind", kind.value, "--days", "90")
    card = read_card(printed)
    assert [card] == read_cards(zone)
    assert card.not_after is not None
    assert (card.not_after - card.created_at).days == 90
    (file,) = zone.iterdir()
    assert json.loads(file.read_text())["privateKey"] not in printed


def test_the_operator_s_directory_key_lies_apart_and_is_pinned_by_its_card(zone: Path, tmp_path: Path) -> None:
    """No process of the broker reads that folder; a card of another kind is not pinned."""
    card = run("new", "--org", ORG, "--kind", "directory", "--name", "d1")
    assert not zone.exists()
    assert run("card", f"{ORG}#d1") == card
    assert f"{ORG}#d1" in run("list")
    file = tmp_path / "card.json"
    file.write_text(card)
    assert read_card(card).public_key in run("pin", str(file), "--org", "org-hotline")
    assert (zone.parent.parent / "org-hotline" / "operator-cards" / f"{ORG}.d1.json").is_file()
    file.write_text(run("new", "--org", ORG, "--kind", "signing"))
    with pytest.raises(PublicKeyRefused):
        run("pin", str(file), "--org", "org-hotline")


def test_names_follow_the_month_and_are_counted_on(zone: Path) -> None:
    """No two keys share an id, whichever kind; a name of one's own is taken as it is."""
    ids = [read_card(run("new", "--org", ORG, "--kind", kind)).key_id for kind in ("signing", "signing", "sealing")]
    month = f"{read_cards(zone)[0].created_at:%Y-%m}"
    assert ids == [f"{ORG}#signing-{month}", f"{ORG}#signing-{month}-2", f"{ORG}#sealing-{month}"]
    assert read_card(run("new", "--org", ORG, "--kind", "signing", "--name", "backup")).key_id == f"{ORG}#backup"


def test_the_list_shows_every_zone_and_nothing_private(zone: Path) -> None:
    """In words for people, as cards for programs; of one organisation where asked."""
    run("new", "--org", ORG, "--kind", "signing", "--name", "one")
    run("new", "--org", "org-hospital", "--kind", "sealing", "--name", "two")
    told = run("list")
    assert f"{ORG}#one" in told
    assert "org-hospital#two" in told
    cards = json.loads(run("list", "--json", "--org", ORG))
    assert [card["keyId"] for card in cards] == [f"{ORG}#one"]
    assert "privateKey" not in run("list", "--json")


def test_a_card_is_printed_again(zone: Path) -> None:
    """For whoever lost it."""
    card = run("new", "--org", ORG, "--kind", "sealing", "--name", "one")
    assert run("card", f"{ORG}#one") == card
    assert run("card", f"{ORG}#one", "--dir", str(zone)) == card


def test_wrong_names_and_missing_keys_are_said(zone: Path) -> None:
    """Wrong use exits with 2 and says how it is meant; nothing is written."""
    assert "org-haven" in run("new", "--org", "Haven", "--kind", "signing", code=2)
    assert "small letters" in run("new", "--org", ORG, "--kind", "signing", "--name", "Ana's key", code=2)
    assert "looks like" in run("card", "haven", code=2)
    assert run("list").startswith("There are no keys here yet")
    with pytest.raises(KeyMissing):
        run("card", f"{ORG}#none")
    assert not zone.exists()


def test_an_exposed_key_is_said_before_anything_else_happens(zone: Path) -> None:
    """Listing it and making another beside it are refused until it is closed."""
    run("new", "--org", ORG, "--kind", "signing", "--name", "one")
    (file,) = zone.iterdir()
    file.chmod(0o644)
    for arguments in (["list"], ["card", f"{ORG}#one"], ["new", "--org", ORG, "--kind", "sealing"]):
        with pytest.raises(KeyFileTooOpen):
            run(*arguments)
