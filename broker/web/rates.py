"""No organisation crowds out another: a bucket of requests for each, and a bound on those that are worked at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from broker.web.codes import WORDING, WebCode
from broker.web.problems import Problem


@dataclass(slots=True)
class _Bucket:
    left: float
    seen: float


class Rates:
    """A token bucket for each name, in memory: `clock` gives seconds that only grow.

    Only organisations of the directory are asked for, or everybody as one, so there are no more buckets than those.
    """

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float]) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str) -> None:
        """Count one request of this organisation, or of everybody.

        Raises:
            Problem: RATE_LIMITED, with the whole seconds after which there is room.
        """
        now = self._clock()
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
        bucket.left = min(self._burst, bucket.left + (now - bucket.seen) * self._per_second)
        bucket.seen = now
        if bucket.left < 1:
            seconds = math.ceil((1 - bucket.left) / self._per_second)
            raise Problem(WebCode.RATE_LIMITED, **{"retry-after": str(seconds)})
        bucket.left -= 1


class AtOnce:
    """So many requests are worked at once; whoever comes then is asked to come again, before anything is read."""

    def __init__(self, app: ASGIApp, requests_max: int) -> None:
        self._app = app
        self._free = requests_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._free:
            await WORDING.answer(WebCode.BUSY)(scope, receive, send)
            return
        self._free -= 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._free += 1
