"""HTTP to a provider's FHIR server: one request, answered within bounds, and nothing followed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import aiohttp

from broker import limits

_HEADERS: Final = {"accept-encoding": "identity", "user-agent": "warm-handoff"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered. Its repr shows the status alone."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)
    """None where it is longer than was asked for, or compressed although we asked for plain bytes."""


class HttpFailed(Exception):
    """A request did not come to an answer; `unknown` where the other side may have taken it all the same."""

    def __init__(self, code: str, *, unknown: bool) -> None:
        super().__init__()
        self.code = code
        self.unknown = unknown


class Http(Protocol):
    """The way out."""

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        """Ask once.

        Raises:
            HttpFailed: no answer came.
            ChannelRefused: the zone does not connect there.
        """
        ...

    async def stop(self) -> None:
        """Close what is kept open."""
        ...


class PlainHttp:
    """By aiohttp, made when it is first needed."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def request(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Reply:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=limits.fhir_attempt_seconds_max)
            self._session = aiohttp.ClientSession(
                auto_decompress=False, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), timeout=timeout
            )
        try:
            async with self._session.request(
                method, url, data=body or None, headers={**_HEADERS, **headers}, allow_redirects=False
            ) as response:
                return Reply(response.status, response.headers, await _content(response))
        except TimeoutError:
            raise HttpFailed("TIMED_OUT", unknown=True) from None
        except aiohttp.ClientConnectorError:
            raise HttpFailed("NOT_REACHED", unknown=False) from None
        except aiohttp.ClientError:
            raise HttpFailed("CONNECTION_LOST", unknown=True) from None

    async def stop(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _content(response: aiohttp.ClientResponse) -> bytes | None:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        response.close()
        return None
    held = bytearray()
    while not response.content.at_eof():
        held += await response.content.readany()
        if len(held) > limits.fhir_answer_bytes_max:
            response.close()
            return None
    return bytes(held)
