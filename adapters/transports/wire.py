"""One HTTP request on one connection of aiohttp's: written at once, its answer read as far as it is wanted.

aiohttp's session costs three times as much for each request: it is made for cookies, redirects, proxies, credentials
and bodies of many kinds, of which nothing may be used here. Connections, TLS, where they may lead, and the reading of
answers stay aiohttp's (docs/decisions/0195).
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

from adapters.guard import Endpoint
from broker import limits

UNREADABLE: Final = (HttpProcessingError, aiohttp.ClientPayloadError)
"""What an answer raises that is none, or breaks off."""

_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered. Its repr shows the status alone."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """By small or capital letters alike."""
    body: bytes | None = field(repr=False)
    """None where it was not wanted, is longer than was asked for, or is compressed though we asked for plain bytes."""


class Connections:
    """The connections of a client, by where they lead: each serves one request at a time, and then the next."""

    def __init__(self, connector: aiohttp.TCPConnector, timeout: aiohttp.ClientTimeout) -> None:
        self._connector = connector
        self._timeout = timeout
        self._leading: dict[tuple[str, str, int], aiohttp.ClientRequest] = {}

    async def to(self, endpoint: Endpoint) -> Connection:
        """One that is kept, or a new one. Whoever gets it releases or closes it."""
        where = endpoint.scheme, endpoint.host, endpoint.port
        leading = self._leading.get(where)
        if leading is None:
            url = URL(f"{endpoint.scheme}://{endpoint.host}:{endpoint.port}/", encoded=True)
            leading = self._leading[where] = aiohttp.ClientRequest("GET", url, loop=asyncio.get_running_loop())
        return await self._connector.connect(leading, [], self._timeout)

    async def close(self) -> None:
        """Close them all."""
        await self._connector.close()


async def ask(
    connection: Connection,
    method: str,
    endpoint: Endpoint,
    headers: Mapping[str, str],
    body: bytes,
    bytes_max: int | None,
) -> Reply:
    """Ask, and give the connection back: as good as new where all of the answer has come, closed otherwise.

    `bytes_max` bounds the answer's body; None: it is not wanted.

    Raises:
        aiohttp.ClientError: the connection was lost.
        UNREADABLE: what came is no answer.
    """
    try:
        protocol = connection.protocol
        if protocol is None or protocol.transport is None:
            raise aiohttp.ServerDisconnectedError
        protocol.set_response_params(
            read_until_eof=True, auto_decompress=False, read_bufsize=limits.outgoing_read_bytes_max
        )
        protocol.transport.write(head_of(method, endpoint, headers, len(body)) + body)
        message, payload = await _answer(protocol)
        content = await _content(message, payload, bytes_max) if bytes_max is not None else None
        if bytes_max is None:
            await _drain(message, payload)
        ended = payload.is_eof()
    except BaseException:
        connection.close()
        raise
    if ended:
        connection.release()
    else:
        connection.close()  # What has not come is not waited for, and it cannot serve another request.
    return Reply(message.code, message.headers, content)


def head_of(method: str, endpoint: Endpoint, headers: Mapping[str, str], body_bytes: int) -> bytes:
    """A request's head, up to where its body begins.

    Raises:
        ValueError: a header holds the end of a line.
    """
    port = "" if _DEFAULT_PORTS[endpoint.scheme] == endpoint.port else f":{endpoint.port}"
    lines = [f"{method} {endpoint.path} HTTP/1.1", f"Host: {endpoint.host}{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body_bytes or method not in _WITHOUT_BODY:
        lines.append(f"Content-Length: {body_bytes}")
    text = "\r\n".join(lines)
    if not text.count("\r") == text.count("\n") == len(lines) - 1 or "\0" in text:
        raise ValueError("a header holds the end of a line")
    return f"{text}\r\n\r\n".encode()


async def _answer(protocol: ResponseHandler) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
    """The answer's head, after whatever came to say that it will come."""
    while True:
        message, payload = await protocol.read()
        if message.code >= 200 or message.code == 101:
            return message, payload


async def _drain(message: RawResponseMessage, payload: aiohttp.StreamReader) -> None:
    """Give the rest of an answer a moment, so that its connection serves again; the status stands whatever comes."""
    if not payload.is_eof():
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(limits.outgoing_drain_seconds):
                await _content(message, payload, limits.outgoing_read_bytes_max)


async def _content(message: RawResponseMessage, payload: aiohttp.StreamReader, bytes_max: int) -> bytes | None:
    """The body in the clear, as far as it may be read at all."""
    if message.headers.get("content-encoding", "identity").lower() != "identity":
        return None
    held = bytearray()
    while not payload.at_eof():
        held += await payload.readany()
        if len(held) > bytes_max:
            return None
    return bytes(held)
