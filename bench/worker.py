"""A process of the broker as `handoff serve broker` runs it, but without signatures, or trail: to measure alone."""

import asyncio
import sys
from typing import Any, Final

from broker import serving
from broker.collecting import collect_seldom
from broker.composition import broker_parts, kafka_of, tune_memory
from broker.handlers.desk import Desk
from broker.handlers.gate import Permit
from broker.settings import load_settings

WITHOUT_TRAIL: Final = "--without-trail"


def forget_steps() -> None:
    """Let the desk make no entries at all, so that their whole cost is seen: texts, salts, rows and their writing."""

    def nothing(*_: Any) -> Any:
        """Nothing is entered, and no message has a second entry."""

    Desk.record = nothing  # type: ignore[method-assign]
    Permit.discloses = nothing  # type: ignore[method-assign]


async def work() -> None:
    """Take in, decide, send until told to stop; nothing is signed and nobody's signature is checked."""
    settings = load_settings(_env_file=None)
    tune_memory()
    async with broker_parts(settings, None, None) as parts, serving.intake(parts, kafka_of(settings)):
        collect_seldom()  # as `handoff serve` does
        await serving.until_told_to_stop()


if __name__ == "__main__":
    if WITHOUT_TRAIL in sys.argv:
        forget_steps()
    asyncio.run(work())
