"""The policy packs that ship with the program, each pinned to the bytes that the project released."""

from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Final

from broker.domain.policy import PolicyBroken, PolicyPack, read_pack
from broker.errors import HandoffError
from broker.seal.errors import PolicyNotVerified

DEFAULT_PACK: Final = "us-federal-vawa"
SHIPPED: Final[Mapping[str, str]] = {
    "ff38d91f40ca695124702b23b2c7704ea8529e54c3b9a26419f9fa655bd12e59": "us-federal-vawa 1.0.0",
    "4d4d8224eb0b80054098ab40a60016b69d8d9b714ed9bfae2f1b9e7e8bba96b1": "uk-dpa-safeguarding 1.0.0",
    "163e67f8114e236632d4326b9d9b35563a4e379782dadbe92156ec602950f3d5": "us-federal-vawa 1.0.1",
    "d54c86c5f7bd4beac898a0f41fd4ac79e82bc8fe9da42e8f79cacdea4e3f34cb": "uk-dpa-safeguarding 1.0.1",
}
"""SHA-256 (hex) of every pack that this project has ever shipped: whoever trusts the package trusts these."""


class PolicyUnusable(HandoffError):
    """A policy pack cannot be used."""

    exit_code = 2
    remedy = "Correct it; `handoff policy lint FILE` checks again, `handoff policy show` prints a whole one."


def read(text: bytes) -> PolicyPack:
    """The pack that these TOML bytes say, compiled, whoever wrote them.

    Raises:
        PolicyUnusable: it cannot be used, and where.
    """
    try:
        return read_pack(text)
    except PolicyBroken as error:
        raise PolicyUnusable(str(error)) from None


def shipped_names() -> tuple[str, ...]:
    """The packs that ship."""
    found = (file.name for file in files(__name__).iterdir() if file.name.endswith(".toml"))
    return tuple(sorted(name.removesuffix(".toml") for name in found))


def shipped_text(name: str = DEFAULT_PACK) -> bytes:
    """The exact text of a pack that ships.

    Raises:
        PolicyNotVerified: there is none of this name, or it is not the one that was released.
    """
    if name not in shipped_names():
        raise PolicyNotVerified(f"No policy pack {name} ships; there are: {', '.join(shipped_names())}.")
    text = files(__name__).joinpath(f"{name}.toml").read_bytes()
    if sha256(text).hexdigest() not in SHIPPED:
        raise PolicyNotVerified(f"The policy pack {name} of this installation is not the one that was released.")
    return text


def shipped_pack(name: str = DEFAULT_PACK) -> PolicyPack:
    """A pack that ships, compiled; raises as `shipped_text`."""
    return read(shipped_text(name))
