"""A sequencer as a process, for tests that kill it: it seals and publishes as fast as it can."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from broker import limits
from broker.schemas.ids import OrgId
from broker.seal.keys import load_log_keys
from broker.trail.notes import Signs, Verifier
from broker.trail.sequencer import Place, sequence


def main(origin: str, org: str, home: Path) -> None:
    """Until it is killed. The address, which holds a password, comes by the standard input."""
    limits.checkpoint_seconds = 0  # type: ignore[misc]
    limits.seal_pause_seconds = 0.005  # type: ignore[misc]
    limits.sequencer_again_seconds = 0.02  # type: ignore[misc]

    def keys() -> dict[Verifier, Signs]:
        held = load_log_keys(home / "log-keys", OrgId(org), datetime.now(UTC))
        return {Verifier(origin, key.public.public): key for key in held}

    asyncio.run(sequence(sys.stdin.readline().strip(), Place(origin, home / "log", keys)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
