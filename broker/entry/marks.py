"""That something was stored is said on the page that comes next, by a mark in its address that only these pages make.

It holds a time and nothing of what was done, and is worth nothing in another session, at another page, or a minute
later: no address that somebody keeps or sends says again that something was stored.
"""

import hashlib
import hmac
from datetime import datetime
from typing import Any, Final

from broker import limits
from broker.entry.sessions import Session

_DIGITS: Final = 16
_TIME_MAX: Final = 12


def mark(session: Session[Any], path: str, now: datetime) -> str:
    """The mark for this page, made at `now` (UTC)."""
    return _mark(session, path, int(now.timestamp()))


def marked(session: Session[Any], path: str, told: str, now: datetime) -> bool:
    """Whether `told` is a mark of this session for this page, and still fresh."""
    at = told.partition(".")[0]
    if not (at.isascii() and at.isdecimal() and len(at) <= _TIME_MAX):
        return False
    fresh = 0 <= now.timestamp() - int(at) <= limits.stored_said_seconds
    return fresh and hmac.compare_digest(told.encode(), _mark(session, path, int(at)).encode())


def _mark(session: Session[Any], path: str, at: int) -> str:
    made = hmac.new(session.token.encode(), f"{at} {path}".encode(), hashlib.sha256).hexdigest()
    return f"{at}.{made[:_DIGITS]}"
