"""HTTP to other people's servers: connects only where the guard lets it, follows nothing, reads little, ends in time.

One of these serves all recipients of a process. A kept connection leads to the address that was checked when it was
made; it is given up after a minute, so that a changed name or rule holds then (docs/decisions/0105).
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from adapters.errors import InboxError
from adapters.guard import Endpoint, Guard, NameUnknown, endpoints_of
from broker import limits
from broker.errors import SettingsInvalid
from broker.settings import Settings

log = logging.getLogger(__name__)

_HEADERS: Final = {"accept-encoding": "identity", "user-agent": "warm-handoff"}


class OutgoingFailed(InboxError):
    """A request did not come to an answer; `unknown` where the other side may have taken it all the same."""

    def __init__(self, code: str, *, unknown: bool) -> None:
        super().__init__()
        self.code = code
        self.unknown = unknown


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered. Its repr shows the status alone."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    """By small or capital letters alike."""
    body: bytes | None = field(repr=False)
    """None where it was not wanted, is longer than was asked for, or is compressed though we asked for plain bytes."""


@dataclass(slots=True)
class _Lot:
    """The connections of one minute, and how many requests still use them."""

    session: aiohttp.ClientSession
    until: float
    using: int = 0


class Outgoing:
    """The one client for everything that leaves the zone by HTTP. Bounding how much runs at once is the caller's."""

    def __init__(
        self,
        guard: Guard,
        tls: ssl.SSLContext,
        *,
        seconds_max: float | None = None,
        kept_seconds: float | None = None,
    ) -> None:
        """Both in seconds, as `broker.limits` has them where they are not given."""
        self.guard = guard
        self._tls = tls
        self._seconds_max = limits.outgoing_seconds_max if seconds_max is None else seconds_max
        self._kept_seconds = limits.outgoing_kept_seconds if kept_seconds is None else kept_seconds
        self._lot: _Lot | None = None

    async def stop(self) -> None:
        """Close every connection that is kept."""
        lot, self._lot = self._lot, None
        if lot is not None:
            await lot.session.close()

    async def request(
        self,
        method: str,
        endpoint: Endpoint,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        read: bool = True,
        bytes_max: int = limits.outgoing_read_bytes_max,
    ) -> Reply:
        """Ask once, within `seconds_max` altogether, however slowly the other side speaks.

        With `read` the answer's body, of `bytes_max` at most, is part of what is waited for; without, its status alone.

        Raises:
            GuardRefused: the zone does not connect there.
            OutgoingFailed: no answer came, and why.
        """
        try:
            async with asyncio.timeout(self._seconds_max), self._session() as session:
                return await _ask(session, method, endpoint, {**_HEADERS, **headers}, body, bytes_max if read else None)
        except TimeoutError as error:
            # aiohttp's own is raised only while it connects: nothing was sent then.
            raise OutgoingFailed("TIMED_OUT", unknown=not isinstance(error, aiohttp.ServerTimeoutError)) from None
        except NameUnknown as error:
            raise OutgoingFailed(error.code, unknown=False) from None
        except aiohttp.ClientError as error:
            raise _failure(error) from None

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[aiohttp.ClientSession]:
        now = asyncio.get_running_loop().time()
        lot, gone = self._lot, None
        if lot is None or now >= lot.until:
            gone, lot = lot, _Lot(self._new_session(), now + self._kept_seconds)
            self._lot = lot
        lot.using += 1  # Before anything is awaited, so that nobody closes it as unused.
        try:
            if gone is not None and not gone.using:
                await gone.session.close()
            yield lot.session
        finally:
            lot.using -= 1
            if not lot.using and lot is not self._lot:
                await lot.session.close()

    def _new_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            resolver=_CheckedNames(self.guard),
            use_dns_cache=False,
            socket_factory=self._socket,
            limit=0,
            keepalive_timeout=limits.outgoing_idle_seconds,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            requote_redirect_url=False,
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=min(limits.outgoing_connect_seconds_max, self._seconds_max * 2 / 3)
            ),
            read_bufsize=limits.outgoing_read_bytes_max,
        )

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Every connection of ours begins here: the last look at where it leads."""
        family, kind, protocol, _, (address, port, *_rest) = info
        self.guard.check_connection(address, port)
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)  # noqa: FBT003  the standard library's own signature
        return made


def outgoing_of(settings: Settings) -> Outgoing:
    """The client of an installation, as the operator's settings want it.

    Raises:
        SettingsInvalid: the certificates cannot be read.
    """
    tls = ssl.create_default_context()
    if settings.outgoing_ca_file is not None:
        try:
            tls.load_verify_locations(settings.outgoing_ca_file)
        except OSError:  # ssl.SSLError is one
            raise SettingsInvalid("HANDOFF_OUTGOING_CA_FILE cannot be read.") from None
    loopback, internal = endpoints_of(settings.outgoing_loopback), endpoints_of(settings.outgoing_internal)
    if loopback:
        log.warning("HANDOFF_OUTGOING_LOOPBACK: channels may lead to %d endpoints of this machine", len(loopback))
    if internal:
        log.warning("HANDOFF_OUTGOING_INTERNAL: channels may lead to %d endpoints of our own network", len(internal))
    return Outgoing(Guard(loopback, internal=internal), tls)


class _CheckedNames(AbstractResolver):
    """Gives aiohttp the addresses that the guard has let through, and so none that was not looked at."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in await self._guard.addresses(host, port)
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def _ask(
    session: aiohttp.ClientSession,
    method: str,
    endpoint: Endpoint,
    headers: Mapping[str, str],
    body: bytes,
    bytes_max: int | None,
) -> Reply:
    url = URL(endpoint.url, encoded=True)
    async with session.request(method, url, data=body or None, headers=headers, allow_redirects=False) as response:
        content = await _content(response, bytes_max) if bytes_max is not None else None
        if bytes_max is None:
            await _drain(response)
        if not response.content.is_eof():
            response.close()  # What has not come is not waited for, and the connection cannot serve another request.
        return Reply(response.status, response.headers, content)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Give the rest of an answer a moment, so that its connection serves again; the status stands whatever comes."""
    if not response.content.is_eof():
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(limits.outgoing_drain_seconds):
                await _content(response, limits.outgoing_read_bytes_max)


async def _content(response: aiohttp.ClientResponse, bytes_max: int) -> bytes | None:
    """The body in the clear, as far as it may be read at all."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        return None
    held = bytearray()
    while not response.content.at_eof():
        held += await response.content.readany()
        if len(held) > bytes_max:
            return None
    return bytes(held)


def _failure(error: aiohttp.ClientError) -> OutgoingFailed:
    """What kept an answer from coming; whether the request had left by then."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return OutgoingFailed("CERTIFICATE_NOT_TRUSTED", unknown=False)
        case aiohttp.ClientConnectorSSLError():
            return OutgoingFailed("TLS_FAILED", unknown=False)
        case aiohttp.ClientConnectorError():
            return OutgoingFailed("NOT_REACHED", unknown=False)
        case aiohttp.ClientPayloadError() | aiohttp.ClientResponseError():
            return OutgoingFailed("ANSWER_UNREADABLE", unknown=True)
    return OutgoingFailed("CONNECTION_LOST", unknown=True)
