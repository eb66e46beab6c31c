"""Key files are their owner's alone, appear whole or not at all, are never overwritten, are refused when exposed."""

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.schemas.ids import KeyId
from broker.seal.cards import KeyCard, KeyKind, read_card
from broker.seal.errors import (
    KeyCardBroken,
    KeyExists,
    KeyFileBroken,
    KeyFileError,
    KeyFileForeign,
    KeyFileTooOpen,
    KeyMissing,
    PublicKeyRefused,
)
from broker.seal.key_files import key_path, read_cards
from broker.seal.keys import PublicSealingKey, PublicSigningKey, SigningKey, load_signing_key
from broker.seal.opening import OpeningKey, load_opening_keys
from broker.seal.sealing import seal_group, wrap_key
from tests.seal.kit import REFERRAL, SAFE_CONTACT, SHELTER, handed

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
SIGNING_ID = KeyId(f"{SHELTER}#signing-2026-03")
SEALING_ID = KeyId(f"{SHELTER}#sealing-2026-03")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A zone's key folder with a key of each kind."""
    place = tmp_path / "zones" / SHELTER / "keys"
    SigningKey.new(SIGNING_ID).keep(place, NOW)
    OpeningKey.new(SEALING_ID).keep(place, NOW)
    return place


def signing_file(folder: Path) -> Path:
    """Where the signing key rests."""
    return key_path(folder, SIGNING_ID, KeyKind.SIGNING)


def sealing_file(folder: Path) -> Path:
    """Where the sealing key rests."""
    return key_path(folder, SEALING_ID, KeyKind.SEALING)


def load_both(folder: Path) -> None:
    """What a provider's process does when it starts."""
    load_signing_key(folder, SHELTER, NOW)
    load_opening_keys(folder, SHELTER)


def test_a_kept_key_comes_back_as_it_was(tmp_path: Path) -> None:
    """The loaded signing key has the same public half; the loaded opening key opens what was sealed to it."""
    signing, opening = SigningKey.new(SIGNING_ID), OpeningKey.new(SEALING_ID)
    signing.keep(tmp_path / "keys", NOW)
    opening.keep(tmp_path / "keys", NOW)
    assert load_signing_key(tmp_path / "keys", SHELTER, NOW).public == signing.public
    ring = load_opening_keys(tmp_path / "keys", SHELTER)
    assert ring.key_ids == {SEALING_ID}
    assert ring._keys[SEALING_ID].public == opening.public


def test_files_and_folder_are_closed_to_others_whatever_the_umask(tmp_path: Path) -> None:
    """0600 and 0700, also for a user whose umask gives everything away."""
    before = os.umask(0)
    try:
        SigningKey.new(SIGNING_ID).keep(tmp_path / "keys", NOW)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()}
    assert (modes, (tmp_path / "keys").stat().st_mode & 0o777) == ({0o600}, 0o700)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666], ids=oct)
def test_a_file_that_others_can_reach_is_refused(folder: Path, mode: int) -> None:
    """And the message says what to run."""
    for file, load in (
        (signing_file(folder), lambda: load_signing_key(folder, SHELTER, NOW)),
        (sealing_file(folder), lambda: load_opening_keys(folder, SHELTER)),
    ):
        file.chmod(mode)
        with pytest.raises(KeyFileTooOpen) as caught:
            load()
        assert caught.value.remedy.startswith(f"Run: chmod 600 {file}")
        file.chmod(0o600)
        load()


def test_a_folder_that_others_can_reach_is_refused(folder: Path) -> None:
    """For reading and for writing; whoever can write there could put a key of their own."""
    folder.chmod(0o750)
    for act in (lambda: load_both(folder), lambda: SigningKey.new(KeyId(f"{SHELTER}#x")).keep(folder, NOW)):
        with pytest.raises(KeyFileTooOpen) as caught:
            act()
        assert caught.value.remedy.startswith(f"Run: chmod 700 {folder}")


def test_what_belongs_to_another_user_is_refused(folder: Path) -> None:
    """Root can hand the folder to somebody else; anybody else meets a folder of root's."""
    if os.geteuid() == 0:
        os.chown(folder, 65_534, 65_534)
    foreign = folder if os.geteuid() == 0 else Path("/usr")
    with pytest.raises(KeyFileForeign):
        load_both(foreign)


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


