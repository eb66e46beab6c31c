"""Content keys stay with the agency that sealed, until it is known for whom to wrap them or the referral has ended.

`KeyKeeper` is the port. `MemoryKeeper` forgets everything with its process; a keeper on disk encrypts what it keeps.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from broker.agency.records import Record
from broker.domain.consent import ConsentRef, Revoked
from broker.limits import content_keys_kept_days_max
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, EventId, ReferralId
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.vocabulary import RecipientCategory
from broker.seal.sealing import ContentKey


@dataclass(frozen=True, slots=True)
class KeptReferral:
    """What late sealing needs of a referral. `kept_at` is UTC; `open_needs` are the kinds of help not closed yet.

    `releases` and `revocations` are the survivor's as far as this agency knows them: what a later process holds a
    choice against. `answered` is the record that each `recipient.chosen` was answered with, so that the same notice
    heard twice is answered by the same bytes; `waiting` are choices of organisations whose key is not at hand yet.
    """

    referral_id: ReferralId
    request: ReferralRequested = field(repr=False)
    consent: ConsentRef | None
    content_keys: Mapping[FieldGroup, ContentKey] = field(repr=False)
    open_needs: frozenset[RecipientCategory]
    kept_at: datetime
    releases: Sequence[ConsentRecord] = field(default=(), repr=False)
    revocations: Sequence[tuple[ConsentId, Revoked]] = field(default=(), repr=False)
    answered: Mapping[EventId, Record] = field(default_factory=dict, repr=False)
    waiting: Mapping[EventId, RecipientChosen] = field(default_factory=dict, repr=False)


class KeyKeeper(Protocol):
    """Where content keys rest between the request and the wrapping. No keeper puts a key anywhere in the clear."""

    async def keep(self, kept: KeptReferral) -> None:
        """Keep it, in place of what was kept of the same referral; it must be there before the event leaves."""
        ...

    async def recall(self, referral_id: ReferralId) -> KeptReferral | None:
        """What is kept of a referral; None where nothing is, or no longer."""
        ...

    async def forget(self, referral_id: ReferralId) -> None:
        """Destroy what is kept of a referral; nothing happens where nothing is."""
        ...

    async def forget_ended(self, now: datetime) -> int:
        """Destroy what has been kept for longer than any referral lasts; returns how many referrals that was."""
        ...

    async def everything(self) -> Sequence[KeptReferral]:
        """All that is kept and can be read."""
        ...

    def alone(self) -> AbstractAsyncContextManager[None]:
        """While the block lasts, nobody else changes what is kept here: no other task, and no other process either."""
        ...


class MemoryKeeper:
    """Keeps content keys in this process only: when it ends, nobody new can be let in."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._kept: dict[ReferralId, KeptReferral] = {}
        self._changing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<MemoryKeeper: {len(self._kept)} referrals>"

    def __len__(self) -> int:
        return len(self._kept)

    async def keep(self, kept: KeptReferral) -> None:
        """As `KeyKeeper.keep`."""
        self._kept[kept.referral_id] = kept

    async def recall(self, referral_id: ReferralId) -> KeptReferral | None:
        """As `KeyKeeper.recall`."""
        return self._kept.get(referral_id)

    async def forget(self, referral_id: ReferralId) -> None:
        """As `KeyKeeper.forget`."""
        self._kept.pop(referral_id, None)

    async def forget_ended(self, now: datetime) -> int:
        """As `KeyKeeper.forget_ended`."""
        ended = [kept.referral_id for kept in self._kept.values() if kept.kept_at < oldest_kept(now)]
        for referral_id in ended:
            del self._kept[referral_id]
        return len(ended)

    async def everything(self) -> Sequence[KeptReferral]:
        """As `KeyKeeper.everything`."""
        return list(self._kept.values())

    def alone(self) -> AbstractAsyncContextManager[None]:
        """As `KeyKeeper.alone`; a memory has one process."""
        return self._changing


def oldest_kept(now: datetime) -> datetime:
    """What was kept before this is destroyed, whatever became of its referral."""
    return now - timedelta(days=content_keys_kept_days_max)
