"""Private keys rest in files that only their owner can reach, appear whole or not at all, and are never overwritten.

A file whose mode or owner is any other is refused and not read: whoever could read it may have, and whoever could
write it may have put a key of theirs there.
"""

import json
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import SecretStr, ValidationError

from broker.schemas.ids import KeyId, OrgId
from broker.seal import base64url
from broker.seal.cards import KeyCard, KeyKind
from broker.seal.errors import KeyCardBroken, KeyExists, KeyFileBroken, KeyFileForeign, KeyFileTooOpen, KeyMissing

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
_OTHERS: Final = 0o077


class _KeyFile(KeyCard):
    """What a key file holds: the card and the private half, 32 bytes as base64url."""

    private_key: SecretStr


def key_path(folder: Path, key_id: KeyId, kind: KeyKind) -> Path:
    """Where a key rests: `org-x.2026-01.signing.json`. By the kind in the name, no reader opens the other kind."""
    return folder / f"{key_id.replace('#', '.')}.{kind.value}.json"


def write_key(folder: Path, card: KeyCard, private: bytes) -> Path:
    """Write a new key, at once whole and on the disk, mode 0600; the folder is made with mode 0700 where it is missing.

    Raises:
        KeyExists: a key of this id is there, of whichever kind.
        KeyFileTooOpen, KeyFileForeign: the folder is not its owner's alone.
    """
    if any(key_path(folder, card.key_id, kind).exists() for kind in KeyKind):
        raise KeyExists
    path = key_path(folder, card.key_id, card.kind)
    content = card.model_dump(mode="json", by_alias=True, exclude_none=True)
    write_secret(path, json.dumps({**content, "privateKey": base64url.encode(private)}, indent=2).encode())
    return path


def read_keys(
    folder: Path, org: OrgId, kind: KeyKind, public_half: Callable[[bytes], bytes]
) -> list[tuple[KeyCard, bytes]]:
    """Every key of this organisation and kind: its card, and its private half (32 bytes).

    Files of the other kind are not opened. `public_half` gives the public key of a private one, to be compared.

    Raises:
        KeyMissing: there is no such folder.
        KeyFileTooOpen, KeyFileForeign, KeyFileBroken: one bad file is enough, so that nobody works on with the rest.
    """
    return [_read(path, kind, public_half) for path in _key_files(folder, kind) if path.name.startswith(f"{org}.")]


def destroy_key(folder: Path, card: KeyCard) -> None:
    """Remove a key's private half, on the disk too. What was wrapped for it alone opens nowhere any more."""
    destroy_secret(key_path(folder, card.key_id, card.kind))


def read_cards(folder: Path) -> list[KeyCard]:
    """The public cards of all keys in a folder, newest first. For their owner: the files are private.

    Raises:
        KeyMissing, KeyFileTooOpen, KeyFileForeign, KeyFileBroken: as `read_keys`.
    """
    held = [_key_file(path, kind) for kind in KeyKind for path in _key_files(folder, kind)]
    cards = [KeyCard.model_validate(file.model_dump(exclude={"private_key"})) for file in held]
    return sorted(cards, key=lambda card: (card.created_at, card.key_id), reverse=True)


def kept_secret(path: Path, fresh: Callable[[], bytes]) -> bytes:
    """The secret bytes that rest in this file; the first time `fresh` makes them, and they are on the disk on return.

    Raises:
        KeyFileTooOpen, KeyFileForeign: the file or its folder is not its owner's alone.
    """
    if not path.exists():
        with suppress(KeyExists):
            write_secret(path, fresh())
    _check_folder(path.parent)
    return read_secret(path)


def write_secret(path: Path, content: bytes, *, replace: bool = False) -> None:
    """Write a file of secret bytes, at once whole and on the disk, mode 0600; its folder is made where it is missing.

    Raises:
        KeyExists: it is there, and `replace` does not say that it may go.
        KeyFileTooOpen, KeyFileForeign: the folder is not its owner's alone.
    """
    folder = path.parent
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    _check_folder(folder)
    begun = folder / f".{path.name}.{secrets.token_hex(8)}"
    try:
        _write(begun, content)
        if replace:
            begun.replace(path)
        else:
            os.link(begun, path)
    except FileExistsError:
        raise KeyExists from None
    finally:
        begun.unlink(missing_ok=True)
    _sync_folder(folder)


def read_secret(path: Path) -> bytes:
    """The content of a file of secret bytes.

    Raises:
        KeyFileTooOpen, KeyFileForeign: it is missing, or not its owner's alone.
    """
    return _read_private(path)


def destroy_secret(path: Path) -> None:
    """Remove a file of secret bytes, on the disk too; nothing happens where there is none."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        _sync_folder(path.parent)


def _key_files(folder: Path, kind: KeyKind) -> list[Path]:
    if not folder.is_dir():
        raise KeyMissing(f"There is no key folder {folder}.")
    _check_folder(folder)
    return sorted(folder.glob(f"org-*.{kind.value}.json"))


def _read(path: Path, kind: KeyKind, public_half: Callable[[bytes], bytes]) -> tuple[KeyCard, bytes]:
    held = _key_file(path, kind)
    try:
        private = base64url.decode(held.private_key.get_secret_value())
        whole = held.public == public_half(private)
    except (ValueError, KeyCardBroken):
        whole = False
    if not whole:
        raise KeyFileBroken(f"The two halves in {path} do not belong together.")
    return held, private


def _key_file(path: Path, kind: KeyKind) -> _KeyFile:
    try:
        held = _KeyFile.model_validate_json(_read_private(path), strict=True, by_alias=True, by_name=False)
    except ValidationError:
        raise KeyFileBroken(f"{path} is not a key file.") from None
    if held.kind is not kind or key_path(path.parent, held.key_id, kind) != path:
        raise KeyFileBroken(f"{path} holds another key than its name says.")
    return held


def _read_private(path: Path) -> bytes:
    """The content of a file that only its owner can reach: the open file is checked, not the name."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        raise KeyFileForeign(f"{path} cannot be opened by this user.") from None
    with os.fdopen(descriptor, "rb") as file:
        _check(os.fstat(descriptor), path, stat.S_ISREG, FILE_MODE)
        return file.read()


def _check_folder(folder: Path) -> None:
    _check(folder.stat(), folder, stat.S_ISDIR, FOLDER_MODE)


def _check(found: os.stat_result, path: Path, is_kind: Callable[[int], bool], mode: int) -> None:
    if not is_kind(found.st_mode) or found.st_uid != os.geteuid():
        raise KeyFileForeign(
            f"{path} does not belong to the user who runs this, or is not what it should be.",
            remedy="Find out who put it there. If it is yours: `chown` it to this user, as root.",
        )
    if found.st_mode & _OTHERS:
        raise KeyFileTooOpen(
            f"{path} can be reached by other users.",
            remedy=f"Run: chmod {mode:o} {path}. If others could read it, make a new key: `handoff keys new`.",
        )


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, FILE_MODE)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
