"""Everything that a batch touches, read at once and locked against the others who might touch it too.

Order of locks, the same in every process: first consents and incidents (advisory, by sorted key: they may not exist
yet, and a referral that waits for one must not miss it), then referrals (rows, by id). A consent is locked shared by
whoever decides under it and alone by whoever changes it, so no decision is taken beside a revocation.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import asyncpg

from broker.domain.consent import ConsentRef, Revoked, standing
from broker.handlers.cases import (
    ConsentVersion,
    HandedOver,
    Incident,
    Need,
    NextAction,
    Offer,
    Recall,
    Referral,
    excluded_fields,
)
from broker.handlers.desk import Desk
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, IncidentId, OfferId, OrgId, ReferralId
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.revocation_acknowledged import RevocationOutcome
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.schemas.vocabulary import (
    Acknowledgment,
    NeedState,
    OfferState,
    Priority,
    RecipientCategory,
    Service,
    VictimAgreed,
)
from broker.sql.bulk import Connection
from broker.store.bounds import load_bounds
from broker.store.glass import load_glass, load_overdue
from broker.store.known import Background, background
from broker.store.policies import Packs

CONSENTS_CACHED_MAX = 20_000
"""Parsed consent versions kept in memory. A version never changes; its status is read anew each time."""

_TIES = """
WITH arriving AS (SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS a(consent_id, discloser, subject_ref)),
    concerned AS (
        SELECT consent_id, discloser, subject_ref FROM consent WHERE consent_id = ANY($1::text[])
        UNION SELECT * FROM arriving
    ),
    ties AS (
        SELECT c.consent_id AS one, k.consent_id AS other FROM concerned c CROSS JOIN LATERAL (
            SELECT consent_id FROM consent WHERE subject_ref = c.subject_ref AND discloser = c.discloser OFFSET 0
        ) AS k
        UNION SELECT c.consent_id, a.consent_id FROM concerned c JOIN arriving a USING (subject_ref, discloser)
    )
SELECT one, other FROM ties WHERE one <> other
"""
"""`OFFSET 0` keeps it to the index: a join would read every consent there is, for each batch."""


@dataclass(slots=True)
class Wanted:
    """What a batch will touch, as far as its events say."""

    referrals: set[str] = field(default_factory=set)
    consents: set[str] = field(default_factory=set)
    incidents: set[str] = field(default_factory=set)
    changing_consents: set[str] = field(default_factory=set)
    changing_incidents: set[str] = field(default_factory=set)
    recalls_of: set[str] = field(default_factory=set)
    """Referrals that are recalled, or whose recipients answer a recall: what was handed over matters."""
    sealed_of: set[str] = field(default_factory=set)
    glass_of: set[OrgId] = field(default_factory=set)
    """Sources that want to break glass: whether they may depends on their reviews."""
    arriving_consents: set[tuple[str, str, str]] = field(default_factory=set)
    """Consents that are about to be recorded: id, discloser, reference of the survivor."""


class ConsentCache:
    """Consent versions that were parsed before, by id and version; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._parsed: dict[tuple[str, int], ConsentRecord] = {}

    def keep(self, version: ConsentVersion) -> None:
        """Remember a version that was just recorded."""
        if version.record is not None:
            self._parsed[(version.consent_id, version.version)] = version.record

    def record(self, consent_id: str, version: int, text: str) -> ConsentRecord:
        """The parsed record of a stored version."""
        key = (consent_id, version)
        found = self._parsed.get(key)
        if found is None:
            found = self._parsed[key] = ConsentRecord.model_validate_json(text)
            if len(self._parsed) > CONSENTS_CACHED_MAX:
                del self._parsed[next(iter(self._parsed))]
        return found


async def load(
    connection: Connection,
    desk: Desk,
    wanted: Wanted,
    cache: ConsentCache,
    packs: Packs,
    known: Background | None = None,
) -> None:
    """Lay what the batch touches on the desk, locked until the transaction ends. `known` where it was read already."""
    known = known or await background(connection, wanted.referrals)
    wanted.consents.update(known.consents)
    ties = await _same_survivor(connection, wanted)
    await _lock(connection, wanted, _tied(wanted.changing_consents, ties))
    locked = set(wanted.consents)
    # Read again under the locks: another process may have recorded a denial of this survivor's in between.
    ties = await _same_survivor(connection, wanted)
    if known.any_referral or wanted.changing_consents or wanted.changing_incidents:
        await _load_referrals(connection, desk, wanted, _tied(wanted.changing_consents, ties), packs)
    if not wanted.consents <= locked:
        # Referrals found through an incident or a consent bring consents of their own; a deadlock here is retried.
        ties = await _same_survivor(connection, wanted)
        await _lock(connection, Wanted(consents=wanted.consents - locked))
    await _load_consents(connection, desk, wanted.consents | wanted.changing_consents, cache)
    await load_bounds(connection, desk)
    desk.same_survivor.update(ties)
    await _load_incidents(connection, desk, wanted.incidents | wanted.changing_incidents)
    desk.capacity.update(known.capacity)
    if wanted.sealed_of:
        await _load_sealed(connection, desk, wanted.sealed_of)
    await load_glass(connection, desk)
    if wanted.glass_of:
        await load_overdue(connection, desk, wanted.glass_of)
    if desk.referrals and (wanted.changing_consents or wanted.recalls_of):
        await _load_disclosed(connection, desk, packs)


