"""Secrets of a channel are made, listed and retired; a list shows names and public halves, never a secret."""

import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from adapters.standard_webhooks import Ed25519Public, Ed25519Secret, HmacSecret
from adapters.transports.transport import ChannelRefused
from adapters.transports.webhook_secrets import SUFFIX, Held, read_secret_bytes, read_secret_file, secret_files
from broker import limits
from broker.seal.key_files import destroy_secret, write_secret


class SecretKind(StrEnum):
    """How requests are signed."""

    ED25519 = "ed25519"
    """`v1a`: the receiver gets a public key, and cannot sign in our name."""
    HMAC = "hmac"
    """`v1`: both sides hold the same secret; every library of Standard Webhooks speaks it."""


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
    if len(secret_files(folder)) >= limits.signing_secrets_max:
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
    if len(secret_files(folder)) >= limits.signing_secrets_max:
        raise TooManySecrets
    read_secret_bytes(text.encode())
    return _keep(folder, text.strip(), now)


def list_secrets(folder: Path) -> list[SecretSeen]:
    """Every secret of a folder, oldest first.

    Raises:
        SecretsNotUsable: one cannot be used.
    """
    return [_seen(path, read_secret_file(path)) for path in secret_files(folder)]


def retire_secret(folder: Path, name: str) -> None:
    """Destroy a secret: nothing is signed with it any more, and nothing believed.

    Raises:
        NoSuchSecret: there is none of this name.
    """
    path = next((one for one in secret_files(folder) if one.stem == name), None)
    if path is None:
        raise NoSuchSecret
    destroy_secret(path)


def _keep(folder: Path, text: str, now: datetime) -> str:
    name = f"{now:%Y-%m-%dT%H%M%S}-{secrets.token_hex(2)}"
    write_secret(folder / f"{name}{SUFFIX}", text.encode())
    return name


def _seen(path: Path, held: Held) -> SecretSeen:
    match held:
        case Ed25519Secret():
            public: str | None = held.public().text()
        case Ed25519Public():
            public = held.text()
        case HmacSecret():
            public = None
    return SecretSeen(path.stem, held.version, datetime.fromtimestamp(path.stat().st_mtime, UTC), public)
