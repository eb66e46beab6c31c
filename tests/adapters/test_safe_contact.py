"""When a safe contact may be relied on: it was confirmed, not too long ago, and not in the future."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from adapters.errors import ContactTooOld
from adapters.inbox.contact import check_attempt, stale
from adapters.inbox.listing import OfferSeen
from broker.schemas.group_vocabulary import ContactMode
from broker.schemas.person_groups import SafeContact

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


def said(after: timedelta) -> SafeContact:
    """The source says that it was confirmed so long after now."""
    return SafeContact(mode=ContactMode.VIA_WORKER, last_confirmed_at=NOW + after)


def seen(asked: timedelta | None = None, fresh: timedelta | None = DAY) -> OfferSeen:
    """An offer of which somebody here has asked so long after now, if anybody has."""
    confirmed = None if asked is None else NOW + asked
    return cast(OfferSeen, SimpleNamespace(contact_fresh=fresh, contact_confirmed_at=confirmed))


@pytest.mark.parametrize(
    ("source", "asked", "fresh", "old"),
    [
        (-MINUTE, None, DAY, False),
        (4 * MINUTE, None, DAY, False),
        (6 * MINUTE, None, DAY, True),
        (6 * MINUTE, None, None, True),
        (3000 * DAY, None, DAY, True),
        (3000 * DAY, -MINUTE, DAY, False),
        (3000 * DAY, -2 * DAY, DAY, True),
        (-2 * DAY, None, DAY, True),
        (-2 * DAY, None, None, False),
        (-2 * DAY, -MINUTE, DAY, False),
    ],
)
def test_only_what_was_confirmed_lately_is_fresh(
    source: timedelta, asked: timedelta | None, fresh: timedelta | None, *, old: bool
) -> None:
    """NNEDV-07: a confirmation in the future was none; a clock that is a little ahead is no lie."""
    assert stale(said(source), seen(asked, fresh), NOW) is old


def test_an_attempt_is_noted_after_a_confirmation_of_this_minute_and_not_after_one_of_tomorrow() -> None:
    """Noting takes some minutes: what was confirmed a minute ago is not in the future of the attempt."""
    check_attempt(said(-2 * DAY), seen(-MINUTE), NOW)
    with pytest.raises(ContactTooOld):
        check_attempt(said(DAY), seen(), NOW)
