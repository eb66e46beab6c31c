"""How one organisation's own Kafka is reached: what a channel of this transport says."""

from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator

from adapters.channel_secrets import password_of, tls_of
from broker.schemas.event import Contract
from broker.schemas.vocabulary import MsgStatus

AUTHORITIES_FILE: Final = "kafka-authorities.pem"
PASSWORD_FILE: Final = "kafka-password"  # noqa: S105  a file's name

Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
"""As Kafka takes them."""
Name = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,200}$")]


class Protection(StrEnum):
    """How the connection is protected. A password never travels in the clear."""

    PLAINTEXT = "PLAINTEXT"
    """To this machine alone."""
    SSL = "SSL"
    SASL_SSL = "SASL_SSL"


class Mechanism(StrEnum):
    """How the password is shown."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class AnswersSettings(Contract):
    """Where the provider's own system publishes answers (docs/wire-format.md), signed with a key of its own."""

    topic: Topic
    group: Name = "warm-handoff"
    """The consumer group in the provider's cluster."""
    environment: MsgStatus = MsgStatus.ACTUAL
    """What an answer's `msgstatus` must be: a drill's answer never counts."""


class KafkaSettings(Contract):
    """How what is waiting is published to one organisation's own cluster, and where its answers are."""

    bootstrap: Annotated[str, StringConstraints(pattern=r"^[^\s,:/@]+:\d{1,5}(,[^\s,:/@]+:\d{1,5})*$", max_length=1000)]
    topic: Topic
    protection: Protection = Protection.SASL_SSL
    mechanism: Mechanism = Mechanism.SCRAM_SHA_512
    user: Annotated[Name | None, Field(repr=False)] = None
    """The password is in the channel's folder."""
    signed: bool = True
    """With the organisation's own key, so that its system can tell our word from another's."""
    answers: AnswersSettings | None = None

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if self.protection is Protection.PLAINTEXT and not all(map(_this_machine, self.bootstrap.split(","))):
            raise ValueError("PLAINTEXT needs a bootstrap address on this machine, such as 127.0.0.1:9092")
        if (self.protection is Protection.SASL_SSL) != (self.user is not None):
            raise ValueError("SASL_SSL and user belong together")
        return self

    def client_options(self, secrets: Path) -> dict[str, Any]:
        """The keyword arguments of an aiokafka client. Holds the password in the clear: pass it on, never log it.

        Raises:
            SealError, ValueError: what the folder should hold cannot be used.
        """
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "security_protocol": self.protection.value}
        if self.protection is not Protection.PLAINTEXT:
            options["ssl_context"] = tls_of(secrets, AUTHORITIES_FILE)
        if self.user is not None:
            options["sasl_mechanism"] = self.mechanism.value
            options["sasl_plain_username"] = self.user
            options["sasl_plain_password"] = password_of(secrets, PASSWORD_FILE)
        return options


def _this_machine(address: str) -> bool:
    host = address.rpartition(":")[0]
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
