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
    "fd6488033020ffc8cb366aff15021c9cd69cd75f6266b9b9ed6065a6f655b861": "us-federal-vawa 1.1.0",
    "d5a0d500fa9d1ee759be0ed1e79adf1e3bd6c60e8bd982040a1cc224d6abd839": "uk-dpa-safeguarding 1.1.0",
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
