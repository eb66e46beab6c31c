"""The policy packs that were ever in force here: their exact texts, and the one that is in force now."""

from importlib.resources import files
from typing import Final

from broker.domain.policy import PolicyPack, read_pack
from broker.sql.bulk import Connection

DEFAULT_PACK: Final = "us-federal-vawa"


def shipped_pack(name: str = DEFAULT_PACK) -> tuple[PolicyPack, bytes]:
    """A pack that ships with the program, with its exact text.

    Raises:
        PolicyBroken: it cannot be used; the process must not start without a policy.
    """
    text = files("broker.policies").joinpath(f"{name}.toml").read_bytes()
    return read_pack(text), text


async def activate(connection: Connection, pack: PolicyPack, text: bytes) -> None:
    """Keep the pack's text, so that whatever is decided under it can be explained later."""
    await connection.execute(
        "INSERT INTO policy_text (reference, content) VALUES ($1, $2) ON CONFLICT DO NOTHING", pack.reference, text
    )
