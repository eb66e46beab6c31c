"""Who asks: an organisation of the directory, by a signature with its own key over what is asked for and when."""

import asyncio
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from starlette.requests import Request

from broker import limits
from broker.handlers.directory import Directory
from broker.reading import key_lookup
from broker.schemas.ids import OrgId
from broker.schemas.refusal import RefusalCode, Refused
from broker.seal.request_signature import TIMESTAMP_HEADER, verify_request
from broker.seal.signature import SIGNATURE_HEADER, SignatureFault
from broker.sql.bulk import Pool
from broker.sql.transient import TRANSIENT
from broker.store.directory import clock_and_directory
from broker.web.codes import WebCode
from broker.web.problems import Problem
from broker.web.rates import Rates
from broker.web.requests import asked

log = logging.getLogger(__name__)

_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


class Network:
    """The directory of this moment. While PostgreSQL is away the one that was read last counts, until it ends.

    So an agency can publish meanwhile, as it could on Kafka; the broker judges everything anew when it takes it in.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._known = Directory.empty()

    async def now(self) -> tuple[datetime, Directory]:
        """The time (UTC), and who is in the network with which keys.

        Raises:
            TRANSIENT: PostgreSQL is away and nothing that was read before still counts.
        """
        try:
            async with asyncio.timeout(limits.web_database_seconds_max), self._pool.acquire() as connection:
                told, self._known = await clock_and_directory(connection, self._known)
                return told, self._known
        except TRANSIENT as error:
            own = datetime.now(UTC)
            if own >= self._known.good_until:
                raise
            log.warning("the directory that was read last is used (%s)", type(error).__name__)
            return own, self._known


class Callers:
    """Tells whose request it is; `clock` gives seconds since 1970."""

    def __init__(self, network: Network, rates: Rates, clock: Callable[[], float]) -> None:
        self._network = network
        self._rates = rates
        self._clock = clock

    async def of(self, request: Request) -> OrgId:
        """The organisation that signed this request.

        Raises:
            Problem, Refused: nobody's signature holds, it is not of now, or there are too many of them.
        """
        timestamp = _header(request, TIMESTAMP_HEADER)
        signature = _header(request, SIGNATURE_HEADER)
        if _TIMESTAMP.fullmatch(timestamp) is None:
            raise Problem(WebCode.HEADER_INVALID, TIMESTAMP_HEADER)
        if abs(self._clock() - int(timestamp)) > limits.door_signature_seconds_max:
            raise Problem(WebCode.SIGNATURE_STALE, TIMESTAMP_HEADER)
        _, directory = await self._network.now()
        found = verify_request(asked(request), timestamp.encode(), signature.encode("latin-1"), key_lookup(directory))
        if isinstance(found, SignatureFault):
            raise Refused(found.refusal, SIGNATURE_HEADER)
        if found.org not in directory.parties:
            raise Refused(RefusalCode.SOURCE_UNKNOWN)
        self._rates.take(found.org)
        return found.org


def _header(request: Request, name: str) -> str:
    found = request.headers.getlist(name)
    if not found:
        raise Refused(RefusalCode.SIGNATURE_MISSING, name)
    if len(found) > 1:
        raise Problem(WebCode.HEADER_INVALID, name)
    return found[0]
