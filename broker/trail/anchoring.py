"""Checkpoints in others' hands: a witness cosigns one, a time stamp authority says when it was there.

Without anything in other hands, a thief of the log's key can rewrite it from the newest checkpoint that anybody holds.
An anchor is asked for the newest published checkpoint and its answer is checked before it is kept, beside the log, in
`anchors/`; exports take it along, and `handoff-verify` checks it anew, on its own.
"""

import asyncio
import struct
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Protocol

import aiohttp

from broker import limits
from broker.trail.errors import AnchorRefused, AnchorUnreachable
from broker.trail.exporting import ANCHORS
from broker.trail.notes import COSIGNATURE, Note, Verifier
from broker.trail.proofs import PublishedLog, lines_of
from broker.trail.publishing import checkpoint_of
from broker.trail.tiles import write_whole

_CONFLICT: Final = 409
_OK: Final = 200


class Anchor(Protocol):
    """Somebody who vouches for a checkpoint."""

    @property
    def name(self) -> str:
        """What tells anchors apart in file names: letters and digits."""
        ...

    async def vouch(self, log: PublishedLog, note: str) -> Mapping[str, bytes]:
        """Ask for this checkpoint of the log: what is to be kept, by the ending of its file's name.

        Raises:
            AnchorUnreachable: there is no answer.
            AnchorRefused: it does not vouch, or not for this.
        """
        ...


async def anchor(folder: Path, by: Anchor) -> Path:
    """Have the newest checkpoint of the log in this folder vouched for, and keep that; returns where it is.

    Raises:
        NotInLog: no checkpoint was published.
        AnchorUnreachable, AnchorRefused: as `Anchor.vouch`.
    """
    log = PublishedLog(folder)
    note = log.checkpoint()
    kept = await by.vouch(log, note)
    path = folder / ANCHORS / f"{checkpoint_of(note).size}-{by.name}"
    for ending, content in kept.items():
        await asyncio.to_thread(write_whole, path.with_name(path.name + ending), content)
    return path


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness of c2sp.org/tlog-witness at this address; its key is of type 04, a timestamped cosignature."""

    url: str
    key: Verifier

    @property
    def name(self) -> str:
        """By its key."""
        return self.key.key_id.hex()

    async def vouch(self, log: PublishedLog, note: str) -> Mapping[str, bytes]:
        """The note with its cosignature below the log's own. What the witness has seen last it says itself."""
        size = checkpoint_of(note).size
        status, answer = await self._asked(log, note, 0)
        if status == _CONFLICT:
            seen = answer.decode("ascii", "replace").strip()
            if not seen.isdecimal() or int(seen) > size:
                raise AnchorRefused("The witness has seen a longer log than this one.")
            status, answer = await self._asked(log, note, int(seen))
        if status != _OK:
            raise AnchorRefused(f"The witness does not cosign this checkpoint ({status}).")
        return {".cosigned": self._cosigned(note, answer).encode()}

    async def _asked(self, log: PublishedLog, note: str, old: int) -> tuple[int, bytes]:
        proof = await asyncio.to_thread(log.consistency, old, checkpoint_of(note).size)
        body = "\n".join([f"old {old}", *lines_of(proof), "", note]).encode()
        return await _post(f"{self.url}/add-checkpoint", body, "text/plain")

    def _cosigned(self, note: str, answer: bytes) -> str:
        """The note with the witness's own line.

        Raises:
            AnchorRefused: no line of the answer is its cosignature of this note.
        """
        text = Note.read(note).text
        for line in answer.decode("utf-8", "replace").splitlines():
            try:
                _, name, value = line.split(" ")
                signature = b64decode(value, validate=True)
                (at,) = struct.unpack(">Q", signature[4:12])
            except (ValueError, struct.error):
                continue
            message = f"cosignature/v1\ntime {at}\n{text}".encode()
            mine = (name, signature[:4]) == (self.key.name, self.key.key_id)
            if mine and self.key.made(message, signature[12:]):
                return f"{note}{line}\n"
        raise AnchorRefused("The witness's answer is not its cosignature of this checkpoint.")


def witness_key(vkey: str) -> Verifier:
    """The key of a witness, handed on as `name+id+key`.

    Raises:
        CheckpointBroken: this is none.
    """
    return Verifier.of_vkey(vkey, COSIGNATURE)


@dataclass(frozen=True, slots=True)
class TimeStampAuthority:
    """An authority of RFC 3161 at this address. `certificate` (PEM) is of the root that its tokens are checked with."""

    url: str
    certificate: bytes

    @property
    def name(self) -> str:
        """By its address, without showing it."""
        return "tsa" + sha256(self.url.encode()).hexdigest()[:8]

    async def vouch(self, log: PublishedLog, note: str) -> Mapping[str, bytes]:
        """The token, and beside it the note that it stamps.

        Raises:
            AnchorRefused: also where the optional package for time stamps is not installed.
        """
        try:
            from cryptography.x509 import load_pem_x509_certificate
            from rfc3161_client import TimestampRequestBuilder, VerificationError, VerifierBuilder
            from rfc3161_client import decode_timestamp_response as decoded
        except ImportError:
            raise AnchorRefused(
                "Time stamps need a package that is not installed.", remedy="pip install 'warm-handoff[anchors]'"
            ) from None
        root = load_pem_x509_certificate(self.certificate)
        asked = TimestampRequestBuilder().data(note.encode()).nonce(nonce=True).cert_request(cert_request=True)
        request = asked.build()
        status, answer = await _post(self.url, request.as_bytes(), "application/timestamp-query")
        if status != _OK:
            raise AnchorRefused(f"The authority does not stamp this checkpoint ({status}).")
        try:
            verifier = VerifierBuilder.from_request(request).add_root_certificate(root).build()
            verifier.verify_message(decoded(answer), note.encode())
        except (ValueError, VerificationError):
            raise AnchorRefused("The authority's token is not one for this checkpoint by this certificate.") from None
        return {".tsr": answer, ".note": note.encode()}


async def _post(url: str, body: bytes, kind: str) -> tuple[int, bytes]:
    timeout = aiohttp.ClientTimeout(total=limits.anchor_seconds_max)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, data=body, headers={"content-type": kind}, allow_redirects=False) as answer,
        ):
            content = bytearray()
            async for part in answer.content.iter_chunked(4096):
                content += part
                if len(content) > limits.anchor_answer_bytes_max:
                    raise AnchorRefused
            return answer.status, bytes(content)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise AnchorUnreachable(f"An anchor does not answer ({type(error).__name__}).") from None
