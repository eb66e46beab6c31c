"""What providers' people have said in their Tasks, fetched: looked for again and again, and at once where one is woken.

Which Tasks have changed is asked by the server's own clock, the changed ones are read with their history, and what the
history says goes where the answers of every door meet. An answer's id is made of the Task's version, so that reading
the same again, after a restart too, is the same answer.
"""

import asyncio
import logging
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote
from uuid import UUID, uuid5

from adapters.errors import AnswerNotPossible, OfferNotFound
from adapters.fhir import codes
from adapters.fhir.answers import heard
from adapters.fhir.codes import Resource, identified_by
from adapters.fhir.server import FhirServer, NotDone
from adapters.fhir.status import TaskStatus
from adapters.transports.transport import Answers, TryAgain
from broker import limits
from broker.errors import HandoffError
from broker.schemas.ids import OFFER_ID_PATTERN, EventId, OfferId, OrgId
from broker.schemas.shapes import RFC3339_PATTERN, instant
from broker.sql.transient import TRANSIENT

log = logging.getLogger(__name__)

_ANSWERS: Final = UUID("5d4d0a53-5c52-4f43-9a39-0a3ad5f9be21")
"""The name space of the ids of answers that were read from a Task."""

_FHIR_ID: Final = re.compile(r"[A-Za-z0-9.-]{1,64}")

_ALL_OF_IT: Final = f"_since=2000-01-01T00:00:00Z&_count={limits.fhir_page_entries}"
"""Without a beginning, HAPI before 8.12 leaves out the oldest versions for a minute (hapifhir/hapi-fhir#7897)."""

Listened = tuple[OrgId, FhirServer, int]
"""An organisation's server, and the seconds between two looks at it."""


class _NotWhole(Exception):
    """A Task's history does not begin with the Task as we made it: what it says cannot be judged."""


