"""An agency keeps the newest checkpoint of the log that it has seen, and asks of each newer one that it grows from it.

Whoever holds a checkpoint can show later that the log was cut short or rewritten, even by a thief of the log's own key;
the broker's operator cannot. What contradicts is kept beside what it contradicts: both are signed.
"""

import asyncio
import json
import logging
import os
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from broker import limits
from broker.agency.errors import (
    AgencyError,
    BrokerUnreachable,
    LogContradicted,
    LogForked,
    LogShorter,
    LogSilent,
    ReceiptFalse,
    ReceiptNotYet,
    ZoneIncomplete,
)
from broker.agency.log_door import LogDoor
from broker.schemas.ids import EventId
from broker.trail.errors import CheckpointBroken, TrailError
from broker.trail.merkle import consistent, included, leaf_hash
from broker.trail.notes import Checkpoint, Note, Verifier, believed
from broker.trail.proofs import hashes_of, read_inclusion

log = logging.getLogger(__name__)

FOLDER: Final = "log"
VKEYS_FILE: Final = "vkeys"
"""The log's public keys, one a line, as `handoff trail vkey` printed them at the operator's."""
KEPT_FILE: Final = "checkpoint"
RECEIPTS_FILE: Final = "receipts"
_TIME: Final = "time "


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """Where the broker's entry of an event stands in the log, proved; `entry` is what the log holds there (base64)."""

    event_id: EventId
    index: int
    entry: str


class KeptLog:
    """The log as it was seen from a zone's folder. Several processes of the zone may share the folder."""

    def __init__(self, zone: Path, door: LogDoor) -> None:
        self.contradiction: LogContradicted | None = None
        """What the last look found, if the log was not what it had been."""
        self._folder = zone / FOLDER
        self._door = door
        self._watching: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Look again and again beside everything else, until `end`."""
        self._watching = asyncio.create_task(self.watch(), name="log-watch")

    async def end(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})

    def kept(self) -> Checkpoint | None:
        """The newest checkpoint that was believed here; None before the first."""
        path = self._folder / KEPT_FILE
        return Checkpoint.read(Note.read(path.read_text("utf-8")).text) if path.is_file() else None

    async def look(self) -> Checkpoint:
        """Fetch the newest checkpoint, see that it grows from the kept one, and keep it.

        Raises:
            LogShorter, LogForked: it does not.
            LogSilent: it is older than a living log's may be.
            CheckpointForged, CheckpointBroken: it is not signed by the log's key.
            ZoneIncomplete: the log's key is not here.
            BrokerUnreachable: there is no answer.
        """
        note = await self._door.log("checkpoint")
        if note is None:
            raise BrokerUnreachable("The broker's door shows no log.")
        found = await self._taken(note)
        if _age(found) > limits.log_silent_seconds_max:
            raise LogSilent
        return found

    async def receipt(self, event_id: EventId) -> KeptReceipt:
        """The proved place of an event of ours in the log, which is kept in the zone's folder, too.

        Raises:
            ReceiptNotYet: it is not sealed or published yet.
            ReceiptFalse: the proof does not lead where the broker says.
            LogShorter, LogForked, CheckpointForged, CheckpointBroken, ZoneIncomplete, BrokerUnreachable: as `look`.
        """
        receipt = _told(event_id, await self._door.event(event_id))
        proof = None if receipt is None else await self._door.log(f"proof/{receipt.index}")
        if receipt is None or proof is None:
            raise ReceiptNotYet
        shown = read_inclusion(proof)
        checkpoint, leaf = await self._taken(shown.note), leaf_hash(b64decode(receipt.entry))
        if not included(leaf, receipt.index, checkpoint.size, shown.hashes, checkpoint.root):
            raise ReceiptFalse
        with (self._folder / RECEIPTS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(receipt)) + "\n")
        return receipt

    async def watch(self) -> None:
        """Look again and again, until cancelled; what is found wrong is logged as an error each time."""
        while True:
            try:
                await self.look()
                self.contradiction = None
            except LogContradicted as error:
                self.contradiction = error
                log.error("%s %s", error, error.remedy)
            except BrokerUnreachable as error:
                log.warning("the log was not looked at (%s)", error)
            except (AgencyError, TrailError) as error:
                log.error("%s %s", error, error.remedy)
            await asyncio.sleep(limits.log_look_seconds)

    async def _taken(self, note: str) -> Checkpoint:
        """The checkpoint in this note, after it was believed and held against the kept one, which it replaces."""
        found, kept = believed(note, self._verifiers()), self.kept()
        wrong = None if kept is None else await self._contradiction(kept, found)
        if wrong is not None:
            name = sha256(note.encode()).hexdigest()[:8]
            _put(self._folder / f"contradicts-{found.size}-{name}", note)
            raise wrong
        _put(self._folder / KEPT_FILE, note)
        return found

    async def _contradiction(self, kept: Checkpoint, found: Checkpoint) -> LogContradicted | None:
        if found.origin == kept.origin and found.size < kept.size:
            return LogShorter()
        if found.origin != kept.origin:
            return LogForked()
        hashes: list[bytes] = []
        if 0 < kept.size < found.size:
            lines = await self._door.log(f"consistency/{kept.size}/{found.size}")
            if lines is None:
                return LogForked()
            hashes = hashes_of(lines)
        grown = consistent(kept.size, found.size, hashes, kept.root, found.root)
        return None if grown else LogForked()

    def _verifiers(self) -> list[Verifier]:
        path = self._folder / VKEYS_FILE
        try:
            return [Verifier.of_vkey(line) for line in path.read_text("utf-8").split()]
        except (OSError, UnicodeDecodeError, CheckpointBroken):
            raise ZoneIncomplete(
                f"{path} does not hold the log's public keys.",
                remedy="Put in what `handoff trail vkey` prints at the network's operator, by a way that you trust.",
            ) from None


def _told(event_id: EventId, became: Mapping[str, Any] | None) -> KeptReceipt | None:
    """The receipt in the broker's answer; None where there is none yet."""
    told = None if became is None else became.get("receipt")
    if told is None:
        return None
    try:
        b64decode(told["entry"], validate=True)
        return KeptReceipt(event_id, int(told["index"]), told["entry"])
    except (KeyError, TypeError, ValueError):
        raise ReceiptFalse from None


def _age(checkpoint: Checkpoint) -> float:
    """Seconds since it was signed, as it says itself; for ever where it says nothing."""
    said = next((line for line in checkpoint.extension.splitlines() if line.startswith(_TIME)), _TIME)
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(said.removeprefix(_TIME))).total_seconds()
    except (ValueError, TypeError):
        return float("inf")


def _put(path: Path, note: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(note, encoding="utf-8")
    draft.replace(path)
