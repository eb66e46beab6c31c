"""When what the broker holds sealed of a referral has served: first the wrapped keys of a need, then the ciphertexts.

Domain.md §7.5 wants it gone a day after its receipt, after three days at most. What a need may still have to release
is kept for it, and no longer than anybody could wrap a key for it anew (docs/decisions/0089). Pure: times come in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from broker.domain import lifecycle
from broker.schemas.code_list import CodeList
from broker.schemas.vocabulary import NeedState, RecipientCategory

RECEIPTED: Final = frozenset({NeedState.ENGAGED, NeedState.IN_SERVICE})
"""The provider speaks with the survivor: it has opened what it was handed."""


class Served(CodeList):
    """Why wrapped keys are needed no longer."""

    NEED_OVER = "NEED_OVER"
    HANDED_OVER = "HANDED_OVER"
    KEPT_TOO_LONG = "KEPT_TOO_LONG"
    ERASED = "ERASED"
    """Its erasure was approved: no clock decides that."""


@dataclass(frozen=True, slots=True)
class NeedStanding:
    """One need as far as it matters here, over at `expires_at` if nobody takes it.

    `handed_over_at` is None until everything that is let through has left.
    """

    category: RecipientCategory
    state: NeedState
    changed_at: datetime
    expires_at: datetime
    handed_over_at: datetime | None = None


class Times(NamedTuple):
    """How long things are kept; broker/limits says why."""

    receipt: timedelta
    """After the provider's first word that it is in touch."""
    unreceipted: timedelta
    """After a hand-over of which nobody says anything."""
    look: timedelta
    """The longest between two looks at an open need."""
    longest: timedelta
    """After the referral's arrival nothing is kept longer, whatever is still open."""


class End(NamedTuple):
    """From when on wrapped keys are to be destroyed (UTC), and why."""

    at: datetime
    why: Served


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of one referral's wrapped keys, by need, and of its ciphertexts. After `last` nothing is kept."""

    keys: Mapping[RecipientCategory, End]
    ciphertexts: datetime
    last: datetime
    all_over: bool

    def look_again(self, now: datetime, look: timedelta) -> datetime | None:
        """When to look next; None where nothing can come any more."""
        coming = [end for end in (self.ciphertexts, self.last, *(end.at for end in self.keys.values())) if end > now]
        if self.all_over:
            return min(coming, default=None)
        return min([*coming, now + look])


def ends(needs: Sequence[NeedStanding], received_at: datetime, times: Times) -> Ends:
    """When what is held for these needs of one referral is to be destroyed."""
    last = received_at + times.longest
    keys = {need.category: _keys_end(need, last, times) for need in needs}
    ciphertexts = max((keys[need.category].at if _hands_on_no_more(need) else last for need in needs), default=last)
    return Ends(keys, ciphertexts, last, all(map(_over, needs)))


def _over(need: NeedStanding) -> bool:
    return lifecycle.is_terminal(lifecycle.NEED, need.state)


def _hands_on_no_more(need: NeedStanding) -> bool:
    """Whether no other provider can be sought. Until then ciphertexts stay: a source that is asked can wrap anew."""
    return _over(need) or need.state in (NeedState.IN_SERVICE, NeedState.NO_MATCH)


def _keys_end(need: NeedStanding, last: datetime, times: Times) -> End:
    if _over(need):
        end = End(need.changed_at, Served.NEED_OVER)
    elif need.state is NeedState.NO_MATCH:
        end = End(need.expires_at, Served.NEED_OVER)
    elif need.handed_over_at is not None:
        end = End(_receipted(need, need.handed_over_at, times), Served.HANDED_OVER)
    else:
        end = End(last, Served.KEPT_TOO_LONG)
    return end if end.at <= last else End(last, Served.KEPT_TOO_LONG)


def _receipted(need: NeedStanding, handed_over_at: datetime, times: Times) -> datetime:
    unreceipted = handed_over_at + times.unreceipted
    return min(unreceipted, need.changed_at + times.receipt) if need.state in RECEIPTED else unreceipted
