"""A bad setting is named and its value is not shown; what is unknown is left alone."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from broker.errors import HandoffError, SettingsInvalid
from broker.settings import load_settings, sqlalchemy_url

_SECRET = "hunter2-canary"

BAD = {
    "HANDOFF_ENVIRONMENT": "draft",
    "HANDOFF_KAFKA_BOOTSTRAP": f"{_SECRET} without port",
    "HANDOFF_KAFKA_SECURITY": _SECRET,
    "HANDOFF_POSTGRES_DSN": f"mysql://u:{_SECRET}@host/database",
    "HANDOFF_PROVIDER_POSTGRES_DSN": f"postgresql://u:{_SECRET}@host",
    "HANDOFF_BROKER_ORG": _SECRET,
    "HANDOFF_TOPIC_PREFIX": f"{_SECRET}/",
    "HANDOFF_LOG_LEVEL": _SECRET,
    "HANDOFF_DOOR_ADDRESS": _SECRET,
    "HANDOFF_OUTGOING_LOOPBACK": f"{_SECRET}:443",
    "HANDOFF_MAVEN_REPOSITORY": f"ftp://{_SECRET}",
    "HANDOFF_TIME_ZONE": _SECRET,
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in BAD:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_setting_is_named_without_its_value(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says which variable and what it should be."""
    monkeypatch.setenv(name, BAD[name])
    with pytest.raises(SettingsInvalid, match=f"{name}: ") as invalid:
        load_settings()
    assert _SECRET not in str(invalid.value)
    assert invalid.value.__cause__ is None
    assert invalid.value.__suppress_context__


def test_unknown_variables_and_lines_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `.env` shared with other programs is no error; ours are read from it, and variables come before it."""
    (tmp_path / ".env").write_text(
        "OTHER=1\nHANDOFF_UNHEARD_OF=1\nHANDOFF_ENVIRONMENT=exercise\nHANDOFF_LOG_LEVEL=DEBUG\n"
    )
    monkeypatch.setenv("HANDOFF_LOG_LEVEL", "ERROR")
    settings = load_settings()
    assert (settings.environment, settings.log_level) == ("exercise", "ERROR")


@pytest.mark.parametrize("name", ["../etc/passwd", "America", "America/Nowhere"])
def test_a_time_zone_is_one_that_clocks_are_known_of(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is none is named at start, with what it should be; UTC where none is set."""
    assert load_settings().house_zone == ZoneInfo("UTC")
    monkeypatch.setenv("HANDOFF_TIME_ZONE", "America/Los_Angeles")
    assert load_settings().house_zone == ZoneInfo("America/Los_Angeles")
    monkeypatch.setenv("HANDOFF_TIME_ZONE", name)
    with pytest.raises(SettingsInvalid, match="HANDOFF_TIME_ZONE: must be a name of the IANA's time zones"):
        load_settings()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither repr nor str of the settings holds a password."""
    monkeypatch.setenv("HANDOFF_POSTGRES_DSN", f"postgresql://u:{_SECRET}@host/database")
    monkeypatch.setenv("HANDOFF_KAFKA_PASSWORD", _SECRET)
    settings = load_settings()
    assert _SECRET not in f"{settings!r} {settings}"


def test_sasl_needs_a_user_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """And with both, the client gets them."""
    monkeypatch.setenv("HANDOFF_KAFKA_SECURITY", "SASL_SSL")
    with pytest.raises(SettingsInvalid, match="HANDOFF_KAFKA_USERNAME"):
        load_settings()
    monkeypatch.setenv("HANDOFF_KAFKA_USERNAME", "broker")
    monkeypatch.setenv("HANDOFF_KAFKA_PASSWORD", _SECRET)
    options = load_settings().kafka_client_options()
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert options["sasl_plain_password"] == _SECRET
    assert options["ssl_context"].check_hostname


def test_unreadable_certificates_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is no certificate is a bad setting, not a crash."""
    (tmp_path / "ca.pem").write_text(_SECRET)
    monkeypatch.setenv("HANDOFF_KAFKA_SECURITY", "ssl")
    monkeypatch.setenv("HANDOFF_KAFKA_CA_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(SettingsInvalid, match="HANDOFF_KAFKA_CA_FILE") as invalid:
        load_settings().kafka_client_options()
    assert _SECRET not in str(invalid.value)


@pytest.mark.parametrize(
    ("dsn", "url"),
    [
        ("postgresql://u:p@host:5432/db", "postgresql+asyncpg://u:p@host:5432/db"),
        ("postgres://u:p@/db?host=/run/socket", "postgresql+asyncpg://u:p@/db?host=/run/socket"),
    ],
)
def test_the_address_for_sqlalchemy(dsn: str, url: str) -> None:
    """Only the scheme changes."""
    assert sqlalchemy_url(dsn) == url


def test_an_error_s_docstring_is_its_message() -> None:
    """For every class of the tree, and each has one."""
    classes = [HandoffError]
    for one in classes:
        classes.extend(one.__subclasses__())
        assert one.__doc__
        assert one.default_message() == one.__doc__.partition("\n")[0]
