"""Kafka and PostgreSQL from container images, for `make test ARGS=--containers`.

The images are the official ones unless KAFKA_IMAGE and POSTGRES_IMAGE name others, as for deploy/compose.yaml.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from testcontainers.core.container import DockerContainer

from broker.local.ports import answers, any_free

_KAFKA_IMAGE = "apache/kafka:4.4.0"
_POSTGRES_IMAGE = "postgres:18"
_START_SECONDS_MAX = 120.0


@contextmanager
def kafka_container() -> Iterator[str]:
    """A single-node Kafka; yields `host:port`."""
    port = any_free()  # Kafka tells clients its own address, so the port must be known before it starts
    container = _on_loopback(os.environ.get("KAFKA_IMAGE", _KAFKA_IMAGE), 9092, port)
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
    for name, value in settings.items():
        container = container.with_env(name, value)
    with container:
        _await_kafka(port)
        yield f"127.0.0.1:{port}"


@contextmanager
def postgres_container(password: str) -> Iterator[str]:
    """A PostgreSQL; yields the superuser's address."""
    image, port = os.environ.get("POSTGRES_IMAGE", _POSTGRES_IMAGE), any_free()
    container = _on_loopback(image, 5432, port).with_env("POSTGRES_PASSWORD", password)
    with container:
        # Over TCP it answers only after its own preparation, during which it listens on a Unix socket alone.
        _await_exit_zero(container, "pg_isready --host 127.0.0.1 --username postgres")
        yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"


def _on_loopback(image: str, port: int, host_port: int) -> DockerContainer:
    """A container whose port only this machine can reach; testcontainers' own way opens it to the whole network."""
    container = DockerContainer(image)
    ports: dict[str, Any] = container.ports
    ports[str(port)] = ("127.0.0.1", host_port)
    return container


def _await_kafka(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS_MAX
    while not answers("127.0.0.1", port):
        if time.monotonic() > deadline:
            raise TimeoutError("the Kafka container does not answer")
        time.sleep(0.1)


def _await_exit_zero(container: DockerContainer, command: str) -> None:
    deadline = time.monotonic() + _START_SECONDS_MAX
    while container.exec(command).exit_code != 0:
        if time.monotonic() > deadline:
            raise TimeoutError("the PostgreSQL container does not answer")
        time.sleep(0.1)
