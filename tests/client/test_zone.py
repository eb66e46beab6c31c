"""A zone is whole or says what it lacks: no key and no card counts that is not in its place."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.agency.errors import RecipientUnknown, ZoneIncomplete
from broker.schemas.ids import KeyId, OrgId
from broker.seal.errors import KeyFileTooOpen, KeyMissing
from broker.seal.keys import SigningKey
from broker.zone import BROKER_KEYS_FOLDER, DIRECTORY_FILE, KEYS_FOLDER, AgencyZone, DirectoryKey, load_zone
from tests.client.county import BIRCH, CLINIC, HOTLINE, County

NOW = datetime.now(UTC)


@pytest.fixture
def zone(county: County) -> Path:
    """The hotline's folder."""
    return county.settings.home / "zones" / HOTLINE


def load(folder: Path) -> AgencyZone:
    """The hotline's zone, now."""
    return load_zone(folder, HOTLINE, datetime.now(UTC))


def test_a_whole_zone_knows_itself_and_the_network(zone: Path) -> None:
    """Its own class, the others' keys, the broker's card; and its repr shows no key."""
    loaded = load(zone)
    assert loaded.party.org == HOTLINE
    assert loaded.directory.entry(BIRCH).sealing_key(NOW).key_id == f"{BIRCH}#seal-1"
    assert set(loaded.broker_keys) == {"org-broker#1"}
    assert loaded.signing_key.public.public.hex() not in repr(loaded)


@pytest.mark.parametrize(
    ("missing", "error"),
    [
        (DIRECTORY_FILE, ZoneIncomplete),
        (BROKER_KEYS_FOLDER, ZoneIncomplete),
        (KEYS_FOLDER, KeyMissing),
    ],
)
def test_what_is_missing_is_named(zone: Path, missing: str, error: type[Exception]) -> None:
    """One clear line says which part of the folder is not there."""
    part = zone / missing
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink()
    with pytest.raises(error) as raised:
        load(zone)
    assert missing in str(raised.value)


def test_a_key_that_others_could_read_is_not_used(zone: Path) -> None:
    """Whoever could read it may have it."""
    (key,) = (zone / KEYS_FOLDER).glob("*.signing.json")
    key.chmod(0o644)
    with pytest.raises(KeyFileTooOpen):
        load(zone)


def test_another_organisations_card_does_not_speak_for_the_broker(zone: Path) -> None:
    """Only cards of the organisation that operates the broker count."""
    shutil.rmtree(zone / BROKER_KEYS_FOLDER)
    (zone / BROKER_KEYS_FOLDER).mkdir()
    card = SigningKey.new(KeyId(f"{CLINIC}#1")).card(NOW)
    (zone / BROKER_KEYS_FOLDER / "card.json").write_text(card.wire())
    with pytest.raises(ZoneIncomplete):
        load(zone)


def changed(zone: Path, change: Any) -> None:
    """Change the directory's JSON."""
    directory = json.loads((zone / DIRECTORY_FILE).read_text())
    change(directory)
    (zone / DIRECTORY_FILE).write_text(json.dumps(directory))


@pytest.mark.parametrize(
    "change",
    [
        lambda directory: directory.update(extra=1),
        lambda directory: directory["organisations"].append(directory["organisations"][0]),
        lambda directory: directory["organisations"][2]["sealingKeys"][0].update(keyId="org-somebody#1"),
        lambda directory: directory["organisations"][2]["sealingKeys"][0].update(publicKey="short"),
        lambda directory: directory["organisations"].pop(0),
        lambda directory: directory.pop("broker"),
    ],
)
def test_a_directory_that_contradicts_itself_is_not_used(zone: Path, change: Any) -> None:
    """Unknown properties, repetitions, foreign keys, and a directory without oneself are refused."""
    changed(zone, change)
    with pytest.raises(ZoneIncomplete):
        load(zone)


def test_the_newest_key_that_is_still_valid_is_sealed_to(zone: Path) -> None:
    """Rotation overlaps: an ended key is passed over, and a choice may name an older one."""
    entry = load(zone).directory.entry(BIRCH)
    first = entry.sealing_keys[0]
    second = DirectoryKey(key_id=KeyId(f"{BIRCH}#seal-2"), public_key=first.public_key)
    ended = second.model_copy(update={"key_id": KeyId(f"{BIRCH}#seal-3"), "not_after": NOW - timedelta(days=1)})
    rotated = entry.model_copy(update={"sealing_keys": (first, second, ended)})
    assert rotated.sealing_key(NOW).key_id == f"{BIRCH}#seal-2"
    assert rotated.sealing_key(NOW, among=[first.key_id]).key_id == first.key_id
    with pytest.raises(RecipientUnknown):
        rotated.sealing_key(NOW, among=[ended.key_id])
    with pytest.raises(RecipientUnknown):
        load(zone).directory.entry(OrgId("org-nobody"))
