"""One night in the county, step by step, on the real parts; each step is checked, and a step that fails says which.

People are simulated by calls of the very inbox, client, door and servers that real ones use. Nothing is told that did
not pass a topic or was not seen where people look. Each part of the night is told in a file of its own.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from broker.client import AgencyClient
from broker.local.demo import county
from broker.local.demo.breakdown import a_machine_breaks_down, another_way_was_taken
from broker.local.demo.first_call import first_call
from broker.local.demo.later_that_night import a_girl_and_her_mother, an_emergency
from broker.local.demo.machines import Machines
from broker.local.demo.morning import keep_checkpoint, morning, the_key
from broker.local.demo.other_calls import nobody_was_named, taken_back, taken_back_too_late
from broker.local.demo.own_system import Door, Notice
from broker.local.demo.teller import Teller
from broker.schemas.ids import OrgId, ReferralId
from broker.settings import Settings

if TYPE_CHECKING:
    from broker.app import ChannelDesk, DeliveryDesk, Inbox, Inboxes, OfferSeen

PATIENCE_SECONDS: Final = 30.0


class StepFailed(Exception):
    """A step of the story did not come out as it must."""


@dataclass(slots=True)
class Story:
    """The night. `settings` have addresses; every process of the network and every machine of the county runs."""

    settings: Settings
    teller: Teller
    inboxes: "Inboxes"
    machines: Machines
    door: Door
    """As Cedar house's own system uses it."""
    channels: "ChannelDesk"
    deliveries: "DeliveryDesk"
    """Both of Cedar house."""
    failures: list[str] = field(default_factory=list)
    referral: ReferralId | None = None
    checks: int = 0

    async def play(self) -> None:
        """The whole of it; `failures` says afterwards what did not hold."""
        async with (
            AgencyClient.of_settings(self.settings, county.POLICE, name="demo") as police,
            AgencyClient.of_settings(self.settings, county.HOTLINE, name="demo") as hotline,
            AgencyClient.of_settings(self.settings, county.POLICE_SOUTH, name="demo") as south,
        ):
            self.machines.cedar.told = self._webhook_came
            await first_call(self, police)
            await keep_checkpoint(self)
            await nobody_was_named(self, south)
            await taken_back(self, hotline)
            await taken_back_too_late(self, hotline)
            await an_emergency(self, south)
            calls = await a_machine_breaks_down(self, hotline)
            _, key = await asyncio.gather(a_girl_and_her_mother(self, hotline), the_key(self))
            await another_way_was_taken(self, calls)
        await morning(self, key)

    def inbox(self, org: OrgId) -> "Inbox":
        """The inbox of a provider of the county."""
        return self.inboxes.of(org)

    async def offer(self, org: OrgId, *, of_any_standing: bool = False) -> "OfferSeen":
        """This referral's offer in an inbox, once it is there."""
        found: list[OfferSeen] = []

        async def there() -> bool:
            offers = await self.inbox(org).offers(everything=of_any_standing)
            found[:] = [offer for offer in offers if offer.referral_id == self.referral]
            return bool(found)

        await self.until(f"an offer reaches {org}", there)
        return found[0]

    async def released(self, org: OrgId) -> bool:
        """Whether a provider has been handed what identifies her."""
        offers = await self.inbox(org).offers(everything=True)
        return any(offer.released for offer in offers if offer.referral_id == self.referral)

    def told(self, org: OrgId, kind: type[Any]) -> list[Any]:
        """What an organisation was told, or said, of one kind."""
        return [fact for _, to, fact in self.teller.heard if to == org and isinstance(fact, kind)]

    @staticmethod
    def mentions(text: bytes) -> bool:
        """Whether somebody who reads this learns who she is."""
        return county.ALIAS.encode() in text or county.NUMBER.encode() in text

    async def until(
        self, what: str, holds: Callable[[], Awaitable[bool] | bool], seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Wait for it; raises `StepFailed` when it has not come after so many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            now = holds()
            if now if isinstance(now, bool) else await now:
                return
            await asyncio.sleep(0.1)
        self.check(f"{what} within {seconds:.0f} s", holds=False)
        raise StepFailed(what)

    def _webhook_came(self, notice: Notice) -> None:
        self.teller.aside(f"Cedar house's own system has a webhook, its signature good: {notice.says}")

    def check(self, what: str, *, holds: bool) -> None:
        """Tell whether it holds, and remember."""
        self.checks += 1
        self.teller.verdict(what, good=holds)
        if not holds:
            self.failures.append(what)
