"""What the inbox commands print."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import typer

from adapters import words
from adapters.inbox import panels
from adapters.inbox.inbox import Inbox
from adapters.inbox.listing import OfferSeen
from adapters.inbox.readings import ReadingSeen
from adapters.standing import OPEN
from broker import limits
from broker.schemas.offer_accepted import AcceptedBy


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks at one offer."""

    contact: bool
    conflict_check: bool
    reader: AcceptedBy
    as_json: bool


async def list_offers(inbox: Inbox, *, everything: bool, as_json: bool) -> None:
    """Print the list."""
    offers, now = await inbox.offers(everything=everything), await inbox.now()
    if as_json:
        typer.echo(json.dumps([_offer_json(offer, now) for offer in offers], indent=2))
        return
    for line in panels.columns([panels.listed(offer, now) for offer in offers]):
        typer.echo(line)
    if not offers:
        typer.echo("Nothing waits.")
    if aside := await inbox.aside():
        typer.echo(f"{len(aside)} messages were not acted on: `handoff inbox aside`.", err=True)


async def show(inbox: Inbox, reference: str, look: Look) -> None:
    """Print one offer, what was opened first."""
    offer, now = await inbox.find(reference), await inbox.now()
    await inbox.seen(offer.offer_id)
    opened = (
        await inbox.open_groups(
            offer.offer_id, reader=look.reader, contact_shown=look.contact, single_use=look.conflict_check
        )
        if panels.may_open(offer, now)
        else []
    )
    if look.as_json:
        told = {group.field_group: panels.revealed(group, offer, now, contact=look.contact) for group in opened}
        typer.echo(json.dumps(_offer_json(offer, now) | {"opened": told}, indent=2))
        return
    if panels.may_open(offer, now):
        for line in panels.opened_lines(opened, offer, now, contact=look.contact):
            typer.echo(line)
        typer.echo()
    for line in panels.offer_lines(offer, inbox.provider.kind, now):
        typer.echo(line)
    if offer.standing in OPEN and offer.priority in panels.LIVE_FIRST:
        for turn in await inbox.roster.on_call(now):
            typer.echo(f"On call here now: {words.plain(turn.role)}, {turn.number}")


async def show_readings(inbox: Inbox, reference: str | None, *, everything: bool, as_json: bool) -> None:
    """Print who has opened what, the latest first."""
    of = None if reference is None else (await inbox.find(reference)).offer_id
    limit = None if everything else limits.readings_shown_max
    found = await inbox.readings(of=of, limit=limit)
    if as_json:
        typer.echo(json.dumps([_reading_json(one) for one in found], indent=2))
        return
    rows = [
        (
            words.moment(one.read_at),
            one.reference,
            words.plain(one.reader) if one.account is None else f"{words.plain(one.reader)} {one.account}",
            " ".join(one.groups) + (" contact details shown" if one.contact_shown else ""),
        )
        for one in found
    ]
    for line in panels.columns(rows):
        typer.echo(line)
    if not found:
        typer.echo("Nobody has opened anything.")
    elif len(found) == limit:
        typer.echo(f"Only the latest {limit}; `--all` shows every one.", err=True)


def _reading_json(one: ReadingSeen) -> dict[str, Any]:
    return {
        "offerId": one.offer_id,
        "reference": one.reference,
        "reader": one.reader,
        "account": one.account,
        "groups": list(one.groups),
        "contactShown": one.contact_shown,
        "readAt": one.read_at.isoformat(),
    }


async def show_aside(inbox: Inbox) -> None:
    """Print what was not acted on."""
    rows = [(seen.set_aside_at.isoformat(timespec="seconds"), seen.place, seen.code) for seen in await inbox.aside()]
    for line in panels.columns(rows):
        typer.echo(line)


def _offer_json(offer: OfferSeen, now: datetime) -> dict[str, Any]:
    current = words.as_of(offer.offer, now) if offer.offer is not None else None
    content = current.model_dump(mode="json", by_alias=True, exclude_none=True) if current is not None else None
    return {
        "reference": offer.reference,
        "offerId": offer.offer_id,
        "referralId": offer.referral_id,
        "standing": offer.standing.value,
        "priority": offer.priority.value if offer.priority else None,
        "answerBy": offer.answer_by.isoformat() if offer.answer_by else None,
        "remindedAt": offer.reminded_at.isoformat() if offer.reminded_at else None,
        "receivedAt": offer.received_at.isoformat(),
        "unsentAnswers": offer.unsent,
        "refusal": offer.refusal.value if offer.refusal else None,
        "lateAnswers": [
            {"type": late.type, "code": late.code.value, "lastAt": late.last_at.isoformat(), "times": late.times}
            for late in offer.late
        ],
        "released": offer.released,
        "releaseEnds": offer.release_ends.isoformat() if offer.release_ends else None,
        "takenBack": list(offer.taken_back),
        "takenBackAnswerBy": offer.taken_back_answer_by.isoformat() if offer.taken_back_answer_by else None,
        "takenBackReason": offer.taken_back_reason.value if offer.taken_back_reason else None,
        "offer": content,
    }
