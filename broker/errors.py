"""Every exception of the project, one tree; a class's docstring is its message, and no message holds a field's value.

    HandoffError
    ├── SettingsInvalid
    ├── CalendarUnknown
    ├── WorkNotOpen
    ├── WorkClaimed
    ├── WorkImpossible
    ├── PolicyUnusable
    ├── PolicyNotActivated
    ├── FileNotUsable
    ├── NothingInForce
    ├── NotEnoughSigners
    ├── NotConfirmed
    ├── TopicRefused
    │   └── TooFewServers
    ├── Unreachable
    │   ├── KafkaUnreachable
    │   │   └── KafkaLoginRefused
    │   └── PostgresUnreachable
    └── LocalPartError
        ├── HomeInUse
        ├── NothingRunning
        ├── JarRefused
        ├── JarsUnreachable
        ├── PartCrashed
        └── PartNotStartable

Beside it stands `broker.schemas.refusal.Refused`: an event that is refused is an outcome of the contract, told to its
publisher by code, and the contract imports nothing of ours. Other packages hang their branches on `HandoffError`.
"""

import inspect
from typing import ClassVar


class HandoffError(Exception):
    """Warm Handoff could not do what was asked."""

    exit_code: ClassVar[int] = 1
    """What the command line exits with."""

    remedy: str = ""
    """What the reader can do about it, in one or two sentences; empty where nothing is known."""

    def __init__(self, message: str | None = None, *, remedy: str | None = None) -> None:
        super().__init__(message or self.default_message())
        if remedy is not None:
            self.remedy = remedy

    @classmethod
    def default_message(cls) -> str:
        """The first line of the class's docstring."""
        return (inspect.getdoc(cls) or cls.__name__).partition("\n")[0]


class SettingsInvalid(HandoffError):
    """A setting is missing or cannot be used."""

    exit_code = 2
    remedy = "Correct the environment variable or the line in `.env`; `handoff doctor` checks again."


class CalendarUnknown(HandoffError):
    """An organisation's calendar is not known."""

    exit_code = 2
    remedy = "Regions are ISO 3166 codes such as US-CA or GB-ENG, time zones those of IANA such as America/Los_Angeles."


class WorkNotOpen(HandoffError):
    """No such item is open on the work list."""

    remedy = "`handoff work list` has what is open."


class WorkClaimed(HandoffError):
    """Somebody else has claimed this item."""

    remedy = "Wait until the claim ends, ask for it to be released, or take it over with --override; the trail says so."


class WorkImpossible(HandoffError):
    """This cannot be decided of a need in its present state."""


class Unreachable(HandoffError):
    """A part that Warm Handoff needs does not answer."""

    exit_code = 3
    remedy = "`handoff doctor` tells what is reachable."


class KafkaUnreachable(Unreachable):
    """Kafka does not answer."""


class KafkaLoginRefused(KafkaUnreachable):
    """Kafka answers, and refuses the login: the user, the password or the mechanism is wrong."""

    remedy = "Check HANDOFF_KAFKA_USERNAME, HANDOFF_KAFKA_PASSWORD and HANDOFF_KAFKA_SASL_MECHANISM."


class TopicRefused(HandoffError):
    """Kafka answers, and refuses to make an organisation's topic."""

    exit_code = 2
    remedy = (
        "HANDOFF_TOPIC_REPLICAS can be no more than the cluster has servers, and the user of HANDOFF_KAFKA_USERNAME "
        "must be allowed to create topics. Then onboard the organisation again: what is there already stays."
    )


class TooFewServers(TopicRefused):
    """Kafka has fewer servers than a topic is to have copies, or does not yet count one that has just come."""


class PostgresUnreachable(Unreachable):
    """PostgreSQL does not answer."""


class LocalPartError(HandoffError):
    """An embedded part could not be used."""

    exit_code = 4


class HomeInUse(LocalPartError):
    """Another process runs the embedded parts of this data folder."""


class NothingRunning(LocalPartError):
    """No embedded part runs in this data folder."""

    remedy = "Start them with `handoff up` (or `make demo`), or set HANDOFF_KAFKA_BOOTSTRAP and HANDOFF_POSTGRES_DSN."


class JarRefused(LocalPartError):
    """A jar of Kafka is not the one that the lock names."""


class JarsUnreachable(LocalPartError):
    """A jar of Kafka could not be downloaded."""

    remedy = "Check the network and any proxy settings (HTTPS_PROXY), then start again: what has arrived is kept."


class PartCrashed(LocalPartError):
    """An embedded part stopped while it was needed."""


class PartNotStartable(LocalPartError):
    """An embedded part cannot be started on this machine."""
