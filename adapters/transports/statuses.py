"""What an HTTP status says of one attempt, to everything that sends by HTTP, and how long it asks us to wait."""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from types import MappingProxyType
from typing import Final

from adapters.transports.transport import Delivered, Outcome, Refused, TryAgain
from adapters.transports.wire import Reply
from broker import limits


class Verdict(Enum):
    """What a status says of one attempt."""

    DELIVERED = auto()
    TRY_AGAIN = auto()
    REFUSED = auto()
    PAUSE = auto()
    """Refused, and nothing more is sent until a person has looked."""


_BY_STATUS: Final[Mapping[int, Verdict]] = {
    401: Verdict.PAUSE,
    403: Verdict.PAUSE,
    404: Verdict.TRY_AGAIN,  # A service that is being put up again answers so for a minute.
    408: Verdict.TRY_AGAIN,
    410: Verdict.PAUSE,
    425: Verdict.TRY_AGAIN,
    429: Verdict.TRY_AGAIN,
}
_BY_CLASS: Final[Mapping[int, Verdict]] = {
    2: Verdict.DELIVERED,
    3: Verdict.REFUSED,  # A redirect is not followed: it could lead anywhere.
    4: Verdict.REFUSED,
    5: Verdict.TRY_AGAIN,
}
_NOTHING: Final[Mapping[int, Verdict]] = MappingProxyType({})


def outcome_of(reply: Reply, now: float, special: Mapping[int, Verdict] = _NOTHING) -> Outcome:
    """What an answer's status says, and no more is kept of it; `now` is in seconds since 1970.

    `special` holds the statuses that mean something of their own where it was sent.
    """
    code = f"HTTP_{reply.status}"
    verdict = (
        special.get(reply.status) or _BY_STATUS.get(reply.status) or _BY_CLASS.get(reply.status // 100, Verdict.REFUSED)
    )
    if verdict is Verdict.DELIVERED:
        return Delivered(code)
    if verdict is Verdict.TRY_AGAIN:
        return TryAgain(code, after=retry_after(reply.headers.get("retry-after"), now))
    return Refused(code, pause=verdict is Verdict.PAUSE)


def retry_after(said: str | None, now: float) -> timedelta | None:
    """How long a receiver asks us to wait (seconds, or an HTTP date): an hour at most. None where it is not clear."""
    if said is None or len(said) > len("Wednesday, 09-Nov-1994 08:49:37 GMT"):
        return None
    if said.isascii() and said.isdigit():
        seconds = float(said)
    else:
        try:
            until: datetime = email.utils.parsedate_to_datetime(said)
            seconds = until.replace(tzinfo=until.tzinfo or UTC).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return timedelta(seconds=min(max(seconds, 0.0), limits.retry_after_seconds_max))
