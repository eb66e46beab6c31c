"""Where the zone may send to at all: one rule, asked when a channel is saved, tested, and at every connection.

Providers name the addresses that we call. Without a rule any of them could have us call the zone's own network, or
the host's metadata service, with the zone's rights (SSRF). So: https to a plain name, on one of two ports, and only if
every address of that name is plainly public (reliability.md §2). Names are asked for once; what was checked is what is
connected to (adapters/transports/outgoing.py). The operator alone can name single endpoints besides, of this machine or
of the organisation's own network.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from adapters.transports.transport import ChannelRefused
from broker import limits

Address = IPv4Address | IPv6Address


class GuardCode(StrEnum):
    """The rules, by what breaks them."""

    URL_INVALID = "URL_INVALID"
    NOT_HTTPS = "NOT_HTTPS"
    USER_IN_URL = "USER_IN_URL"
    HOST_NOT_ASCII = "HOST_NOT_ASCII"
    HOST_NOT_A_NAME = "HOST_NOT_A_NAME"
    PORT_NOT_ALLOWED = "PORT_NOT_ALLOWED"
    ADDRESS_NOT_PUBLIC = "ADDRESS_NOT_PUBLIC"


PORTS: Final = frozenset({443, 8443})

_REMEDIES: Final = {
    GuardCode.URL_INVALID: "Give it as https://host/path: no blanks, no fragment, at most 2,000 characters.",
    GuardCode.NOT_HTTPS: "Give an https:// address; what we send must not be read on its way.",
    GuardCode.USER_IN_URL: "Leave user and password out: requests are signed instead.",
    GuardCode.HOST_NOT_ASCII: "Give the host in its ASCII form (xn--…), so that everybody sees which one it is.",
    GuardCode.HOST_NOT_A_NAME: "Give the host's full name in DNS, such as referrals.example.org, not a number.",
    GuardCode.PORT_NOT_ALLOWED: "Use port 443 or 8443.",
    GuardCode.ADDRESS_NOT_PUBLIC: "The name leads into a private network. Give one that leads to the internet; the"
    " operator can name a system of the organisation's own network (HANDOFF_OUTGOING_INTERNAL) or of this very machine"
    " (HANDOFF_OUTGOING_LOOPBACK).",
}

_NOT_PUBLIC: Final = tuple(
    ip_network(network)
    for network in (
        *(
            "0.0.0.0/8",
            "100.64.0.0/10",
            "192.0.0.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
        *("::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/23", "2002::/16"),
        *("fec0::/10", "ff00::/8", "3fff::/20", "5f00::/16"),
    )
)
"""Beyond what Python calls private: shared, translated, tunnelled, multicast and reserved addresses, some of which
`is_global` calls global (reliability.md §2)."""

_OF_A_NETWORK: Final = tuple(
    ip_network(network) for network in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
"""What an organisation numbers its own network with (RFC 1918, RFC 6598, RFC 4193): not link-local addresses, among
which are the metadata services of hosts."""

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253})(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(/([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?(\?([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?)"
)
"""So plain that no two parsers disagree about which host it names."""
_NAME: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
"""Two labels at least; the last begins with a letter, as no spelling of a number does."""


class GuardRefused(ChannelRefused):
    """The zone does not send to this address."""

    def __init__(self, code: GuardCode) -> None:
        super().__init__(code.value, remedy=_REMEDIES[code])


class NameUnknown(ChannelRefused):
    """DNS knows no address of this host, or does not answer."""

    remedy = "Check the spelling; the name must be in the public DNS."

    def __init__(self) -> None:
        super().__init__("NAME_UNKNOWN")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one request goes, in the shape that the rule allows."""

    scheme: str
    host: str
    port: int
    path: str
    """With its query."""

    @property
    def url(self) -> str:
        """In one spelling, whatever was written."""
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"


Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""Gives every address of a name; raises `OSError` where there is none."""

Endpoints = frozenset[tuple[str, int]]
"""Names and ports that the operator allows besides."""


def endpoints_of(setting: str | None) -> Endpoints:
    """Those of `HANDOFF_OUTGOING_LOOPBACK` or `HANDOFF_OUTGOING_INTERNAL`, whose shape the settings have checked."""
    pairs = (one.split(":") for one in (setting or "").split(",") if one)
    return frozenset((host, int(port)) for host, port in pairs)


def plainly_public(address: Address) -> bool:
    """Whether an address is one of the open internet and nothing else."""
    if address.version == 6 and address.scope_id is not None:
        return False
    return address.is_global and not any(address in net for net in _NOT_PUBLIC if net.version == address.version)


def of_a_network(address: Address) -> bool:
    """Whether an address is one of an organisation's own network: never this machine, never one without a router."""
    return any(address in net for net in _OF_A_NETWORK if net.version == address.version)


