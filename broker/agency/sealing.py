"""Each group is sealed with a key of its own, and that key wrapped for one organisation's key of the directory."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import KeyId, ReferralId
from broker.schemas.sealed import SealedGroup, WrappedKey
from broker.seal.sealing import ContentKey, seal_group, wrap_key
from broker.zone import DirectoryEntry


def seal(
    referral_id: ReferralId, texts: Mapping[FieldGroup, bytes]
) -> tuple[tuple[SealedGroup, ...], dict[FieldGroup, ContentKey]]:
    """Seal each group with a content key of its own."""
    sealed: list[SealedGroup] = []
    keys: dict[FieldGroup, ContentKey] = {}
    for group in sorted(texts):
        one, keys[group] = seal_group(referral_id, group, texts[group])
        sealed.append(one)
    return tuple(sealed), keys


def wrap(
    referral_id: ReferralId,
    sealed: Iterable[SealedGroup],
    keys: Mapping[FieldGroup, ContentKey],
    entry: DirectoryEntry,
    groups: frozenset[FieldGroup],
    now: datetime,
    among: Iterable[KeyId] = (),
) -> list[WrappedKey]:
    """The content keys of these groups, wrapped for the recipient's newest key (one of `among`, where any are given).

    Raises:
        RecipientUnknown: it has no key that can be sealed to.
    """
    wanted = [one for one in sealed if one.field_group in groups]
    if not wanted:
        return []
    recipient = entry.sealing_key(now, among)
    return [wrap_key(referral_id, one, keys[one.field_group], recipient) for one in wanted]
