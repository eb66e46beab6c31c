"""Which servers are used at all, what lets us in to them, and what of their answers is read."""

import base64
import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.fhir.bounded import Unreadable, entries, read_resource
from adapters.transports.fhir import Fhir
from adapters.transports.transport import Channel, ChannelRefused, Delivered, Refused, TryAgain
from tests.adapters.fhir.material import handover, offer, withdrawn
from tests.adapters.fhir.staff import channel
from tests.adapters.receivers.fhir import FhirReceiver


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fhirVersion": "5.0.0"}, "FHIR_NOT_R4"),
        ({"rest": [{"mode": "server", "resource": []}]}, "FHIR_NO_TRANSACTION"),
        ({"rest": [{"mode": "server", "interaction": [{"code": "transaction"}]}]}, "FHIR_INTERACTION_MISSING"),
        ({"rest": {"mode": "server"}}, "FHIR_NO_TRANSACTION"),
    ],
)
async def test_a_server_that_cannot_be_used_is_refused_with_the_rule(
    fhir: Fhir, receiver: FhirReceiver, way: Channel, change: Any, code: str
) -> None:
    """When a channel is saved, by what the server says of itself; ours can be used."""
    await fhir.check(way)
    receiver.answer = json.dumps({**receiver.statement(), **change}).encode()
    with pytest.raises(ChannelRefused) as refused:
        await fhir.check(way)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("url", "code"), [("http://fhir.example.org/r4", "NOT_HTTPS"), ("https://10.0.0.1/r4", "HOST_NOT_A_NAME")]
)
async def test_an_address_that_the_guard_refuses_is_refused_when_saved_and_when_used(
    fhir: Fhir, tmp_path: Path, url: str, code: str
) -> None:
    """One rule on both ways (reliability.md §2), and an attempt is not tried again."""
    way = channel(url, tmp_path / "secrets")
    with pytest.raises(ChannelRefused) as refused:
        await fhir.check(way)
    assert refused.value.code == code
    assert await fhir.attempt(way, handover(offer())) == Refused(code)


async def test_an_organisation_that_is_not_there_is_refused(fhir: Fhir, receiver: FhirReceiver, tmp_path: Path) -> None:
    """A Task that nobody owns would be seen by nobody."""
    way = channel(receiver.base_url, tmp_path / "secrets", organization="Organization/other")
    with pytest.raises(ChannelRefused) as refused:
        await fhir.check(way)
    assert refused.value.code == "HTTP_404"


@pytest.mark.parametrize("mode", [0o644, None])
async def test_a_secret_that_others_can_read_or_that_is_missing_lets_nobody_in(
    fhir: Fhir, receiver: FhirReceiver, way: Channel, mode: int | None
) -> None:
    """Nothing is asked of the server with it."""
    file = way.secrets / "fhir.token"
    file.unlink() if mode is None else file.chmod(mode)
    assert await fhir.attempt(way, handover(offer())) == Refused("SECRET_NOT_USABLE")
    assert receiver.asked == []


async def test_a_written_token_that_is_not_taken_pauses_the_channel(
    fhir: Fhir, receiver: FhirReceiver, way: Channel
) -> None:
    """There is nothing to renew: a person must look."""
    receiver.tokens.clear()
    assert await fhir.attempt(way, handover(offer())) == Refused("HTTP_401", pause=True)
    assert len(receiver.asked) == 1


