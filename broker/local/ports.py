"""Ports of the loopback interface: which are free, and behind which a Kafka answers."""

import socket
import struct
from typing import Final

from broker import limits

LOOPBACK: Final = "127.0.0.1"
_API_VERSIONS: Final = 18


def answers(host: str, port: int) -> bool:
    """Whether a Kafka without TLS answers the first question of every client (ApiVersions, version 0)."""
    client = b"handoff"
    question = struct.pack(">hhih", _API_VERSIONS, 0, 1, len(client)) + client
    try:
        with socket.create_connection((host, port), limits.kafka_probe_seconds_max) as connection:
            connection.sendall(struct.pack(">i", len(question)) + question)
            answer = connection.recv(10, socket.MSG_WAITALL)
    except OSError:
        return False
    return len(answer) == 10 and struct.unpack(">iih", answer)[1:] == (1, 0)


def free(port: int) -> bool:
    """Whether a port of the loopback interface can be bound now; 0 stands for none and is not free."""
    if port == 0:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def any_free() -> int:
    """A port that nobody uses now. Somebody may take it before we do: whoever starts tries again."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
