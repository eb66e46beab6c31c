"""`handoff policy` as an officer uses it, before anything is in force: check, read, compare, sign."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from broker.cli import app
from broker.commands.event_file import FileNotUsable
from broker.policies import PolicyUnusable
from broker.schemas.ids import KeyId
from broker.seal.errors import KeyMissing, PublicKeyRefused
from broker.seal.keys import PolicyKey, SigningKey
from tests.domain.cast import PACK_FILE

TEXT = PACK_FILE.read_text()


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a network of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HANDOFF_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HANDOFF_POSTGRES_DSN", raising=False)


def said(*words: str) -> Result:
    """`handoff policy ...`."""
    return CliRunner().invoke(app, ["policy", *words])


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    """An unknown key, an unknown class and a missing row, each with its place; no value of the file is repeated."""
    broken = TEXT.replace("clockSkewSeconds = 2", "clockSkewSeconds = 2\nopenToAll = true").replace(
        'to = ["AUDITOR"]', 'to = ["NEIGHBOURS"]'
    )
    (tmp_path / "p.toml").write_text(broken)
    result = said("lint", "p.toml")
    assert result.exit_code == 2
    assert "p.toml: defaults.openToAll: Extra inputs are not permitted" in result.output
    assert "fits no class of organisation" in result.output
    assert "NEIGHBOURS" not in result.output
    assert isinstance(said("explain", "p.toml").exception, PolicyUnusable)


def test_a_pack_is_signed_beside_its_file_once_by_each_officer(tmp_path: Path) -> None:
    """Signing again adds nothing; after a change of the text the officer's line is a new one."""
    file = tmp_path / "p.toml"
    file.write_text(TEXT)
    keys = tmp_path / "keys"
    for number in (1, 2):
        PolicyKey.new(KeyId(f"org-county-{number}#policy-1")).keep(keys, datetime.now(UTC))
    for org in ("org-county-1", "org-county-2", "org-county-1"):
        assert said("sign", "p.toml", "--org", org, "--dir", str(keys)).exit_code == 0
    lines = (tmp_path / "p.toml.sig").read_text().splitlines()
    assert [line.split()[2] for line in lines] == ["org-county-1#policy-1", "org-county-2#policy-1"]
    file.write_text(TEXT + "# another word\n")
    said("sign", "p.toml", "--org", "org-county-1", "--dir", str(keys))
    after = (tmp_path / "p.toml.sig").read_text().splitlines()
    assert len(after) == 2
    assert set(after) & set(lines) == {lines[1]}


def test_lint_says_who_vouches_for_it(tmp_path: Path) -> None:
    """Nobody who is pinned here, until an officer's card is; what ships says so."""
    assert "ships with the program" in said("lint", str(PACK_FILE)).output
    (tmp_path / "p.toml").write_text(TEXT + "# ours\n")
    officer = PolicyKey.new(KeyId("org-county#policy-1"))
    (tmp_path / "card.json").write_text(officer.keep(tmp_path / "keys", datetime.now(UTC)).wire())
    said("sign", "p.toml", "--org", "org-county", "--dir", str(tmp_path / "keys"))
    assert "not signed by anybody who is pinned here" in said("lint", "p.toml").output
    assert said("pin", "card.json").exit_code == 0
    assert "signed by: org-county#policy-1" in said("lint", "p.toml").output


def test_only_an_officers_key_signs_and_is_pinned(tmp_path: Path) -> None:
    """A key that signs events vouches for no policy."""
    (tmp_path / "p.toml").write_text(TEXT)
    events = SigningKey.new(KeyId("org-county#1"))
    (tmp_path / "card.json").write_text(events.keep(tmp_path / "keys", datetime.now(UTC)).wire())
    assert isinstance(said("pin", "card.json").exception, PublicKeyRefused)
    refused = said("sign", "p.toml", "--org", "org-county", "--dir", str(tmp_path / "keys"))
    assert isinstance(refused.exception, KeyMissing)
    assert isinstance(said("lint", "nowhere.toml").exception, FileNotUsable)


def test_two_packs_are_compared_without_a_database_too(tmp_path: Path) -> None:
    """Then it says that it could not count."""
    (tmp_path / "p.toml").write_text(TEXT.replace("maxReleaseDays = 30", "maxReleaseDays = 31"))
    result = said("diff", "us-federal-vawa", "p.toml")
    assert result.exit_code == 0, result.exception
    assert "longest release: 30 days → 31 days" in result.output
    assert "Open referrals are not counted" in result.output
    assert "This lets more through: it needs the signatures of 2 officers." in result.output
    told = json.loads(CliRunner().invoke(app, ["policy", "diff", "p.toml", "us-federal-vawa", "--json"]).stdout)
    assert (told["looser"], told["touched"]) == (False, None)


def test_a_pack_is_printed_as_it_is() -> None:
    """To begin one's own with."""
    assert said("show", "us-federal-vawa").output == TEXT
