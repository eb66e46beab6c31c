"""The test vectors of docs/wire-format.md, computed by the second implementation from fixed inputs.

`python -m tests.seal.make_vectors` writes docs/wire-format-vectors.json; a test fails where the file differs.
"""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.seal import reference

FILE: Final = Path(__file__).parents[2] / "docs" / "wire-format-vectors.json"

REFERRAL: Final = "ref-0b6e9d0c-6f0b-4a57-9f1e-3a7f0c2d5e44"
REQUESTED: Final = "5b1d6f0e-7c7a-4c7e-9a0f-2f3c8f0a9d11"
AGENCY: Final = "org-advocacy-a"
SHELTER: Final = "org-shelter-b"
SIGNING_KEY: Final = f"{AGENCY}#2026-01"
SEALING_KEY: Final = f"{SHELTER}#2026-01"
DIRECTORY_KEY: Final = "org-broker#directory-2026-01"
SAFE_CONTACT: Final = (
    '{"mode":"DIRECT","handle":"+15555550142","channel":"VOICE","windows":[{"rrule":"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",'
    '"startsAt":"09:00","endsAt":"15:30","timezone":"America/Los_Angeles"}],"ifSomeoneElseAnswers":"WRONG_NUMBER",'
    '"deviceMonitored":"UNKNOWN","lastConfirmedAt":"2026-03-04T01:55:00Z"}'
)
PERSON: Final = '{"firstName":"Ana","pronouns":"SHE"}'
PADDED_LENGTHS: Final = (0, 1, 255, 256, 511, 512, 1023, 1024, 2047, 2048, 4095, 4096, 8191)


def invented(label: str, count: int = 32) -> bytes:
    """Fixed bytes in place of randomness, so that the vectors never change. Never do this with a real key."""
    return hashlib.sha256(b"warm-handoff test vector: " + label.encode()).digest()[:count]


def vectors() -> dict[str, Any]:
    """All of them, as the file holds them."""
    sealed = [_sealed("FG03", SAFE_CONTACT), _sealed("FG04", PERSON)]
    wraps = [_wrapped(group) for group in sealed]
    requested, released = _requested(sealed), _wraps_published(wraps)
    return {
        "note": "Keys and randomness are derived from fixed words and must never be used. Bytes are hexadecimal"
        " unless the wire format itself writes them as base64url.",
        "keys": _keys(),
        "padding": [_padding(length) for length in PADDED_LENGTHS],
        "sealedGroups": sealed,
        "wrappedKeys": wraps,
        "directory": _directory(),
        "events": [_binary(requested), _structured(requested), _binary(released), _structured(released)],
        "requests": [_asked(f"/events/{REQUESTED}"), _asked("/notices?after=0.17_1.4&wait=20")],
    }


def _keys() -> dict[str, Any]:
    signing = Ed25519PrivateKey.from_private_bytes(invented("signing key"))
    sealing = X25519PrivateKey.from_private_bytes(invented("sealing key"))
    return {
        "signing": {
            "keyId": SIGNING_KEY,
            "private": signing.private_bytes_raw().hex(),
            "public": signing.public_key().public_bytes_raw().hex(),
        },
        "sealing": {
            "keyId": SEALING_KEY,
            "private": sealing.private_bytes_raw().hex(),
            "public": sealing.public_key().public_bytes_raw().hex(),
        },
    }


def _directory() -> dict[str, Any]:
    seed = invented("directory key")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    sealing = {
        "keyId": SEALING_KEY,
        "publicKey": reference.to_text(bytes.fromhex(_keys()["sealing"]["public"])),
        "createdAt": "2026-01-05T09:00:00Z",
    }
    lost = X25519PrivateKey.from_private_bytes(invented("lost key")).public_key().public_bytes_raw()
    stolen = {
        "keyId": f"{SHELTER}#2025-07",
        "publicKey": reference.to_text(lost),
        "createdAt": "2025-07-01T09:00:00Z",
        "revokedAt": "2026-01-04T22:15:00Z",
    }
    shelter = {
        "orgId": SHELTER,
        "name": "Shelter B",
        "orgClass": "VSP_SHELTER",
        "category": "SHELTER",
        "profile": {"services": ["EMERGENCY_SHELTER"]},
        "sealingKeys": [stolen, sealing],
        "signingKeys": [],
    }
    content = _json({"broker": "org-broker", "issuedAt": "2026-01-05T09:30:00Z", "organisations": [shelter]})
    return {
        "keyId": DIRECTORY_KEY,
        "private": seed.hex(),
        "public": public.hex(),
        "content": content,
        "signedBytes": reference.directory_message(content.encode(), DIRECTORY_KEY).hex(),
        "file": reference.directory_file(content.encode(), DIRECTORY_KEY, seed).decode(),
    }


def _padding(length: int) -> dict[str, Any]:
    padded = reference.padded(b"x" * length)
    return {"textBytes": length, "paddedBytes": len(padded), "paddedSha256": hashlib.sha256(padded).hexdigest()}


