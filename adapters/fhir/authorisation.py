"""What lets us in to a FHIR server: SMART Backend Services (RFC 7523), or a token that somebody has written down.

The channel's folder of secrets holds `fhir.pem`, a private key (RSA for RS384, P-384 for ES384), or `fhir.token`. A
token is asked for when it is needed, kept in memory until shortly before its end, and asked for once more where the
server does not take it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from adapters.transports.outgoing import Outgoing
from adapters.transports.transport import ChannelRefused
from broker import limits
from broker.schemas.ids import new_uuid4
from broker.seal import base64url
from broker.seal.errors import KeyFileError
from broker.seal.key_files import read_secret

KEY_FILE: Final = "fhir.pem"
TOKEN_FILE: Final = "fhir.token"  # noqa: S105  a file's name

_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_P384_BYTES: Final = 48

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class NotLetIn(Exception):
    """The server that gives out tokens gives us none."""

    def __init__(self, code: str, *, for_now: bool) -> None:
        super().__init__()
        self.code = code
        self.for_now = for_now


@dataclass(frozen=True, slots=True)
class Client:
    """As whom we ask for a token, and where."""

    token_url: str
    client_id: str
    key_id: str
    scope: str


class _Granted(BaseModel):
    """What RFC 6749 §5.1 has in an answer, as far as we need it."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    access_token: str
    token_type: str
    expires_in: float = 60.0


@dataclass(slots=True)
class _Kept:
    token: str = field(repr=False)
    until: float
    """By the monotonic clock."""


class Tokens:
    """The tokens of every channel of this process, by its folder of secrets."""

    def __init__(self, outgoing: Callable[[], Outgoing], clock: Callable[[], float] = time.time) -> None:
        self._outgoing = outgoing
        self._clock = clock
        self._kept: dict[Path, _Kept] = {}

    async def token(self, secrets: Path, client: Client | None) -> str:
        """The token to show now.

        Raises:
            ChannelRefused: the secret is missing, cannot be used, or can be read by others.
            NotLetIn: no token was given.
            OutgoingFailed: who gives tokens was not reached.
        """
        if client is None:
            return _written(secrets / TOKEN_FILE)
        kept = self._kept.get(secrets)
        if kept is None or time.monotonic() >= kept.until:
            kept = self._kept[secrets] = await self._ask(signing_key(secrets / KEY_FILE), client)
        return kept.token

    def forget(self, secrets: Path) -> bool:
        """The server did not take it: ask anew. Returns whether there is anything to ask anew for."""
        return self._kept.pop(secrets, None) is not None

    async def _ask(self, key: SigningKey, client: Client) -> _Kept:
        asked = {
            "grant_type": "client_credentials",
            "scope": client.scope,
            "client_assertion_type": _ASSERTION,
            "client_assertion": assertion(key, client, int(self._clock())),
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        outgoing = self._outgoing()
        endpoint = outgoing.guard.endpoint(client.token_url)
        reply = await outgoing.request("POST", endpoint, headers=headers, body=urlencode(asked).encode())
        if reply.status != 200:
            raise NotLetIn(f"TOKEN_HTTP_{reply.status}", for_now=reply.status in (408, 425, 429) or reply.status >= 500)
        try:
            granted = _Granted.model_validate_json(reply.body or b"")
        except ValidationError:
            raise NotLetIn("TOKEN_UNREADABLE", for_now=True) from None
        if granted.token_type.lower() != "bearer" or not _plain(granted.access_token):
            raise NotLetIn("TOKEN_NOT_BEARER", for_now=False)
        good_for = max(granted.expires_in - limits.fhir_token_margin_seconds, 0.0)
        return _Kept(granted.access_token, time.monotonic() + good_for)


def assertion(key: SigningKey, client: Client, now: int) -> str:
    """The signed JWT by which we ask for a token; `now` is in seconds since 1970."""
    head = {"alg": "RS384" if isinstance(key, rsa.RSAPrivateKey) else "ES384", "typ": "JWT", "kid": client.key_id}
    claims = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": client.token_url,
        "iat": now,
        "exp": now + limits.fhir_assertion_seconds,
        "jti": new_uuid4(),
    }
    signed = f"{_part(head)}.{_part(claims)}"
    return f"{signed}.{base64url.encode(_signature(key, signed.encode()))}"


def signing_key(path: Path) -> SigningKey:
    """The private key of a channel.

    Raises:
        ChannelRefused: it is missing, of another kind, or can be read by others.
    """
    try:
        key = load_pem_private_key(read_secret(path), None)
    except (KeyFileError, ValueError, TypeError):
        raise _secret_refused(path) from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP384R1):
        return key
    raise _secret_refused(path)


def _written(path: Path) -> str:
    try:
        token = read_secret(path).decode("ascii").strip()
    except (KeyFileError, ValueError):
        raise _secret_refused(path) from None
    if not _plain(token):
        raise _secret_refused(path)
    return token


def _secret_refused(path: Path) -> ChannelRefused:
    return ChannelRefused(
        "SECRET_NOT_USABLE",
        f"The channel's {path.name} is missing, is not what it should be, or can be read by others.",
        remedy=f"Put a private key (RSA of 2048 bits or more, or P-384) into {KEY_FILE}, or a token into {TOKEN_FILE},"
        " with mode 0600.",
    )


def _plain(token: str) -> bool:
    """Whether it can stand in a header."""
    return 0 < len(token) <= limits.fhir_token_characters_max and token.isascii() and token.isprintable()


def _signature(key: SigningKey, signed: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), SHA384())
    r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(SHA384())))
    return r.to_bytes(_P384_BYTES, "big") + s.to_bytes(_P384_BYTES, "big")


def _part(said: Mapping[str, Any]) -> str:
    return base64url.encode(to_json(said))