async def _same_survivor(connection: Connection, wanted: Wanted) -> dict[ConsentId, tuple[ConsentId, ...]]:
    """Other consents of the same survivor, deny records above all: they outrank a permit.

    Those that arrive with this batch count too, before they are stored, for what is stored and for each other.
    """
    named = list(wanted.consents | wanted.changing_consents)
    if not named:
        return {}
    rows = await connection.fetch(
        _TIES,
        named,
        *(list(column) for column in zip(*wanted.arriving_consents, strict=True))
        if wanted.arriving_consents
        else ([], [], []),
    )
    ties: dict[ConsentId, set[ConsentId]] = {}
    for row in rows:
        one, other = ConsentId(row["one"]), ConsentId(row["other"])
        ties.setdefault(one, set()).add(other)
        ties.setdefault(other, set()).add(one)
        wanted.consents.add(other)
    return {one: tuple(sorted(others)) for one, others in ties.items()}


def _tied(consents: Iterable[str], ties: Mapping[ConsentId, tuple[ConsentId, ...]]) -> set[str]:
    """These consents and all others of their survivors."""
    return {*consents, *(other for consent in consents for other in ties.get(ConsentId(consent), ()))}


def _lock_key(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


async def _lock(connection: Connection, wanted: Wanted, changing_consents: Iterable[str] = ()) -> None:
    alone = {_lock_key(name) for name in {*changing_consents, *wanted.changing_incidents, *wanted.incidents}}
    shared = {_lock_key(name) for name in wanted.consents} - alone
    keys = sorted(alone | shared)
    if keys:
        await connection.execute(
            "SELECT CASE WHEN alone THEN pg_advisory_xact_lock(key)::text ELSE pg_advisory_xact_lock_shared(key)::text"
            " END FROM unnest($1::bigint[], $2::boolean[]) AS wanted(key, alone)",
            keys,
            [key in alone for key in keys],
        )


async def _load_referrals(
    connection: Connection,
    desk: Desk,
    wanted: Wanted,
    by_consent: set[str],
    packs: Packs,
) -> None:
    rows = await connection.fetch(
        "SELECT * FROM referral WHERE referral_id = ANY($1::text[]) OR consent_id = ANY($2::text[])"
        " OR incident_id = ANY($3::text[]) ORDER BY referral_id FOR UPDATE",
        list(wanted.referrals),
        list(by_consent),
        list(wanted.changing_incidents),
    )
    if not rows:
        return
    await packs.learn(connection, {row["policy"] for row in rows})
    for row in rows:
        referral = _referral(row)
        desk.lay(referral)
        if referral.consent is not None:
            wanted.consents.add(referral.consent.consent_id)
    ids = list(desk.referrals)
    for row in await connection.fetch("SELECT * FROM need WHERE referral_id = ANY($1::text[])", ids):
        need = _need(row)
        desk.referrals[need.referral_id].needs[need.category] = need
    for row in await connection.fetch("SELECT * FROM offer WHERE referral_id = ANY($1::text[]) ORDER BY made_at", ids):
        offer = _offer(row)
        desk.referrals[offer.referral_id].offers[offer.offer_id] = offer


def _referral(row: asyncpg.Record) -> Referral:
    return Referral(
        referral_id=ReferralId(row["referral_id"]),
        source=OrgId(row["source"]),
        priority=Priority(row["priority"]),
        policy=row["policy"],
        victim_agreed=VictimAgreed(row["victim_agreed"]),
        request_text=row["request"],
        groups=_groups(row["groups"]),
        received_at=row["received_at"],
        excluded=frozenset(OrgId(org) for org in json.loads(row["excluded"])),
        incident_id=None if row["incident_id"] is None else IncidentId(row["incident_id"]),
        consent=_ref(row["consent_id"], row["consent_version"]),
        broken_glass=row["broken_glass"],
    )


def _groups(text: str) -> frozenset[FieldGroup]:
    return frozenset(FieldGroup(code) for code in json.loads(text))


def _ref(consent_id: str | None, version: int | None) -> ConsentRef | None:
    return None if consent_id is None else ConsentRef(ConsentId(consent_id), version or 1)


def _need(row: asyncpg.Record) -> Need:
    return Need(
        referral_id=ReferralId(row["referral_id"]),
        category=RecipientCategory(row["category"]),
        state=NeedState(row["state"]),
        services=tuple(Service(name) for name in json.loads(row["services"])),
        changed_at=row["changed_at"],
        priority=Priority(row["priority"]),
        expires_at=row["expires_at"],
        offer_id=None if row["offer_id"] is None else OfferId(row["offer_id"]),
        provider=None if row["provider"] is None else OrgId(row["provider"]),
        engaged=row["engaged"],
        released=row["released"],
        feedback_consent=_ref(row["feedback_consent_id"], row["feedback_consent_version"]),
        due_at=row["due_at"],
        next_action=None if row["next_action"] is None else NextAction(row["next_action"]),
        owner=None if row["owner"] is None else OrgId(row["owner"]),
    )


def _offer(row: asyncpg.Record) -> Offer:
    return Offer(
        offer_id=OfferId(row["offer_id"]),
        referral_id=ReferralId(row["referral_id"]),
        category=RecipientCategory(row["category"]),
        provider=OrgId(row["provider"]),
        state=OfferState(row["state"]),
        rung=Acknowledgment(row["rung"]),
        made_at=row["made_at"],
        answer_by=row["answer_by"],
        changed_at=row["changed_at"],
        reason=row["reason"],
    )


async def _load_consents(connection: Connection, desk: Desk, named: Iterable[str], cache: ConsentCache) -> None:
    ids = list(named)
    if not ids:
        return
    rows = await connection.fetch(
        "SELECT * FROM consent WHERE consent_id = ANY($1::text[]) ORDER BY consent_id, version DESC", ids
    )
    found: set[ConsentId] = set()
    for row in rows:
        consent_id = ConsentId(row["consent_id"])
        empty = row["record"] == "{}"
        record = None if empty else cache.record(row["consent_id"], row["version"], row["record"])
        if consent_id in found:
            excluded = frozenset[str]() if record is None else excluded_fields(record)
            desk.excluded_before[ConsentRef(consent_id, row["version"])] = excluded
            continue
        found.add(consent_id)
        revocations = _revocations(row["revocations"])
        desk.consents[consent_id] = ConsentVersion(
            consent_id=consent_id,
            version=row["version"],
            discloser=OrgId(row["discloser"]),
            status=row["status"],
            record=record,
            terms=None if record is None else standing(record, row["status"], revocations),
            text=row["record"],
            revocations=revocations,
        )


def _revocations(text: str) -> tuple[Revoked, ...]:
    if text == "[]":
        return ()
    return tuple(Revoked(version, scope, tuple(values)) for version, scope, values in json.loads(text))


async def _load_incidents(connection: Connection, desk: Desk, named: Iterable[str]) -> None:
    ids = list(named)
    if not ids:
        return
    for row in await connection.fetch("SELECT * FROM incident WHERE incident_id = ANY($1::text[])", ids):
        incident_id = IncidentId(row["incident_id"])
        desk.incidents[incident_id] = Incident(
            incident_id=incident_id,
            source=OrgId(row["source"]),
            reported=row["reported"],
            floor=None if row["floor"] is None else Priority(row["floor"]),
            medical_need=row["medical_need"],
        )


async def _load_disclosed(connection: Connection, desk: Desk, packs: Packs) -> None:
    """What was handed over, and what was asked back of it."""
    ids = list(desk.referrals)
    rows = await connection.fetch(
        "SELECT referral_id, offer_id, array_agg(field_group) AS groups, max(released_at) AS at,"
        " (array_agg(policy ORDER BY released_at DESC))[1] AS policy FROM disclosure"
        " WHERE referral_id = ANY($1::text[]) GROUP BY referral_id, offer_id",
        ids,
    )
    await packs.learn(connection, {row["policy"] for row in rows} - {None})
    for row in rows:
        handed_over = HandedOver(frozenset(map(FieldGroup, row["groups"])), row["at"], row["policy"])
        desk.referrals[ReferralId(row["referral_id"])].disclosed[OfferId(row["offer_id"])] = handed_over
    for row in await connection.fetch("SELECT * FROM recall WHERE referral_id = ANY($1::text[])", ids):
        recall = Recall(
            offer_id=OfferId(row["offer_id"]),
            referral_id=ReferralId(row["referral_id"]),
            groups=_groups(row["groups"]),
            asked_at=row["asked_at"],
            due_at=row["due_at"],
            reminded=row["reminded"],
            outcome=None if row["outcome"] is None else RevocationOutcome(row["outcome"]),
            reason=None if row["reason"] is None else RecallReason(row["reason"]),
        )
        desk.referrals[recall.referral_id].recalls[recall.offer_id] = recall


async def _load_sealed(connection: Connection, desk: Desk, referrals: Iterable[str]) -> None:
    ids = [name for name in referrals if ReferralId(name) in desk.referrals]
    for row in await connection.fetch("SELECT * FROM sealed_group WHERE referral_id = ANY($1::text[])", ids):
        group = SealedGroup(field_group=row["field_group"], suite=row["suite"], ciphertext=row["ciphertext"])
        desk.referrals[ReferralId(row["referral_id"])].sealed[group.field_group] = group
    for row in await connection.fetch("SELECT * FROM wrapped_key WHERE referral_id = ANY($1::text[])", ids):
        wrap = WrappedKey(
            field_group=row["field_group"], recipient=row["recipient"], key_id=row["key_id"], wrapped=row["wrapped"]
        )
        desk.referrals[ReferralId(row["referral_id"])].wraps[(wrap.field_group, wrap.recipient)] = wrap
