"""Anchors of a trail, checked offline: cosignatures of witnesses and tokens of time stamp authorities (RFC 3161).

Beside handoff_verify.py, which loads it where `--witness` or `--tsa` is given. Like that one it imports nothing of the
broker that it checks: Python's standard library and `cryptography` alone. An anchor is a checkpoint that somebody else
has seen: it counts like one that was kept elsewhere.
"""

import hmac
import struct
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256, sha384, sha512
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID

COSIGNED, STAMPED = ".cosigned", ".tsr"
COSIGNATURE = b"\x04"
SEQUENCE, SET, INTEGER, OCTETS, OID, TIME, EXPLICIT = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18, 0xA0
SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
TST_INFO = bytes.fromhex("2a864886f70d0109100104")
CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
DIGESTS = {
    bytes.fromhex("608648016503040201"): (sha256, hashes.SHA256()),
    bytes.fromhex("608648016503040202"): (sha384, hashes.SHA384()),
    bytes.fromhex("608648016503040203"): (sha512, hashes.SHA512()),
}


@dataclass(frozen=True)
class Anchor:
    """A checkpoint's note that somebody else has seen, and when (RFC 3339)."""

    note: bytes
    when: str


def newest(bundle: Path, witnesses: Sequence[str], authorities: Sequence[Path]) -> list[tuple[str, "Anchor | None"]]:
    """Each witness by its key, each authority by its certificate: who that is, and the newest that it has seen.

    Raises:
        ValueError: something is not a witness's key, or not a certificate.
        OSError: a certificate cannot be read.
    """
    seen = [(f"The witness {vkey.split('+')[0]}", witnessed(bundle, vkey)) for vkey in witnesses]
    seen += [(f"The authority of {path.name}", stamped(bundle, path.read_bytes())) for path in authorities]
    return [(who, anchors[-1] if anchors else None) for who, anchors in seen]


def vouched(
    bundle: Path, witnesses: Sequence[str], authorities: Sequence[Path], found: Any, reading: tuple[Any, Any, int, Any]
) -> Iterator[Any]:
    """The newest checkpoint that each has vouched for, as the verifier reads them; where one has for none, it is said.

    `reading` is how a checkpoint is read, the log's keys, the code that stands for one that is missing, and the error
    that is raised where something is not a witness's key, or not a certificate.
    """
    read, keys, missing, not_checkable = reading
    try:
        seen = newest(bundle, witnesses, authorities)
    except ValueError:
        raise not_checkable("A --witness is not a witness's key, or a --tsa not a certificate (PEM).") from None
    for who, anchor in seen:
        if anchor is None:
            found.say(missing, f"{who} has vouched for no checkpoint of the bundle.")
            continue
        yield (checkpoint := read(anchor.note, keys, f"the checkpoint that {who} saw"))
        found.anchors.append(f"{who} saw the log at {checkpoint.size:,} entries on {anchor.when}.")


# --- witnesses (c2sp.org/tlog-cosignature) ---------------------------------------------------------------------------


def witnessed(bundle: Path, vkey: str) -> list[Anchor]:
    """The checkpoints of the bundle that the witness with this key has cosigned, the smallest first.

    Raises:
        ValueError: this is not a key of a witness.
    """
    name, key_id, encoded = vkey.strip().split("+", 2)
    raw = b64decode(encoded, validate=True)
    made = sha256(name.encode() + b"\n" + raw).digest()[:4]
    if raw[:1] != COSIGNATURE or made.hex() != key_id:
        raise ValueError("not a key of a witness")
    key = Ed25519PublicKey.from_public_bytes(raw[1:])
    found = [(path, cosigned_at(path.read_bytes(), name, made, key)) for path in anchors(bundle, COSIGNED)]
    return [Anchor(path.read_bytes(), when) for path, when in found if when is not None]


def anchors(bundle: Path, kind: str) -> list[Path]:
    """The bundle's anchors of a kind, `anchors/<size><kind>` and, of several at a size, `anchors/<size>-<n><kind>`."""
    paths = (bundle / "anchors").glob(f"*{kind}")
    return sorted(paths, key=lambda path: (len(path.name.split("-")[0]), path.name))


def cosigned_at(note: bytes, name: str, key_id: bytes, key: Ed25519PublicKey) -> str | None:
    """When this key cosigned the note; None where it did not."""
    text, _, below = note.rpartition(b"\n\n")
    for line in below.decode(errors="replace").splitlines():
        try:
            _, by, value = line.split(" ")
            signature = b64decode(value, validate=True)
            if by == name and signature[:4] == key_id:
                (at,) = struct.unpack(">Q", signature[4:12])
                key.verify(signature[12:], f"cosignature/v1\ntime {at}\n".encode() + text + b"\n")
                return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
        except (ValueError, struct.error, OverflowError, OSError, InvalidSignature):
            continue
    return None


# --- time stamp authorities (RFC 3161) -------------------------------------------------------------------------------


