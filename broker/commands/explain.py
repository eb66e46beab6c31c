"""`handoff explain`: for each recipient and group, let through or withheld, by which rule; then, and if asked anew."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from broker.commands.trail import ACTOR, Json
from broker.composition import broker_pool
from broker.domain.consent import Effect
from broker.explaining import Now, asked_now
from broker.local.parts import attached
from broker.rulings import Destroyed, Ruling, destroyed_of, rulings_of
from broker.schemas.ids import ReferralId
from broker.settings import Settings, load_settings
from broker.store.questions import trail_of
from broker.telling import answer, coded_reason, done, duties, label, why_destroyed
from broker.trail.entries import fresh_salt


class Reading(StrEnum):
    """Why somebody reads: it stands in the trail beside who."""

    OPERATIONS = "OPERATIONS"
    SURVIVOR_ASKED = "SURVIVOR_ASKED"
    COMPLAINT = "COMPLAINT"
    AUDIT = "AUDIT"


def explain(
    referral: Annotated[str, typer.Argument(help="The referral's id: ref-…")],
    recipient: Annotated[str | None, typer.Option(help="Only what this organisation was told: org-…")] = None,
    reason: Annotated[Reading, typer.Option(help="Why you read; it stands in the trail.")] = Reading.OPERATIONS,
    as_json: Json = False,
) -> None:
    """Explain what each recipient was told about a referral, and why not the rest.

    First as it was decided, from the trail: when, in which phase, on which consent version, under which policy. Then
    what the gate would answer now, without sending anything. Reading it is an entry of the trail, too.
    """
    sound, now, rulings, gone = asyncio.run(_read(attached(load_settings()), ReferralId(referral), recipient, reason))
    if now is None:
        typer.echo("No such referral.", err=True)
        raise typer.Exit(1)
    for line in _as_json(now, rulings, gone) if as_json else _told(referral, now, rulings, gone):
        typer.echo(line)
    if not sound:
        typer.echo("An entry does not fit its commitment: the trail was altered.", err=True)
        raise typer.Exit(6)


async def _read(
    settings: Settings, referral: ReferralId, recipient: str | None, reason: Reading
) -> tuple[bool, Now | None, list[Ruling], list[Destroyed]]:
    """Whether the trail is sound, what holds now, every ruling in the order of the trail, those of now last, and what
    was destroyed."""
    async with broker_pool(settings) as pool, pool.acquire() as connection, connection.transaction():
        lines = await trail_of(connection, referral, ACTOR, fresh_salt(), reason.value)
        believed = [line for line in lines if line.sound]
        past = [one for one in rulings_of(believed) if recipient in (None, one.recipient)]
        recipients = [recipient] if recipient else list(dict.fromkeys(one.recipient for one in past))
        now = await asked_now(connection, settings, referral, recipients)
    return all(line.sound for line in lines), now, [*past, *(now.rulings if now else ())], destroyed_of(believed)


def _as_json(now: Now, rulings: Sequence[Ruling], gone: Sequence[Destroyed]) -> Iterator[str]:
    """One object per line: the referral, each need, each destruction, each ruling; times are RFC 3339 in UTC."""
    yield json.dumps({"kind": "referral", "source": now.source, "policy": now.policy, "state": now.whole})
    for standing in now.standings:
        yield json.dumps({"kind": "need", **asdict(standing)}, default=_time)
    for one in gone:
        yield json.dumps({"kind": "destroyed", **asdict(one)}, default=_time)
    for ruling in rulings:
        kind = "decided" if ruling.step else "now"
        yield json.dumps({"kind": kind, **asdict(ruling)}, default=_time)


def _time(moment: datetime) -> str:
    return moment.isoformat()


def _told(referral: str, now: Now, rulings: Sequence[Ruling], gone: Sequence[Destroyed]) -> Iterator[str]:
    yield f"{referral}  from {now.source}  under policy {now.policy}  {now.whole}"
    for standing in now.standings:
        then = "nothing more happens by itself"
        if standing.next_action is not None and standing.due_at is not None:
            then = f"next {standing.next_action} at {_clock(standing.due_at)}, until then with {standing.owner}"
        yield f"  {standing.need}, {standing.priority}: {standing.state}; {then}"
    for one in gone:
        reasons = ", ".join(map(why_destroyed, one.because))
        yield f"  {_clock(one.at)}  destroyed here because {reasons}:"
        if one.keys:
            yield f"    keys of {', '.join(one.keys)} for {', '.join(one.keys_of)}"
        if one.ciphertexts:
            yield f"    ciphertexts of {', '.join(one.ciphertexts)}"
    for recipient in dict.fromkeys(ruling.recipient for ruling in rulings):
        yield ""
        yield recipient
        for ruling in rulings:
            if ruling.recipient == recipient:
                yield from answer_lines(ruling)
    if not rulings:
        yield "  No organisation was considered yet."


def answer_lines(ruling: Ruling) -> Iterator[str]:
    """One answer of the gate: what was done, why, on what it rests, what it binds to, and every group."""
    yield f"  {_clock(ruling.at)}  {ruling.need}, {ruling.phase}: {done(ruling.step)}: {answer(ruling.effect)}"
    if ruling.reason is not None:
        yield f"    because {coded_reason(ruling.reason)}"
    if ruling.consents:
        yield f"    on release {', '.join(ruling.consents)} (id/version)"
    elif ruling.effect is Effect.PERMIT:
        yield "    on no release: by the rules alone"
    if ruling.rules:
        yield f"    by {', '.join(dict.fromkeys(ruling.rules))} under {ruling.policy}"
    yield from (f"    bound: {duty}" for duty in duties(ruling.obligations))
    for group in ruling.let_through or ():
        yield f"    let through  {_labelled(group)}".rstrip()
    for group, why in sorted(ruling.withheld.items()):
        yield f"    withheld     {_labelled(group)}  {coded_reason(why)}"


def _labelled(group: str) -> str:
    return f"{group:<5} {label(group):<38}"


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
