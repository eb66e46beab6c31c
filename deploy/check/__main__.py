"""`make images-check`: exits 0 when the images can be built, started and used, 1 when not, saying what is wrong."""

import argparse
import sys
import time

from deploy.check.county import county
from deploy.check.engine import engine
from deploy.check.images import build_ours, given, stand_ins
from deploy.check.shell import CheckFailed
from deploy.check.story import tell


def main() -> int:
    """Read the options and run the check; returns the exit code."""
    options = argparse.ArgumentParser(prog="make images-check", description=__doc__)
    options.add_argument("--own-engine", action="store_true", help="start a Docker engine for the check (needs root)")
    options.add_argument(
        "--own-images", action="store_true", help="build stand-ins for the official images (needs root and debootstrap)"
    )
    options.add_argument("--only-build", action="store_true", help="build the images and start nothing")
    chosen = options.parse_args()
    begun = time.monotonic()
    try:
        _check(own_engine=chosen.own_engine, own_images=chosen.own_images, only_build=chosen.only_build)
    except CheckFailed as failed:
        sys.stderr.write(f"images-check: {failed}\n")
        return 1
    sys.stdout.write(f"The images work. {time.monotonic() - begun:.0f} s in all.\n")
    return 0


def _check(*, own_engine: bool, own_images: bool, only_build: bool) -> None:
    with engine(own=own_engine) as env:
        images = stand_ins(env) if own_images else given()
        build_ours(images, env)
        if only_build:
            return
        with county(images.variables(), env) as running:
            tell(running)


if __name__ == "__main__":
    sys.exit(main())
