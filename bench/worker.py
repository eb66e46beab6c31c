"""A process of the broker as `handoff serve broker` runs it, but without signatures: for measurements alone."""

import asyncio

from broker import serving
from broker.composition import broker_parts, kafka_of, tune_memory
from broker.settings import load_settings


async def work() -> None:
    """Take in, decide, send until told to stop; nothing is signed and nobody's signature is checked."""
    settings = load_settings(_env_file=None)
    tune_memory()
    async with broker_parts(settings, None, None) as parts, serving.intake(parts, kafka_of(settings)):
        await serving.until_told_to_stop()


if __name__ == "__main__":
    asyncio.run(work())
