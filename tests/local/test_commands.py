"""`handoff doctor` and `handoff local` say what is and what to do, exit accordingly, and show no secret."""

import json
import subprocess
import sys
from pathlib import Path

from tests.local.processes import gone, handoff, owner_of


def test_help_lists_the_commands_without_loading_them() -> None:
    """The list comes from a table: Kafka's and PostgreSQL's clients are loaded by those who need them."""
    script = (
        "import sys; sys.argv = ['handoff', '--help']\n"
        "from broker.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert end.code == 0\n"
        "assert not {'aiokafka', 'asyncpg', 'sqlalchemy', 'pydantic_settings', 'faststream'} & set(sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "doctor" in told
    assert "local" in told


def test_every_listed_command_can_be_loaded() -> None:
    """A line of the table that names nothing would be found by a user."""
    from broker.cli import COMMANDS, _loaded

    assert [_loaded(entry).name for entry in COMMANDS] == [entry.name for entry in COMMANDS]


def test_nothing_running_is_nothing_wrong(home: Path) -> None:
    """On a machine where nothing was started yet, the doctor says how to start, and exits 0."""
    told = handoff("doctor", "--json", home=home)
    states = {finding["thing"]: finding["state"] for finding in json.loads(told.stdout)}
    assert told.returncode == 0
    assert states["PostgreSQL"] == states["Kafka"] == "idle"
    assert states["Python"] == states["Java"] == states["PostgreSQL's programs"] == "ok"


def test_the_doctor_names_versions_and_roles_of_what_runs(home: Path) -> None:
    """Kafka with its cluster, PostgreSQL with its version and our role; no password."""
    with owner_of(home, "kafka") as (_, told):
        report = handoff("doctor", home=home)
        status = json.loads(handoff("local", "status", "--json", home=home).stdout)
    assert report.returncode == 0, report.stdout
    assert "4.4 (feature level 33), 1 broker(s), cluster" in report.stdout
    assert "18.4, as role handoff_broker_app" in report.stdout
    assert "18.4, as role handoff_provider_app" in report.stdout
    passwords = json.loads((home / "postgres-roles.json").read_text()).values()
    assert not [one for one in passwords if one in report.stdout + report.stderr + json.dumps(status)]
    assert set(status["resident_bytes"]) == set(told["pids"])
    assert all(size > 0 for size in status["resident_bytes"].values())


def test_what_cannot_be_reached_is_missing(home: Path) -> None:
    """Addresses that nobody answers at: exit 1, each with what to do, and the password is not told."""
    told = handoff(
        "doctor",
        home=home,
        HANDOFF_KAFKA_BOOTSTRAP="127.0.0.1:9",
        HANDOFF_POSTGRES_DSN="postgresql://u:hunter2-canary@127.0.0.1:9/database",
    )
    assert told.returncode == 1
    assert "missing  Kafka" in told.stdout
    assert "missing  PostgreSQL" in told.stdout
    assert told.stdout.count("Check the address") == 2
    assert "hunter2-canary" not in told.stdout + told.stderr


def test_where_the_sequencer_is_alone_nothing_else_is_missed(home: Path) -> None:
    """Its container knows the log's database and nothing of Kafka; the doctor is what says that it is healthy."""
    with owner_of(home):
        passwords = json.loads((home / "postgres-roles.json").read_text())
        role = "handoff_broker_sequencer"
        dsn = f"postgresql://{role}:{passwords[role]}@/handoff_broker?host={home / 'run'}"
        told = handoff("doctor", "--json", home=home / "its-own", HANDOFF_POSTGRES_SEQUENCER_DSN=dsn)
    states = {finding["thing"]: finding["state"] for finding in json.loads(told.stdout)}
    assert told.returncode == 0, told.stdout
    assert states["PostgreSQL (sequencer)"] == "ok"
    assert not {"Kafka", "Java", "PostgreSQL"} & set(states)


def test_a_superuser_is_not_accepted_as_everyday_role(home: Path) -> None:
    """Protection by roles is worth nothing for a superuser; the doctor says so."""
    with owner_of(home):
        passwords = json.loads((home / "postgres-roles.json").read_text())
        dsn = f"postgresql://postgres:{passwords['postgres']}@/postgres?host={home / 'run'}"
        told = handoff("doctor", home=home, HANDOFF_POSTGRES_DSN=dsn)
    assert told.returncode == 1
    assert "a superuser" in told.stdout


def test_stop_ends_the_owner_and_keeps_the_data(home: Path) -> None:
    """Afterwards nothing runs; a second stop says so by its exit code."""
    with owner_of(home) as (owner, told):
        stopped = handoff("local", "stop", home=home)
        assert stopped.returncode == 0, stopped.stderr
        assert owner.wait(10) != 0
        assert gone(told["pids"]["postgres"])
    assert (home / "postgres" / "PG_VERSION").exists()
    again = handoff("local", "stop", home=home)
    assert again.returncode == 4
    assert "Nothing runs" in again.stderr


def test_reset_removes_data_but_not_under_a_running_owner(home: Path) -> None:
    """And key files stay: they may be registered with somebody else."""
    with owner_of(home):
        refused = handoff("local", "reset", "--yes", home=home)
        assert refused.returncode == 4
        assert "handoff local stop" in refused.stderr
        handoff("local", "stop", home=home)
    (home / "zones").mkdir()
    (home / "zones" / "key").write_text("kept")
    done = handoff("local", "reset", "--yes", home=home)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in home.iterdir()) == ["lock", "zones"]


def test_an_error_is_one_clear_line(home: Path) -> None:
    """No traceback, the setting's name, what to do, and the exit code of wrong settings."""
    told = handoff("local", "status", home=home, HANDOFF_ENVIRONMENT="hunter2-canary")
    assert told.returncode == 2
    assert told.stderr.startswith("handoff: HANDOFF_ENVIRONMENT: ")
    assert "Traceback" not in told.stderr
    assert "hunter2-canary" not in told.stderr + told.stdout
