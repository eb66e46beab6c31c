"""Rebuilds the states of needs and offers from the trail's texts alone, and says where the tables tell otherwise.

What was changed behind the trail's back, or done without an entry, shows here; the log itself can only show what was
done to entries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from broker.schemas.vocabulary import NeedState, OfferState
from broker.sql.bulk import Connection
from broker.trail.entries import Step

_TEXTS: Final = "SELECT kind, referral_id, preimage FROM trail_entry WHERE kind = ANY($1::text[]) ORDER BY idx"
_KINDS: Final = (Step.REFERRAL_SUBMITTED, Step.NEED_MOVED, Step.OFFERS_MADE, Step.OFFER_MOVED)
_ROWS_AT_ONCE: Final = 2000

Name = tuple[str, str]
"""A referral and its category, or a referral and an offer."""


class Difference(NamedTuple):
    """One thing of which the tables and the trail tell differently; None where one of them knows nothing of it."""

    what: str
    referral_id: str
    name: str
    table: str | None
    trail: str | None


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


async def differences(connection: Connection) -> tuple[int, list[Difference]]:
    """How many needs and offers were compared, and where tables and trail differ; both are read at one moment."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rebuilt = Rebuilt()
        async for row in connection.cursor(_TEXTS, list(_KINDS), prefetch=_ROWS_AT_ONCE):
            rebuilt.take(row["kind"], row["referral_id"], from_json(row["preimage"]))
        needs = await connection.fetch("SELECT referral_id, category, state FROM need")
        offers = await connection.fetch("SELECT referral_id, offer_id, state FROM offer")
    found = [
        *rebuilt.broken,
        *_compared("need", {(row["referral_id"], row["category"]): row["state"] for row in needs}, rebuilt.needs),
        *_compared("offer", {(row["referral_id"], row["offer_id"]): row["state"] for row in offers}, rebuilt.offers),
    ]
    return len(needs) + len(offers), found


def _compared(what: str, table: Mapping[Name, str], trail: Mapping[Name, str]) -> list[Difference]:
    names = sorted(table.keys() | trail.keys())
    return [
        Difference(what, *name, table.get(name), trail.get(name))
        for name in names
        if table.get(name) != trail.get(name)
    ]
