"""HTTP to other people's servers: connects only where the guard lets it, follows nothing, reads little, ends in time.

One of these serves all recipients of a process. A kept connection leads to the address that was checked when it was
made; it is given up after a minute, so that a changed name or rule holds then (docs/decisions/0105).
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from adapters.errors import InboxError
from adapters.guard import Endpoint, Guard, NameUnknown, endpoints_of
from adapters.transports.wire import UNREADABLE, Connections, Reply, ask
from broker import limits
from broker.errors import SettingsInvalid
from broker.settings import Settings

log = logging.getLogger(__name__)

_HEADERS: Final = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "warm-handoff"}
_CLOSED_MEANWHILE: Final = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
"""A server may close a connection that it kept, just as the next request is on its way: then a look is repeated."""


class OutgoingFailed(InboxError):
    """A request did not come to an answer; `unknown` where the other side may have taken it all the same."""

    def __init__(self, code: str, *, unknown: bool) -> None:
        super().__init__()
        self.code = code
        self.unknown = unknown


@dataclass(slots=True)
class _Lot:
    """The connections of one minute, and how many requests still use them."""

    connections: Connections
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
            await lot.connections.close()

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
        whole, wanted, sent = {**_HEADERS, **headers}, bytes_max if read else None, False
        try:
            async with asyncio.timeout(self._seconds_max), self._connections() as connections:
                while True:
                    connection = await connections.to(endpoint)
                    again, sent = sent, True
                    try:
                        return await ask(connection, method, endpoint, whole, body, wanted)
                    except _CLOSED_MEANWHILE:
                        if again or method != "GET":
                            raise
        except TimeoutError:
            raise OutgoingFailed("TIMED_OUT", unknown=sent) from None
        except NameUnknown as error:
            raise OutgoingFailed(error.code, unknown=False) from None
        except UNREADABLE:
            raise OutgoingFailed("ANSWER_UNREADABLE", unknown=True) from None
        except aiohttp.ClientError as error:
            raise _failure(error) from None

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[Connections]:
        now = asyncio.get_running_loop().time()
        lot, gone = self._lot, None
        if lot is None or now >= lot.until:
            gone, lot = lot, _Lot(self._new_connections(), now + self._kept_seconds)
            self._lot = lot
        lot.using += 1  # Before anything is awaited, so that nobody closes it as unused.
        try:
            if gone is not None and not gone.using:
                await gone.connections.close()
            yield lot.connections
        finally:
            lot.using -= 1
            if not lot.using and lot is not self._lot:
                await lot.connections.close()

    def _new_connections(self) -> Connections:
        connector = aiohttp.TCPConnector(
            ssl=self._tls,
            resolver=_CheckedNames(self.guard),
            use_dns_cache=False,
            socket_factory=self._socket,
            limit=0,
            keepalive_timeout=limits.outgoing_idle_seconds,
        )
        connect_seconds = min(limits.outgoing_connect_seconds_max, self._seconds_max * 2 / 3)
        return Connections(connector, aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds))

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


def _failure(error: aiohttp.ClientError) -> OutgoingFailed:
    """What kept an answer from coming; whether the request had left by then."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return OutgoingFailed("CERTIFICATE_NOT_TRUSTED", unknown=False)
        case aiohttp.ClientConnectorSSLError():
            return OutgoingFailed("TLS_FAILED", unknown=False)
        case aiohttp.ClientConnectorError():
            return OutgoingFailed("NOT_REACHED", unknown=False)
    return OutgoingFailed("CONNECTION_LOST", unknown=True)
