"""The provider's own Kafka: its system is told that something is waiting, and may answer by the same way.

What is confirmed by all in-sync replicas is delivered. Whether a person has looked, only an answer says.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    ClusterAuthorizationFailedError,
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    LeaderNotAvailableError,
    MessageSizeTooLargeError,
    NodeNotReadyError,
    NotEnoughReplicasError,
    PolicyViolationError,
    RecordListTooLargeError,
    RequestTimedOutError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    UnsupportedSaslMechanismError,
)

from adapters.kafka.answers import answer_keys, hear_answers
from adapters.kafka.producers import Producers
from adapters.kafka.settings import AUTHORITIES_FILE, PASSWORD_FILE, KafkaSettings
from adapters.kafka.waiting import waiting_record
from adapters.transports.transport import (
    Answers,
    Channel,
    ChannelRefused,
    Delivered,
    Handover,
    Outcome,
    Refused,
    Transport,
    TryAgain,
)
from broker import limits
from broker.bus.login import login_refused
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event import Contract, EventData
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.seal.errors import SealError

_SECRETS_UNREADABLE: Final = Refused("SECRETS_UNREADABLE", pause=True)
_NO_SIGNER: Final = Refused("NO_SIGNER", pause=True)
_LOGIN_REFUSED: Final = Refused("LOGIN_REFUSED", pause=True)

_SAID: Final[Mapping[type[BaseException], Outcome]] = {
    AuthenticationFailedError: _LOGIN_REFUSED,
    AuthenticationMethodNotSupported: _LOGIN_REFUSED,
    SaslAuthenticationFailed: _LOGIN_REFUSED,
    UnsupportedSaslMechanismError: _LOGIN_REFUSED,
    TopicAuthorizationFailedError: Refused("NOT_AUTHORIZED", pause=True),
    ClusterAuthorizationFailedError: Refused("NOT_AUTHORIZED", pause=True),
    UnknownTopicOrPartitionError: Refused("TOPIC_UNKNOWN", pause=True),
    InvalidTopicError: Refused("TOPIC_UNKNOWN", pause=True),
    MessageSizeTooLargeError: Refused("TOO_LARGE"),
    RecordListTooLargeError: Refused("TOO_LARGE"),
    PolicyViolationError: Refused("RECORD_REFUSED"),
    NotEnoughReplicasError: TryAgain("NOT_ENOUGH_REPLICAS"),
    LeaderNotAvailableError: TryAgain("NO_LEADER"),
    KafkaConnectionError: TryAgain("CONNECTION_FAILED"),
    NodeNotReadyError: TryAgain("CONNECTION_FAILED"),
    KafkaTimeoutError: TryAgain("TIMEOUT"),
    RequestTimedOutError: TryAgain("TIMEOUT"),
}
"""What came of an attempt by what Kafka said last."""

_REMEDIES: Final = {
    "CONNECTION_FAILED": f"Check bootstrap and {AUTHORITIES_FILE}: Kafka's client does not say which it is.",
    "LOGIN_REFUSED": f"Check user, mechanism and {PASSWORD_FILE} in the channel's folder.",
    "NOT_AUTHORIZED": "Let the user write to the topic, and read the topic for answers.",
    "TOPIC_UNKNOWN": "Make the topic in your cluster; it is not made from here.",
    "SECRETS_UNREADABLE": f"The channel's folder holds {PASSWORD_FILE} and {AUTHORITIES_FILE}, mode 0600, yours alone.",
    "NO_SIGNER": "The organisation has no signing key here: `handoff keys new`.",
    "ANSWERS_KEY_MISSING": "Put the card of the key that answers are signed with into the channel's folder.",
}


class KafkaTransport(Transport):
    """Publishes to the providers' own clusters."""

    NAME: ClassVar[str] = "kafka"
    SETTINGS: ClassVar[type[Contract]] = KafkaSettings
    CARRIES: ClassVar[frozenset[type[EventData]]] = frozenset(
        {OfferMade, OfferReminded, OfferWithdrawn, OfferExpired, DisclosureReleased, DisclosureRevoked}
    )

    def __init__(self) -> None:
        self._producers = Producers()

    @property
    def clusters(self) -> int:
        """To how many clusters a producer is open."""
        return len(self._producers)

    async def stop(self) -> None:
        """Close every cluster's producer."""
        await self._producers.stop()

    async def check(self, channel: Channel) -> None:
        """Connect and look for the topic; where answers are read, for the keys that they are signed with."""
        settings = _settings(channel)
        said = await self._converse(channel, None)
        if not isinstance(said, Delivered):
            raise ChannelRefused(said.code, f"Your Kafka cannot be used: {said.code}.", remedy=_REMEDIES.get(said.code))
        if settings.answers is not None:
            try:
                await asyncio.to_thread(answer_keys, channel.secrets, datetime.now(UTC))
            except SealError:
                code = "ANSWERS_KEY_MISSING"
                raise ChannelRefused(code, "Answers could not be believed.", remedy=_REMEDIES[code]) from None

    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        """Publish one message and wait for its confirmation."""
        return await self._converse(channel, handover)

    async def hear(self, channels: Callable[[], Sequence[Channel]], answers: Answers) -> None:
        """Read answers from the topics that channels name for them."""
        await hear_answers(channels, answers)

    async def _converse(self, channel: Channel, handover: Handover | None) -> Outcome:
        """Publish a message, or, where there is none, only ask whether one could be."""
        settings = _settings(channel)
        if settings.signed and channel.sign is None:
            return _NO_SIGNER
        try:
            options = await asyncio.to_thread(settings.client_options, channel.secrets)
        except (SealError, ValueError, OSError):
            return _SECRETS_UNREADABLE
        producer, sent = None, False
        try:
            async with asyncio.timeout(limits.own_kafka_attempt_seconds_max):
                producer = await self._producers.of(options)
                if handover is None:
                    await producer.partitions_for(settings.topic)
                    return Delivered("KAFKA_REACHED")
                key, headers, value = waiting_record(handover, channel.sign if settings.signed else None)
                confirmation = await producer.send(settings.topic, value, key, headers=headers)
                sent = True
                await confirmation
        except (KafkaError, OSError) as error:
            outcome = outcome_of(error, sent=sent)
            if producer is None and settings.user is not None and await _refused(options):
                return _LOGIN_REFUSED
            if producer is not None and isinstance(outcome, TryAgain):
                self._producers.renew(options, producer)
            return outcome
        return Delivered("KAFKA_ACKS_ALL")


def outcome_of(error: KafkaError | OSError, *, sent: bool) -> Outcome:
    """What a failure means; once a record was given to the producer, one that is not refused may have arrived."""
    match error:
        case TimeoutError():
            outcome: Outcome = TryAgain("TIMEOUT")
        case OSError():
            outcome = TryAgain("CONNECTION_FAILED")
        case _:
            outcome = _SAID.get(type(error), TryAgain("KAFKA_ERROR"))
    return replace(outcome, unknown=True) if sent and isinstance(outcome, TryAgain) else outcome


async def _refused(options: Mapping[str, Any]) -> bool:
    """Whether it is the login that Kafka refuses: its client says only that it could not connect."""
    others = {name: value for name, value in options.items() if name != "bootstrap_servers"}
    try:
        async with asyncio.timeout(limits.own_kafka_login_seconds_max):
            return await login_refused(options["bootstrap_servers"], others)
    except TimeoutError:
        return False


def _settings(channel: Channel) -> KafkaSettings:
    assert isinstance(channel.settings, KafkaSettings)
    return channel.settings
