"""Rebuilds from the trail's texts who was asked, what was handed over and asked back, and which consents are in force.

Each is held against the rows that the broker acts by: a row that was taken away, put in or altered is named, with what
the trail says in its place. What an older version of the broker did not enter is not compared.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from broker import limits
from broker.domain.release import Revoked, standing
from broker.schemas.consent_record import ConsentRecord, kept_text, text_digest
from broker.schemas.consent_revoked import values_digest
from broker.sql.bulk import Connection
from broker.trail.entries import Step

HANDING_OVER: Final = (Step.OFFERS_MADE, Step.DISCLOSURE_RELEASED, Step.DISCLOSURE_RECALLED, Step.RECALL_ANSWERED)
CONSENTING: Final = (Step.CONSENT_RECORDED, Step.CONSENT_REVOKED)
_AWAITED: Final = "awaited"
_TEXTS_KEPT: Final = timedelta(days=limits.trail_days_unbound - 1)
"""Of consents, whose entries belong to no referral: what is older may have lost its text lawfully."""
_ROWS_KEPT: Final = timedelta(days=limits.consent_tombstone_days - 1)

Name = tuple[str, str]
"""A referral and an offer of it, or an offer and a field group."""


class Difference(NamedTuple):
    """One thing of which the tables and the trail tell differently; None where one of them knows nothing of it.

    `referral_id` is empty where it is about a consent.
    """

    what: str
    referral_id: str
    name: str
    table: str | None
    trail: str | None


def compared(what: str, table: Mapping[Name, str], trail: Mapping[Name, str]) -> list[Difference]:
    """Where the two tell differently."""
    names = sorted(table.keys() | trail.keys())
    return [
        Difference(what, *name, table.get(name), trail.get(name))
        for name in names
        if table.get(name) != trail.get(name)
    ]


@dataclass(slots=True)
class HandedOver:
    """Who was asked, who received what under which consent, and what became of taking it back."""

    providers: dict[Name, str] = field(default_factory=dict)
    disclosed: dict[Name, str] = field(default_factory=dict)
    recalls: dict[Name, str] = field(default_factory=dict)
    _offers: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def take(self, kind: str, referral: str, facts: Mapping[str, Any]) -> None:
        """One more entry, in their order."""
        if kind == Step.OFFERS_MADE:
            for one in facts["offers"]:
                self.providers[referral, one["offer"]] = one["recipient"]
                self._offers[referral, facts["need"], one["recipient"]] = one["offer"]
        elif kind == Step.DISCLOSURE_RELEASED:
            consent = facts["consents"][0] if facts["consents"] else None
            for group in facts["groups"]:
                self.disclosed[referral, f"{facts['offer']} {group}"] = _to(facts["recipient"], consent)
        elif kind in (Step.DISCLOSURE_RECALLED, Step.RECALL_ANSWERED):
            offer = self._offers.get((referral, facts["need"], facts["recipient"]), facts["recipient"])
            self.recalls[referral, offer] = facts["outcome"] if kind == Step.RECALL_ANSWERED else _AWAITED

    async def differences(self, connection: Connection) -> list[Difference]:
        """Where the rows of offers, disclosures and recalls tell otherwise."""
        offers = await connection.fetch("SELECT referral_id, offer_id, provider FROM offer")
        disclosed = await connection.fetch("SELECT * FROM disclosure")
        recalls = await connection.fetch("SELECT referral_id, offer_id, outcome FROM recall")
        asked = {(row["referral_id"], row["offer_id"]): row["provider"] for row in offers}
        given = {
            (row["referral_id"], f"{row['offer_id']} {row['field_group']}"): _to(row["recipient"], _consent(row))
            for row in disclosed
        }
        back = {(row["referral_id"], row["offer_id"]): row["outcome"] or _AWAITED for row in recalls}
        return [
            *compared("provider of the offer", asked, self.providers),
            *compared("disclosure", given, self.disclosed),
            *compared("recall", back, self.recalls),
        ]


def _to(recipient: str, consent: str | None) -> str:
    return f"to {recipient} under {consent or 'no consent'}"


def _consent(row: Mapping[str, Any]) -> str | None:
    return None if row["consent_id"] is None else f"{row['consent_id']}/{row['consent_version']}"


@dataclass(slots=True)
class Consents:
    """Which versions were recorded, with which status and record, and what was revoked of each consent."""

    recorded: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    revoked: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def take(self, kind: str, facts: Mapping[str, Any]) -> None:
        """One more entry, in their order."""
        if kind == Step.CONSENT_REVOKED:
            self.revoked.setdefault(facts["consent"].partition("/")[0], []).append(facts)
        elif facts["inForce"]:
            self.recorded[facts["consent"]] = facts

    async def differences(self, connection: Connection) -> list[Difference]:
        """Where the registry tells otherwise."""
        now: datetime = await connection.fetchval("SELECT now()")
        rows = await connection.fetch("SELECT * FROM consent ORDER BY consent_id, version")
        newest = {row["consent_id"]: row for row in rows}
        found = [one for row in rows if row["received_at"] > now - _TEXTS_KEPT for one in self._version(row)]
        for row in newest.values():
            if row["received_at"] > now - _TEXTS_KEPT:
                found += self._revocations(row)
        there = {f"{row['consent_id']}/{row['version']}" for row in rows}
        gone = [name for name, facts in self.recorded.items() if name not in there and _lately(facts, now)]
        return [*found, *(Difference("consent", "", name, None, "recorded") for name in gone)]

    def _version(self, row: Mapping[str, Any]) -> Iterator[Difference]:
        name = f"{row['consent_id']}/{row['version']}"
        facts = self.recorded.get(name)
        if facts is None:
            if row["version"]:  # version 0 holds revocations that came before any version
                yield Difference("consent", "", name, row["status"], None)
            return
        if "digest" not in facts or row["record"] == "{}":  # an entry of before; a tombstone, of which nothing rests
            return
        record = _read(row["record"])
        digest = "not a record" if record is None else text_digest(kept_text(record))
        if digest != facts["digest"]:
            yield Difference("record of the consent", "", name, digest, facts["digest"])
        elif record is not None and row["status"] != (stands := _status(record, facts["status"], row["revocations"])):
            yield Difference("consent", "", name, row["status"], stands)

    def _revocations(self, row: Mapping[str, Any]) -> list[Difference]:
        """Those that cover the newest version; by what they name, too, where the trail has its digest."""
        told = self.revoked.get(row["consent_id"], [])
        covering = [facts for facts in told if int(facts["consent"].partition("/")[2]) >= row["version"]]
        kept = json.loads(row["revocations"])
        whole = all("digest" in facts for facts in covering)
        trail = [[facts.get("taken", facts["scope"]), *([facts["digest"]] if whole else [])] for facts in covering]
        named = [(scope, values_digest(row["consent_id"], values)) for _, scope, values in kept]
        table = [[scope, *([digest] if whole else [])] for scope, digest in named]
        if table == trail:
            return []
        return [Difference("revocations", "", row["consent_id"], _listed(table), _listed(trail))]


def _read(record: str) -> ConsentRecord | None:
    """A record as it is kept; one that was altered may be none any more."""
    try:
        return ConsentRecord.model_validate_json(record)
    except ValueError:
        return None


def _status(record: ConsentRecord, recorded: str, revocations: str) -> str:
    """Where it stands by what was recorded and what was revoked since, which is compared by itself."""
    revoked = [Revoked(version, scope, tuple(values)) for version, scope, values in json.loads(revocations)]
    return standing(record, recorded, revoked).status


def _listed(revocations: list[list[str]]) -> str:
    return "; ".join(map(" ".join, revocations)) or "none"


def _lately(facts: Mapping[str, Any], now: datetime) -> bool:
    return datetime.fromisoformat(facts["at"]) > now - _ROWS_KEPT
