"""An organisation's own sign-in for tests: a small OpenID Connect provider that checks what a real one checks."""

import hashlib
import secrets
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlencode

from fastapi import FastAPI, Request
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic_core import to_json
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from broker.seal import base64url
from broker.web.serving import served

CLIENT: Final = "desk"
SECRET: Final = "a secret: with/odd characters"


@dataclass(slots=True)
class OrganisationsOwn:
    """The provider; what it says can be bent by a test."""

    callback: str
    issuer: str = ""
    groups: list[str] = field(default_factory=lambda: ["advocates"])
    subject: str = "Wolfsbane-4711"
    bend: dict[str, Any] = field(default_factory=dict)
    """Claims that are said otherwise; None leaves one out."""
    key: RSAKey | ECKey | OctKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    published: list[RSAKey | ECKey | OctKey] | None = None
    """The keys that it publishes; its own where not set."""
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "RS256"})
    logins: int = 0
    granted: dict[str, dict[str, str]] = field(default_factory=dict)
    """What was asked, by the code that was given for it."""

    def application(self) -> FastAPI:
        """Discovery, keys, a login page, and the endpoint that turns a code into a token, once."""
        app = FastAPI(openapi_url=None)
        app.add_api_route("/.well-known/openid-configuration", self._discovery)
        app.add_api_route("/keys", self._keys)
        app.add_api_route("/login", self._login)
        app.add_api_route("/let-in", self._let_in)
        app.add_api_route("/token", self._token, methods=["POST"])
        return app

    async def _discovery(self) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/login",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            }
        )

    async def _keys(self) -> Response:
        return JSONResponse({"keys": [key.as_dict(private=False) for key in self.published or [self.key]]})

    async def _login(self, request: Request) -> Response:
        asked = dict(request.query_params)
        assert asked["client_id"] == CLIENT
        assert asked["redirect_uri"] == self.callback
        assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
        assert asked["prompt"] == "login"
        assert "openid" in asked["scope"].split()
        self.logins += 1
        return HTMLResponse(
            f'<!doctype html><html lang="en"><title>Log in</title><link rel="icon" href="data:,">'
            f'<h1>Log in</h1><a href="/let-in?{urlencode(asked)}">It is me</a>'
        )

    async def _let_in(self, request: Request) -> Response:
        code = secrets.token_urlsafe(16)
        self.granted[code] = dict(request.query_params)
        answer = urlencode({"code": code, "state": request.query_params["state"], "iss": self.issuer})
        return RedirectResponse(f"{self.callback}?{answer}", 303)

    async def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        kind, _, pair = request.headers["authorization"].partition(" ")
        name, _, secret = b64decode(pair).decode().partition(":")
        asked = self.granted.pop(form["code"], None)
        verifier = hashlib.sha256(form["code_verifier"].encode()).digest()
        if (
            asked is None
            or (kind, unquote(name), unquote(secret)) != ("Basic", CLIENT, SECRET)
            or form["redirect_uri"] != asked["redirect_uri"]
            or base64url.encode(verifier) != asked["code_challenge"]
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": self.token(asked["nonce"])})

    def token(self, nonce: str) -> str:
        """An ID token for who has logged in."""
        now = int(datetime.now(UTC).timestamp())
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 60,
            "auth_time": now,
            "nonce": nonce,
            "groups": self.groups,
            "name": "Wolfsbane",
            **self.bend,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        if self.header["alg"] == "none":
            return ".".join(base64url.encode(to_json(part)) for part in (self.header, said)) + "."
        header = {"kid": self.key.kid, **self.header} if self.key.kid else self.header
        return jwt.encode(header, said, self.key, algorithms=[str(self.header["alg"])])


@asynccontextmanager
async def logging_in(callback: str) -> AsyncIterator[OrganisationsOwn]:
    """A provider at a port of its own, which knows the pages by their way back."""
    own = OrganisationsOwn(callback)
    async with served(own.application(), "127.0.0.1:0", "HANDOFF_TEST_ADDRESS") as (host, port):
        own.issuer = f"http://{host}:{port}"
        yield own
