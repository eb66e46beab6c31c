"""A small county with the real broker: a hotline, a police department, two shelters, legal aid, a clinic; invented."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from broker.app import hand_out_directory, host, prepare
from broker.client import AgencyClient
from broker.composition import (
    Process,
    broker_pool,
    ensure_broker_key,
    ensure_operator_key,
    kafka_of,
    operator_keys,
    running_broker,
)
from broker.onboarding import create_topics
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.ids import KeyId, OrgId, new_consent_id
from broker.schemas.profile import Profile
from broker.schemas.topics import Topics
from broker.schemas.vocabulary import OrgClass, RecipientCategory, Service
from broker.seal.cards import KeyCard
from broker.seal.keys import SigningKey, load_operator_key
from broker.seal.opening import KeyRing, OpeningKey, load_opening_keys
from broker.seal.signed_directory import signed_directory
from broker.settings import Settings
from broker.store.directory import OrganisationCard
from broker.zone import KEYS_FOLDER, DirectoryEntry, DirectoryKey, NetworkDirectory, write_zone

HOTLINE: Final = OrgId("org-hotline-county")
POLICE: Final = OrgId("org-police-north")
BIRCH: Final = OrgId("org-shelter-birch")
CEDAR: Final = OrgId("org-shelter-cedar")
FAR_COUNTY: Final = "US-CA-075"
"""The only area that Cedar serves."""
LEGAL_AID: Final = OrgId("org-legal-aid")
CLINIC: Final = OrgId("org-clinic")

SAFE_CONTACT: Final[dict[str, Any]] = {
    "mode": "DIRECT",
    "handle": "+15555550142",
    "channel": "VOICE",
    "ifSomeoneElseAnswers": "WRONG_NUMBER",
    "lastConfirmedAt": "2026-03-04T01:55:00Z",
}
ALIAS: Final = {"alias": "Quillfeather"}
WORKER: Final = {"role": "ADVOCATE_ON_CALL", "callback": "+15555550100"}


def cards() -> list[OrganisationCard]:
    """The county's organisations."""
    return [
        _card(HOTLINE, OrgClass.HOTLINE_VSP),
        _card(POLICE, OrgClass.LAW_ENFORCEMENT),
        _card(BIRCH, OrgClass.VSP_SHELTER, RecipientCategory.SHELTER, Service.EMERGENCY_SHELTER),
        _card(CEDAR, OrgClass.VSP_SHELTER, RecipientCategory.SHELTER, Service.EMERGENCY_SHELTER, areas=(FAR_COUNTY,)),
        _card(LEGAL_AID, OrgClass.LEGAL_AID, RecipientCategory.LEGAL_AID, Service.PROTECTION_ORDER_HELP),
        _card(CLINIC, OrgClass.HEALTH_CLINIC_HIPAA, RecipientCategory.HEALTHCARE, Service.MEDICAL_CARE),
    ]


def _card(
    org: OrgId,
    org_class: OrgClass,
    category: RecipientCategory | None = None,
    *services: Service,
    areas: tuple[str, ...] = (),
) -> OrganisationCard:
    until = datetime.now(UTC) + timedelta(days=365)
    profile = Profile(services=services, areas=areas)
    return OrganisationCard(
        org_id=org, name=org, org_class=org_class, category=category, profile=profile, agreement_until=until
    )


@dataclass(frozen=True, slots=True)
class County:
    """The county's settings; zones in `<home>/zones/<org>`."""

    settings: Settings

    @property
    def topics(self) -> Topics:
        """The topics of this test."""
        return Topics(self.settings.environment, self.settings.topic_prefix)

    def client(self, org: OrgId = HOTLINE, **how: Any) -> AgencyClient:
        """A client of an organisation of the county."""
        return AgencyClient.of_settings(self.settings, org, **how)

    def ring(self, org: OrgId) -> KeyRing:
        """A provider's opening keys."""
        return load_opening_keys(self.settings.home / "zones" / org / KEYS_FOLDER, org)

    @asynccontextmanager
    async def broker(self) -> AsyncIterator[None]:
        """The real broker, while the block lasts."""
        async with running_broker(self.settings, Process.BROKER, Process.RELAY):
            yield


