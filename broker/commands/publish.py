"""`handoff publish`: an event from a file, checked, sealed, signed and confirmed; or shown; or sent unchecked."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from broker.agency.errors import NoAnswerYet
from broker.agency.outcomes import Answer
from broker.agency.publishing import Published
from broker.agency.records import KafkaHeaders, Record
from broker.agency.sending import Place
from broker.client import AgencyClient, EventRefused, RecipientChosen, ReferralClosed
from broker.commands.agency import Org, client_of
from broker.commands.event_file import (
    FileEvent,
    FileNotUsable,
    ShortEvent,
    WholeEvent,
    header_options,
    now_utc,
    read_event_file,
)
from broker.commands.notices import line_of
from broker.commands.raw_record import published_of, raw_bytes_record, raw_record, whole_record
from broker.commands.shown import shown_plan, shown_record, told
from broker.commands.understood import about_of, fact_of, is_request, know_release, plan_of
from broker.domain.needs import services_by_category
from broker.local.parts import attached
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.ids import ReferralId
from broker.schemas.vocabulary import RecipientCategory
from broker.settings import Settings, load_settings

WAIT_SECONDS = 30.0
REPEATED_SECONDS = 3.0
"""How long the refusal of an id's second use is waited for before its first answer counts for both."""
_NOWHERE = "localhost:9092"
"""Stands for Kafka's address where nothing is sent."""


_Outgoing = Sequence[FileEvent] | Sequence[Record]


@dataclass(slots=True)
class _Work:
    """One run of the command: what was published, and the needs that are not closed yet."""

    client: AgencyClient
    now: datetime
    published: list[Published | Place] = field(default_factory=list)
    open_needs: dict[str, set[RecipientCategory]] = field(default_factory=dict)


def publish(
    file: Annotated[Path, typer.Argument(help="An event in short form, a CloudEvent, or a list of either (JSON).")],
    org: Org = None,
    consent: Annotated[
        list[Path] | None, typer.Option(help="A file with a release published earlier, so that it can be sealed to.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would leave, and send nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the broker has accepted or refused it.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Stay: tell what becomes of it, let chosen providers in, end at its close.")
    ] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Send it unchecked, to see what the broker makes of it.")] = False,
    header: Annotated[
        list[str] | None, typer.Option(help="With --raw: a Kafka header, NAME=text, NAME=hex:ff or NAME=null; repeat.")
    ] = None,
) -> None:
    """Publish the events of a file as an agency. With --wait the exit code is 0 if all were accepted, 1 if not."""
    if header and not raw:
        raise typer.BadParameter("--header needs --raw: the client makes the headers itself.")
    client = client_of(_settings(dry_run), org)
    for path in consent or ():
        know_release(client, path)
    if dry_run:
        _show(client, _events(file, client))
        return
    if raw:
        outgoing: _Outgoing = _raw_records(client, file, now_utc(), list(header_options(header or [])))
    else:
        outgoing = _events(file, client)
    if not asyncio.run(_publish(client, file.name, outgoing, wait=wait, follow=follow)):
        raise typer.Exit(1)


def _settings(dry_run: bool) -> Settings:
    settings = load_settings()
    if not dry_run:
        return attached(settings, "kafka_bootstrap")
    return settings.model_copy(update={"kafka_bootstrap": settings.kafka_bootstrap or _NOWHERE})


async def _publish(client: AgencyClient, name: str, outgoing: _Outgoing, *, wait: bool, follow: bool) -> bool:
    """Whether everything was accepted, as far as that was waited for."""
    async with client:
        work = _Work(client, now_utc())
        for one in outgoing:
            if isinstance(one, Record):
                _sent(work, name, published_of(one, await client.publishing.send_raw(one)))
            else:
                await _send(work, one)
        if not (wait or follow):
            return True
        accepted = all([await _answered(work, number) for number in range(len(work.published))])
        if follow and accepted:
            await _follow(work)
        return accepted


def _events(file: Path, client: AgencyClient) -> list[FileEvent]:
    events = read_event_file(file, client.org, now_utc())
    if any(isinstance(event, ShortEvent) and event.raw_only for event in events):
        raise FileNotUsable(f"{file} describes a record that the client would not make.", remedy="Add --raw.")
    if any(isinstance(event, ShortEvent) and event.seals and not is_request(event) for event in events):
        raise FileNotUsable(f"{file} seals what is no request, or brings ciphertexts of its own beside `seal`.")
    return events


