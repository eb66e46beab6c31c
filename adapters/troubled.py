"""Which channels of this zone need somebody: paused or failing for long, since when, whose they are, what to do.

A channel that is shut beside one that works costs no message, so nothing else would tell of it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.channels import UNUSABLE, Transports, kept
from adapters.ways import KeptChannel
from broker.limits import channel_failing_alarm_minutes
from broker.schemas.ids import OrgId
from broker.sql.bulk import Pool

_FAILING: Final = timedelta(minutes=channel_failing_alarm_minutes)
_EVERY: Final = "SELECT c.*, clock_timestamp() AS now FROM channel c ORDER BY org_id, on_call, place"


@dataclass(frozen=True, slots=True)
class TroubledChannel:
    """One channel by which nothing arrives; `org` is who has to do something. `since` is UTC."""

    org: OrgId
    place: int
    transport: str
    paused: str | None
    """Why it is paused, by code; None for one that fails, and is tried once a minute."""
    failures: int
    since: datetime
    age_seconds: int

    @property
    def what(self) -> str:
        """How it stands, in a few words."""
        return f"PAUSED ({self.paused})" if self.paused is not None else f"failing, {self.failures} in a row"

    @property
    def remedy(self) -> str:
        """What to do, as commands."""
        which = f"{self.place} --org {self.org}"
        wrong = f"`handoff channel test {which}` says what is wrong"
        if self.paused in UNUSABLE:
            return f"{wrong}; set it anew: `handoff channel set {which} …`."
        return f"{wrong}; mend it" + (f", then `handoff channel resume {which}`." if self.paused is not None else ".")


async def troubled_channels(pool: Pool, transports: Transports) -> tuple[int, list[TroubledChannel]]:
    """How many channels there are in the whole zone, and those by which nothing arrives."""
    rows = await pool.fetch(_EVERY)
    found = (_troubled(kept(row, transports), row) for row in rows)
    return len(rows), [one for one in found if one is not None]


def _troubled(one: KeptChannel, row: Any) -> TroubledChannel | None:
    since = one.failing_since if one.paused is None else one.paused_at or one.changed_at
    if since is None or (one.paused is None and (one.probe_at is None or row["now"] - since < _FAILING)):
        return None
    age = max(0, int((row["now"] - since).total_seconds()))
    return TroubledChannel(one.org, one.place, one.transport, one.paused, one.failures, since, age)
