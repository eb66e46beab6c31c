"""Content keys rest on the disk only encrypted, under a key that stays in the zone, and each file goes at its time.

zones/<org>/keys/keeping.key      32 bytes that encrypt what is kept, mode 0600; made at the first use
zones/<org>/kept/<referral>.kept  one referral's content keys and what late sealing needs beside them, mode 0600

A file is `v1`, the time of its keeping (seconds, 8 bytes), a nonce (12 bytes) and AES-256-GCM of JSON; what stands
before the nonce and the referral's id are authenticated. Leave `kept/` out of backups: a backup forgets nothing.
"""

import asyncio
import fcntl
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from os import urandom
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from broker.agency.errors import KeptUnreadable
from broker.agency.keeping import KeptReferral, oldest_kept
from broker.agency.kept_text import read_text, text_of
from broker.limits import kept_lock_poll_seconds
from broker.schemas.ids import ReferralId
from broker.seal.errors import KeyFileError
from broker.seal.key_files import FOLDER_MODE, destroy_secret, kept_secret, read_secret, write_secret
from broker.seal.secret import Secret
from broker.zone import KEYS_FOLDER

KEPT_FOLDER: Final = "kept"
KEEPING_KEY_FILE: Final = "keeping.key"
KEEPING_KEY_BYTES: Final = 32

log = logging.getLogger(__name__)

_VERSION: Final = b"v1"
_CONTEXT: Final = b"warm-handoff/kept/v1\x00"
_NONCE_BYTES: Final = 12
_HEAD_BYTES: Final = len(_VERSION) + 8
_TEXT_AT: Final = _HEAD_BYTES + _NONCE_BYTES
_SUFFIX: Final = ".kept"


class FolderKeeper(Secret):
    """Keeps content keys in a folder of the agency's zone, shared by all processes of this user on this machine."""

    __slots__ = ("_folder", "_key_file")

    def __init__(self, folder: Path, key_file: Path) -> None:
        """Nothing is read or made before it is needed."""
        self._folder = folder
        self._key_file = key_file

    async def keep(self, kept: KeptReferral) -> None:
        """As `KeyKeeper.keep`: on the disk when it returns."""
        key = AESGCM(kept_secret(self._key_file, lambda: urandom(KEEPING_KEY_BYTES)))
        head = _VERSION + int(kept.kept_at.timestamp()).to_bytes(8, "big")
        nonce = urandom(_NONCE_BYTES)
        encrypted = key.encrypt(nonce, text_of(kept), _bound(head, kept.referral_id))
        write_secret(self._path(kept.referral_id), head + nonce + encrypted, replace=True)

    async def recall(self, referral_id: ReferralId) -> KeptReferral | None:
        """As `KeyKeeper.recall`.

        Raises:
            KeptUnreadable: it is there and does not open.
            KeyFileTooOpen, KeyFileForeign: others can reach it.
        """
        path = self._path(referral_id)
        return self._read(path) if path.exists() else None

    async def forget(self, referral_id: ReferralId) -> None:
        """As `KeyKeeper.forget`."""
        destroy_secret(self._path(referral_id))

    async def forget_ended(self, now: datetime) -> int:
        """As `KeyKeeper.forget_ended`. The time in a file's head is enough: no key is needed to destroy one."""
        ended = [path for path in self._paths() if _kept_at(path) < oldest_kept(now)]
        for path in ended:
            destroy_secret(path)
        return len(ended)

    async def everything(self) -> Sequence[KeptReferral]:
        """As `KeyKeeper.everything`; for what cannot be read there is a line in the log."""
        found = []
        for path in self._paths():
            try:
                found.append(self._read(path))
            except (KeptUnreadable, KeyFileError) as error:
                log.error("%s: %s", path.stem, type(error).__name__)
        return found

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """As `KeyKeeper.alone`, by a lock on a file; a process that dies lets go of it."""
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        with (self._folder / ".lock").open("w") as lock:
            while not _locked(lock.fileno()):  # noqa: ASYNC110  other processes set no event here
                await asyncio.sleep(kept_lock_poll_seconds)
            yield

    def _path(self, referral_id: ReferralId) -> Path:
        return self._folder / f"{referral_id}{_SUFFIX}"

    def _paths(self) -> Iterator[Path]:
        return iter(sorted(self._folder.glob(f"ref-*{_SUFFIX}")))

    def _read(self, path: Path) -> KeptReferral:
        content = read_secret(path)
        head, nonce, encrypted = content[:_HEAD_BYTES], content[_HEAD_BYTES:_TEXT_AT], content[_TEXT_AT:]
        if not self._key_file.exists():
            raise KeptUnreadable
        try:
            text = AESGCM(read_secret(self._key_file)).decrypt(nonce, encrypted, _bound(head, path.stem))
        except (InvalidTag, ValueError):
            raise KeptUnreadable from None
        return read_text(text)


def zone_keeper(zone: Path) -> FolderKeeper:
    """The keeper of the agency whose zone this folder is."""
    return FolderKeeper(zone / KEPT_FOLDER, zone / KEYS_FOLDER / KEEPING_KEY_FILE)


def _bound(head: bytes, referral_id: str) -> bytes:
    return _CONTEXT + head + referral_id.encode()


def _kept_at(path: Path) -> datetime:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return datetime.fromtimestamp(int.from_bytes(head[len(_VERSION) :], "big"), UTC)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
