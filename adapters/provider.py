"""One organisation that this installation answers for: its kind, its keys, and whose word it believes, from its folder.

zones/<org>/provider.json      {"orgId": "org-haven", "category": "SHELTER", "orgClass": "VSP_SHELTER"}
zones/<org>/keys/              its own signing and sealing keys (mode 0600)
zones/<org>/broker-keys/       the broker's signing key cards, one JSON file each
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from adapters.errors import ProviderFolderIncomplete
from adapters.kind import ProviderKind, kinds
from broker.bus.publisher import Sign
from broker.schemas.envelope import Headers
from broker.schemas.event import Contract
from broker.schemas.ids import KeyId, OrgId, OrgIdText, ReferralId, org_of_source
from broker.schemas.refusal import RefusalCode
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.schemas.vocabulary import OrgClass, RecipientCategory
from broker.seal.cards import KeyCard, read_card
from broker.seal.errors import SealBroken
from broker.seal.keys import PublicSigningKey, SigningKey, load_signing_key
from broker.seal.opening import KeyRing, load_opening_keys
from broker.seal.signature import SignatureFault, sign, verify

CARD_FILE: Final = "provider.json"
KEYS_FOLDER: Final = "keys"
BROKER_KEYS_FOLDER: Final = "broker-keys"


class ProviderCard(Contract):
    """What an installation must know of an organisation to answer for it."""

    org_id: OrgIdText
    category: RecipientCategory
    org_class: OrgClass | None = None
    """What it is in the law's terms: how long it keeps its codes follows from it."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One organisation with its kind and keys. Its repr shows no key."""

    org: OrgId
    kind: ProviderKind
    signing_key: SigningKey = field(repr=False)
    key_ring: KeyRing
    broker_keys: Mapping[KeyId, PublicSigningKey] = field(repr=False)
    keys: Path
    """The folder of its private keys."""
    org_class: OrgClass | None = None

    def signature_problem(self, headers: Headers, value: bytes, signer: OrgId) -> RefusalCode | None:
        """What is wrong with a record's signature by `signer`, the broker; None where nothing is."""
        said = verify(headers, value, signer, self.broker_keys.get)
        return said.refusal if isinstance(said, SignatureFault) else None

    def opened(self, referral_id: ReferralId, sealed: SealedGroup, wraps: Iterable[WrappedKey]) -> bytes | None:
        """A group's text, by whichever of our keys opens it; None where none does."""
        try:
            return self.key_ring.open(referral_id, sealed, wraps)
        except SealBroken:
            return None


def load_provider(folder: Path, now: datetime) -> Provider:
    """The organisation of this folder; `now` is UTC.

    Raises:
        ProviderFolderIncomplete: something is missing, and what.
        KeyFileError: a key file is missing or cannot be trusted.
    """
    card = _card(folder / CARD_FILE)
    kind = kinds().get(card.category)
    if kind is None:
        raise ProviderFolderIncomplete(
            f"{folder / CARD_FILE} names a category that no adapter answers for.",
            remedy=f"Use one of {', '.join(sorted(kinds()))}.",
        )
    keys = folder / KEYS_FOLDER
    return Provider(
        org=card.org_id,
        kind=kind,
        signing_key=load_signing_key(keys, card.org_id, now),
        key_ring=load_opening_keys(keys, card.org_id),
        broker_keys=_broker_keys(folder / BROKER_KEYS_FOLDER),
        keys=keys,
        org_class=card.org_class,
    )


def load_providers(zones: Path) -> dict[OrgId, Provider]:
    """Every organisation that has a provider's folder below `zones`, as of now.

    Raises:
        HandoffError: one folder is not as it must be; none is served then, so that it is noticed.
    """
    found = (load_provider(card.parent, datetime.now(UTC)) for card in sorted(zones.glob(f"*/{CARD_FILE}")))
    return {provider.org: provider for provider in found}


def write_provider_folder(
    folder: Path,
    org: OrgId,
    category: RecipientCategory,
    broker_cards: Iterable[KeyCard],
    org_class: OrgClass | None = None,
) -> None:
    """Make an organisation's folder ready to be served, its own keys apart (`handoff keys new`)."""
    (folder / BROKER_KEYS_FOLDER).mkdir(parents=True, exist_ok=True)
    for card in broker_cards:
        (folder / BROKER_KEYS_FOLDER / f"{card.key_id.replace('#', '.')}.json").write_text(card.wire())
    # Last, because a folder is served as soon as this file is there.
    said = ProviderCard(org_id=org, category=category, org_class=org_class)
    (folder / CARD_FILE).write_text(said.model_dump_json(by_alias=True, exclude_none=True))


def signer_for(providers: Mapping[OrgId, Provider]) -> Sign:
    """Signs each event with the key of the organisation that it is from; `providers` may change meanwhile."""

    def signed(headers: Headers, value: bytes) -> bytes:
        org = org_of_source(dict(headers)["ce_source"].decode())
        assert org is not None, "our own events name their organisation"
        return sign(headers, value, providers[org].signing_key)

    return signed


def _card(path: Path) -> ProviderCard:
    try:
        return ProviderCard.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ProviderFolderIncomplete(f"{path} is missing.") from None
    except ValidationError:
        raise ProviderFolderIncomplete(
            f"{path} does not say which organisation this is.", remedy='Write {"orgId": …, "category": …} into it.'
        ) from None


def _broker_keys(folder: Path) -> dict[KeyId, PublicSigningKey]:
    cards = [read_card(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    if not cards:
        raise ProviderFolderIncomplete(
            f"{folder} holds no key card of the broker, so nothing that it says could be believed.",
            remedy="Ask the network's operator for the broker's signing card and put it there.",
        )
    return {card.key_id: PublicSigningKey.of_card(card) for card in cards}
