"""The other side of the inbox: none. What is stored in the zone has arrived."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

from tests.adapters.receivers.receiver import Behaviour, Receiver


class InboxReceiver(Receiver):
    """It can only take."""

    TRANSPORT: ClassVar[str] = "inbox"
    CAN: ClassVar[frozenset[Behaviour]] = frozenset({Behaviour.TAKE})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def settings(self) -> Mapping[str, Any]:
        """There is nothing to say."""
        return {}

    async def behave(self, how: Behaviour) -> None:
        """It does nothing else."""

    async def received(self) -> Sequence[str]:
        """Nothing leaves the zone."""
        return []
