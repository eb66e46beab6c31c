"""Requests to others' servers end in time and hold little, whatever the other side does (F5, F6), on real sockets."""

import asyncio
import gzip
import socket
import tracemalloc
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from adapters.guard import Guard
from adapters.transports.outgoing import Outgoing, OutgoingFailed
from adapters.transports.wire import Reply
from broker import limits
from tests.adapters.certificates import Authority
from tests.adapters.network import until
from tests.adapters.raw_server import RawServer, Say, raw_server, saying

SECONDS: Final = 0.8
"""What stands for the fifteen seconds of real requests, where a request is to fail."""
SECONDS_LONGER: Final = 2.5
"""Where several connections have to be made before."""
ENDS_SECONDS_MAX: Final = 6.0
"""By when every failing request has ended: a loaded machine is late, and a limit that does not hold never ends."""
TAKEN: Final = saying(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Trusted by the client of every test here."""
    return Authority.new(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def client(
    authority: Authority, *ports: int, seconds: float = SECONDS, kept_seconds: float = 60.0
) -> AsyncIterator[Outgoing]:
    """The client of the zone, with a shorter patience, let through to these ports of this machine."""
    guard = Guard(frozenset(("localhost", port) for port in ports))
    outgoing = Outgoing(guard, authority.client(), seconds_max=seconds, kept_seconds=kept_seconds)
    try:
        yield outgoing
    finally:
        await outgoing.stop()


async def ask(outgoing: Outgoing, server: RawServer | int, *, read: bool = True) -> Reply:
    """One request to a port of this machine."""
    port = server if isinstance(server, int) else server.port
    endpoint = outgoing.guard.endpoint(f"https://localhost:{port}/in")
    return await outgoing.request("POST", endpoint, headers={}, body=b"{}", read=read)


async def failing(outgoing: Outgoing, server: RawServer | int, *, read: bool = True) -> tuple[str, bool]:
    """The code of a request that must fail in time, and whether it may have arrived all the same."""
    began = asyncio.get_running_loop().time()
    with pytest.raises(OutgoingFailed) as failed:
        await ask(outgoing, server, read=read)
    assert asyncio.get_running_loop().time() - began < ENDS_SECONDS_MAX
    return failed.value.code, failed.value.unknown


def dripping(head: bytes, drop: bytes) -> Say:
    """Says the first part at once, then one drop after the other without end."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)

    return say


def pouring(head: bytes, seen: RawServer, block: bytes) -> Say:
    """Says as much as the other side takes."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(block)
            seen.bytes_said += len(block)
            await writer.drain()

    return say


async def counted(heads: Sequence[bytes], count: int) -> bool:
    """Whether as many requests have come."""
    return len(heads) >= count


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""
    await asyncio.Event().wait()


async def test_a_head_that_never_ends_is_given_up_in_time(authority: Authority) -> None:
    """A byte now and then: nobody knows whether it was taken."""
    async with (
        raw_server(authority.server("localhost"), dripping(b"HTTP/1.1 200 OK\r\nx-slow: ", b"a")) as server,
        client(authority, server.port) as outgoing,
    ):
        assert await failing(outgoing, server) == ("TIMED_OUT", True)


async def test_a_body_that_never_ends_is_given_up_in_time(authority: Authority) -> None:
    """Where the body is wanted the request fails; where only the status matters, the status stands."""
    async with (
        raw_server(authority.server("localhost"), dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"a")) as server,
        client(authority, server.port) as outgoing,
    ):
        assert await failing(outgoing, server) == ("TIMED_OUT", True)


async def test_a_status_stands_whatever_follows_it(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest is waited for a moment and then left."""
    monkeypatch.setattr(limits, "outgoing_drain_seconds", 0.05)
    async with (
        raw_server(authority.server("localhost"), dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"a")) as server,
        client(authority, server.port) as outgoing,
    ):
        assert (await ask(outgoing, server, read=False)).status == 200


@pytest.mark.parametrize("framing", ["content-length: 10737418240", "connection: close"])
@pytest.mark.parametrize("read", [True, False])
async def test_of_a_body_of_ten_gigabytes_64_kb_are_read(framing: str, read: bool, authority: Authority) -> None:
    """Ten megabytes of memory are not used for it, and it takes no time to give up."""
    seen = RawServer()
    say = pouring(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode(), seen, bytes(16 * 1024))
    async with (
        raw_server(authority.server("localhost"), say) as server,
        client(authority, server.port) as outgoing,
    ):
        tracemalloc.start()
        reply = await ask(outgoing, server, read=read)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (reply.status, reply.body) == (200, None)
    assert peak < 10_000_000
    assert seen.bytes_said < 10_000_000, "what the kernel holds on its way, and not more"


async def test_a_compressed_body_is_not_expanded(authority: Authority) -> None:
    """We ask for plain bytes; a bomb of ten megabytes in ten kilobytes stays what it is."""
    bomb = gzip.compress(bytes(10_000_000))
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(bomb)}\r\n\r\n".encode()
    async with (
        raw_server(authority.server("localhost"), saying(head + bomb)) as server,
        client(authority, server.port) as outgoing,
    ):
        tracemalloc.start()
        reply = await ask(outgoing, server)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (reply.status, reply.body) == (200, None)
    assert b"accept-encoding: identity" in server.heads[0].lower()
    assert peak < 5_000_000


