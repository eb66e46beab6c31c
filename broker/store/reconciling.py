"""Rebuilds from the trail's texts alone what the tables must say, and tells where they say otherwise.

The states of needs and offers here; who was asked, what was handed over, asked back and consented to in rebuilding.py.
And each disclosure has both its entries: the step names what exactly left, and what left is named by its step.

What was changed behind the trail's back, or done without an entry, shows here; the log itself can only show what was
done to entries.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from pydantic_core import from_json

from broker.schemas.vocabulary import NeedState, OfferState
from broker.sql.bulk import Connection
from broker.store.rebuilding import CONSENTING, HANDING_OVER, Consents, Difference, HandedOver, Name, compared
from broker.trail.entries import Step, commitment

_TEXTS: Final = (
    "SELECT idx, kind, referral_id, preimage, salt FROM trail_entry WHERE kind = ANY($1::text[]) ORDER BY idx"
)
_STATES: Final = (Step.REFERRAL_SUBMITTED, Step.NEED_MOVED, Step.OFFERS_MADE, Step.OFFER_MOVED)
_DISCLOSING: Final = (
    *(Step.OFFERS_MADE, Step.OFFER_MOVED, Step.DISCLOSURE_RELEASED, Step.DISCLOSURE_RECALLED),
    *(Step.DEADLINE_PASSED, Step.FEEDBACK_DECIDED, Step.CONTENT),
)
_IN_THE_LOG: Final = "SELECT commitment FROM log_entry WHERE commitment = ANY($1::bytea[])"
"""Reads the whole log, and is asked only where something is missing."""
_ERASING: Final = (
    "SELECT referral_id FROM erasure WHERE finished_at IS NULL AND (texts > 0 OR entry_idx IS NOT NULL)"
    " AND referral_id IS NOT NULL"
)
_ROWS_AT_ONCE: Final = 2000


@dataclass(slots=True)
class Rebuilt:
    """What the texts say; `broken` are those that left another state than the one before had reached."""

    needs: dict[Name, str] = field(default_factory=dict)
    offers: dict[Name, str] = field(default_factory=dict)
    broken: list[Difference] = field(default_factory=list)

    def take(self, kind: str, referral: str, facts: Mapping[str, Any]) -> None:
        """One more entry, in their order."""
        if kind == Step.REFERRAL_SUBMITTED:
            self.needs.update({(referral, category): NeedState.SUBMITTED.value for category in facts["needs"]})
        elif kind == Step.OFFERS_MADE:
            self.offers.update({(referral, one["offer"]): OfferState.MADE.value for one in facts["offers"]})
        elif kind == Step.OFFER_MOVED:
            self._move("offer", self.offers, (referral, facts["offer"]), facts["from"], facts["to"])
        elif "way" in facts:  # else an attempt to reach her, which moves nothing
            self._move("need", self.needs, (referral, facts["need"]), facts["way"][0], facts["way"][-1])

    def _move(self, what: str, states: dict[Name, str], name: Name, left: str, reached: str) -> None:
        before = states.get(name, left)
        if before != left:
            self.broken.append(Difference(what, *name, left, before))
        states[name] = reached


@dataclass(slots=True)
class Contents:
    """Which entries of what exactly left are named by their steps, by commitment, and which are there."""

    named: dict[bytes, str] = field(default_factory=dict)
    unnamed: list[Difference] = field(default_factory=list)

    def take(self, entry: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """One more entry, in their order: a step comes before what it names."""
        for name in facts.get("content", ()):
            self.named[b64decode(name)] = entry["referral_id"]
        if entry["kind"] == Step.CONTENT:
            made = commitment(entry["kind"], entry["preimage"], entry["salt"])
            if self.named.pop(made, None) is None:
                self.unnamed.append(Difference("content", entry["referral_id"], facts["message"], "entered", None))

    async def differences(self, connection: Connection) -> list[Difference]:
        """What is there and not named, or named and not there. An erased text still has its place in the log."""
        sealed = await connection.fetch(_IN_THE_LOG, list(self.named)) if self.named else []
        for row in sealed:
            del self.named[row["commitment"]]
        missing = [Difference("content", referral, name.hex(), None, "named") for name, referral in self.named.items()]
        return [*self.unnamed, *missing]


def _facts(text: bytes) -> Any:
    """What an entry says; None where it is no JSON."""
    try:
        return from_json(text)
    except ValueError:
        return None


def _understood(read: Callable[[], None]) -> bool:
    """Whoever can write a row can write any text into it, and keeps nobody from comparing the rest."""
    try:
        read()
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return True


async def differences(connection: Connection) -> tuple[int, list[Difference]]:
    """How many needs and offers were compared, and where tables and trail differ; both are read at one moment.

    A referral whose erasure has begun is left out: its rows go before the last of its texts.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rebuilt, contents, handed_over, consents = Rebuilt(), Contents(), HandedOver(), Consents()
        kinds = list({*_STATES, *_DISCLOSING, *HANDING_OVER, *CONSENTING})
        async for row in connection.cursor(_TEXTS, kinds, prefetch=_ROWS_AT_ONCE):
            kind, referral, facts = row["kind"], row["referral_id"], _facts(row["preimage"])
            readers: list[Callable[[], None]] = [partial(contents.take, row, facts)]
            if kind in _STATES:
                readers.append(partial(rebuilt.take, kind, referral, facts))
            if kind in HANDING_OVER:
                readers.append(partial(handed_over.take, kind, referral, facts))
            if kind in CONSENTING:
                readers.append(partial(consents.take, kind, facts))
            understood = [_understood(read) for read in readers]  # each of them, whatever another one lacks
            if not all(understood):
                rebuilt.broken.append(Difference("entry", referral or "", f"{kind} {row['idx']}", None, "lacks a word"))
        apart = await contents.differences(connection)
        needs = await connection.fetch("SELECT referral_id, category, state FROM need")
        offers = await connection.fetch("SELECT referral_id, offer_id, state FROM offer")
        given = await handed_over.differences(connection)
        consented = await consents.differences(connection)
        going = {row["referral_id"] for row in await connection.fetch(_ERASING)}
    found = [
        *apart,
        *rebuilt.broken,
        *compared("need", {(row["referral_id"], row["category"]): row["state"] for row in needs}, rebuilt.needs),
        *compared("offer", {(row["referral_id"], row["offer_id"]): row["state"] for row in offers}, rebuilt.offers),
        *given,
        *consented,
    ]
    return len(needs) + len(offers), [one for one in found if one.referral_id not in going]
