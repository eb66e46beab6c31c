"""A second implementation of docs/wire-format.md, written from that page alone: it imports nothing of the project.

Randomness (nonce, content key, HPKE's ephemeral key) comes in as arguments, so that its outputs can be written down.
HPKE is RFC 9180 from raw X25519, HMAC and AES-GCM.
"""

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

Header = tuple[str, bytes]


def to_text(content: bytes) -> str:
    """Base64url without padding characters."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def to_bytes(text: str) -> bytes:
    """What base64url text without padding characters holds."""
    return base64.urlsafe_b64decode(text + "==")


class Hpke:
    """RFC 9180 base mode, single shot: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-GCM of 128 or 256 bits."""

    def __init__(self, aead_id: int) -> None:
        self.key_length = {1: 16, 2: 32}[aead_id]
        self.kem = b"KEM" + (0x20).to_bytes(2, "big")
        self.suite = b"HPKE" + (0x20).to_bytes(2, "big") + (1).to_bytes(2, "big") + aead_id.to_bytes(2, "big")

    @staticmethod
    def _extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")

    @staticmethod
    def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, length: int) -> bytes:
        labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
        block, out, count = b"", b"", 0
        while len(out) < length:
            count += 1
            block = hmac.digest(prk, block + labelled + bytes([count]), "sha256")
            out += block
        return out[:length]

    def _shared(self, diffie_hellman: bytes, kem_context: bytes) -> bytes:
        prk = self._extract(self.kem, b"", b"eae_prk", diffie_hellman)
        return self._expand(self.kem, prk, b"shared_secret", kem_context, 32)

    def schedule(self, shared: bytes, info: bytes) -> tuple[bytes, bytes]:
        """The key and the base nonce."""
        psk_id_hash = self._extract(self.suite, b"", b"psk_id_hash", b"")
        info_hash = self._extract(self.suite, b"", b"info_hash", info)
        context = b"\x00" + psk_id_hash + info_hash
        secret = self._extract(self.suite, shared, b"secret", b"")
        key = self._expand(self.suite, secret, b"key", context, self.key_length)
        return key, self._expand(self.suite, secret, b"base_nonce", context, 12)

    def encapsulate(self, ephemeral: bytes, recipient: bytes) -> tuple[bytes, bytes]:
        """The shared secret and the encapsulated key."""
        private = X25519PrivateKey.from_private_bytes(ephemeral)
        enc = private.public_key().public_bytes_raw()
        shared = private.exchange(X25519PublicKey.from_public_bytes(recipient))
        return self._shared(shared, enc + recipient), enc

    def seal(self, ephemeral: bytes, recipient: bytes, info: bytes, text: bytes, aad: bytes = b"") -> bytes:
        """Encapsulated key, then ciphertext."""
        shared, enc = self.encapsulate(ephemeral, recipient)
        key, nonce = self.schedule(shared, info)
        return enc + AESGCM(key).encrypt(nonce, text, aad)

    def open(self, private: bytes, info: bytes, sealed: bytes, aad: bytes = b"") -> bytes:
        """The text; raises `InvalidTag` for anything that was sealed otherwise."""
        enc, ciphertext = sealed[:32], sealed[32:]
        own = X25519PrivateKey.from_private_bytes(private)
        shared = own.exchange(X25519PublicKey.from_public_bytes(enc))
        kem_context = enc + own.public_key().public_bytes_raw()
        key, nonce = self.schedule(self._shared(shared, kem_context), info)
        return AESGCM(key).decrypt(nonce, ciphertext, aad)


def lengths_and_parts(*parts: bytes) -> bytes:
    """Each part after its length in two bytes."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def padded(text: bytes) -> bytes:
    """The text, 0x80, zeros up to the next size class."""
    size = next(size for size in (256, 512, 1024, 2048, 4096, 8192) if size > len(text))
    return text + b"\x80" + bytes(size - len(text) - 1)


def unpadded(text: bytes) -> bytes:
    """What stands before the last 0x80."""
    return text[: text.rindex(b"\x80")]


def group_aad(referral: str, group: str) -> bytes:
    """The associated data of a sealed group."""
    return lengths_and_parts(b"warm-handoff/group/v1", referral.encode(), group.encode())


