"""Every way of handing over, asked the same: what it makes of a receiver that takes, refuses, hangs or is away.

Transports are found by their being there, and each must have the other side of its own in tests/adapters/receivers.
"""

import asyncio
import importlib
import inspect
import logging
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import ValidationError
from pydantic_core import to_json

import tests.adapters.receivers as receivers_package
from adapters.handing_on import CODES_ALONE, HANDED_ON
from adapters.inbox.opening import OpenedGroup
from adapters.transports import transports
from adapters.transports.transport import Channel, Delivered, Handover, Outcome, Refused, Transport, TryAgain
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event import EventData, events
from broker.schemas.field_groups import GROUPS as FIELD_GROUPS
from broker.schemas.field_groups import FieldGroup, group_model
from broker.schemas.ids import OrgId, new_event_id, new_offer_id, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.reference import reference_of
from broker.schemas.vocabulary import MsgStatus, Priority, RecipientCategory
from tests.adapters.network import GROUPS, example_offer
from tests.adapters.receivers.receiver import Behaviour, Receiver
from tests.adapters.scripted import ScriptedTransport

HANGS_SECONDS: Final = 0.5
"""The courier's limit on one attempt, made short."""
PATIENCE_SECONDS: Final = 30.0

EVERY: Final[Mapping[str, type[Transport]]] = {**transports(), ScriptedTransport.NAME: ScriptedTransport}

CANARIES: Final = ("+15555550100", "+15555550142", "Quillfeather", "US-CA-001")
"""What stands in the offer and in the opened groups, and must stand in no log, repr or code."""


def _receivers() -> dict[str, type[Receiver]]:
    found = {}
    for name in (info.name for info in pkgutil.iter_modules(receivers_package.__path__)):
        for value in vars(importlib.import_module(f"{receivers_package.__name__}.{name}")).values():
            if inspect.isclass(value) and issubclass(value, Receiver) and not inspect.isabstract(value):
                found[value.TRANSPORT] = value
    return found


RECEIVERS: Final = _receivers()
BOTH: Final = sorted(EVERY.keys() & RECEIVERS.keys())


def _can(how: Behaviour) -> list[str]:
    return [name for name in BOTH if how in RECEIVERS[name].CAN]


class _Pair:
    """A transport, started, and the other side of it."""

    def __init__(self, name: str, folder: Path, stack: AsyncExitStack) -> None:
        self.transport = EVERY[name]()
        self.receiver = RECEIVERS[name]()
        self._folder = folder
        self._stack = stack

    async def start(self) -> None:
        await self._stack.enter_async_context(self.receiver)
        for file, content in self.receiver.secrets().items():
            (self._folder / file).write_bytes(content)
            (self._folder / file).chmod(0o600)
        await self.transport.start()
        self._stack.push_async_callback(self.transport.stop)

    @property
    def channel(self) -> Channel:
        settings = self.transport.SETTINGS.model_validate_json(
            to_json(dict(self.receiver.settings())), by_alias=True, by_name=False
        )
        return Channel(OrgId("org-haven"), 1, self.transport.NAME, settings, self._folder)

    async def attempt(self, handover: Handover) -> Outcome:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.transport.attempt(self.channel, handover)


Pairs = Callable[[str], Awaitable[_Pair]]


@pytest.fixture
async def pairs(tmp_path: Path) -> Any:
    """Puts a transport and its other side together."""
    async with AsyncExitStack() as stack:

        async def pair(name: str) -> _Pair:
            made = _Pair(name, tmp_path, stack)
            await made.start()
            return made

        yield pair


def handover_about(kind: type[EventData], attempt: int = 1, **changed: Any) -> Handover:
    """One message about something of this kind, for one attempt."""
    now, offer_id, referral_id = datetime.now(UTC), new_offer_id(), new_referral_id()
    told: dict[str, Any] = {
        "message_id": new_event_id(),
        "type": kind.TYPE,
        "org": OrgId("org-haven"),
        "offer_id": offer_id,
        "referral_id": referral_id,
        "reference": reference_of(referral_id),
        "priority": Priority.P1,
        "environment": MsgStatus.ACTUAL,
        "made_at": now,
        "stop_at": now + timedelta(hours=1),
        "attempt": attempt,
        "content": example_offer(RecipientCategory.SHELTER, offer_id).wire() if kind not in CODES_ALONE else None,
        "fact": kind.read(to_json({**kind.EXAMPLE, "offerId": offer_id})) if kind in CODES_ALONE else None,
        "open_groups": _opened if kind is DisclosureReleased else None,
    }
    return Handover(**{**told, **changed})


async def _opened() -> list[OpenedGroup]:
    return [
        OpenedGroup(
            FieldGroup(code),
            FIELD_GROUPS[FieldGroup(code)].label,
            group_model(FieldGroup(code)).model_validate_json(to_json(content), by_alias=True, by_name=False),
        )
        for code, content in GROUPS.items()
    ]


def test_every_transport_has_the_other_side_of_its_own() -> None:
    """What nobody has tried against a receiver is not known to hand anything over."""
    assert sorted(EVERY) == BOTH