def _sealed(group: str, text: str) -> dict[str, Any]:
    content_key, nonce = invented(f"content key {group}"), invented(f"nonce {group}", 12)
    return {
        "referralId": REFERRAL,
        "fieldGroup": group,
        "text": text,
        "contentKey": content_key.hex(),
        "nonce": nonce.hex(),
        "associatedData": reference.group_aad(REFERRAL, group).hex(),
        "ciphertext": reference.seal(REFERRAL, group, text.encode(), content_key, nonce),
    }


def _wrapped(sealed: dict[str, Any]) -> dict[str, Any]:
    group, ciphertext = sealed["fieldGroup"], sealed["ciphertext"]
    public, ephemeral = bytes.fromhex(_keys()["sealing"]["public"]), invented(f"ephemeral key {group}")
    content_key = bytes.fromhex(sealed["contentKey"])
    sealed_bytes = reference.to_bytes(ciphertext)
    return {
        "referralId": REFERRAL,
        "fieldGroup": group,
        "recipient": SHELTER,
        "keyId": SEALING_KEY,
        "ciphertextSha256": hashlib.sha256(sealed_bytes).hexdigest(),
        "info": reference.key_info(REFERRAL, group, SHELTER, SEALING_KEY, sealed_bytes).hex(),
        "ephemeralPrivate": ephemeral.hex(),
        "wrapped": reference.wrap(REFERRAL, group, ciphertext, content_key, SEALING_KEY, public, ephemeral),
    }


def _requested(sealed: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    attributes = _attributes("referral.requested", REQUESTED)
    attributes |= {"expirytime": "2026-03-04T06:10:00Z", "consentid": "c7a6a0d8-2c0e-4c0b-8a75-0f4f3a3f6f10"}
    content = {
        "priority": "P1",
        "services": ["EMERGENCY_SHELTER"],
        "needSummary": {"adults": 1, "children": 2, "childAgeBands": ["0-2", "6-9"], "safeTonight": False},
        "accessNeeds": {"preferredLanguage": "es", "interpreter": True},
        "jurisdictionCode": "US-CA",
        "area": "US-CA-001",
        "victimAgreed": "YES",
        "agreedAt": "2026-03-04T01:58:00Z",
        "sealed": [{"fieldGroup": one["fieldGroup"], "suite": "v1", "ciphertext": one["ciphertext"]} for one in sealed],
    }
    return {**attributes, "consentver": 1}, content


def _wraps_published(wraps: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = ("fieldGroup", "recipient", "keyId", "wrapped")
    content = {"wraps": [{name: one[name] for name in names} for one in wraps]}
    return _attributes("referral.sealed", "0d9f4c1e-5a6b-4e2f-8c37-9b1a2e4d6f80"), content


def _attributes(kind: str, event_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": f"urn:dvb:org:{AGENCY}",
        "type": f"org.warmhandoff.{kind}.v1",
        "subject": REFERRAL,
        "time": "2026-03-04T02:10:00Z",
        "partitionkey": REFERRAL,
        "msgstatus": "actual",
    }


def _binary(event: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    attributes, content = event
    headers = {f"ce_{name}": str(value) for name, value in attributes.items()}
    return _record("binary", _topic(attributes), headers | {"content-type": "application/json"}, _json(content))


def _structured(event: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    attributes, content = event
    headers = {"content-type": "application/cloudevents+json; charset=UTF-8"}
    whole = _json({**attributes, "datacontenttype": "application/json", "data": content})
    return _record("structured", _topic(attributes), headers, whole)


def _topic(attributes: dict[str, Any]) -> str:
    keys = attributes["type"] == "org.warmhandoff.referral.sealed.v1"
    return f"{'source-keys' if keys else 'source'}.{AGENCY}"


def _record(mode: str, topic: str, headers: dict[str, str], value: str) -> dict[str, Any]:
    listed = [(name, text.encode()) for name, text in headers.items()]
    seed = invented("signing key")
    return {
        "mode": mode,
        "topic": topic,
        "key": REFERRAL,
        "headers": headers,
        "value": value,
        "signedBytes": reference.message(listed, value.encode(), SIGNING_KEY).hex(),
        "wh-signature": (signature := reference.signature(listed, value.encode(), SIGNING_KEY, seed)),
        "httpHeaders": reference.over_http(headers | {"wh-signature": signature}),
    }


def _asked(target: str) -> dict[str, Any]:
    """A signed request of the door for agencies."""
    timestamp, seed = "1772590200", invented("signing key")
    return {
        "method": "GET",
        "target": target,
        "wh-timestamp": timestamp,
        "signedBytes": reference.request_message("GET", target, timestamp, SIGNING_KEY).hex(),
        "wh-signature": reference.request_signature("GET", target, timestamp, SIGNING_KEY, seed),
    }


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(",", ":"))


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=2) + "\n")
