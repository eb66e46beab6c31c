"""A time stamp authority of the test's own (RFC 3161) and a witness (c2sp.org/tlog-witness), as web applications."""

import struct
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker.trail.handoff_verify_anchors import children
from broker.trail.merkle import consistent
from broker.trail.notes import COSIGNATURE, Checkpoint, Verifier, believed
from broker.trail.proofs import hashes_of

_SHA256: Final = bytes.fromhex("300d06096086480165030402010500")
_TST: Final = bytes.fromhex("060b2a864886f70d0109100104")
_SIGNED_DATA: Final = bytes.fromhex("06092a864886f70d010702")
_CONTENT_TYPE: Final = bytes.fromhex("06092a864886f70d010903")
_MESSAGE_DIGEST: Final = bytes.fromhex("06092a864886f70d010904")
_POLICY: Final = bytes.fromhex("06032a0304")
_ECDSA: Final = bytes.fromhex("300a06082a8648ce3d040302")
_RSA: Final = bytes.fromhex("300d06092a864886f70d0101010500")


def der(tag: int, *parts: bytes) -> bytes:
    """One element."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes([tag, len(body)]) + body
    length = len(body).to_bytes(-(-len(body).bit_length() // 8))
    return bytes([tag, 0x80 | len(length)]) + length + body


def integer(number: int) -> bytes:
    """A positive number."""
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1))


@dataclass
class Authority:
    """An authority with a root of its own and a certificate for stamps; if it is `wrong`, they are of other bytes."""

    by_rsa: bool = False
    wrong: bool = False
    uses: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING

    def __post_init__(self) -> None:
        self._root_key = ec.generate_private_key(ec.SECP256R1())
        self._key = rsa.generate_private_key(65537, 2048) if self.by_rsa else ec.generate_private_key(ec.SECP256R1())
        self.root = self._certificate("root", self._root_key.public_key(), None)
        self.leaf = self._certificate("stamps", self._key.public_key(), self.uses)

    def _certificate(
        self, name: str, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, uses: x509.ObjectIdentifier | None
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        named, root = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, "root"))
        made = (
            x509.CertificateBuilder()
            .subject_name(named)
            .issuer_name(root)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=uses is None, path_length=None), critical=True)
        )
        if uses is not None:
            made = made.add_extension(x509.ExtendedKeyUsage([uses]), critical=True)
        return made.sign(self._root_key, hashes.SHA256())

    def pem(self, certificate: x509.Certificate) -> bytes:
        """A certificate as a file has it."""
        return certificate.public_bytes(Encoding.PEM)

    def stamp(self, imprint: bytes, nonce: bytes, at: datetime | None = None) -> bytes:
        """A granted TimeStampResp for this message imprint (DER)."""
        when = f"{at or datetime.now(UTC):%Y%m%d%H%M%SZ}".encode()
        info = der(0x30, integer(1), _POLICY, imprint, integer(7), der(0x18, when), nonce)
        attributes = [
            der(0x30, _CONTENT_TYPE, der(0x31, _TST)),
            der(0x30, _MESSAGE_DIGEST, der(0x31, der(0x04, sha256(info).digest()))),
        ]
        signer = der(
            0x30,
            integer(1),
            der(0x30, self.leaf.issuer.public_bytes(), integer(self.leaf.serial_number)),
            _SHA256,
            der(0xA0, *attributes),
            _RSA if self.by_rsa else _ECDSA,
            der(0x04, self._signed(der(0x31, *attributes))),
        )
        content = der(0x30, _TST, der(0xA0, der(0x04, info)))
        certificate = der(0xA0, self.leaf.public_bytes(Encoding.DER))
        signed = der(0x30, integer(3), der(0x31, _SHA256), content, certificate, der(0x31, signer))
        return der(0x30, der(0x30, integer(0)), der(0x30, _SIGNED_DATA, der(0xA0, signed)))

    def _signed(self, message: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(message, ec.ECDSA(hashes.SHA256()))

    async def answer(self, request: web.Request) -> web.Response:
        """A stamp for what a TimeStampReq asks for: its imprint, and its nonce given back."""
        asked = await request.read()
        [whole] = children(asked)
        _, imprint, nonce, *_ = (part.whole for part in children(whole.body))
        if self.wrong:
            imprint = imprint[:-1] + bytes([imprint[-1] ^ 1])
        return web.Response(body=self.stamp(imprint, nonce), content_type="application/timestamp-reply")


@dataclass
class Witnessing:
    """A witness that knows one log's key, and cosigns only what grows from what it has cosigned before."""

    log: Verifier
    seen: Checkpoint | None = None
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def verifier(self) -> Verifier:
        """Its public key."""
        return Verifier("witness.example", self.key.public_key().public_bytes_raw(), COSIGNATURE)

    async def answer(self, request: web.Request) -> web.Response:
        """POST /add-checkpoint."""
        head, _, note = (await request.text()).partition("\n\n")
        first, _, proof = head.partition("\n")
        old, found = int(first.removeprefix("old ")), believed(note, [self.log])
        size = 0 if self.seen is None else self.seen.size
        if old != size:
            return web.Response(status=409, text=f"{size}\n", content_type="text/x.tlog.size")
        root = sha256().digest() if self.seen is None else self.seen.root
        if not consistent(old, found.size, hashes_of(proof), root, found.root):
            return web.Response(status=422)
        self.seen = found
        return web.Response(text=self.cosignature(found.text))

    def cosignature(self, text: str, at: int | None = None) -> str:
        """Its line below a note of this text."""
        when = int(datetime.now(UTC).timestamp()) if at is None else at
        signed = self.key.sign(f"cosignature/v1\ntime {when}\n{text}".encode())
        value = b64encode(self.verifier.key_id + struct.pack(">Q", when) + signed).decode()
        return f"— {self.verifier.name} {value}\n"


@asynccontextmanager
async def open_at(path: str, answers: Authority | Witnessing) -> AsyncIterator[str]:
    """One of them behind an address while the block lasts; gives its base."""
    app = web.Application()
    app.router.add_post(path, answers.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
