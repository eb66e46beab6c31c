"""`handoff doctor` warns of keys and directories before they fail somebody at night."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.commands.findings import State
from broker.commands.key_ages import key_findings
from broker.schemas.ids import KeyId
from broker.seal.keys import SigningKey
from broker.seal.opening import OpeningKey
from broker.zone import DIRECTORY_FILE, KEYS_FOLDER
from tests.client.county import BIRCH, HOTLINE, County
from tests.client.test_zone import changed, signer


def told(zones: Path, now: datetime | None = None) -> list[tuple[str, str]]:
    """The state and the words of each finding."""
    return [(finding.state.value, finding.found) for finding in key_findings(zones, now or datetime.now(UTC))]


def test_young_keys_and_a_new_directory_are_nothing_to_tell(county: County) -> None:
    """A county that was founded just now."""
    assert told(county.settings.zones) == []


def test_old_keys_ending_keys_and_old_directories_are_told(tmp_path: Path, county: County) -> None:
    """Each by organisation and kind, with what to do; a newer key beside the old one is enough."""
    folder, now = tmp_path / "org-haven" / KEYS_FOLDER, datetime.now(UTC)
    SigningKey.new(KeyId("org-haven#s1")).keep(folder, now - timedelta(days=400))
    OpeningKey.new(KeyId("org-haven#o1")).keep(folder, now - timedelta(days=90), now + timedelta(days=10))
    assert told(tmp_path) == [
        ("warning", f"org-haven's sealing key ends on {now + timedelta(days=10):%Y-%m-%d}, and there is no newer one"),
        ("warning", "org-haven's signing key is 400 days old"),
    ]
    ended = told(tmp_path, now + timedelta(days=11))[0]
    assert ended == ("warning", "org-haven's sealing key has ended, and there is no newer one")
    SigningKey.new(KeyId("org-haven#s2")).keep(folder, now)
    OpeningKey.new(KeyId("org-haven#o2")).keep(folder, now)
    assert told(tmp_path) == []
    later = {words for _, words in told(tmp_path, now + timedelta(days=36))}
    assert later == {"org-haven#o1 is not needed any more"}
    assert {words for _, words in told(county.settings.zones, now + timedelta(days=32))} >= {
        f"{HOTLINE}'s is 32 days old: somebody may have joined, or lost a key, since"
    }


def test_a_directory_that_is_not_believed_and_a_revoked_key_are_told(county: County) -> None:
    """The one is an error; with the other nothing new is sealed or signed."""
    zones = county.settings.zones
    (zones / HOTLINE / DIRECTORY_FILE).write_bytes(b"{}")
    changed(
        zones / BIRCH,
        signer(county),
        lambda directory: directory["organisations"][2]["sealingKeys"][0].update(revokedAt="2026-01-04T22:15:00Z"),
    )
    found = key_findings(zones, datetime.now(UTC))
    assert [(one.thing, one.state) for one in found] == [("Directory", State.MISSING), ("Keys", State.WARNING)]
    assert found[1].found == f"{BIRCH}#seal-1 revoked"
    assert all(one.remedy for one in found)
