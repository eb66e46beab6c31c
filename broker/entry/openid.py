"""An organisation's own sign-in by OpenID Connect: the code flow with PKCE and a nonce; what comes back is checked.

The organisation's provider says who somebody is; a claim of its ID token says in which role, by the operator's own
table. Nothing of the token is kept: its issuer and subject become an id that says nothing. At a desk that several
share, whoever comes next must not come in as whoever was here: so the provider is asked to have its person prove
anew who they are (`prompt=login`), and an older proof is refused.
"""

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any, Final, Generic
from urllib.parse import quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from pydantic import BaseModel, ConfigDict, ValidationError

from broker import limits
from broker.entry.accounts import Account, Role, Tables, account_id_of, new_token
from broker.entry.ceremonies import Ceremonies, Ceremony, CeremonyKind
from broker.entry.errors import OpenIdAway, OpenIdRefused, RoleUnknown
from broker.schemas.ids import OrgId
from broker.seal import base64url
from broker.sql.bulk import Pool

ALGORITHMS: Final = ("RS256", "ES256", "PS256", "RS384", "ES384", "PS384", "RS512", "ES512", "PS512", "EdDSA")
"""By which an ID token may be signed: never with a secret that both sides hold, never not at all."""

_DISCOVERY: Final = "/.well-known/openid-configuration"
_VERIFIER_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the provider's server answered."""

    status: int
    body: bytes = field(repr=False)


Fetch = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Fetched]]
"""Asks the provider's server: method, URL, headers, body. Raises `OpenIdAway` where no answer comes."""


@dataclass(frozen=True, slots=True)
class Organisation(Generic[Role]):
    """An organisation's sign-in as the operator's settings have it. Its repr shows no secret."""

    org: OrgId
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    role_claim: str
    """Where the ID token says it; dots lead into objects: `groups`, `realm_access.roles`."""
    roles: Mapping[str, Role]
    """By what the claim says; where it says several, the first of these holds."""


class _Discovery(BaseModel):
    """What OpenID Connect Discovery 1.0 §3 has, as far as we need it."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Granted(BaseModel):
    """What a token endpoint answers, as far as we need it: the access token is not even read."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    id_token: str


@dataclass(slots=True)
class _Known:
    """What was fetched of the provider, and until when it is relied on."""

    discovery: _Discovery
    keys: KeySet
    until: datetime


