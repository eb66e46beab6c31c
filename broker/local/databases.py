"""A zone's database with its roles: one owns the tables and migrates, the other works and owns nothing.

The broker's has a third, which alone writes the log of the trail.

The same steps serve the embedded PostgreSQL and the tests, so that both run under production's protections. What the
everyday role may do with each table is granted by the migrations, to the group role `handoff_app`.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

APP_ROLE = "handoff_app"
"""The group that every everyday role is a member of, the same name in every installation; cannot log in."""
SEQUENCER_ROLE = "handoff_sequencer"
"""The group of those who write the log of the broker's trail."""

_ROLE_LOCK = 4717_0001
"""Advisory lock: roles belong to the whole server, and two processes may prepare databases at once."""


@dataclass(frozen=True, slots=True)
class ZoneDatabase:
    """The addresses of one database. They hold passwords: their repr shows nothing."""

    owner_dsn: str = field(repr=False)
    app_dsn: str = field(repr=False)
    sequencer_dsn: str | None = field(default=None, repr=False)


def drawn_password(_role: str) -> str:
    """A new random password, for roles that live no longer than a test."""
    return secrets.token_urlsafe(24)


async def make_database(
    superuser_dsn: str,
    name: str,
    password_of: Callable[[str], str] = drawn_password,
    *,
    template: str = "template1",
    sequencer: bool = False,
) -> ZoneDatabase:
    """Make database `name` with the roles `<name>_owner` and `<name>_app`; what is there already stays.

    `superuser_dsn` may be any role that can make roles and databases. `password_of` is asked by role name. `template`
    is a database to copy, with its tables and grants. `sequencer`: with a role `<name>_sequencer`, too.
    """
    owner = f"{name}_owner"
    groups = {f"{name}_app": APP_ROLE} | ({f"{name}_sequencer": SEQUENCER_ROLE} if sequencer else {})
    passwords = {role: password_of(role) for role in (owner, *groups)}
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(superuser_dsn)
    try:
        await _make_roles(connection, passwords, groups)
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}" OWNER "{owner}" TEMPLATE "{template}"')
        await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
        for role in groups:
            await connection.execute(f'GRANT CONNECT ON DATABASE "{name}" TO "{role}"')
    finally:
        await connection.close()
    return ZoneDatabase(*(with_login(superuser_dsn, role, password, name) for role, password in passwords.items()))


async def drop_database(superuser_dsn: str, name: str) -> None:
    """Remove the database and its roles, cutting off whoever still uses it."""
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(superuser_dsn)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for role in (f"{name}_sequencer", f"{name}_app", f"{name}_owner"):
            await connection.execute(f'DROP ROLE IF EXISTS "{role}"')
    finally:
        await connection.close()


def with_login(dsn: str, role: str, password: str, database: str) -> str:
    """The same server as `dsn`, another role and database."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(("postgresql", f"{login}@{host}", f"/{quote(database, safe='')}", parts.query, ""))


async def _make_roles(
    connection: "asyncpg.Connection[asyncpg.Record]", passwords: dict[str, str], groups: dict[str, str]
) -> None:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ROLE_LOCK)
        for group in (APP_ROLE, SEQUENCER_ROLE):
            await _make_role(connection, group, "NOLOGIN")
        for role, password in passwords.items():
            await _make_role(connection, role, f"LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{password}'")
            # Needed to hand the database over where we are not a superuser ourselves.
            await connection.execute(f'GRANT "{role}" TO CURRENT_USER')
        for role, group in groups.items():
            await connection.execute(f'GRANT "{group}" TO "{role}"')


async def _make_role(connection: "asyncpg.Connection[asyncpg.Record]", role: str, options: str) -> None:
    known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
    await connection.execute(f'{"ALTER" if known else "CREATE"} ROLE "{role}" {options}')
