"""The images of the check: our own, always built here; Kafka's and PostgreSQL's official ones, or stand-ins built here.

Stand-ins are for machines that can reach Debian's mirrors but no image registry. They take the same variables and
folders as the official images, so that compose.yaml and the tests run on either.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.local.jars import ensure_jars
from broker.local.progress import Silence
from broker.settings import load_settings
from deploy.check.shell import CheckFailed, run, step, succeeds

ROOT: Final = Path(__file__).parents[2]
OURS: Final = "warm-handoff:check"
_RECIPES: Final = Path(__file__).parent
_PREFIX: Final = "warm-handoff-check"
_SUITE: Final = "bookworm"
_CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True, slots=True)
class Images:
    """What compose.yaml and the Dockerfile are told; None for their own defaults."""

    base: str | None = None
    kafka: str | None = None
    postgres: str | None = None

    def variables(self) -> dict[str, str]:
        """As compose.yaml reads them."""
        named = {"HANDOFF_IMAGE": OURS, "KAFKA_IMAGE": self.kafka, "POSTGRES_IMAGE": self.postgres}
        return {name: image for name, image in named.items() if image is not None}


def given() -> Images:
    """The images that BASE, KAFKA_IMAGE and POSTGRES_IMAGE name; the official ones where they are not set."""
    return Images(os.environ.get("BASE"), os.environ.get("KAFKA_IMAGE"), os.environ.get("POSTGRES_IMAGE"))


def stand_ins(env: Mapping[str, str]) -> Images:
    """Build what cannot be pulled: a Debian, a Python on it, Kafka from the locked jars, Debian's PostgreSQL."""
    debian = f"{_PREFIX}/debian"
    if not succeeds("docker", "image", "inspect", debian, env=env):
        with step("Making a Debian image with debootstrap"):
            _bootstrap(debian, env)
    python, kafka, postgres = (f"{_PREFIX}/{name}" for name in ("python", "kafka", "postgres"))
    with step("Building the stand-in for Python's image"):
        _build(python, env, certificates=True)
    with step("Building the stand-in for Kafka's image"):
        _build(kafka, env, jars=True)
    with step("Building the stand-in for PostgreSQL's image"):
        _build(postgres, env)
    return Images(python, kafka, postgres)


def build_ours(images: Images, env: Mapping[str, str]) -> None:
    """Build our own image from deploy/Dockerfile."""
    base = () if images.base is None else ("--build-arg", f"BASE={images.base}")
    with step("Building our own image"):
        run("docker", "build", "--tag", OURS, "--file", str(ROOT / "deploy/Dockerfile"), *base, str(ROOT), env=env)


def _bootstrap(tag: str, env: Mapping[str, str]) -> None:
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        raise CheckFailed("Stand-ins need root and debootstrap (on Debian: apt install debootstrap).")
    with tempfile.TemporaryDirectory(prefix="warm-handoff-debian-") as folder:
        # The folder becomes the image's root: not its maker's alone.
        root = Path(folder) / "root"
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", _SUITE, str(root), env=env)
        run("tar", "--create", "--file", f"{folder}/root.tar", "--directory", str(root), ".", env=env)
        run("docker", "import", f"{folder}/root.tar", tag, env=env)


def _build(tag: str, env: Mapping[str, str], *, certificates: bool = False, jars: bool = False) -> None:
    recipe = _RECIPES / tag.removeprefix(f"{_PREFIX}/")
    with tempfile.TemporaryDirectory(prefix="warm-handoff-build-") as folder:
        context = Path(folder) / "context"
        shutil.copytree(recipe, context)
        if certificates:
            shutil.copy(_CERTIFICATES, context)
        if jars:
            _copy_jars(context / "jars")
        run("docker", "build", "--tag", tag, str(context), env=env)


def _copy_jars(to: Path) -> None:
    settings = load_settings(_env_file=None)
    to.mkdir()
    for jar in ensure_jars(settings.cache_dir, settings.maven_repository, Silence()):
        shutil.copyfile(jar, to / jar.name)
        (to / jar.name).chmod(0o644)
