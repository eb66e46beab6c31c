"""Sequencers as processes, for tests that kill them: each seals and publishes as fast as it can.

One process loads the code and forks a sequencer for each line that it reads, which saves a second for each.
"""

import asyncio
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from broker import limits
from broker.schemas.ids import OrgId
from broker.seal.keys import load_log_keys
from broker.trail.notes import Signs, Verifier
from broker.trail.sequencer import Place, sequence


def seal(dsn: str, origin: str, org: str, home: Path) -> None:
    """Until it is killed."""
    limits.checkpoint_seconds = 0  # type: ignore[misc]
    limits.seal_pause_seconds = 0.005  # type: ignore[misc]
    limits.sequencer_again_seconds = 0.02  # type: ignore[misc]

    def keys() -> dict[Verifier, Signs]:
        held = load_log_keys(home / "log-keys", OrgId(org), datetime.now(UTC))
        return {Verifier(origin, key.public.public): key for key in held}

    asyncio.run(sequence(dsn, Place(origin, home / "log", keys)))


def main(origin: str, org: str, home: Path) -> None:
    """For each address on the standard input a sequencer, whose process id is printed; at its end all are killed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    children = []
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            seal(line.strip(), origin, org, home)
        children.append(child)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
    for child in children:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
