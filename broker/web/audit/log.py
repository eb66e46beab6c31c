"""The state of the log, what proves it, and the bundle with which an auditor checks it alone.

GET  /audit/log           how far it is sealed, the newest checkpoint, whether each grew from the one before
POST /audit/log/entry     the proof that one entry is in it
POST /audit/log/held      whether it grew from a checkpoint that the auditor holds
POST /audit/bundle        the whole trail, to be checked elsewhere; an entry, before anything is written

What the log page shows is published to everybody: commitments alone. So only the bundle is an entry.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter
from pydantic import StringConstraints
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from broker import limits
from broker.entry.forms import FormInvalid, Nothing, read_form
from broker.entry.rendering import notice
from broker.look.language import _
from broker.schemas.event import Contract
from broker.store.log_state import log_state, notes_since
from broker.store.questions import note_export
from broker.trail.checking import Checked, checked, grown, not_in, pasted
from broker.trail.errors import CheckpointBroken
from broker.trail.exporting import ANCHORS, export
from broker.trail.proofs import PublishedLog
from broker.web.audit.asked import asked, shown
from broker.web.audit.errors import NotFound
from broker.web.audit.proof import newest_of
from broker.web.desk.who import Examiner, Examining

router = APIRouter()

_BUNDLING: Final = asyncio.Lock()
"""One bundle at a time and process: each reads the whole trail."""


class _Entry(Contract):
    index: Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,17})$")]


class _Held(Contract):
    checkpoint: Annotated[str, StringConstraints(min_length=1, max_length=limits.audit_form_bytes_max)]


@dataclass(frozen=True, slots=True)
class Step:
    """A checkpoint, None where what is stored is none any more; and whether it grew from the one before it, None for
    the oldest that is shown."""

    checked: Checked | None
    grew: bool | None


@router.get("/audit/log")
async def log(who: Examiner) -> Response:
    """What everybody may know of the log, checked just now."""
    return await _log_page(who)


@router.post("/audit/log/entry")
async def entry(who: Examiner, request: Request) -> Response:
    """The proof of one entry, checked, and as a text to keep."""
    index, published = int((await read_form(request, _Entry)).index), who.desk.log
    newest = await asyncio.to_thread(newest_of, published)
    commitment = await who.desk.pool.fetchval("SELECT commitment FROM log_entry WHERE idx = $1", index)
    if published is None or newest is None or index >= newest.checkpoint.size:
        raise NotFound
    proof = await asyncio.to_thread(published.inclusion, index)
    broken = await asyncio.to_thread(not_in, published, newest.checkpoint, [(index, commitment or b"")])
    return await _log_page(who, index=index, proof=proof, included=not broken)


@router.post("/audit/log/held")
async def held(who: Examiner, request: Request) -> Response:
    """Whether the log of now begins with the one that the auditor has seen."""
    form, published = await read_form(request, _Held), who.desk.log
    newest = await asyncio.to_thread(newest_of, published)
    if published is None or newest is None:
        raise NotFound
    try:
        own = checked(pasted(form.checkpoint), published.keys())
    except CheckpointBroken:
        raise FormInvalid from None
    grew = await asyncio.to_thread(grown, published, own.checkpoint, newest.checkpoint)
    return await _log_page(who, held=own, grew=grew)


async def _log_page(who: Examining, **content: Any) -> Response:
    async with asked(who) as connection:
        state = await log_state(connection)
        notes = await notes_since(connection, limits.audit_checkpoints_shown)
    newest, steps = await asyncio.to_thread(_steps, who.desk.log, notes)
    empty: dict[str, Any] = {"index": None, "proof": None, "included": None, "held": None, "grew": None}
    return shown("audit/log.html", who, state=state, newest=newest, steps=steps, **{**empty, **content})


def _steps(published: PublishedLog | None, notes: Sequence[str]) -> tuple[Checked | None, list[Step]]:
    """The newest checkpoint that is published, and the newest ones of the database with how each grew."""
    newest = newest_of(published)
    if published is None or newest is None:
        return None, []
    made = [_read(note, published) for note in notes]
    grew = [
        newer is not None and older is not None and grown(published, older.checkpoint, newer.checkpoint)
        for newer, older in pairwise(made)
    ]
    return newest, [Step(one, told) for one, told in zip(made, [*grew, None][: len(made)], strict=True)]


def _read(note: str, published: PublishedLog) -> Checked | None:
    try:
        return checked(note, published.keys())
    except CheckpointBroken:
        return None


@router.post("/audit/bundle")
async def bundle(who: Examiner, request: Request) -> Response:
    """The whole trail as a file. Its name says how many entries it has, and nothing else."""
    await read_form(request, Nothing)
    async with who.desk.pool.acquire() as connection:
        state = await log_state(connection)
    if state.entries > limits.bundle_entries_max:
        return notice(
            who,
            HTTPStatus.CONFLICT,
            _("This bundle is too large for a page"),
            _("The operator writes it: handoff trail export FOLDER."),
        )
    if _BUNDLING.locked():
        return notice(who, HTTPStatus.CONFLICT, _("Another bundle is being made"), _("Try again in a minute."))
    async with _BUNDLING:
        path, size = await _bundled(who)
    away = BackgroundTask(shutil.rmtree, path.parent, ignore_errors=True)
    return FileResponse(path, media_type="application/zip", filename=f"trail-{size}.zip", background=away)


async def _bundled(who: Examining) -> tuple[Path, int]:
    """The bundle in a folder of its own, which is gone once it has been sent, or where it could not be made."""
    place = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="handoff-bundle-"))
    try:
        async with who.desk.pool.acquire() as connection:
            await note_export(connection, who.by, None)
            folder = place / "trail"
            anchors = None if who.desk.log is None else who.desk.log.folder / ANCHORS
            size = await export(connection, folder, lambda _done, _all: None, None, anchors)
        path = await asyncio.to_thread(shutil.make_archive, str(place / "trail"), "zip", folder)
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
        raise
    return Path(path), size
