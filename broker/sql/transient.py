"""Which failures of PostgreSQL pass: after them the same transaction may well succeed."""

from typing import Final

import asyncpg

TRANSIENT: Final = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.UniqueViolationError,
    asyncpg.LockNotAvailableError,
)
"""Lost connections, shutdowns, deadlocks, races for one key.

A connection that is lost while it goes back to its pool ends in asyncpg's InternalClientError; the pool drops it.
"""