async def found_without_broker(settings: Settings) -> County:
    """The two agencies' topics, everybody's keys and zones; no database."""
    broker_cards = ensure_broker_key(settings)
    entries = []
    for card in cards():
        folder = settings.home / "zones" / card.org_id / KEYS_FOLDER
        now = datetime.now(UTC)
        signing = SigningKey.new(KeyId(f"{card.org_id}#sign-1")).keep(folder, now)
        sealing = OpeningKey.new(KeyId(f"{card.org_id}#seal-1")).keep(folder, now) if card.category else None
        entries.append(_entry(card, signing, sealing))
    directory = NetworkDirectory(broker=settings.broker_org, issued_at=datetime.now(UTC), organisations=tuple(entries))
    pins = ensure_operator_key(settings)
    key = load_operator_key(operator_keys(settings), settings.broker_org, datetime.now(UTC))
    signed = signed_directory(directory.wire().encode(), key)
    for entry in entries:
        write_zone(settings.home / "zones" / entry.org_id, signed, broker_cards, pins)
    topics = Topics(settings.environment, settings.topic_prefix)
    names = [name for org in (HOTLINE, POLICE) for name in topics.of_organisation(org, provider=False)]
    await create_topics(kafka_of(settings), names, partitions=2, replicas=1)
    return County(settings)


def _entry(card: OrganisationCard, signing: KeyCard, sealing: KeyCard | None) -> DirectoryEntry:
    keys = [DirectoryKey(key_id=one.key_id, public_key=one.public_key) for one in (signing, sealing) if one]
    return DirectoryEntry(
        org_id=card.org_id,
        name=card.name,
        org_class=card.org_class,
        category=card.category,
        profile=card.profile,
        signing_keys=tuple(keys[:1]),
        sealing_keys=tuple(keys[1:]),
    )


async def found(settings: Settings) -> County:
    """Onboard every organisation, with keys, topics and zones."""
    await prepare(settings)
    ensure_broker_key(settings)
    async with broker_pool(settings) as pool, pool.acquire() as connection:
        for card in cards():
            await host(settings, connection, card)
        await hand_out_directory(settings, connection)
    return County(settings)


def release(*recipients: OrgId, discloser: OrgId = HOTLINE, days: int = 7, **changes: Any) -> ConsentRecord:
    """A written release of the survivor's, in force since a minute, to these organisations (the Birch shelter)."""
    now = datetime.now(UTC)
    record: dict[str, Any] = dict(ConsentGranted.EXAMPLE["record"]) | {
        "consentId": new_consent_id(),
        "discloser": {"orgId": discloser},
        "recipients": [{"kind": "ORG", "orgId": org} for org in recipients or (BIRCH,)],
        "excludedRecipients": [],
        "purposes": ["SHELTER_PLACEMENT", "PROTECTION_ORDER", "MEDICAL_FOLLOW_UP"],
        "dataScope": {"fieldGroups": ["FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG16", "FG24"], "maxTier": 4},
        "validity": {
            "notBefore": (now - timedelta(minutes=1)).isoformat(),
            "notAfter": (now + timedelta(days=days)).isoformat(),
        },
    }
    return ConsentRecord.model_validate(record | changes)


def asked(**changes: Any) -> dict[str, Any]:
    """The fields of a request for shelter."""
    fields: dict[str, Any] = {
        "priority": "P1",
        "services": ["EMERGENCY_SHELTER"],
        "need_summary": {"adults": 1, "children": 2, "safe_tonight": False},
        "access_needs": {"preferred_language": "es", "interpreter": True},
        "jurisdiction_code": "US-CA",
        "victim_agreed": "YES",
        "worker_contact": WORKER,
    }
    return fields | changes