BOMBS = {
    "too long": b'{"resourceType":"Bundle","x":"' + b"x" * (5 * 1024 * 1024) + b'"}',
    "too deep": b'{"resourceType":"Bundle","entry":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep within bounds": b'{"resourceType":"Bundle","entry":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "too many": b'{"resourceType":"Bundle","entry":[' + b"{}," * 1_300_000 + b"{}]}",
    "huge Bundle": b'{"resourceType":"Bundle","entry":[' + b"{}," * 50_000 + b"{}]}",
    "no JSON": b"<html>" + b"&lol;" * 1000,
    "no object": b"[]",
    "something else": b'{"resourceType":"Binary"}',
}


def _read(bomb: bytes) -> None:
    """Read it as any answer is."""
    with pytest.raises(Unreadable):
        entries(read_resource(bomb, "Bundle"))


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_refused_in_little_time_and_memory(
    fhir: Fhir, receiver: FhirReceiver, way: Channel, name: str
) -> None:
    """Deep, long, many: at most 100 ms of a processor and 50 MB beyond its bytes (S12)."""
    bomb = BOMBS[name]
    began = time.thread_time()
    _read(bomb)
    assert time.thread_time() - began < 0.1
    tracemalloc.start()
    _read(bomb)
    assert tracemalloc.get_traced_memory()[1] < 50 * 1024 * 1024
    tracemalloc.stop()
    receiver.answer = bomb
    assert await fhir.attempt(way, withdrawn(handover(offer()))) == Refused("ANSWER_UNREADABLE")
    assert await fhir.attempt(way, handover(offer())) == TryAgain("ANSWER_UNREADABLE", unknown=True)


@pytest.mark.parametrize("next_url", ["http://elsewhere.example/r4/Task?page=2", "{base}/../admin", "{base}x/Task"])
async def test_a_next_page_anywhere_else_is_not_asked_for(
    fhir: Fhir, receiver: FhirReceiver, way: Channel, next_url: str
) -> None:
    """Our token goes to the server that it is for, and to nobody whom that server names."""
    link = [{"relation": "next", "url": next_url.format(base=receiver.base_url)}]
    receiver.answer = json.dumps({"resourceType": "Bundle", "type": "searchset", "link": link}).encode()
    assert await fhir.attempt(way, withdrawn(handover(offer()))) == Refused("ANSWER_UNREADABLE")
    assert len(receiver.asked) == 1


class TokenServer:
    """Gives out tokens to whoever shows an assertion that its public key verifies."""

    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self.public = key.public_key()
        self.given: list[str] = []
        self.claims: list[Any] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        said = await request.post()
        head, claims, signature = str(said["client_assertion"]).split(".")
        raw, signed = _decoded(signature), f"{head}.{claims}".encode()
        if isinstance(self.public, rsa.RSAPublicKey):
            self.public.verify(raw, signed, padding.PKCS1v15(), SHA384())
        else:
            der = encode_dss_signature(int.from_bytes(raw[:48], "big"), int.from_bytes(raw[48:], "big"))
            self.public.verify(der, signed, ec.ECDSA(SHA384()))
        self.claims.append((json.loads(_decoded(head)), json.loads(_decoded(claims))))
        self.given.append(f"token-{len(self.given) + 1}")
        return web.json_response({"access_token": self.given[-1], "token_type": "bearer", "expires_in": 300})


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(rsa.generate_private_key(65537, 2048), "RS384"), (ec.generate_private_key(ec.SECP384R1()), "ES384")],
    ids=["RS384", "ES384"],
)
async def test_a_token_is_asked_for_once_kept_and_renewed_once_when_it_is_not_taken(
    fhir: Fhir, receiver: FhirReceiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Any, algorithm: str
) -> None:
    """SMART Backend Services: signed as RFC 7523 has it; a 401 renews once, a second one pauses the channel."""
    tokens = TokenServer(key)
    runner = web.ServerRunner(web.Server(tokens))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    at = f"127.0.0.1:{runner.addresses[0][1]}"
    url = f"http://{at}/token"
    monkeypatch.setenv("HANDOFF_OUTGOING_LOOPBACK", f"{os.environ['HANDOFF_OUTGOING_LOOPBACK']},{at}")
    try:
        way = channel(receiver.base_url, tmp_path / "s", tokenUrl=url, clientId="warm-handoff", keyId="k1")
        file = way.secrets / "fhir.pem"
        file.touch(mode=0o600)
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        receiver.tokens |= {"token-1"}
        for _ in range(2):
            assert await fhir.attempt(way, handover(offer())) == Delivered("TRANSACTION_DONE")
        assert tokens.given == ["token-1"]
        receiver.tokens = {"token-2"}
        assert await fhir.attempt(way, handover(offer())) == Delivered("TRANSACTION_DONE")
        assert tokens.given == ["token-1", "token-2"]
        receiver.tokens = set()
        assert await fhir.attempt(way, handover(offer())) == Refused("HTTP_401", pause=True)
        assert tokens.given == ["token-1", "token-2", "token-3"]
    finally:
        await runner.cleanup()
    head, claims = tokens.claims[0]
    assert (head["alg"], head["kid"]) == (algorithm, "k1")
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("warm-handoff", "warm-handoff", url)
    assert claims["iat"] < claims["exp"] <= claims["iat"] + 300
    assert claims["jti"] != tokens.claims[1][1]["jti"]
