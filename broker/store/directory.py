"""The directory as rows: who is onboarded, with which class, services, keys and agreement; read when it has changed."""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, Field

from broker.domain.calendar import BusinessCalendar
from broker.domain.consent import Party
from broker.domain.matching import Provider
from broker.errors import CalendarUnknown
from broker.handlers.directory import Directory
from broker.schemas.event import Contract
from broker.schemas.ids import KeyId, OrgId, OrgIdText
from broker.schemas.profile import Profile
from broker.schemas.vocabulary import OrgClass, RecipientCategory
from broker.sql.bulk import Connection
from broker.store.calendars import calendar_of
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry

log = logging.getLogger(__name__)


class OrganisationCard(Contract):
    """One organisation as it is onboarded."""

    org_id: OrgIdText
    name: str = Field(min_length=1, max_length=120)
    org_class: OrgClass
    category: RecipientCategory | None = None
    profile: Profile = Profile()
    agreement_until: AwareDatetime


async def clock_and_directory(connection: Connection, known: Directory) -> tuple[datetime, Directory]:
    """The database's clock, one for all processes, and the directory at that moment.

    The directory is the known one where nothing has changed and no agreement or key of it has ended since.
    """
    row = await connection.fetchrow("SELECT clock_timestamp() AS now, version FROM directory_version")
    assert row is not None
    return row["now"], await directory_at(connection, known, row["now"], row["version"])


async def directory_at(connection: Connection, known: Directory, now: datetime, version: int) -> Directory:
    """The directory of this version at `now`, read only where it is not the known one."""
    if version == known.version and now < known.good_until:
        return known
    return await _read(connection, version, now)


async def _read(connection: Connection, version: int, now: datetime) -> Directory:
    rows = await connection.fetch(
        "SELECT * FROM organisation WHERE NOT suspended AND agreement_until > now() ORDER BY org_id"
    )
    keys = await connection.fetch(
        "SELECT k.* FROM public_key k JOIN organisation o USING (org_id) WHERE NOT o.suspended"
        " AND (k.revoked_at IS NOT NULL OR k.not_after IS NULL OR k.not_after > now()) ORDER BY k.created_at, key_id"
    )
    policy = await connection.fetchrow("SELECT * FROM policy_activation ORDER BY seq DESC LIMIT 1")
    revoked = frozenset(KeyId(key["key_id"]) for key in keys if key["revoked_at"] is not None)
    keys = [key for key in keys if key["key_id"] not in revoked]
    parties = {OrgId(row["org_id"]): _party(row) for row in rows}
    providers: dict[RecipientCategory, list[Provider]] = {}
    for row in rows:
        if row["category"] is not None:
            provider = _provider(row)
            providers.setdefault(provider.category, []).append(provider)
    sealing: dict[OrgId, list[KeyId]] = {}
    for key in keys:
        if key["kind"] == "sealing":
            sealing.setdefault(OrgId(key["org_id"]), []).append(KeyId(key["key_id"]))
    calendars, years_end = _calendars(rows, now.year)
    ends = [years_end, *(row["agreement_until"] for row in rows)] + [
        key["not_after"] for key in keys if key["not_after"] is not None
    ]
    return Directory(
        version=version,
        good_until=min(ends, default=datetime.max.replace(tzinfo=UTC)),
        parties=parties,
        providers={category: tuple(group) for category, group in providers.items()},
        sealing_keys={org: tuple(ids) for org, ids in sealing.items()},
        signing_keys={KeyId(key["key_id"]): bytes(key["public"]) for key in keys if key["kind"] == "signing"},
        policy=policy["reference"] if policy is not None else "",
        settling=policy["seq"] if policy is not None and policy["settled_at"] is None else None,
        revoked_keys=revoked,
        calendars=calendars,
    )