async def _send(work: _Work, event: FileEvent) -> None:
    client = work.client
    if isinstance(event, WholeEvent):
        record = whole_record(event, client.publishing.desk)
        client.publishing.desk.check(record, work.now)
        place = await client.publishing.send_raw(record)
        _sent(work, str(event.attributes.get("type")), published_of(record, place))
    elif is_request(event):
        await _send_request(work, event)
    else:
        about = about_of(event, client)
        published = await client.publish(
            fact_of(event),
            subject=about.subject,
            consent=about.consent,
            expires_at=about.expires_at,
            event_id=about.event_id,
            time=about.time,
        )
        _sent(work, event.type, published)


async def _send_request(work: _Work, event: ShortEvent) -> None:
    about, plan = about_of(event, work.client), plan_of(event, work.client)
    sent = await work.client.request_planned(
        plan,
        consent=about.consent,
        referral_id=ReferralId(about.subject),
        expires_at=about.expires_at,
        event_id=about.event_id,
    )
    work.open_needs[about.subject] = set(services_by_category(plan.request))
    _sent(work, event.type, sent.requested)
    for wraps in sent.sealed:
        _sent(work, "referral.sealed", wraps)
    for line in shown_plan(plan):
        typer.echo(line)


def _raw_records(client: AgencyClient, file: Path, now: datetime, extra: KafkaHeaders) -> Sequence[Record]:
    desk = client.publishing.desk
    try:
        events = read_event_file(file, client.org, now)
    except FileNotUsable:
        if not file.is_file():
            raise
        return [raw_bytes_record(file.read_bytes(), desk, extra)]
    if any(isinstance(event, ShortEvent) and event.seals for event in events):
        raise FileNotUsable(f"{file} has something to seal; with --raw nothing is sealed.", remedy="Leave --raw out.")
    return [
        whole_record(event, desk, extra) if isinstance(event, WholeEvent) else raw_record(event, desk, now, extra)
        for event in events
    ]


def _sent(work: _Work, name: str, place: Published | Place) -> None:
    work.published.append(place)
    which = f" {place.event_id} about {place.subject}" if isinstance(place, Published) else ""
    typer.echo(f"published {name}{which} at {place.topic}/{place.partition}/{place.offset}")


async def _answered(work: _Work, number: int) -> bool:
    try:
        answer = await _answer(work, number)
    except NoAnswerYet as silence:
        typer.echo(f"no answer yet: {silence.remedy}")
        return False
    if isinstance(answer, EventRefused):
        typer.echo(told(answer.code, answer.field))
        return False
    typer.echo(f"accepted {answer.event_id}")
    return True


async def _answer(work: _Work, number: int) -> Answer:
    """The broker's answer. Where one id was sent twice, a refusal of the second names its place, a receipt does not."""
    place = work.published[number]
    if isinstance(place, Published) and place.event_id in {
        one.event_id for one in work.published[:number] if isinstance(one, Published)
    }:
        try:
            where = Place(place.topic, place.partition, place.offset, place.at)
            return await work.client.wait_for(where, REPEATED_SECONDS)
        except NoAnswerYet:
            return await work.client.wait_for(place, WAIT_SECONDS)
    return await work.client.wait_for(place, WAIT_SECONDS)


async def _follow(work: _Work) -> None:
    """Tell what becomes of what was published; let in whoever is chosen; end when every need is closed."""
    subjects = {one.subject for one in work.published if isinstance(one, Published)}
    async for notice in work.client.notices(since=work.now, keep_place=False):
        if notice.subject not in subjects:
            continue
        typer.echo(line_of(notice))
        if isinstance(notice.fact, RecipientChosen):
            _sent(work, "referral.sealed", await work.client.seal_chosen(notice))
        elif isinstance(notice.fact, ReferralClosed):
            work.open_needs.get(notice.subject, set()).discard(notice.fact.category)
            if not any(work.open_needs.values()):
                return


def _show(client: AgencyClient, events: Sequence[FileEvent]) -> None:
    """Show the events in order; a release of the file counts as published for what comes after it."""
    for event in events:
        for line in _shown(client, event):
            typer.echo(line)
    typer.echo("Nothing was sent.")


def _shown(client: AgencyClient, event: FileEvent) -> list[str]:
    if isinstance(event, WholeEvent):
        record = whole_record(event, client.publishing.desk)
        client.publishing.desk.check(record, now_utc())
        return list(shown_record(record))
    about = about_of(event, client)
    if is_request(event):
        plan = plan_of(event, client)
        record = client.publishing.drafted(plan.request, about)
        return [*shown_record(record, without=("sealed",)), *shown_plan(plan)]
    fact = fact_of(event)
    record = client.publishing.drafted(fact, about)
    if isinstance(fact, ConsentGranted | ConsentNarrowed):
        client.know_consent(fact.record)
    return list(shown_record(record))
