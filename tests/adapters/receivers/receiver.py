"""The other side of a transport, real: a server on the loopback interface that can be told how to behave.

One file here for each transport, found by its being there; the contract suite asks every transport the same questions
through it (tests/adapters/test_every_transport.py).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Any, ClassVar, Self


class Behaviour(StrEnum):
    """What it does with the next message."""

    TAKE = "take"
    TRY_LATER = "try later"
    """It says that it cannot now."""
    REFUSE = "refuse"
    """It says that it never will."""
    HANG = "hang"
    """It says nothing at all, for longer than any attempt may last."""
    AWAY = "away"
    """Nobody listens at its address."""


class Receiver(ABC):
    """Used as `async with`; it takes whatever comes until it is told otherwise."""

    TRANSPORT: ClassVar[str]
    """The transport that reaches it."""
    CAN: ClassVar[frozenset[Behaviour]] = frozenset(Behaviour)
    """What it can be told: a transport that has no other side (the inbox) can only take."""

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Listen."""

    @abstractmethod
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening, whatever hangs."""

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """The settings of a channel that reaches it, as they stand on the wire."""

    def secrets(self) -> Mapping[str, bytes]:
        """The files that belong into the channel's folder of secrets."""
        return {}

    @abstractmethod
    async def behave(self, how: Behaviour) -> None:
        """From now on, do this."""

    @abstractmethod
    async def received(self) -> Sequence[str]:
        """The message ids that have arrived so far, in order, repeats included."""
