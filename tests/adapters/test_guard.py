"""The guard: nothing but the open internet is connected to, however it is spelled and whatever DNS says (S3)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Address, ip_address

import pytest

from adapters import guard as guard_module
from adapters.guard import (
    Address,
    Guard,
    GuardCode,
    GuardRefused,
    NameUnknown,
    endpoints_of,
    of_a_network,
    plainly_public,
)
from adapters.transports.outgoing import Outgoing, OutgoingFailed
from broker.errors import SettingsInvalid
from broker.settings import load_settings
from tests.adapters.certificates import Authority
from tests.adapters.raw_server import RawServer, raw_server, saying

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"

NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.5",
    "224.0.0.1",
    "224.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd12::1",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "ff02::1",
    "3fff::1",
    "5f00::1",
]
PUBLIC = ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450:4001::200e"]

SPELLINGS = {
    "https://127.0.0.1/": GuardCode.HOST_NOT_A_NAME,
    "https://127.1/": GuardCode.HOST_NOT_A_NAME,
    "https://2130706433/": GuardCode.HOST_NOT_A_NAME,
    "https://0x7f000001/": GuardCode.HOST_NOT_A_NAME,
    "https://0177.0.0.1/": GuardCode.HOST_NOT_A_NAME,
    "https://0x7f.0.0.1/": GuardCode.HOST_NOT_A_NAME,
    "https://127.0.0.1./": GuardCode.HOST_NOT_A_NAME,
    "https://[::1]/": GuardCode.HOST_NOT_A_NAME,
    "https://[::ffff:7f00:1]/": GuardCode.HOST_NOT_A_NAME,
    "https://[fe80::1%25lo]/": GuardCode.HOST_NOT_A_NAME,
    "https://localhost/": GuardCode.HOST_NOT_A_NAME,
    "https://LocalHost:8443/": GuardCode.HOST_NOT_A_NAME,
    "https://kafka/": GuardCode.HOST_NOT_A_NAME,
    "https://provider.example./": GuardCode.HOST_NOT_A_NAME,
    "https://①②⑦.⓪.⓪.①/": GuardCode.HOST_NOT_ASCII,
    "https://127。0。0。1/": GuardCode.HOST_NOT_ASCII,
    "https://prоvider.example/": GuardCode.HOST_NOT_ASCII,
    "https://%31%32%37.0.0.1/": GuardCode.HOST_NOT_ASCII,
    "https://user:secret@provider.example/": GuardCode.USER_IN_URL,
    "https://provider.example@127.0.0.1/": GuardCode.USER_IN_URL,
    "https://provider.example\\@127.0.0.1/": GuardCode.URL_INVALID,
    "https://provider.example#@127.0.0.1/": GuardCode.URL_INVALID,
    "https://provider.example/\r\nHost: other": GuardCode.URL_INVALID,
    "https://provider.example/a b": GuardCode.URL_INVALID,
    " https://provider.example/": GuardCode.NOT_HTTPS,
    "https:///in": GuardCode.URL_INVALID,
    "https://provider.example/" + "a" * 2000: GuardCode.URL_INVALID,
    "provider.example/in": GuardCode.URL_INVALID,
    "http://provider.example/": GuardCode.NOT_HTTPS,
    "file:///etc/passwd": GuardCode.NOT_HTTPS,
    "gopher://provider.example/": GuardCode.NOT_HTTPS,
    "https://provider.example:80/": GuardCode.PORT_NOT_ALLOWED,
    "https://provider.example:5432/": GuardCode.PORT_NOT_ALLOWED,
    "https://provider.example:65536/": GuardCode.PORT_NOT_ALLOWED,
}


class Names:
    """DNS as a test wants it: these answers, one after the other, the last for ever."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = [[ip_address(one) for one in answer] for answer in answers]
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[Address]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return answer


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Trusted by the client of every test here."""
    return Authority.new(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def listener(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RawServer]:
    """Something on this machine that must not be reached; its port is one of those that are allowed."""
    async with raw_server(authority.server("provider.example"), saying(TAKEN)) as seen:
        monkeypatch.setattr(guard_module, "PORTS", frozenset({443, seen.port}))
        yield seen


async def ask(guard: Guard, authority: Authority, url: str) -> int:
    """One request, as a transport makes it; its status."""
    outgoing = Outgoing(guard, authority.client(), seconds_max=5)
    try:
        return (await outgoing.request("POST", guard.endpoint(url), headers={}, body=b"{}", read=False)).status
    finally:
        await outgoing.stop()


def this_machine_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one public address that a test can listen on."""
    monkeypatch.setattr(guard_module, "plainly_public", lambda address: address == IPv4Address("127.0.0.1"))


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_an_address_that_is_not_plainly_public_is_not_connected_to(
    address: str, listener: RawServer, authority: Authority
) -> None:
    """Alone or beside a public one: when it is saved and when it is sent."""
    for answer in ([address], ["8.8.8.8", address]):
        guard = Guard(resolve=Names(answer))
        url = f"https://provider.example:{listener.port}/in"
        with pytest.raises(GuardRefused) as saving:
            await guard.check(url)
        with pytest.raises(GuardRefused) as sending:
            await ask(guard, authority, url)
        assert saving.value.code == sending.value.code == GuardCode.ADDRESS_NOT_PUBLIC
    with pytest.raises(GuardRefused):
        Guard().check_connection(address, 443)
    assert listener.connections == 0


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_public_address_is_let_through(address: str) -> None:
    """Otherwise the tests above would show nothing."""
    assert plainly_public(ip_address(address))
    Guard().check_connection(address, 443)
    assert (await Guard(resolve=Names([address])).check("https://provider.example/in")).port == 443