def _holding(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def _edited(change: Callable[[dict[str, str]], object]) -> Callable[[Path], None]:
    def edit(path: Path) -> None:
        held = json.loads(path.read_text())
        change(held)
        path.write_text(json.dumps(held))

    return edit


OTHER = OpeningKey.new(SEALING_ID).card(NOW).public_key
SPOILT: dict[str, tuple[Callable[[Path], None], type[KeyFileError]]] = {
    "a pipe": (_fifo, KeyFileForeign),
    "a link to nothing": (_dangling, KeyFileForeign),
    "empty": (_holding(b""), KeyFileBroken),
    "not JSON": (_holding(b"\xff\x00"), KeyFileBroken),
    "a card without its private half": (_edited(lambda held: held.pop("privateKey")), KeyFileBroken),
    "another public half": (_edited(lambda held: held.update(publicKey=OTHER)), KeyFileBroken),
    "another private half": (_edited(lambda held: held.update(privateKey=OTHER)), KeyFileBroken),
    "a private half cut short": (_edited(lambda held: held.update(privateKey=OTHER[:-3])), KeyFileBroken),
    "a private half that is no text form": (_edited(lambda held: held.update(privateKey="?")), KeyFileBroken),
    "another key's name": (_edited(lambda held: held.update(keyId=f"{SHELTER}#other")), KeyFileBroken),
    "another organisation's key": (_edited(lambda held: held.update(orgId="org-other")), KeyFileBroken),
    "an unknown property": (_edited(lambda held: held.update(note="x")), KeyFileBroken),
    "no zone in the time": (_edited(lambda held: held.update(createdAt="2026-03-04T02:00:00")), KeyFileBroken),
}


@pytest.mark.parametrize(("spoil", "fault"), SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("file", [signing_file, sealing_file], ids=["signing", "sealing"])
def test_a_spoilt_file_is_refused_and_told_without_its_content(
    folder: Path, file: Callable[[Path], Path], spoil: Callable[[Path], None], fault: type[KeyFileError]
) -> None:
    """One spoilt file stops the process that needs it, with the file's name and nothing of what is in it."""
    held = json.loads(file(folder).read_text())["privateKey"]
    spoil(file(folder))
    with pytest.raises(fault) as caught:
        load_both(folder)
    told = f"{caught.value} {caught.value.remedy}"
    assert str(file(folder)) in told
    assert held not in told
    assert OTHER not in told


def test_the_kinds_are_not_mistaken_for_each_other(folder: Path) -> None:
    """A sealing key put under a signing key's name is not loaded as one, nor a card used for the other purpose."""
    signing_file(folder).write_bytes(sealing_file(folder).read_bytes())
    with pytest.raises(KeyFileBroken):
        load_signing_key(folder, SHELTER, NOW)
    with pytest.raises(PublicKeyRefused):
        PublicSigningKey.of_card(OpeningKey.new(SEALING_ID).card(NOW))
    with pytest.raises(PublicKeyRefused):
        PublicSealingKey.of_card(SigningKey.new(SIGNING_ID).card(NOW))


def test_loading_signing_keys_does_not_touch_opening_keys(folder: Path) -> None:
    """The broker's zone loads signing keys; even an opening key put into its folder by mistake is not read."""
    sealing_file(folder).write_text("not a key")
    sealing_file(folder).chmod(0o644)
    assert load_signing_key(folder, SHELTER, NOW).key_id == SIGNING_ID


def test_a_key_is_never_overwritten(folder: Path) -> None:
    """Not by a key of the same kind, nor by one of the other kind under the same id."""
    held = signing_file(folder).read_bytes()
    for key in (SigningKey.new(SIGNING_ID), OpeningKey.new(SIGNING_ID)):
        with pytest.raises(KeyExists):
            key.keep(folder, NOW)
    assert signing_file(folder).read_bytes() == held
    assert sorted(folder.iterdir()) == sorted([signing_file(folder), sealing_file(folder)])


def test_of_many_at_once_one_makes_the_key(tmp_path: Path) -> None:
    """The card that the winner was given is the card of the key that rests there."""

    def attempt(_: int) -> KeyCard | None:
        try:
            return SigningKey.new(SIGNING_ID).keep(tmp_path / "keys", NOW)
        except KeyExists:
            return None

    with ThreadPoolExecutor(8) as pool:
        cards = [card for card in pool.map(attempt, range(32)) if card is not None]
    assert cards == read_cards(tmp_path / "keys")
    assert len(list((tmp_path / "keys").iterdir())) == 1


def test_what_a_crash_left_half_written_is_no_key(folder: Path) -> None:
    """A file under a name that is only used while writing is neither read nor in the way."""
    (folder / f".{signing_file(folder).name}.0a1b").write_text('{"orgId":')
    load_both(folder)
    assert len(read_cards(folder)) == 2


def test_the_newest_valid_signing_key_signs(folder: Path) -> None:
    """After a rotation the new one, until it ends; then whichever is still valid; with none left it is said."""
    later = NOW + timedelta(days=30)
    newer = SigningKey.new(KeyId(f"{SHELTER}#signing-2026-04"))
    newer.keep(folder, later, not_after=later + timedelta(days=1))
    assert load_signing_key(folder, SHELTER, later).key_id == newer.key_id
    assert load_signing_key(folder, SHELTER, later + timedelta(days=1)).key_id == SIGNING_ID
    signing_file(folder).unlink()
    with pytest.raises(KeyMissing):
        load_signing_key(folder, SHELTER, later + timedelta(days=1))


def test_ended_opening_keys_still_open(folder: Path) -> None:
    """What was sealed before a key ended is still on its way."""
    key = OpeningKey.new(KeyId(f"{SHELTER}#old"))
    key.keep(folder, NOW, not_after=NOW + timedelta(seconds=1))
    assert load_opening_keys(folder, SHELTER).key_ids == {SEALING_ID, key.key_id}


def test_each_organisation_loads_its_own_keys(folder: Path) -> None:
    """Also where two share a folder, and one's name begins with the other's."""
    for org in ("org-shelter-b2", "org-shelter"):
        SigningKey.new(KeyId(f"{org}#1")).keep(folder, NOW + timedelta(days=1))
        OpeningKey.new(KeyId(f"{org}#2")).keep(folder, NOW + timedelta(days=1))
    assert load_signing_key(folder, SHELTER, NOW + timedelta(days=2)).key_id == SIGNING_ID
    assert load_opening_keys(folder, SHELTER).key_ids == {SEALING_ID}


def test_missing_keys_are_said_with_what_to_do(tmp_path: Path, folder: Path) -> None:
    """No folder, and a folder without such a key."""
    for place in (tmp_path / "nowhere", folder):
        for file in (signing_file(folder), sealing_file(folder)):
            file.unlink(missing_ok=True)
        with pytest.raises(KeyMissing, match=str(place)) as caught:
            load_signing_key(place, SHELTER, NOW)
        assert "handoff keys new" in caught.value.remedy
        with pytest.raises(KeyMissing):
            load_opening_keys(place, SHELTER)


def test_a_card_shows_the_public_half_only(folder: Path) -> None:
    """What is printed and handed out reads back, and holds nothing of the private half."""
    for card, file in zip(
        sorted(read_cards(folder), key=lambda one: one.kind), (sealing_file, signing_file), strict=True
    ):
        assert read_card(card.wire()) == card
        assert json.loads(file(folder).read_text())["privateKey"] not in card.wire()
        assert set(json.loads(card.wire())) == {"orgId", "keyId", "kind", "publicKey", "createdAt"}


CARD = json.loads(SigningKey.new(SIGNING_ID).card(NOW, NOW + timedelta(days=1)).wire())


@pytest.mark.parametrize(
    "change",
    [
        {"orgId": "org-other"},
        {"keyId": "shelter#1"},
        {"kind": "both"},
        {"publicKey": "A" * 42},
        {"notAfter": CARD["createdAt"]},
        {"privateKey": "A" * 43},
        {"createdAt": "2026-03-04"},
    ],
    ids=str,
)
def test_a_card_that_contradicts_itself_is_refused(change: dict[str, str]) -> None:
    """Another organisation's key id, unknown kinds, an end before the beginning, a private half that slipped in."""
    assert read_card(json.dumps(CARD)).valid_at(NOW)
    with pytest.raises(KeyCardBroken):
        read_card(json.dumps(CARD | change))


def test_a_card_whose_public_key_has_two_texts_is_refused() -> None:
    """The unused bits of the last letter must be zero."""
    last = CARD["publicKey"][-1]
    twin = CARD["publicKey"][:-1] + chr(ord(last) + 1)
    with pytest.raises(KeyCardBroken):
        _ = read_card(json.dumps(CARD | {"publicKey": twin})).public


def test_a_loaded_ring_opens(folder: Path) -> None:
    """From the file to the text."""
    ring = load_opening_keys(folder, SHELTER)
    sealed, key = seal_group(REFERRAL, SAFE_CONTACT, b"text")
    wrapped = wrap_key(REFERRAL, sealed, key, PublicSealingKey.of_card(_sealing_card(folder)))
    assert ring.open(REFERRAL, sealed, [handed(b"x").wrapped, wrapped]) == b"text"


def _sealing_card(folder: Path) -> KeyCard:
    return next(card for card in read_cards(folder) if card.kind is KeyKind.SEALING)