@pytest.mark.parametrize("name", sorted(EVERY))
def test_it_says_what_it_carries_and_refuses_settings_that_it_does_not_know(name: str) -> None:
    """Only what the broker says to providers is carried; a misspelt setting is an error and never ignored."""
    transport = EVERY[name]
    assert transport.CARRIES
    assert set(HANDED_ON) & set(events().values()) >= transport.CARRIES
    with pytest.raises(ValidationError):
        transport.SETTINGS.model_validate_json('{"nosuchSetting": 1}')


@pytest.mark.parametrize("name", BOTH)
async def test_a_channel_to_a_receiver_that_is_there_may_be_used(name: str, pairs: Pairs) -> None:
    """The rules of `check` are those of an attempt: what is taken afterwards is not refused before."""
    pair = await pairs(name)
    await pair.transport.check(pair.channel)


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in BOTH for kind in sorted(EVERY[name].CARRIES, key=lambda kind: kind.TYPE)],
    ids=lambda value: value if isinstance(value, str) else value.TYPE.split(".", 2)[2],
)
async def test_what_it_carries_is_delivered(name: str, kind: type[EventData], pairs: Pairs) -> None:
    """A receiver that takes it has the message by its id; a repeat goes under the same id."""
    pair = await pairs(name)
    first = handover_about(kind)
    again = Handover(**{field: getattr(first, field) for field in Handover.__dataclass_fields__} | {"attempt": 2})
    assert isinstance(await pair.attempt(first), Delivered)
    assert isinstance(await pair.attempt(again), Delivered)
    if pair.transport.PUSHES:
        assert set(await pair.receiver.received()) == {first.message_id}


@pytest.mark.parametrize("name", _can(Behaviour.TRY_LATER))
async def test_a_receiver_that_cannot_now_is_to_be_tried_again(name: str, pairs: Pairs) -> None:
    """No message is given up because of a bad minute, and what was tried again arrives."""
    pair = await pairs(name)
    await pair.receiver.behave(Behaviour.TRY_LATER)
    handover = handover_about(OfferMade)
    assert isinstance(await pair.attempt(handover), TryAgain)
    await pair.receiver.behave(Behaviour.TAKE)
    assert isinstance(await pair.attempt(handover), Delivered)


@pytest.mark.parametrize("name", _can(Behaviour.REFUSE))
async def test_a_receiver_that_never_will_is_not_tried_again(name: str, pairs: Pairs) -> None:
    """A no is told from a not now: the next channel is taken at once."""
    pair = await pairs(name)
    await pair.receiver.behave(Behaviour.REFUSE)
    assert isinstance(await pair.attempt(handover_about(OfferMade)), Refused)


@pytest.mark.parametrize("name", _can(Behaviour.AWAY))
async def test_where_nobody_listens_it_is_to_be_tried_again(name: str, pairs: Pairs) -> None:
    """Whatever the network does is an outcome and no exception."""
    pair = await pairs(name)
    await pair.receiver.behave(Behaviour.AWAY)
    assert isinstance(await pair.attempt(handover_about(OfferMade)), TryAgain)


@pytest.mark.parametrize("name", _can(Behaviour.HANG))
async def test_a_receiver_that_hangs_is_left_when_the_time_is_over_and_can_be_reached_afterwards(
    name: str, pairs: Pairs
) -> None:
    """An attempt ends when it is cancelled, at once, and leaves nothing behind that hinders the next one."""
    pair = await pairs(name)
    await pair.receiver.behave(Behaviour.HANG)
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with asyncio.timeout(HANGS_SECONDS):
            outcome = await pair.transport.attempt(pair.channel, handover_about(OfferMade))
    except TimeoutError:
        outcome = TryAgain("TIMEOUT", unknown=True)
    assert isinstance(outcome, TryAgain)
    assert clock() - began < HANGS_SECONDS * 4
    await pair.receiver.behave(Behaviour.TAKE)
    assert isinstance(await pair.attempt(handover_about(OfferMade)), Delivered)


@pytest.mark.parametrize("name", BOTH)
async def test_no_content_stands_in_a_repr_a_code_or_a_log(
    name: str, pairs: Pairs, caplog: pytest.LogCaptureFixture
) -> None:
    """What is handed over stands in the message alone; secrets and addresses stand nowhere."""
    pair = await pairs(name)
    said = []
    with caplog.at_level(logging.DEBUG):
        for kind in sorted(pair.transport.CARRIES, key=lambda kind: kind.TYPE):
            for how in sorted(pair.receiver.CAN - {Behaviour.HANG, Behaviour.AWAY}):
                await pair.receiver.behave(how)
                handover = handover_about(kind)
                said += [repr(handover), repr(pair.channel), repr(await pair.attempt(handover))]
    text = "\n".join([*said, repr(pair.transport), caplog.text])
    secrets = [content.decode(errors="replace") for content in pair.receiver.secrets().values()]
    for secret in (*CANARIES, *filter(None, secrets)):
        assert secret not in text