class Ear:
    """Listens to every server of this process, each in its own time."""

    def __init__(self) -> None:
        self.set_aside: Counter[str] = Counter()
        """How many versions of Tasks were not believed, and how many answers not possible, by code."""
        self._woken: dict[OrgId, asyncio.Event] = {}
        self._looks: dict[tuple[OrgId, str], _Look] = {}

    def wake(self, org: OrgId) -> None:
        """Something has changed there, somebody says: look at once. What he says besides is not believed."""
        if (woken := self._woken.get(org)) is not None:
            woken.set()

    async def listen(self, servers: Callable[[], Sequence[Listened]], answers: Answers) -> None:
        """Look at each server until cancelled; which there are is asked anew all the time."""
        running: dict[Listened, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                now = frozenset(servers())
                for gone in running.keys() - now:
                    running.pop(gone).cancel()
                for new in now - running.keys():
                    running[new] = group.create_task(self._listen_to(*new, answers))
                await asyncio.sleep(limits.zone_look_seconds)

    async def _listen_to(self, org: OrgId, server: FhirServer, seconds: int, answers: Answers) -> None:
        woken = self._woken.setdefault(org, asyncio.Event())
        while True:
            woken.clear()
            await self.look(org, server, answers)
            await asyncio.sleep(limits.fhir_wake_seconds_min)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await woken.wait()

    async def look(self, org: OrgId, server: FhirServer, answers: Answers) -> None:
        """Look once; what cannot be read this time is read the next."""
        look = self._looks.setdefault((org, server.base_url), _Look())
        try:
            for task in await look.changed(server):
                if await self._read(org, server, task, answers):
                    look.read(task)
        except NotDone as failed:
            log.warning("the FHIR server of %s cannot be read now (%s)", org, failed.outcome.code)
        except (HandoffError, *TRANSIENT) as error:
            log.warning("what the FHIR server of %s says waits (%s)", org, type(error).__name__)

    async def _read(self, org: OrgId, server: FhirServer, task: Resource, answers: Answers) -> bool:
        """Pass on what a changed Task's history says; whether that was all, and it needs not be read again."""
        offer_id = identified_by(task, codes.OFFER)
        if offer_id is None or re.fullmatch(OFFER_ID_PATTERN, offer_id) is None:
            return True
        try:
            found, aside = heard(OfferId(offer_id), await self._history(server, task))
        except _NotWhole:
            self._count(org, offer_id, "HISTORY_NOT_WHOLE")
            return False
        for one in aside:
            self._count(org, offer_id, one.fault.value)
        for answer in found:
            name = f"{org}/{offer_id}/{task['id']}/{answer.version}/{answer.fact.TYPE}"
            try:
                event_id = EventId(str(uuid5(_ANSWERS, name)))
                await answers(org, OfferId(offer_id), answer.fact, event_id, giving_back=answer.giving_back)
            except OfferNotFound:
                break
            except AnswerNotPossible as refused:
                self._count(org, offer_id, refused.code.value)
        return True

    async def _history(self, server: FhirServer, task: Resource) -> list[Resource]:
        """A Task's versions, the oldest first.

        Raises:
            _NotWhole: some are missing, too many, or none that we read.
            NotDone: the server cannot be read now.
        """
        try:
            versions, whole = await server.listed(f"/Task/{task['id']}/_history?{_ALL_OF_IT}", "Task")
        except NotDone as failed:
            if isinstance(failed.outcome, TryAgain) or failed.outcome.pause:
                raise
            raise _NotWhole from None
        if not whole or not versions or versions[-1].get("status") != TaskStatus.REQUESTED:
            raise _NotWhole
        return versions[::-1]

    def _count(self, org: OrgId, offer_id: str, code: str) -> None:
        self.set_aside[code] += 1
        log.warning("a Task of %s says what cannot be (%s, offer %s)", org, code, offer_id)


class _Look:
    """How far one server has been read: by its own clock, and which versions."""

    def __init__(self) -> None:
        self._since = datetime.now(UTC) - timedelta(days=limits.fhir_lookback_days)
        self._in_order = True
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def changed(self, server: FhirServer) -> list[Resource]:
        """The Tasks of ours that have changed, the longest ago first, and were not read in this version.

        Raises:
            NotDone, ChannelRefused: the server cannot be read now.
        """
        since = self._since - timedelta(seconds=limits.fhir_poll_overlap_seconds)
        ours = f"identifier={quote(codes.OFFER, safe=':')}%7C"
        changed = f"_lastUpdated=ge{quote(codes.moment(since), safe=':')}"
        path = f"/Task?{ours}&{changed}&_sort=_lastUpdated&_count={limits.fhir_page_entries}"
        listed, whole = await server.listed(path, "Task")
        found = [task for task in listed if _readable(task)]
        ordered = sorted(found, key=_changed_at)
        # Where a server sorts otherwise and has more than we read, what is unread may be older than what was read.
        self._in_order = whole or ordered == found
        return [task for task in ordered if _name(task) not in self._seen]

    def read(self, task: Resource) -> None:
        """It needs not be read again in this version, and nothing older any more."""
        self._seen[_name(task)] = None
        while len(self._seen) > limits.fhir_tasks_remembered_max:
            self._seen.popitem(last=False)
        if self._in_order:
            self._since = max(self._since, _changed_at(task))


def _readable(task: Resource) -> bool:
    """Whether it says which Task it is, in which version, and since when."""
    meta = task.get("meta")
    if not isinstance(meta, dict) or _FHIR_ID.fullmatch(str(task.get("id"))) is None or "versionId" not in meta:
        return False
    at = meta.get("lastUpdated")
    return isinstance(at, str) and re.fullmatch(RFC3339_PATTERN, at) is not None


def _changed_at(task: Resource) -> datetime:
    return instant(task["meta"]["lastUpdated"])


def _name(task: Resource) -> tuple[str, str]:
    return task["id"], str(task["meta"]["versionId"])
