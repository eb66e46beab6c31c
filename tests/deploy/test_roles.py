"""deploy/postgres/roles.sh makes the databases and roles that broker/local/databases.py makes, with the same rights."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from broker.local.databases import APP_ROLE, SEQUENCER_ROLE, drop_database
from broker.local.parts import LocalParts, local_parts
from broker.local.postgres import binaries
from tests.parts import local_settings

ROLES = Path(__file__).parents[2] / "deploy" / "postgres" / "roles.sh"
LOGINS = ("BROKER_OWNER", "BROKER_APP", "BROKER_SEQUENCER", "PROVIDER_OWNER", "PROVIDER_APP")

_RIGHTS = """
SELECT 'role', rolname, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolreplication, rolbypassrls,
       (SELECT array_agg(g.rolname::text ORDER BY g.rolname) FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
         WHERE m.member = r.oid)::text AS groups
  FROM pg_roles r WHERE rolname LIKE 'handoff%' ORDER BY rolname
"""
_DATABASES = """
SELECT datname, pg_get_userbyid(datdba) AS owner, (SELECT array_agg(one::text ORDER BY one::text)
       FROM unnest(datacl) AS one)::text AS rights
  FROM pg_database WHERE datname LIKE 'handoff%' ORDER BY datname
"""


@pytest.fixture
def server(home: Path) -> Iterator[LocalParts]:
    """A PostgreSQL of the test's own: roles belong to the whole server."""
    with local_parts(local_settings(home), kafka=False) as running:
        yield running


async def test_the_script_makes_the_same_roles_with_the_same_rights(server: LocalParts) -> None:
    """Attributes, memberships, owners and grants agree, and each role gets in with the password it was given."""
    made_here = await _found(server.superuser_dsn)
    assert len(made_here) == 9  # two groups, five logins, two databases
    for name in ("handoff_broker", "handoff_provider"):
        await drop_database(server.superuser_dsn, name)
    for group in (APP_ROLE, SEQUENCER_ROLE):
        await _execute(server.superuser_dsn, f"DROP ROLE {group}")
    assert await _found(server.superuser_dsn) == []

    where = urlsplit(server.superuser_dsn)
    folder = parse_qs(where.query)["host"][0]
    env = {
        "PATH": f"{binaries()}:{os.environ['PATH']}",
        "PGHOST": folder,
        "PGPASSWORD": where.password or "",
        **{f"{login}_PASSWORD": f"{login}_password".lower() for login in LOGINS},
    }
    await asyncio.to_thread(subprocess.run, ["bash", str(ROLES)], env=env, check=True, capture_output=True)

    assert await _found(server.superuser_dsn) == made_here
    for login in map(str.lower, LOGINS):
        zone = login.partition("_")[0]
        await _execute(f"postgresql://handoff_{login}:{login}_password@/handoff_{zone}?host={folder}", "SELECT 1")


async def _found(dsn: str) -> list[tuple[object, ...]]:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for question in (_RIGHTS, _DATABASES) for row in await connection.fetch(question)]
    finally:
        await connection.close()


async def _execute(dsn: str, statement: str) -> None:
    connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
