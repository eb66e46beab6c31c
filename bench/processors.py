"""Time on processors: what is left to compare by where others take theirs at the same time."""

from collections.abc import Iterable
from contextlib import suppress

import psutil

from broker.sql.bulk import Connection, Pool


async def postgres_of(connection: Connection | Pool) -> list[psutil.Process]:
    """The server's processes, those of every connection among them. Whoever ended is counted by its parent."""
    backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    postmaster = backend.parent()
    assert postmaster is not None
    return [postmaster, *postmaster.children()]


def seconds(processes: Iterable[psutil.Process]) -> float:
    """Seconds on a processor of these and of what they have waited for."""
    spent = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            spent += sum(process.cpu_times()[:4])
    return spent
