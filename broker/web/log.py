"""The published log by HTTP, for anybody: checkpoint, tiles (c2sp.org/tlog-tiles), proofs. It is commitments alone.

GET /log/checkpoint                 the newest signed checkpoint
GET /log/tile/…                     hashes and entries, as any client of tlog-tiles asks for them
GET /log/proof/{index}              the proof that an entry is in the log, a `.tlog-proof`
GET /log/consistency/{old}/{new}    the hashes that lead from an older checkpoint to a newer one, one in a line
"""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from fastapi import APIRouter
from starlette.responses import Response

from broker import limits
from broker.trail.errors import NotInLog
from broker.trail.proofs import PublishedLog, lines_of
from broker.web.codes import WebCode
from broker.web.problems import Problem
from broker.web.rates import Rates

Found = TypeVar("Found")

_EVERYBODY: Final = "everybody"
"""Who asks is not known, and a proxy stands before the door: all share one rate, apart from the agencies' own."""
_TILE: Final = re.compile(r"(entries|[0-9]|[1-5][0-9]|6[0-3])/(x[0-9]{3}/){0,6}[0-9]{3}(\.p/[0-9]{1,3})?")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_SAFE: Final = {"x-content-type-options": "nosniff"}
_NEWEST: Final = {**_SAFE, "cache-control": "no-cache"}
_FOR_EVER: Final = {**_SAFE, "cache-control": "public, max-age=31536000, immutable"}
"""What was published once never changes."""


def published(folder: Path, ticks: Callable[[], float]) -> APIRouter:
    """The routes to the log in this folder; `ticks` gives seconds that only grow."""
    log, routes = PublishedLog(folder), APIRouter(prefix="/log")
    rates = Rates(limits.log_rate_per_second, limits.log_rate_burst, ticks)

    async def checkpoint() -> Response:
        rates.take(_EVERYBODY)
        return _text(await _from_the_log(log.checkpoint))

    async def tile(path: str) -> Response:
        rates.take(_EVERYBODY)
        content = await _from_the_log(lambda: _tile(folder, path))
        return Response(content, media_type="application/octet-stream", headers=_FOR_EVER)

    async def proof(index: str) -> Response:
        rates.take(_EVERYBODY)
        wanted = _number(index)
        return _text(await _from_the_log(lambda: log.inclusion(wanted)))

    async def consistency(old: str, new: str) -> Response:
        rates.take(_EVERYBODY)
        sizes = _number(old), _number(new)
        hashes = await _from_the_log(lambda: log.consistency(*sizes))
        return _text("".join(f"{line}\n" for line in lines_of(hashes)), _FOR_EVER)

    routes.add_api_route("/checkpoint", checkpoint, methods=["GET"])
    routes.add_api_route("/tile/{path:path}", tile, methods=["GET"])
    routes.add_api_route("/proof/{index}", proof, methods=["GET"])
    routes.add_api_route("/consistency/{old}/{new}", consistency, methods=["GET"])
    return routes


async def _from_the_log(read: Callable[[], Found]) -> Found:
    """What is read of the log's files, beside the requests of others.

    Raises:
        Problem: LOG_ENTRY_UNKNOWN.
    """
    try:
        return await asyncio.to_thread(read)
    except NotInLog:
        raise Problem(WebCode.LOG_ENTRY_UNKNOWN) from None


def _tile(folder: Path, path: str) -> bytes:
    if _TILE.fullmatch(path) is None:
        raise NotInLog
    try:
        return (folder / "tile" / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        raise NotInLog from None


def _number(text: str) -> int:
    if _NUMBER.fullmatch(text) is None:
        raise Problem(WebCode.LOG_ENTRY_UNKNOWN)
    return int(text)


def _text(content: str, headers: dict[str, str] = _NEWEST) -> Response:
    return Response(content, media_type="text/plain; charset=utf-8", headers=headers)
