"""What a request says, read within its bounds: the body within size and time, and what was asked for as it was sent."""

import asyncio
from typing import Final

from starlette.requests import Request

from broker import limits
from broker.schemas.refusal import RefusalCode, Refused

COMPRESSED: Final = "content-encoding"
"""No door unpacks anything: what is small when packed may be large."""


async def whole_body(request: Request) -> bytes:
    """The whole body.

    Raises:
        Refused: TOO_LARGE.
        TimeoutError: it did not arrive within `door_body_seconds_max` seconds.
    """
    held = bytearray()
    async with asyncio.timeout(limits.door_body_seconds_max):
        async for part in request.stream():
            held += part
            if len(held) > limits.door_body_bytes_max:
                raise Refused(RefusalCode.TOO_LARGE)
    return bytes(held)


def asked(request: Request) -> bytes:
    """What a request without a body asks for: its method, a blank, and its path as it was sent, with its query."""
    query = request.scope["query_string"]
    path: bytes = request.scope["raw_path"].partition(b"?")[0]
    return request.method.encode() + b" " + path + (b"?" + query if query else b"")