class OpenId(Generic[Role]):
    """The sign-in of one organisation; `now` is UTC."""

    def __init__(
        self, organisation: Organisation[Role], fetch: Fetch, pool: Pool, tables: Tables, callback: str
    ) -> None:
        """`callback` is the page to which the provider sends people back, as it is registered there."""
        self._organisation = organisation
        self._fetch = fetch
        self._ceremonies = Ceremonies(pool, tables)
        self._callback = callback
        self._known: _Known | None = None

    async def begin(self, now: datetime) -> Ceremony:
        """Where to send somebody who wants to sign in.

        Raises:
            OpenIdAway: the provider cannot be reached.
        """
        discovery = (await self._provider(now)).discovery
        kept = {"state": new_token(), "nonce": new_token(), "verifier": secrets.token_urlsafe(_VERIFIER_BYTES)}
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._organisation.client_id,
                "redirect_uri": self._callback,
                "scope": "openid",
                "prompt": "login",
                "state": kept["state"],
                "nonce": kept["nonce"],
                "code_challenge": base64url.encode(hashlib.sha256(kept["verifier"].encode()).digest()),
                "code_challenge_method": "S256",
            }
        )
        token = await self._ceremonies.begin(CeremonyKind.OPENID, kept, now)
        joined = "&" if urlsplit(discovery.authorization_endpoint).query else "?"
        return Ceremony(token, f"{discovery.authorization_endpoint}{joined}{query}")

    async def finish(self, token: str, answered: Mapping[str, str], now: datetime) -> Account[Role]:
        """Who comes back with the parameters that the provider sent along.

        Raises:
            OpenIdRefused: this browser has asked nothing, or it is no answer to what it asked.
            RoleUnknown: somebody of the organisation who has no role here.
            OpenIdAway: the provider cannot be reached.
        """
        kept = await self._ceremonies.end(token, CeremonyKind.OPENID, now)
        if kept is None or not compare_digest(answered.get("state", ""), kept["state"]) or "code" not in answered:
            raise OpenIdRefused
        # Where the provider says who it is (RFC 9207), it must be the one that was asked.
        if answered.get("iss", self._organisation.issuer) != self._organisation.issuer:
            raise OpenIdRefused
        claims = await self._claims(await self._id_token(answered["code"], kept["verifier"], now), now)
        if not compare_digest(str(claims.get("nonce", "")), kept["nonce"]):
            raise OpenIdRefused
        return self._account(claims)

    async def _id_token(self, code: str, verifier: str, now: datetime) -> str:
        discovery, ours = (await self._provider(now)).discovery, self._organisation
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._callback,
            "code_verifier": verifier,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if "client_secret_basic" in discovery.token_endpoint_auth_methods_supported:
            headers["authorization"] = _basic(ours.client_id, ours.client_secret)
        else:
            form |= {"client_id": ours.client_id, "client_secret": ours.client_secret}
        reply = await self._fetch("POST", discovery.token_endpoint, headers, urlencode(form).encode())
        if reply.status >= 500:
            raise OpenIdAway
        try:
            return _Granted.model_validate_json(reply.body).id_token
        except ValidationError:
            raise OpenIdRefused from None

    async def _claims(self, id_token: str, now: datetime) -> Mapping[str, Any]:
        """What a token says whose signature, issuer, audience and times hold (OpenID Connect Core 1.0 §3.1.3.7)."""
        keys = (await self._provider(now)).keys
        try:
            token = jwt.decode(id_token, keys, algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            # Its key may be newer than what we know.
            try:
                token = jwt.decode(id_token, (await self._anew(now)).keys, algorithms=list(ALGORITHMS))
            except (JoseError, ValueError):
                raise OpenIdRefused from None
        if not self._holds(token.claims, now.timestamp()):
            raise OpenIdRefused
        return token.claims

    def _holds(self, claims: Mapping[str, Any], now: float) -> bool:
        ours, slack = self._organisation, limits.openid_clock_seconds_max
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        proven = claims.get("auth_time", now)
        return (
            claims.get("iss") == ours.issuer
            and ours.client_id in audiences
            and claims.get("azp", ours.client_id) == ours.client_id
            and (len(audiences) == 1 or "azp" in claims)
            and _number(claims.get("exp")) > now - slack
            and now - limits.openid_token_seconds_max - slack < _number(claims.get("iat")) <= now + slack
            and _number(claims.get("nbf", 0)) <= now + slack
            and _number(proven) > now - limits.openid_proof_seconds_max - slack
        )

    def _account(self, claims: Mapping[str, Any]) -> Account[Role]:
        ours, subject = self._organisation, claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise OpenIdRefused
        told: Any = claims
        for part in ours.role_claim.split("."):
            told = told.get(part) if isinstance(told, Mapping) else None
        said = told if isinstance(told, list) else [told]
        role = next((role for name, role in ours.roles.items() if name in said), None)
        if role is None:
            raise RoleUnknown
        return Account(account_id_of(ours.issuer, subject), ours.org, role)

    async def _provider(self, now: datetime) -> _Known:
        known = self._known
        return known if known is not None and now < known.until else await self._anew(now)

    async def _anew(self, now: datetime) -> _Known:
        try:
            discovery = _Discovery.model_validate_json(await self._got(self._organisation.issuer + _DISCOVERY))
            known = _KeySet.model_validate_json(await self._got(discovery.jwks_uri))
            keys = KeySet([import_key(one) for one in known.keys])
        except (ValidationError, JoseError, ValueError, KeyError):
            raise OpenIdAway from None
        if discovery.issuer != self._organisation.issuer:
            raise OpenIdAway
        self._known = _Known(discovery, keys, now + timedelta(minutes=limits.openid_known_minutes))
        return self._known

    async def _got(self, url: str) -> bytes:
        reply = await self._fetch("GET", url, {"accept": "application/json"}, b"")
        if reply.status != 200:
            raise OpenIdAway
        return reply.body


class _KeySet(BaseModel):
    """The provider's public keys (RFC 7517 §5)."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    keys: list[dict[str, Any]]


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749 §2.3.1: both are form-encoded before they are put together."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + b64encode(pair.encode()).decode()


def _number(told: Any) -> float:
    """A moment of a token, in seconds; one that is no number lies before everything."""
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) else float("-inf")