class Guard:
    """The rule. Both kinds of endpoints come from the operator's settings alone: no channel's row can widen them."""

    def __init__(
        self,
        loopback: Endpoints = frozenset(),
        resolve: Resolve | None = None,
        internal: Endpoints = frozenset(),
    ) -> None:
        """`loopback`: of this machine, by http too; `internal`: by https, in the organisation's own network."""
        self._loopback = loopback
        self._internal = internal
        self._inside: set[tuple[Address, int]] = set()
        self._read: dict[str, Endpoint] = {}
        self._resolve = resolve or _by_system

    def endpoint(self, url: str) -> Endpoint:
        """The endpoint that a URL names; nothing is asked of any network.

        Raises:
            GuardRefused: with the rule that refused it.
        """
        if (known := self._read.get(url)) is not None:
            return known
        found = _URL.fullmatch(url) if len(url) <= limits.outgoing_url_characters_max else None
        if found is None:
            raise GuardRefused(_why_unreadable(url))
        scheme, host = found["scheme"], found["host"].lower()
        port = int(found["port"] or (443 if scheme == "https" else 80))
        endpoint = Endpoint(scheme, host, port, found["path"] or "/")
        if (host, port) in self._internal:
            if scheme != "https":
                raise GuardRefused(GuardCode.NOT_HTTPS)
        elif (host, port) not in self._loopback:
            _check_shape(endpoint)
        if len(self._read) >= limits.outgoing_urls_kept_max:
            self._read.clear()
        self._read[url] = endpoint
        return endpoint

    async def addresses(self, host: str, port: int) -> Sequence[Address]:
        """Every address of a host, asked for once; all of them may be connected to.

        Raises:
            GuardRefused: one of them is not plainly public; of an internal endpoint, nor of a network of one's own.
            NameUnknown: there is none.
        """
        if (host, port) in self._loopback:
            return [IPv4Address("127.0.0.1")]
        try:
            async with asyncio.timeout(limits.outgoing_seconds_max):
                found = await self._resolve(host, port)
        except OSError:  # TimeoutError is one
            raise NameUnknown from None
        if not found:
            raise NameUnknown
        inside = {address for address in found if (host, port) in self._internal and of_a_network(address)}
        if not all(address in inside or plainly_public(address) for address in found):
            raise GuardRefused(GuardCode.ADDRESS_NOT_PUBLIC)
        self._inside |= {(address, port) for address in inside}
        return found

    def check_connection(self, address: str, port: int) -> None:
        """Asked last, of the very address that a socket is about to connect to.

        Raises:
            GuardRefused: it is not plainly public, and no endpoint that the operator allows.
        """
        at = ip_address(address)
        here = at == IPv4Address("127.0.0.1") and port in self._loopback_ports()
        if not (plainly_public(at) or here or (at, port) in self._inside):
            raise GuardRefused(GuardCode.ADDRESS_NOT_PUBLIC)

    async def check(self, url: str) -> Endpoint:
        """The whole rule, without connecting.

        Raises:
            GuardRefused, NameUnknown: as `endpoint` and `addresses`.
        """
        endpoint = self.endpoint(url)
        await self.addresses(endpoint.host, endpoint.port)
        return endpoint

    def _loopback_ports(self) -> Iterable[int]:
        return {port for _, port in self._loopback}


def _check_shape(endpoint: Endpoint) -> None:
    if endpoint.scheme != "https":
        raise GuardRefused(GuardCode.NOT_HTTPS)
    if _NAME.fullmatch(endpoint.host) is None:
        raise GuardRefused(GuardCode.HOST_NOT_A_NAME)
    if endpoint.port not in PORTS:
        raise GuardRefused(GuardCode.PORT_NOT_ALLOWED)


def _why_unreadable(url: str) -> GuardCode:
    """The rule that an unreadable URL breaks first, for whoever has to correct it."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    if scheme.lower() not in ("http", "https"):
        return GuardCode.NOT_HTTPS if rest else GuardCode.URL_INVALID
    if "@" in authority:
        return GuardCode.USER_IN_URL
    if not authority.isascii() or "%" in authority:
        return GuardCode.HOST_NOT_ASCII if "[" not in authority else GuardCode.HOST_NOT_A_NAME
    return GuardCode.HOST_NOT_A_NAME if "[" in authority else GuardCode.URL_INVALID


_RESOLVERS: Final = ThreadPoolExecutor(limits.outgoing_resolvers_max, thread_name_prefix="outgoing-names")
"""Of our own: names whose servers hang must not take the threads that everything else waits for."""


async def _by_system(host: str, port: int) -> Sequence[Address]:
    def ask() -> Sequence[Address]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return [ip_address(sockaddr[0]) for *_, sockaddr in found]

    return await asyncio.get_running_loop().run_in_executor(_RESOLVERS, ask)