def key_info(referral: str, group: str, recipient: str, key_id: str, ciphertext: bytes) -> bytes:
    """HPKE's info for a wrapped key."""
    names = [part.encode() for part in (referral, group, recipient, key_id)]
    return lengths_and_parts(b"warm-handoff/key/v1", *names, hashlib.sha256(ciphertext).digest())


def seal(referral: str, group: str, text: bytes, content_key: bytes, nonce: bytes) -> str:
    """The `ciphertext` of a sealed group."""
    return to_text(nonce + AESGCM(content_key).encrypt(nonce, padded(text), group_aad(referral, group)))


def wrap(
    referral: str, group: str, ciphertext: str, content_key: bytes, key_id: str, public: bytes, ephemeral: bytes
) -> str:
    """The `wrapped` of a wrapped key."""
    info = key_info(referral, group, key_id.split("#")[0], key_id, to_bytes(ciphertext))
    return to_text(Hpke(2).seal(ephemeral, public, info, content_key))


def open_sealed(referral: str, group: str, ciphertext: str, key_id: str, wrapped: str, private: bytes) -> bytes:
    """The text of a sealed group."""
    sealed = to_bytes(ciphertext)
    info = key_info(referral, group, key_id.split("#")[0], key_id, sealed)
    content_key = Hpke(2).open(private, info, to_bytes(wrapped))
    return unpadded(AESGCM(content_key).decrypt(sealed[:12], sealed[12:], group_aad(referral, group)))


def message(headers: list[Header], value: bytes, key_id: str) -> bytes:
    """What is signed."""
    out = b"warm-handoff/event/v1\x00" + lengths_and_parts(key_id.encode())
    for name, content in sorted((name.encode(), content) for name, content in headers):
        if name == b"content-type" or name.startswith(b"ce_"):
            out += lengths_and_parts(name) + len(content).to_bytes(4, "big") + content
    return out + len(value).to_bytes(8, "big") + hashlib.sha256(value).digest()


def signature(headers: list[Header], value: bytes, key_id: str, seed: bytes) -> str:
    """The value of `wh-signature`."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return f"v1 {key_id} {to_text(private.sign(message(headers, value, key_id)))}"


def over_http(headers: dict[str, str]) -> dict[str, str]:
    """The headers of an event, with its signature, as those of `POST /events`."""
    return {("ce-" + name[3:] if name.startswith("ce_") else name): text for name, text in headers.items()}


def request_message(method: str, target: str, timestamp: str, key_id: str) -> bytes:
    """What is signed of a request without a body."""
    asked = f"{method} {target} {timestamp}".encode()
    length = len(asked).to_bytes(8, "big")
    return b"warm-handoff/request/v1\x00" + lengths_and_parts(key_id.encode()) + length + hashlib.sha256(asked).digest()


def request_signature(method: str, target: str, timestamp: str, key_id: str, seed: bytes) -> str:
    """The `wh-signature` of such a request."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return f"v1 {key_id} {to_text(private.sign(request_message(method, target, timestamp, key_id)))}"


def directory_message(content: bytes, key_id: str) -> bytes:
    """What the operator signs of a directory."""
    length = len(content).to_bytes(8, "big")
    return (
        b"warm-handoff/directory/v1\x00"
        + lengths_and_parts(key_id.encode())
        + length
        + hashlib.sha256(content).digest()
    )


def directory_file(content: bytes, key_id: str, seed: bytes) -> bytes:
    """The directory as it is handed out."""
    signed = Ed25519PrivateKey.from_private_bytes(seed).sign(directory_message(content, key_id))
    return f"wh-directory: v1 {key_id} {to_text(signed)}\n".encode() + content


def read_directory(file: bytes, pinned: dict[str, bytes]) -> bytes:
    """The JSON of a directory; raises `InvalidSignature` where the signature does not fit."""
    line, _, content = file.partition(b"\n")
    name, version, key_id, text = line.decode().split(" ")
    assert (name, version) == ("wh-directory:", "v1")
    Ed25519PublicKey.from_public_bytes(pinned[key_id]).verify(to_bytes(text), directory_message(content, key_id))
    return content


def check(headers: list[Header], value: bytes, public: bytes) -> None:
    """Raises `InvalidSignature` where the signature does not fit."""
    version, key_id, text = dict(headers)["wh-signature"].decode().split(" ")
    assert version == "v1"
    Ed25519PublicKey.from_public_bytes(public).verify(to_bytes(text), message(headers, value, key_id))
