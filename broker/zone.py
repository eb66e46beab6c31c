"""An agency's zone from its folder: its signing key, the broker's word to believe, the network's organisations.

zones/<org>/keys/              its own signing keys, mode 0600 (`handoff keys new`)
zones/<org>/broker-keys/       the broker's signing key cards, one JSON file each: only what they signed is believed
zones/<org>/operator-cards/    the operator's key cards for directories, pinned: only what they signed is a directory
zones/<org>/directory.signed   the network's organisations and their public keys, as the operator hands them out
zones/<org>/directory.seen     of when the newest directory was that was believed here: an older one is not any more
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from broker.agency.errors import DirectoryTooOld, RecipientUnknown, ZoneIncomplete
from broker.domain.consent import Party
from broker.domain.policy import PolicyPack
from broker.limits import directory_ahead_seconds_max
from broker.policies import PolicyUnusable, read, shipped_pack
from broker.schemas.event import Contract
from broker.schemas.ids import KeyId, KeyIdText, OrgId, OrgIdText
from broker.schemas.profile import Profile
from broker.schemas.shapes import Maybe, Moment
from broker.schemas.vocabulary import OrgClass, RecipientCategory
from broker.seal import base64url
from broker.seal.cards import KeyCard, KeyKind, KeyText, org_of_key, read_card
from broker.seal.errors import PublicKeyRefused
from broker.seal.keys import PublicSealingKey, PublicSigningKey, SigningKey, load_signing_key
from broker.seal.signed_directory import verified_directory

KEYS_FOLDER: Final = "keys"
BROKER_KEYS_FOLDER: Final = "broker-keys"
OPERATOR_KEYS_FOLDER: Final = "operator-keys"
LOG_KEYS_FOLDER: Final = "log-keys"
OPERATOR_CARDS_FOLDER: Final = "operator-cards"
POLICY_CARDS_FOLDER: Final = "policy-cards"
DIRECTORY_FILE: Final = "directory.signed"
SEEN_FILE: Final = "directory.seen"


class DirectoryKey(Contract):
    """A public key as the directory lists it: 32 bytes as base64url, since and until when (UTC) it may be used.

    One that was revoked stays listed, so that everybody knows since when it is not to be trusted.
    """

    key_id: KeyIdText
    public_key: KeyText
    created_at: Maybe[Moment] = None
    not_after: Maybe[Moment] = None
    revoked_at: Maybe[Moment] = None

    @property
    def public(self) -> bytes:
        """The 32 bytes.

        Raises:
            PublicKeyRefused: where the text is not canonical base64url.
        """
        try:
            return base64url.decode(self.public_key)
        except ValueError:
            raise PublicKeyRefused from None

    def valid_at(self, now: datetime) -> bool:
        """Whether something may still be sealed to it at `now`; never once it was revoked."""
        return self.revoked_at is None and (self.not_after is None or now < self.not_after)


class DirectoryEntry(Contract):
    """One organisation of the network. `sealing_keys` are listed from the oldest to the newest."""

    org_id: OrgIdText
    name: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    org_class: OrgClass
    category: Maybe[RecipientCategory] = None
    profile: Profile = Profile()
    sealing_keys: tuple[DirectoryKey, ...] = ()
    signing_keys: tuple[DirectoryKey, ...] = ()

    @model_validator(mode="after")
    def _its_own_keys(self) -> Self:
        if any(org_of_key(key.key_id) != self.org_id for key in (*self.sealing_keys, *self.signing_keys)):
            raise PydanticCustomError("key_of_another", "a key names another organisation")
        return self

    @property
    def party(self) -> Party:
        """The organisation as the rules see it."""
        return Party(self.org_id, self.org_class, self.category, frozenset(self.profile.areas))

    def sealing_key(self, now: datetime, among: Iterable[KeyId] = ()) -> PublicSealingKey:
        """The newest key that may be sealed to at `now`; of those in `among`, where any are given.

        Raises:
            RecipientUnknown: there is none.
        """
        wanted = frozenset(among)
        for key in reversed(self.sealing_keys):
            if key.valid_at(now) and (not wanted or key.key_id in wanted):
                return PublicSealingKey(key.key_id, key.public)
        raise RecipientUnknown(f"The directory lists no key of {self.org_id} that can be sealed to now.")


class NetworkDirectory(Contract):
    """A network's organisations and its policy, as its operator hands them out. `broker` is the operator's own id."""

    broker: OrgIdText
    issued_at: Moment
    organisations: tuple[DirectoryEntry, ...]
    policy: Maybe[str] = None
    """The policy pack in force, the exact text of its file: whom to ask and seal to is worked out before sending."""

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({entry.org_id for entry in self.organisations}) != len(self.organisations):
            raise PydanticCustomError("listed_twice", "an organisation is listed twice")
        return self

    @cached_property
    def by_org(self) -> Mapping[OrgId, DirectoryEntry]:
        """The entries by organisation."""
        return {entry.org_id: entry for entry in self.organisations}

    def entry(self, org: OrgId) -> DirectoryEntry:
        """The entry of an organisation.

        Raises:
            RecipientUnknown: it is not listed.
        """
        entry = self.by_org.get(org)
        if entry is None:
            raise RecipientUnknown(f"The directory does not list {org}.")
        return entry

    def wire(self) -> str:
        """The directory as JSON text, to be signed."""
        return self.model_dump_json(by_alias=True, exclude_none=True, indent=1)


@dataclass(frozen=True, slots=True)
class AgencyZone:
    """What an agency's client knows and holds. Its repr shows no key."""

    org: OrgId
    signing_key: SigningKey = field(repr=False)
    broker_keys: Mapping[KeyId, PublicSigningKey] = field(repr=False)
    directory: NetworkDirectory = field(repr=False)
    pack: PolicyPack = field(repr=False)

    @property
    def party(self) -> Party:
        """The agency itself as the rules see it."""
        return self.directory.entry(self.org).party


