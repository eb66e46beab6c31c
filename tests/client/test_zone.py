"""A zone is whole or says what it lacks: no key and no card counts that is not in its place."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.agency.errors import DirectoryTooOld, RecipientUnknown, ZoneIncomplete
from broker.composition import ensure_broker_key, operator_keys
from broker.schemas.ids import KeyId, OrgId
from broker.seal.errors import DirectorySignatureBad, KeyFileTooOpen, KeyMissing, PublicKeyRefused
from broker.seal.keys import OperatorKey, SigningKey, load_operator_key
from broker.seal.signed_directory import signed_directory
from broker.zone import (
    BROKER_KEYS_FOLDER,
    DIRECTORY_FILE,
    KEYS_FOLDER,
    AgencyZone,
    DirectoryKey,
    load_zone,
    pin,
    write_zone,
)
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


def signer(county: County) -> OperatorKey:
    """The key of the network's operator."""
    return load_operator_key(operator_keys(county.settings), county.settings.broker_org, NOW)


def content(zone: Path) -> Any:
    """What the directory says."""
    return json.loads((zone / DIRECTORY_FILE).read_bytes().partition(b"\n")[2])


def changed(zone: Path, key: OperatorKey, change: Any) -> None:
    """Change the directory's JSON, signed anew."""
    directory = content(zone)
    change(directory)
    (zone / DIRECTORY_FILE).write_bytes(signed_directory(json.dumps(directory).encode(), key))


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
def test_a_directory_that_contradicts_itself_is_not_used(county: County, zone: Path, change: Any) -> None:
    """Unknown properties, repetitions, foreign keys, and a directory without oneself are refused, signed or not."""
    changed(zone, signer(county), change)
    with pytest.raises(ZoneIncomplete):
        load(zone)


def _moved(zone: Path, **by: int) -> Any:
    """A change of the moment at which the directory was made."""
    at = datetime.fromisoformat(content(zone)["issuedAt"]) + timedelta(**by)
    return lambda directory: directory.update(issuedAt=at.isoformat())


@pytest.mark.parametrize(
    "forged",
    [
        lambda file: file.partition(b"\n")[2],
        lambda file: b"\n" + file,
        lambda file: file.replace(b"VSP_SHELTER", b"HOTLINE_VSP", 1),
        lambda file: file + b" ",
        lambda file: file.replace(b": v1 ", b": v2 ", 1),
        lambda file: file.replace(b"#directory-1 ", b"#directory-2 ", 1),
        lambda _: b"",
    ],
)
def test_a_directory_that_the_operator_did_not_sign_so_is_not_believed(zone: Path, forged: Any) -> None:
    """No signature, a changed byte, another version, an unknown key: nobody is sealed to by such a file."""
    path = zone / DIRECTORY_FILE
    path.write_bytes(forged(path.read_bytes()))
    with pytest.raises(DirectorySignatureBad):
        load(zone)


def test_only_a_pinned_key_signs_directories(county: County, zone: Path) -> None:
    """The broker's own signing key, and a second key of the operator's that nobody has pinned, sign nothing."""
    second = OperatorKey.new(KeyId("org-broker#directory-2"))
    of_the_broker = OperatorKey.new(KeyId("org-broker#1"))
    for key in (second, of_the_broker):
        changed(zone, key, lambda _: None)
        with pytest.raises(DirectorySignatureBad):
            load(zone)
    signed = (zone / DIRECTORY_FILE).read_bytes()
    write_zone(zone, signed, ensure_broker_key(county.settings), [of_the_broker.card(NOW)])
    with pytest.raises(DirectorySignatureBad):
        load(zone)
    with pytest.raises(PublicKeyRefused):
        pin(zone, ensure_broker_key(county.settings)[0])
    changed(zone, second, lambda _: None)
    pin(zone, second.card(NOW))
    assert load(zone).directory.entry(BIRCH)


def test_an_older_directory_is_not_believed_after_a_newer_one(county: County, zone: Path) -> None:
    """Whoever holds a stolen key would like the directory back in which it still counted."""
    older = (zone / DIRECTORY_FILE).read_bytes()
    changed(zone, signer(county), _moved(zone, minutes=1))
    newer = (zone / DIRECTORY_FILE).read_bytes()
    load(zone)
    (zone / DIRECTORY_FILE).write_bytes(older)
    with pytest.raises(DirectoryTooOld):
        load(zone)
    (zone / DIRECTORY_FILE).write_bytes(newer)
    assert load(zone).directory.entry(BIRCH)
    changed(zone, signer(county), _moved(zone, hours=1))
    with pytest.raises(ZoneIncomplete):
        load(zone)
    (zone / DIRECTORY_FILE).write_bytes(newer)
    load(zone)


def test_a_revoked_key_is_never_sealed_to(zone: Path) -> None:
    """Whatever else it says, also where the choice names no other."""
    entry = load(zone).directory.entry(BIRCH)
    stolen = entry.sealing_keys[0].model_copy(update={"revoked_at": NOW})
    with pytest.raises(RecipientUnknown):
        entry.model_copy(update={"sealing_keys": (stolen,)}).sealing_key(NOW, among=[stolen.key_id])


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
