"""What commands print of the ways in: links, and the passkeys that are in use."""

import json
from collections.abc import Iterator, Sequence

from broker.entry.passkeys import PasskeySeen
from broker.look.words import moment


def link_at(origin: str, token: str) -> str:
    """Where a link of these pages leads."""
    return f"{origin}/sign-in/{token}"


def passkey_lines(found: Sequence[PasskeySeen], *, as_json: bool) -> Iterator[str]:
    """A line for each passkey: its id, whose it is by account and role, when it was made and used."""
    for one in found:
        if as_json:
            told = {
                "passkey": one.passkey_id,
                "account": one.account,
                "role": one.role,
                "madeAt": one.made_at.isoformat(),
                "usedAt": one.used_at.isoformat() if one.used_at else None,
            }
            yield json.dumps(told)
            continue
        used = f"used {moment(one.used_at)}" if one.used_at else "never used"
        yield f"{one.passkey_id}  {one.role:<15}  {one.account}  made {moment(one.made_at)}, {used}"
