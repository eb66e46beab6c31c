"""`handoff notices`: what the broker has told an agency, a line each, in words."""

import asyncio
import json
from typing import Annotated

import typer

from broker.client import EventAccepted, EventRefused, Notice, RecipientChosen, ReferralHeld
from broker.commands.agency import Org, client_of
from broker.domain.reasons import WORDS, Reason
from broker.local.parts import attached
from broker.schemas.catalogue import short_name
from broker.schemas.referral_escalated import EscalationNotice, ReferralEscalated
from broker.schemas.referral_held import HoldReason
from broker.schemas.vocabulary import CoarseState
from broker.settings import Settings, load_settings


def notices(
    org: Org = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Stay, and tell each new one as it comes.")] = False,
    since_now: Annotated[bool, typer.Option("--new", help="With --follow: only what comes from now on.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Tell what the broker has said to an agency: receipts, refusals, holds, choices, status, closure. Reads only."""
    if since_now and not follow:
        raise typer.BadParameter("--new needs --follow.")
    asyncio.run(_notices(attached(load_settings(), "kafka_bootstrap"), org, follow, since_now, as_json))


async def _notices(settings: Settings, org: str | None, follow: bool, since_now: bool, as_json: bool) -> None:
    tell = json_of if as_json else line_of
    async with client_of(settings, org) as client:
        if not follow:
            # A referral's notices come in order, different referrals' do not: people read by time.
            found = [notice async for notice in client.notices(keep_place=False, to_end=True)]
            for notice in sorted(found, key=lambda one: one.time):
                typer.echo(tell(notice))
            return
        async for notice in client.notices(since="now" if since_now else "earliest", keep_place=False):
            typer.echo(tell(notice))


def line_of(notice: Notice) -> str:
    """A notice in one line: when (UTC), what it is about, what it says."""
    name = short_name(notice.fact.TYPE)
    return f"{notice.time:%Y-%m-%d %H:%M:%S}Z  {notice.subject}  {name}: {_words(notice)}"


def json_of(notice: Notice) -> str:
    """A notice as one JSON object, with the advice where it is a refusal."""
    told = {
        "id": notice.event_id,
        "type": notice.fact.TYPE,
        "subject": notice.subject,
        "time": notice.time.isoformat(),
        "cause": notice.cause,
        "data": notice.fact.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    if notice.advice is not None:
        told["advice"] = {"meaning": notice.advice.meaning, "remedy": notice.advice.remedy}
    return json.dumps(told, ensure_ascii=False)


def _words(notice: Notice) -> str:
    fact = notice.fact
    match fact:
        case EventAccepted():
            return f"the broker has {'already had' if fact.duplicate else 'taken'} event {fact.event_id}"
        case EventRefused():
            place = f" at {fact.field}" if fact.field else ""
            assert notice.advice is not None
            return f"{fact.code.value}{place}: {notice.advice.meaning} → {notice.advice.remedy}"
        case ReferralHeld():
            return f"{fact.category.value} waits ({_why(fact.reason)}) until {fact.answer_by:%Y-%m-%d %H:%M}Z"
        case RecipientChosen():
            groups = ", ".join(fact.field_groups)
            return f"{fact.category.value}: {fact.recipient} has accepted; wrap the keys of {groups} for it"
        case ReferralEscalated():
            number = f" ({fact.fallback_number})" if fact.fallback_number else ""
            return f"{fact.category.value}: {_ESCALATED[fact.notice]}{number}"
        case _:
            return _status(notice)


_ESCALATED = {
    EscalationNotice.STILL_LOOKING: "still looking, the next provider is asked",
    EscalationNotice.CALL_FALLBACK: "nobody has taken it on yet: call the hotline as well",
    EscalationNotice.SUBMIT_AGAIN: "it has ended undecided: send a new referral, or call the hotline",
}


def _why(reason: HoldReason) -> str:
    return WORDS[Reason(reason.value)] if reason.value in Reason.__members__ else "for the keys to be wrapped"


_COARSE = {
    CoarseState.RECEIVED: "received",
    CoarseState.IN_PROGRESS: "in progress",
    CoarseState.CLOSED: "closed",
}

_IN_MORE_WORDS = ("state", "acknowledgment", "decline_family", "outcome", "closure")


def _status(notice: Notice) -> str:
    told = notice.fact.model_dump(mode="json", exclude_none=True)
    coarse = _COARSE.get(CoarseState(told["coarse"]), "") if "coarse" in told else ""
    more = [str(told[name]) for name in _IN_MORE_WORDS if name in told]
    return f"{told.get('category', '')} {coarse}{' (' + ', '.join(more) + ')' if more else ''}".strip()
