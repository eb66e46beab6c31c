"""How many attempts at one organisation may run at once: more while it takes them, few while it fails or hangs.

So a recipient that hangs holds a few places of the process and slows nobody else, and one that answers is not slowed
by a bound that is meant for the other (reliability.md L5).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from broker import limits
from broker.schemas.ids import OrgId


@dataclass(slots=True)
class _Recipient:
    running: int = 0
    bound: int = limits.deliveries_per_recipient_first


@dataclass(slots=True)
class Bulkhead:
    """The room that each organisation has."""

    _recipients: dict[OrgId, _Recipient] = field(default_factory=dict)
    _turn: int = 0

    def room(self, orgs: Sequence[OrgId]) -> dict[OrgId, int]:
        """Those of these organisations that have room, and how much; another one comes first each time."""
        self._turn += 1
        start = self._turn % len(orgs) if orgs else 0
        found = {}
        for org in (*orgs[start:], *orgs[:start]):
            one = self._recipients.get(org) or _Recipient()
            if one.bound > one.running:
                found[org] = one.bound - one.running
        return found

    def begin(self, org: OrgId) -> None:
        """An attempt begins."""
        self._recipients.setdefault(org, _Recipient()).running += 1

    def end(self, org: OrgId, *, answered: bool) -> None:
        """An attempt has ended: answered, the bound grows by one; otherwise it is halved."""
        one = self._recipients[org]
        one.running -= 1
        if answered:
            one.bound = min(one.bound + 1, limits.deliveries_per_recipient_max)
        else:
            one.bound = max(one.bound // 2, limits.deliveries_per_recipient_min)