@pytest.mark.parametrize("url", SPELLINGS, ids=ascii)
async def test_a_url_names_a_host_plainly_or_is_refused(url: str, listener: RawServer, authority: Authority) -> None:
    """Numbers, zones, users, look-alikes, other schemes and ports: refused by rule, with what to do, before DNS."""
    names = Names(["127.0.0.1"])
    guard = Guard(resolve=names)
    with pytest.raises(GuardRefused) as refused:
        await ask(guard, authority, url)
    assert refused.value.code == SPELLINGS[url]
    assert refused.value.remedy
    assert url not in f"{refused.value} {refused.value.remedy}"
    assert (names.asked, listener.connections) == (0, 0)


async def test_a_name_that_turns_inward_is_not_followed(listener: RawServer, authority: Authority) -> None:
    """Rebinding: public when it was saved, private when it is sent to."""
    guard = Guard(resolve=Names(["8.8.8.8"], ["127.0.0.1"]))
    url = f"https://provider.example:{listener.port}/in"
    await guard.check(url)
    with pytest.raises(GuardRefused):
        await ask(guard, authority, url)
    assert listener.connections == 0


async def test_what_was_checked_is_what_is_connected_to(
    listener: RawServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is asked for once for a connection; the certificate is checked against the name, not the address."""
    this_machine_is_public(monkeypatch)
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    assert await ask(Guard(resolve=names), authority, f"https://provider.example:{listener.port}/in") == 204
    assert (names.asked, listener.connections) == (1, 1)
    assert f"Host: provider.example:{listener.port}".encode() in listener.heads[0]


async def test_a_certificate_for_another_name_is_not_trusted(
    listener: RawServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent then."""
    this_machine_is_public(monkeypatch)
    with pytest.raises(OutgoingFailed) as failed:
        await ask(Guard(resolve=Names(["127.0.0.1"])), authority, f"https://other.example:{listener.port}/in")
    assert (failed.value.code, failed.value.unknown) == ("CERTIFICATE_NOT_TRUSTED", False)
    assert listener.heads == []


async def test_a_proxy_of_the_environment_is_not_used(
    listener: RawServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may set a variable could otherwise read along."""
    this_machine_is_public(monkeypatch)
    async with raw_server(None, saying(TAKEN)) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        guard = Guard(resolve=Names(["127.0.0.1"]))
        assert await ask(guard, authority, f"https://provider.example:{listener.port}/in") == 204
        assert (proxy.connections, listener.connections) == (0, 1)


async def test_a_redirect_is_not_followed(
    listener: RawServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it leads to is never asked."""
    this_machine_is_public(monkeypatch)
    moved = f"HTTP/1.1 307 Moved\r\nlocation: https://provider.example:{listener.port}/\r\ncontent-length: 0\r\n\r\n"
    async with raw_server(authority.server("moved.example"), saying(moved.encode())) as first:
        monkeypatch.setattr(guard_module, "PORTS", frozenset({first.port, listener.port}))
        guard = Guard(resolve=Names(["127.0.0.1"]))
        assert await ask(guard, authority, f"https://moved.example:{first.port}/in") == 307
        assert (first.connections, listener.connections) == (1, 0)


async def test_only_what_the_operator_names_on_this_machine_is_reached(authority: Authority) -> None:
    """Name and port, exactly; another port, another spelling, and any name that merely leads there stay refused."""
    async with (
        raw_server(authority.server("localhost"), saying(TAKEN)) as named,
        raw_server(authority.server("localhost"), saying(TAKEN)) as other,
    ):
        guard = Guard(endpoints_of(f"localhost:{named.port}"))
        assert await ask(guard, authority, f"https://localhost:{named.port}/in") == 204
        for url in (
            f"https://localhost:{other.port}/",
            f"https://127.0.0.1:{named.port}/",
            f"https://2130706433:{named.port}/",
            f"https://localhost.:{named.port}/",
        ):
            with pytest.raises(GuardRefused):
                await ask(guard, authority, url)
        with pytest.raises(GuardRefused):
            await ask(Guard(guard._loopback, Names(["127.0.0.1"])), authority, "https://provider.example:8443/")
        assert (named.connections, other.connections) == (1, 0)


@pytest.mark.parametrize(
    "value", ["localhost", "localhost:1,", "10.0.0.1:443", "provider.example:443", "*:443", "true"]
)
def test_the_setting_names_endpoints_of_this_machine_and_nothing_else(value: str) -> None:
    """It is off unless it is set, and cannot be set to a network."""
    assert load_settings(_env_file=None).outgoing_loopback is None
    with pytest.raises(SettingsInvalid, match="HANDOFF_OUTGOING_LOOPBACK: must look like"):
        load_settings(outgoing_loopback=value, _env_file=None)


INTERNAL = endpoints_of("fhir.hospital.internal:8080,ehr:443")


@pytest.mark.parametrize("address", ["10.2.3.4", "172.20.0.9", "192.168.7.7", "100.64.0.1", "fd12::1", "93.184.215.14"])
async def test_an_endpoint_of_our_own_network_is_reached_where_the_operator_names_it(address: str) -> None:
    """By its name and port, and by https; what it led to a moment ago is what may be connected to."""
    guard = Guard(resolve=Names([address]), internal=INTERNAL)
    await guard.check("https://fhir.hospital.internal:8080/fhir")
    guard.check_connection(address, 8080)
    await guard.check("https://ehr/fhir")
    with pytest.raises(GuardRefused) as refused:
        await guard.check("http://fhir.hospital.internal:8080/fhir")
    assert refused.value.code == GuardCode.NOT_HTTPS


@pytest.mark.parametrize("address", [one for one in NOT_PUBLIC if not of_a_network(ip_address(one))])
async def test_an_endpoint_of_our_own_network_never_leads_to_this_machine_or_to_its_metadata(address: str) -> None:
    """Whatever DNS says of it; and one such address is enough."""
    for found in ([address], ["10.2.3.4", address]):
        with pytest.raises(GuardRefused) as refused:
            await Guard(resolve=Names(found), internal=INTERNAL).check("https://fhir.hospital.internal:8080/")
        assert refused.value.code == GuardCode.ADDRESS_NOT_PUBLIC


async def test_nothing_else_leads_into_our_own_network() -> None:
    """Neither another port of that name, nor another name, nor an address that was not asked for by that name."""
    guard = Guard(resolve=Names(["10.2.3.4"]), internal=INTERNAL)
    for url in ("https://fhir.hospital.internal:8443/", "https://other.hospital.internal/", "https://10.2.3.4:8080/"):
        with pytest.raises(GuardRefused):
            await guard.check(url)
    with pytest.raises(GuardRefused):
        guard.check_connection("10.2.3.4", 8080)
    await guard.check("https://fhir.hospital.internal:8080/")
    for address, port in (("10.2.3.5", 8080), ("10.2.3.4", 22)):
        with pytest.raises(GuardRefused):
            guard.check_connection(address, port)


@pytest.mark.parametrize(
    "value", ["ehr", "10.0.0.1:443", "https://ehr:443", "EHR:443", "ehr:443,", "*:443", "ehr:443/x"]
)
def test_endpoints_of_our_own_network_are_names_with_ports(value: str) -> None:
    """Off unless it is set; no network, no address."""
    assert load_settings(_env_file=None).outgoing_internal is None
    with pytest.raises(SettingsInvalid, match="HANDOFF_OUTGOING_INTERNAL: must look like"):
        load_settings(outgoing_internal=value, _env_file=None)


async def test_a_name_without_addresses_is_no_breach_of_a_rule() -> None:
    """DNS may be away: that is tried again, and said when a channel is saved."""

    async def nothing(host: str, port: int) -> Sequence[Address]:
        await asyncio.sleep(0)
        raise OSError

    for resolve in (nothing, Names([])):
        with pytest.raises(NameUnknown):
            await Guard(resolve=resolve).check("https://provider.example/in")