async def test_headers_without_end_are_not_collected(authority: Authority) -> None:
    """After a hundred or so nobody reads on."""
    seen = RawServer()
    say = pouring(b"HTTP/1.1 200 OK\r\n", seen, b"x-more: and more\r\n" * 100)
    async with (
        raw_server(authority.server("localhost"), say) as server,
        client(authority, server.port) as outgoing,
    ):
        assert await failing(outgoing, server) == ("ANSWER_UNREADABLE", True)
    assert seen.bytes_said < 10_000_000


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/1.1 two hundred\r\n\r\n", b"\x00" * 100])
async def test_what_is_no_answer_is_told_as_such(answer: bytes, authority: Authority) -> None:
    """Another kind of server behind the port."""
    async with (
        raw_server(authority.server("localhost"), saying(answer)) as server,
        client(authority, server.port) as outgoing,
    ):
        code, unknown = await failing(outgoing, server)
    assert code in {"ANSWER_UNREADABLE", "CONNECTION_LOST"}
    assert unknown


async def test_a_connection_that_leads_nowhere_was_never_used(authority: Authority) -> None:
    """A black hole takes the connection and answers no handshake: nothing can have been sent."""
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen()
        port = hole.getsockname()[1]
        async with client(authority, port) as outgoing:
            assert await failing(outgoing, port) == ("TIMED_OUT", False)
    async with client(authority, port) as outgoing:
        assert await failing(outgoing, port) == ("NOT_REACHED", False), "now nobody listens there"


async def test_one_that_hangs_slows_nobody_else(authority: Authority) -> None:
    """Half-open: it takes requests and says nothing, while another answers all of its own."""
    async with (
        raw_server(authority.server("localhost"), silent) as half_open,
        raw_server(authority.server("localhost"), TAKEN) as healthy,
        client(authority, half_open.port, healthy.port, seconds=SECONDS_LONGER) as outgoing,
    ):
        hanging = [asyncio.create_task(failing(outgoing, half_open)) for _ in range(10)]
        await until(partial(counted, half_open.heads, len(hanging)))
        replies = [(await ask(outgoing, healthy)).status for _ in range(20)]
        assert replies == [204] * 20
        assert await asyncio.gather(*hanging) == [("TIMED_OUT", True)] * len(hanging)


async def test_a_connection_that_is_cut_may_have_carried_it(authority: Authority) -> None:
    """After the request, before the answer."""

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with (
        raw_server(authority.server("localhost"), cut) as server,
        client(authority, server.port) as outgoing,
    ):
        assert await failing(outgoing, server) == ("CONNECTION_LOST", True)


async def test_a_server_of_another_authority_is_not_spoken_to(authority: Authority, tmp_path: Path) -> None:
    """Nor one without TLS."""
    stranger = Authority.new(tmp_path)
    async with (
        raw_server(stranger.server("localhost"), TAKEN) as unknown,
        raw_server(None, TAKEN) as plain,
        client(authority, unknown.port, plain.port) as outgoing,
    ):
        assert await failing(outgoing, unknown) == ("CERTIFICATE_NOT_TRUSTED", False)
        code, possible = await failing(outgoing, plain)
        assert (code, possible) in {("TLS_FAILED", False), ("TIMED_OUT", False), ("NOT_REACHED", False)}
        assert unknown.heads == []


@pytest.mark.parametrize(
    ("kept_seconds", "answer", "connections"),
    [
        (60.0, b"HTTP/1.1 204 No Content\r\n\r\n", 1),
        (60.0, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 1),
        (0.0, b"HTTP/1.1 204 No Content\r\n\r\n", 3),
    ],
)
async def test_a_connection_is_used_again_for_a_while(
    kept_seconds: float, answer: bytes, connections: int, authority: Authority
) -> None:
    """Then names and rules are asked anew."""
    async with (
        raw_server(authority.server("localhost"), saying(answer)) as server,
        client(authority, server.port, seconds=15.0, kept_seconds=kept_seconds) as outgoing,
    ):
        for _ in range(3):
            await ask(outgoing, server, read=False)
        assert (server.connections, len(server.heads)) == (connections, 3)


async def test_requests_under_way_outlive_the_change_of_connections(authority: Authority) -> None:
    """The connections of the last minute are closed when the last request on them has ended."""
    let_go = asyncio.Event()

    async def when_let_go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate")

    async with (
        raw_server(authority.server("localhost"), when_let_go) as slow,
        raw_server(authority.server("localhost"), TAKEN) as quick,
        client(authority, slow.port, quick.port, seconds=15.0, kept_seconds=0.0) as outgoing,
    ):
        under_way = asyncio.create_task(ask(outgoing, slow))
        await until(partial(counted, slow.heads, 1))
        await ask(outgoing, quick)
        let_go.set()
        assert (await under_way).body == b"late"


async def test_many_at_once_survive_every_change_of_connections(authority: Authority) -> None:
    """Even where connections are given up at once: none is closed under a request."""
    async with (
        raw_server(authority.server("localhost"), TAKEN) as server,
        client(authority, server.port, seconds=15.0, kept_seconds=0.0) as outgoing,
    ):
        replies = await asyncio.gather(*(ask(outgoing, server, read=False) for _ in range(20)))
    assert [reply.status for reply in replies] == [204] * 20


@pytest.mark.parametrize("said", [{}, {"retry-after": "30"}])
async def test_headers_are_found_however_they_are_written(said: Mapping[str, str], authority: Authority) -> None:
    """Small letters or capitals."""
    lines = "".join(f"{name.title()}: {value}\r\n" for name, value in said.items())
    answer = f"HTTP/1.1 429 Slow Down\r\n{lines}content-length: 0\r\n\r\n".encode()
    async with (
        raw_server(authority.server("localhost"), saying(answer)) as server,
        client(authority, server.port) as outgoing,
    ):
        reply = await ask(outgoing, server)
    assert reply.headers.get("retry-after") == said.get("retry-after")
    assert repr(reply) == "Reply(status=429)"
