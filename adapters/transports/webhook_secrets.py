"""A channel's secrets: one file each, mode 0600; all of them sign, so that a new one is in use before an old one ends.

<folder>/<name>.secret     whsk_… (Ed25519) or whsec_… (HMAC); for the door also whpk_… (the other side's public half)
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
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
from broker.seal.key_files import destroy_secret, read_secret, write_secret

SUFFIX: Final = ".secret"

Held = HmacSecret | Ed25519Secret | Ed25519Public


class SecretKind(StrEnum):
    """How requests are signed."""

    ED25519 = "ed25519"
    """`v1a`: the receiver gets a public key, and cannot sign in our name."""
    HMAC = "hmac"
    """`v1`: both sides hold the same secret; every library of Standard Webhooks speaks it."""


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


class TooManySecrets(ChannelRefused):
    """This channel has as many secrets as can sign at once."""

    remedy = "Retire those that the other side does not need any more: `handoff channel secret retire`."

    def __init__(self) -> None:
        super().__init__("TOO_MANY_SECRETS")


class NoSuchSecret(ChannelRefused):
    """This channel has no secret of that name."""

    remedy = "`handoff channel secret list` shows their names."

    def __init__(self) -> None:
        super().__init__("NO_SUCH_SECRET")


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A secret that was just made."""

    name: str
    for_other_side: str = field(repr=False)
    """What the other side has to be given, on a safe way: the public key, or the secret itself (HMAC)."""


@dataclass(frozen=True, slots=True)
class SecretSeen:
    """One secret, as far as it may be shown."""

    name: str
    version: str
    made_at: datetime
    public: str | None
    """The public half; None for HMAC."""


def new_secret(folder: Path, kind: SecretKind, now: datetime) -> NewSecret:
    """Make a secret that signs from now on beside those that are there; `now` is UTC.

    Raises:
        TooManySecrets: as many as can sign at once are there.
        KeyFileError: the folder is not its owner's alone.
    """
    if len(_files(folder)) >= limits.signing_secrets_max:
        raise TooManySecrets
    if kind is SecretKind.ED25519:
        signing = Ed25519Secret.new()
        return NewSecret(_keep(folder, signing.text(), now), signing.public().text())
    shared = HmacSecret.new()
    return NewSecret(_keep(folder, shared.text(), now), shared.text())


def add_secret(folder: Path, text: str, now: datetime) -> str:
    """Keep a secret that the other side made (`whpk_…` or `whsec_…`); returns its name.

    Raises:
        SecretsNotUsable: the text is none.
        TooManySecrets: as many as can be believed at once are there.
    """
    if len(_files(folder)) >= limits.signing_secrets_max:
        raise TooManySecrets
    _read(text.encode())
    return _keep(folder, text.strip(), now)


def list_secrets(folder: Path) -> list[SecretSeen]:
    """Every secret of a folder, oldest first.

    Raises:
        SecretsNotUsable: one cannot be used.
    """
    return [_seen(path, _read_file(path)) for path in _files(folder)]


def retire_secret(folder: Path, name: str) -> None:
    """Destroy a secret: nothing is signed with it any more, and nothing believed.

    Raises:
        NoSuchSecret: there is none of this name.
    """
    path = next((one for one in _files(folder) if one.stem == name), None)
    if path is None:
        raise NoSuchSecret
    destroy_secret(path)


def read_secrets(folder: Path) -> tuple[Held, ...]:
    """The secrets of a folder, oldest first; none where there is no folder.

    Raises:
        SecretsNotUsable: one cannot be used. Nobody works on with the rest, so that it is noticed.
    """
    return tuple(map(_read_file, _files(folder)))


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
    try:
        return folder.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def _keep(folder: Path, text: str, now: datetime) -> str:
    name = f"{now:%Y-%m-%dT%H%M%S}-{secrets.token_hex(2)}"
    write_secret(folder / f"{name}{SUFFIX}", text.encode())
    return name


def _read_file(path: Path) -> Held:
    try:
        return _read(read_secret(path))
    except KeyFileError:
        raise SecretsNotUsable from None


def _read(content: bytes) -> Held:
    try:
        return read_secret_text(content.decode("ascii").strip())
    except ValueError:  # also of base64 and of bytes that are no text
        raise SecretsNotUsable from None


def _seen(path: Path, held: Held) -> SecretSeen:
    match held:
        case Ed25519Secret():
            public: str | None = held.public().text()
        case Ed25519Public():
            public = held.text()
        case HmacSecret():
            public = None
    return SecretSeen(path.stem, held.version, datetime.fromtimestamp(path.stat().st_mtime, UTC), public)