def load_zone(folder: Path, org: OrgId, now: datetime) -> AgencyZone:
    """The zone of this folder at `now` (UTC).

    Raises:
        ZoneIncomplete: a file is missing or broken, and which.
        DirectorySignatureBad, DirectoryTooOld: the directory is not the operator's, or not the newest.
        KeyFileError: a key file is missing or cannot be trusted.
    """
    directory = read_directory(folder, now)
    if org not in directory.by_org:
        raise ZoneIncomplete(f"{folder / DIRECTORY_FILE} does not list {org} itself.")
    return AgencyZone(
        org=org,
        signing_key=load_signing_key(folder / KEYS_FOLDER, org, now),
        broker_keys=_broker_keys(folder / BROKER_KEYS_FOLDER, directory.broker),
        directory=directory,
        pack=_pack(directory.policy),
    )


def write_zone(
    folder: Path, directory: bytes, broker_cards: Iterable[KeyCard], operator_cards: Iterable[KeyCard]
) -> None:
    """Put the network's part of a zone into its folder, its own keys apart (`handoff keys new`). Safe to repeat.

    `directory` is the signed file. The operator's cards are pinned the first time and never changed here after that:
    whoever could change them could name any key as a shelter's.
    """
    for card in broker_cards:
        write_card(folder / BROKER_KEYS_FOLDER, card)
    if not (folder / OPERATOR_CARDS_FOLDER).is_dir():
        for card in operator_cards:
            pin(folder, card)
    _replace(folder / DIRECTORY_FILE, directory)


def pin(folder: Path, card: KeyCard) -> None:
    """Believe directories that this key of the operator signs, from now on.

    Raises:
        PublicKeyRefused: the card is of a key for something else.
    """
    PublicSigningKey.of_card(card, KeyKind.DIRECTORY)
    write_card(folder / OPERATOR_CARDS_FOLDER, card)


def write_card(folder: Path, card: KeyCard) -> None:
    """Put a card into a folder of pinned ones."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{card.key_id.replace('#', '.')}.json").write_text(card.wire(), encoding="utf-8")


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)


@lru_cache(maxsize=8)
def _pack(text: str | None) -> PolicyPack:
    """The pack in force, as the directory carries it; one that carries none is of a network under the usual one."""
    try:
        return shipped_pack() if text is None else read(text.encode())
    except PolicyUnusable as error:
        raise ZoneIncomplete(
            f"The directory's policy pack is not for this version. {error}",
            remedy="Bring this installation up to date.",
        ) from None


def read_directory(folder: Path, now: datetime) -> NetworkDirectory:
    """The directory of the zone in this folder, as its operator signed it.

    Raises:
        ZoneIncomplete: it is missing, of another network, or not one.
        DirectorySignatureBad, DirectoryTooOld: it is not the operator's, or not the newest.
    """
    path = folder / DIRECTORY_FILE
    pinned = keys_of_cards(folder / OPERATOR_CARDS_FOLDER, KeyKind.DIRECTORY)
    if not pinned:
        raise ZoneIncomplete(f"{folder / OPERATOR_CARDS_FOLDER} holds no card, so no directory can be believed.")
    try:
        content = verified_directory(path.read_bytes(), pinned)
        directory = NetworkDirectory.model_validate_json(content, strict=True, by_alias=True, by_name=False)
    except FileNotFoundError:
        raise ZoneIncomplete(f"{path} is missing.") from None
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])
        raise ZoneIncomplete(f"{path} is not a network directory (at {place or 'its whole'}).") from None
    if not any(key.org == directory.broker for key in pinned.values()):
        raise ZoneIncomplete(f"{path} is of another network than the pinned card.")
    _refuse_older(folder / SEEN_FILE, directory, now)
    return directory


def _refuse_older(path: Path, directory: NetworkDirectory, now: datetime) -> None:
    """An older directory may list a key that was stolen since: once a newer one was believed, it is refused."""
    if directory.issued_at > now + timedelta(seconds=directory_ahead_seconds_max):
        raise ZoneIncomplete("The directory is of a time to come.", remedy="Compare this machine's clock.")
    try:
        seen = datetime.fromisoformat(path.read_text(encoding="ascii")).astimezone(UTC)
    except FileNotFoundError:
        seen = None
    except ValueError:
        raise ZoneIncomplete(f"{path} does not hold a time.", remedy="Remove it if the directory is new.") from None
    if seen is not None and directory.issued_at < seen:
        raise DirectoryTooOld
    if directory.issued_at == seen:
        return
    try:
        _replace(path, directory.issued_at.isoformat().encode())
    except OSError:
        raise ZoneIncomplete(
            f"{path} cannot be written, so an older directory could not be told from a newer one.",
            remedy="Give the zone's folder to the user who runs this.",
        ) from None


def keys_of_cards(folder: Path, kind: KeyKind) -> dict[KeyId, PublicSigningKey]:
    """The public keys whose cards lie in a folder, by id; none where there is no folder."""
    cards = [read_card(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    return {card.key_id: PublicSigningKey.of_card(card, kind) for card in cards}


def _broker_keys(folder: Path, broker: OrgId) -> dict[KeyId, PublicSigningKey]:
    keys = {key.key_id: key for key in keys_of_cards(folder, KeyKind.SIGNING).values() if key.org == broker}
    if not keys:
        raise ZoneIncomplete(f"{folder} holds no key card of {broker}, so nothing that it says could be believed.")
    return keys