def _calendars(rows: Sequence[Mapping[str, Any]], year: int) -> tuple[dict[OrgId, BusinessCalendar], datetime]:
    """Whoever keeps a calendar of its own, and the end of the year for which they were looked up.

    One that is not known any more, because a library was exchanged, is the usual one: help goes on.
    """
    calendars: dict[OrgId, BusinessCalendar] = {}
    for row in rows:
        try:
            calendar = calendar_of(Profile.model_validate_json(row["profile"]), year)
        except CalendarUnknown:
            log.error("the calendar of %s is not known here: Monday to Friday in UTC is used", row["org_id"])
            continue
        if calendar is not None:
            calendars[OrgId(row["org_id"])] = calendar
    return calendars, datetime(year + 1, 1, 1, tzinfo=UTC)


def _party(row: Mapping[str, Any]) -> Party:
    category = None if row["category"] is None else RecipientCategory(row["category"])
    profile = Profile.model_validate_json(row["profile"])
    return Party(OrgId(row["org_id"]), OrgClass(row["org_class"]), category, frozenset(profile.areas))


def _provider(row: Mapping[str, Any]) -> Provider:
    profile = Profile.model_validate_json(row["profile"])
    return Provider(
        org=OrgId(row["org_id"]),
        org_class=OrgClass(row["org_class"]),
        category=RecipientCategory(row["category"]),
        services=frozenset(profile.services),
        areas=frozenset(profile.areas),
        languages=frozenset(profile.languages),
        interpreter=profile.interpreter,
        step_free=profile.step_free,
        accepts_pets=profile.accepts_pets,
        household_max=profile.household_max,
    )


async def onboard(connection: Connection, card: OrganisationCard, salt: bytes) -> None:
    """Add or change an organisation; running processes notice by the version. An entry of the trail says so.

    Raises:
        CalendarUnknown: its profile names a region or a time zone that there is not.
    """
    calendar_of(card.profile, card.agreement_until.year)
    await connection.execute(
        "INSERT INTO organisation (org_id, name, org_class, category, profile, agreement_until, suspended)"
        " VALUES ($1, $2, $3, $4, $5, $6, false) ON CONFLICT (org_id) DO UPDATE SET name = excluded.name,"
        " org_class = excluded.org_class, category = excluded.category, profile = excluded.profile,"
        " agreement_until = excluded.agreement_until, suspended = false",
        card.org_id,
        card.name,
        card.org_class.value,
        card.category.value if card.category else None,
        card.profile.model_dump_json(by_alias=True, exclude_none=True),
        card.agreement_until,
    )
    await tell_change(connection, OrgId(card.org_id), "onboarded", salt)
    await changed(connection)


async def suspend(connection: Connection, org: OrgId, salt: bytes) -> bool:
    """Let an organisation neither publish nor receive; False where it is unknown. An entry of the trail says so."""
    async with connection.transaction():
        done = await connection.execute("UPDATE organisation SET suspended = true WHERE org_id = $1", org)
        if done == "UPDATE 0":
            return False
        await tell_change(connection, org, "suspended", salt)
        await changed(connection)
    return True


async def tell_change(connection: Connection, org: OrgId, what: str, salt: bytes, **more: str) -> None:
    """Write the entry of the trail that says what the operator has changed, in the caller's transaction."""
    now = await connection.fetchval("SELECT now()")
    facts = {"at": now, "actor": "role:operator", "org": org, "what": what, **more}
    await add_entry(connection, entry(Step.ORGANISATION_CHANGED, None, facts, salt))


async def changed(connection: Connection) -> None:
    """Have every process read the directory anew with its next batch."""
    await connection.execute("UPDATE directory_version SET version = version + 1")


async def listed(connection: Connection) -> list[dict[str, Any]]:
    """Every organisation with its public keys, for people and for clients."""
    rows = await connection.fetch("SELECT * FROM organisation ORDER BY org_id")
    keys = await connection.fetch("SELECT * FROM public_key ORDER BY created_at, key_id")
    return [
        {
            **{name: row[name] for name in ("org_id", "name", "org_class", "category", "agreement_until", "suspended")},
            "profile": json.loads(row["profile"]),
            "keys": [dict(key) for key in keys if key["org_id"] == row["org_id"]],
        }
        for row in rows
    ]
