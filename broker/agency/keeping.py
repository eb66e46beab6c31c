"""Content keys stay with the agency that sealed, until it is known for whom to wrap them or the referral has ended.

`KeyKeeper` is the port. `MemoryKeeper` forgets everything with its process; a keeper on disk encrypts what it keeps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from broker.domain.consent import ConsentRef
from broker.limits import content_keys_kept_days_max
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ReferralId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.vocabulary import RecipientCategory
from broker.seal.sealing import ContentKey


@dataclass(frozen=True, slots=True)
class KeptReferral:
    """What late sealing needs of a referral. `kept_at` is UTC; `open_needs` are the kinds of help not closed yet."""

    referral_id: ReferralId
    request: ReferralRequested = field(repr=False)
    consent: ConsentRef | None
    content_keys: Mapping[FieldGroup, ContentKey] = field(repr=False)
    open_needs: frozenset[RecipientCategory]
    kept_at: datetime


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

    async def forget_ended(self, now: datetime) -> None:
        """Destroy what has been kept for longer than any referral lasts."""
        ...


class MemoryKeeper:
    """Keeps content keys in this process only: when it ends, nobody new can be let in."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._kept: dict[ReferralId, KeptReferral] = {}

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

    async def forget_ended(self, now: datetime) -> None:
        """As `KeyKeeper.forget_ended`."""
        oldest = now - timedelta(days=content_keys_kept_days_max)
        for referral_id in [kept.referral_id for kept in self._kept.values() if kept.kept_at < oldest]:
            del self._kept[referral_id]
