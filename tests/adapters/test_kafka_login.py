"""A Kafka that asks for a login over TLS, real: the broker's clients and the `kafka` transport, right and wrong.

A wrong password is told as that, and no password stands in any log.
"""

import logging
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr

from adapters.kafka.settings import AUTHORITIES_FILE, PASSWORD_FILE
from adapters.transports.kafka import KafkaTransport
from adapters.transports.transport import Channel, ChannelRefused, Delivered, Refused
from broker.bus.intake import Intake
from broker.bus.publisher import Message, Publisher
from broker.commands.doctor import examine
from broker.commands.findings import Finding, State
from broker.composition import kafka_of
from broker.schemas.ids import new_referral_id
from broker.settings import KafkaSecurity, SaslMechanism, Settings, load_settings
from tests.adapters.handovers import an_offer, channel_to
from tests.adapters.network import until
from tests.sasl_kafka import MECHANISMS, SaslKafka, sasl_kafka

TOPIC = "own.desk"
WRONG = "canary-wolfsbane"


@pytest.fixture(scope="module")
def asking() -> Iterator[SaslKafka]:
    """The one Kafka of these tests."""
    with tempfile.TemporaryDirectory(prefix="warm-handoff-sasl-") as folder, sasl_kafka(Path(folder)) as running:
        yield running


@pytest.fixture
async def topic(asking: SaslKafka) -> AsyncIterator[str]:
    """A topic, made by the listener that asks for no login."""
    admin = AIOKafkaAdminClient(bootstrap_servers=asking.open_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    yield TOPIC
    await admin.delete_topics([TOPIC])
    await admin.close()


@pytest.fixture
async def transport() -> AsyncIterator[KafkaTransport]:
    """The transport, stopped afterwards."""
    running = KafkaTransport()
    yield running
    await running.stop()


def _settings(asking: SaslKafka, home: Path, mechanism: str, password: str) -> Settings:
    return load_settings(
        home=home,
        kafka_bootstrap=asking.bootstrap,
        kafka_security=KafkaSecurity.SASL_SSL,
        kafka_sasl_mechanism=SaslMechanism(mechanism),
        kafka_ca_file=asking.authority,
        kafka_username=asking.user,
        kafka_password=SecretStr(password),
        _env_file=None,
    )


def _channel(asking: SaslKafka, home: Path, mechanism: str, password: str) -> Channel:
    said = {"bootstrap": asking.bootstrap, "topic": TOPIC, "mechanism": mechanism, "user": asking.user, "signed": False}
    files = {PASSWORD_FILE: password.encode(), AUTHORITIES_FILE: asking.authority.read_bytes()}
    return channel_to("kafka", said, home, files)


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_the_brokers_clients_get_in_by_the_settings(
    asking: SaslKafka, topic: str, home: Path, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What its publisher sends its intake takes in, both over the listener that asks; no password is logged."""
    kafka = kafka_of(_settings(asking, home, mechanism, asking.password))
    subject, taken = new_referral_id(), list[str]()

    async def store(batch: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        taken.extend(record.key.decode() for record in batch if record.key is not None)

    async def arrived() -> bool:
        return subject in taken

    with caplog.at_level(logging.DEBUG):
        publisher, intake = Publisher(kafka, None), Intake(kafka, f"^{topic}$", f"group-{mechanism}", store)
        await publisher.start()
        await intake.start()
        try:
            assert await publisher.send([Message(topic, {"subject": subject}, b"{}")]) == [True]
            await until(arrived)
        finally:
            await intake.stop()
            await publisher.stop()
    assert asking.password not in caplog.text


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_the_transport_gets_in_and_a_wrong_password_pauses_its_channel(
    asking: SaslKafka,
    topic: str,
    home: Path,
    transport: KafkaTransport,
    mechanism: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It would never get in by being tried again: a person is told which file to look at."""
    assert topic == TOPIC
    with caplog.at_level(logging.DEBUG):
        wrong = _channel(asking, home / "wrong", mechanism, WRONG)
        right = _channel(asking, home / "right", mechanism, asking.password)
        assert await transport.attempt(right, an_offer()) == Delivered("KAFKA_ACKS_ALL")
        assert await transport.attempt(wrong, an_offer()) == Refused("LOGIN_REFUSED", pause=True)
        with pytest.raises(ChannelRefused) as refused:
            await transport.check(wrong)
    assert PASSWORD_FILE in refused.value.remedy
    for password in (asking.password, WRONG):
        assert password not in caplog.text
        assert password not in str(refused.value)


async def _found(settings: Settings) -> Finding:
    [kafka] = [finding for finding in await examine(settings) if finding.thing == "Kafka"]
    return kafka


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_the_doctor_tells_a_wrong_password_from_a_kafka_that_is_away(
    asking: SaslKafka, home: Path, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With the settings to look at, and without the password, be it right or wrong."""
    with caplog.at_level(logging.DEBUG):
        assert (await _found(_settings(asking, home, mechanism, asking.password))).state is State.OK
        refused = await _found(_settings(asking, home, mechanism, WRONG))
    assert refused.state is State.MISSING
    assert "refuses the login" in refused.found
    assert "HANDOFF_KAFKA_PASSWORD" in refused.remedy
    told: Any = (caplog.text, refused.found, refused.remedy)
    assert not [text for text in told for password in (asking.password, WRONG) if password in text]


async def test_a_mechanism_that_is_not_offered_is_a_refused_login(asking: SaslKafka, home: Path) -> None:
    """As a wrong password is: somebody has to look at the settings."""
    refused = await _found(_settings(asking, home, SaslMechanism.SCRAM_SHA_256.value, asking.password))
    assert "refuses the login" in refused.found