def stamped(bundle: Path, certificate: bytes) -> list[Anchor]:
    """The checkpoints of the bundle that this authority has stamped, the smallest first.

    `certificate` (PEM) is the one that signs its tokens, or the one that issued that.

    Raises:
        ValueError: this is no certificate.
    """
    authority = x509.load_pem_x509_certificate(certificate)
    found = []
    for path in anchors(bundle, STAMPED):
        note = path.with_suffix(".note").read_bytes()
        when = stamped_at(path.read_bytes(), note, authority)
        if when is not None:
            found.append(Anchor(note, f"{when:%Y-%m-%dT%H:%M:%SZ}"))
    return found


def stamped_at(answer: bytes, note: bytes, authority: x509.Certificate) -> datetime | None:
    """When the authority stamped the note, by its answer (a TimeStampResp); None where it did not stamp this."""
    try:
        return _stamped_at(answer, note, authority)
    except (ValueError, IndexError, KeyError):
        return None


def _stamped_at(answer: bytes, note: bytes, authority: x509.Certificate) -> datetime:
    _, token = children(whole(answer, SEQUENCE))
    kind, wrapped = children(expect(token, SEQUENCE))
    if expect(kind, OID) != SIGNED_DATA:
        raise ValueError("not signed data")
    _, _, content, *rest = children(whole(expect(wrapped, EXPLICIT), SEQUENCE))
    inner_kind, inner = children(expect(content, SEQUENCE))
    if expect(inner_kind, OID) != TST_INFO:
        raise ValueError("not a time stamp")
    info = whole(expect(inner, EXPLICIT), OCTETS)
    enclosed = [one for part in rest[:-1] if part.tag == EXPLICIT for one in children(part.body)]
    certificates = [x509.load_der_x509_certificate(one.whole) for one in enclosed]
    signers = children(expect(rest[-1], SET))
    when = read_info(info, note)
    candidates = [authority, *(one for one in certificates if issued(one, authority))]
    if not any(signed(signers[0], info, one) for one in candidates if may_stamp(one, when)):
        raise ValueError("not signed by this authority")
    return when


def read_info(info: bytes, note: bytes) -> datetime:
    """The time of a TSTInfo that stamps these bytes."""
    _, _, imprint, _, when, *_ = children(whole(info, SEQUENCE))
    algorithm, digest = children(expect(imprint, SEQUENCE))
    make, _ = DIGESTS[expect(children(expect(algorithm, SEQUENCE))[0], OID)]
    if not hmac.compare_digest(make(note).digest(), expect(digest, OCTETS)):
        raise ValueError("stamps something else")
    text = expect(when, TIME).decode("ascii").removesuffix("Z").partition(".")[0]
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority's certificate issued this one."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def may_stamp(certificate: x509.Certificate, when: datetime) -> bool:
    """Whether a certificate is one for time stamps, and was valid then."""
    if not certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc:
        return False
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return ExtendedKeyUsageOID.TIME_STAMPING in uses


def signed(signer: "Part", info: bytes, certificate: x509.Certificate) -> bool:
    """Whether this certificate's key made the signature of a SignerInfo over a TSTInfo."""
    _, _, algorithm, attributes, _, signature, *_ = children(expect(signer, SEQUENCE))
    make, digest = DIGESTS[expect(children(expect(algorithm, SEQUENCE))[0], OID)]
    said = {}
    for one in children(expect(attributes, EXPLICIT)):
        name, values = children(expect(one, SEQUENCE))
        said[expect(name, OID)] = children(expect(values, SET))[0]
    if expect(said[CONTENT_TYPE], OID) != TST_INFO or expect(said[MESSAGE_DIGEST], OCTETS) != make(info).digest():
        return False
    message, key = bytes([SET]) + attributes.whole[1:], certificate.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(expect(signature, OCTETS), message, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(expect(signature, OCTETS), message, ec.ECDSA(digest))
        else:
            return False
    except InvalidSignature:
        return False
    return True


# --- DER -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One element: its tag, its content, and all of its bytes."""

    tag: int
    body: bytes
    whole: bytes


def children(content: bytes) -> list[Part]:
    """The elements that stand one after the other."""
    return list(parts(content))


def parts(content: bytes) -> Iterator[Part]:
    """Each element of these bytes.

    Raises:
        ValueError: they are not whole elements.
    """
    at = 0
    while at < len(content):
        tag, length, begin = content[at], content[at + 1], at + 2
        if length & 0x80:
            begin += length & 0x7F
            length = int.from_bytes(content[at + 2 : begin])
        end = begin + length
        if tag & 0x1F == 0x1F or end > len(content):
            raise ValueError("not DER")
        yield Part(tag, content[begin:end], content[at:end])
        at = end


def expect(part: Part, tag: int) -> bytes:
    """The content of an element of this tag."""
    if part.tag != tag:
        raise ValueError("another element was expected")
    return part.body


def whole(content: bytes, tag: int) -> bytes:
    """The content of the one element of this tag that these bytes are."""
    (one,) = children(content)
    return expect(one, tag)
