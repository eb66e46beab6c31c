"""A channel's secrets: one file each, mode 0600; all of them sign, so that a new one is in use before an old one ends.

<folder>/<name>.secret     whsk_… (Ed25519) or whsec_… (HMAC); for the door also whpk_… (the other side's public half)
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from adapters.standard_webhooks import (
    Ed25519Public,
    Ed25519Secret,
    HmacSecret,
    SigningSecret,
    WebhookSecret,
    read_secret_text,
)
from adapters.transports.transport import ChannelRefused
from broker import limits
from broker.seal.errors import KeyFileError
from broker.seal.key_files import read_secret

DOOR_FOLDER: Final = "door"
"""In an organisation's folder: the secrets that its own system signs with."""
SUFFIX: Final = ".secret"

Held = HmacSecret | Ed25519Secret | Ed25519Public


class SecretsMissing(ChannelRefused):
    """This channel has no secret to sign with."""

    remedy = "Make one: `handoff channel secret new`."

    def __init__(self) -> None:
        super().__init__("SECRET_MISSING")


class SecretsNotUsable(ChannelRefused):
    """One of this channel's secrets is no secret, or can be read by others."""

    remedy = "Files of secrets belong to the user who runs this, with mode 0600, and hold one whsk_… or whsec_… each."

    def __init__(self) -> None:
        super().__init__("SECRET_NOT_USABLE")


def read_secrets(folder: Path) -> tuple[Held, ...]:
    """The secrets of a folder, oldest first; none where there is no folder.

    Raises:
        SecretsNotUsable: one cannot be used. Nobody works on with the rest, so that it is noticed.
    """
    return tuple(map(read_secret_file, secret_files(folder)))


class KeptSecrets:
    """Reads secrets once in a few seconds rather than for every request; a changed folder is noticed at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[Path, tuple[float, int, tuple[Held, ...]]] = {}

    def of(self, folder: Path) -> tuple[Held, ...]:
        """The secrets of a folder; raises `SecretsNotUsable`."""
        now, changed = self._clock(), _changed(folder)
        kept = self._kept.get(folder)
        if kept is None or kept[1] != changed or now >= kept[0] + limits.secrets_kept_seconds:
            kept = self._kept[folder] = (now, changed, read_secrets(folder))
        return kept[2]

    def signing(self, folder: Path) -> list[SigningSecret]:
        """Those that can sign.

        Raises:
            SecretsMissing: there is none.
            SecretsNotUsable: one cannot be used.
        """
        found: list[SigningSecret] = [one for one in self.of(folder) if isinstance(one, SigningSecret)]
        if not found:
            raise SecretsMissing
        return found

    def believed(self, folder: Path) -> list[WebhookSecret]:
        """Those that a signature may be by; none is no error: nobody is believed then."""
        return list(self.of(folder))


def _changed(folder: Path) -> int:
    """When something was added to a folder or taken away, as a number; 0 where it cannot be looked at."""
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116  asked for every request: half of what `Path.stat` costs
    except OSError:
        return 0


def secret_files(folder: Path) -> list[Path]:
    """The files of a folder that hold secrets, oldest first by their names; none where there is no folder."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def read_secret_file(path: Path) -> Held:
    """The secret of a file; raises `SecretsNotUsable`."""
    try:
        return read_secret_bytes(read_secret(path))
    except KeyFileError:
        raise SecretsNotUsable from None


def read_secret_bytes(content: bytes) -> Held:
    """The secret that these bytes say; raises `SecretsNotUsable`."""
    try:
        return read_secret_text(content.decode("ascii").strip())
    except ValueError:  # also of base64 and of bytes that are no text
        raise SecretsNotUsable from None
