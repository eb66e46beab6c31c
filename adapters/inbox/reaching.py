"""Which of this provider's own systems do not take what is sent to them: its people see it where they work.

Others carry what such a system does not take, so that nothing else would show: from the zone's own rows of channels and
attempts. Only the attempts of what is at hand are looked at, which are found by index.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.standing import OPEN, TAKEN
from adapters.transports.inbox import InboxTransport
from broker import limits
from broker.look.language import _
from broker.look.words import moment, plain
from broker.schemas.ids import OrgId
from broker.sql.bulk import Pool

_FAILING: Final = (
    "WITH tried AS (SELECT a.place, a.outcome, a.began_at, d.place <> a.place AS diverted FROM attempt a"
    " JOIN delivery d USING (delivery_id) WHERE d.delivery_id = ANY(ARRAY(SELECT delivery_id FROM delivery"
    " WHERE org_id = $1 AND offer_id = ANY(ARRAY(SELECT offer_id FROM offer WHERE org_id = $1"
    " AND standing = ANY($2::text[]) ORDER BY received_at DESC LIMIT $3))))"
    " AND a.began_at > clock_timestamp() - make_interval(hours => $4)),"
    " answered AS (SELECT place, max(began_at) AS at FROM tried WHERE outcome IN ('DELIVERED', 'REFUSED')"
    " GROUP BY place),"
    " failed AS (SELECT t.place, min(t.began_at) AS since, bool_or(t.diverted) AS diverted FROM tried t"
    " LEFT JOIN answered USING (place) WHERE t.outcome = 'TRY_AGAIN' AND t.began_at > coalesce(at, '-infinity')"
    " GROUP BY t.place)"
    " SELECT c.transport, c.paused IS NOT NULL AS paused, f.since FROM channel c LEFT JOIN failed f USING (place)"
    " WHERE c.org_id = $1 AND c.transport <> $5"
    " AND (c.paused IS NOT NULL OR c.probe_at IS NOT NULL OR coalesce(f.diverted, false)) ORDER BY c.place"
)
"""A channel that is paused, whose breaker is open, or whose delivery has gone on to another since it last answered."""

_NAMES: Final = {"email": "e-mail", "fhir": "FHIR", "kafka": "Kafka", "webhook": "webhook"}


@dataclass(frozen=True, slots=True)
class Failing:
    """A channel that takes nothing: by what transport, whether a person has to look at it, since when (UTC)."""

    transport: str
    paused: bool
    since: datetime | None
    """The first attempt in vain after it last answered; None where none is known."""

    def told(self) -> str:
        """In a line, for whoever works here and does not run that system."""
        name = _(_NAMES[self.transport]) if self.transport in _NAMES else plain(self.transport)
        what = {"what": name}
        if self.paused:
            return (
                _(
                    "Nothing is sent to your system that takes referrals (%(what)s) until somebody has looked at it:"
                    " they come here meanwhile. Tell whoever runs it."
                )
                % what
            )
        if self.since is None:
            return (
                _(
                    "Your system that takes referrals (%(what)s) does not answer: they come here meanwhile."
                    " Tell whoever runs it."
                )
                % what
            )
        return _(
            "Your system that takes referrals (%(what)s) has not answered since %(moment)s:"
            " they come here meanwhile. Tell whoever runs it."
        ) % {**what, "moment": moment(self.since)}


async def failing(pool: Pool, org: OrgId) -> Sequence[Failing]:
    """The channels of one organisation that take nothing, in their turns."""
    at_hand = [standing.value for standing in OPEN | TAKEN]
    rows = await pool.fetch(
        _FAILING, org, at_hand, limits.inbox_listed_max, limits.channel_failing_hours, InboxTransport.NAME
    )
    return [Failing(row["transport"], row["paused"], row["since"]) for row in rows]
