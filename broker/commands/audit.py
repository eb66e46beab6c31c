"""`handoff audit`: the questions that auditors ask, one command each. Asking is an entry of the trail, too."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from broker.commands import trail
from broker.commands.database import with_broker
from broker.commands.roles import By
from broker.commands.rows import Form, form_of, printed
from broker.schemas.ids import CONSENT_ID_PATTERN, REFERRAL_ID_PATTERN
from broker.settings import Settings
from broker.sql.bulk import Connection
from broker.store import auditing
from broker.store.auditing import Answer, Asking
from broker.trail.audit_event import audit_event

app = typer.Typer(
    no_args_is_help=True,
    help="Questions that auditors ask: who received what, who read it, what is owed, what changed. Each is asked about"
    " a referral, a consent, an organisation or a time, never about a person, and asking is an entry of the trail.",
)

ALTERED_EXIT: Final = 6

_DAY: Final = ["%Y-%m-%d"]
Since = Annotated[datetime | None, typer.Option(formats=_DAY, help="From this day on (UTC).")]
Until = Annotated[datetime | None, typer.Option(formats=_DAY, help="Before this day (UTC).")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line, for programs.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="For a spreadsheet; no cell can become a formula.")]
Referral = Annotated[str | None, typer.Option(help="Of one referral alone: ref-…")]

AUDITOR: Final = "role:auditor"

app.command("story")(trail.show)


@app.command()
def disclosures(
    about: Annotated[str, typer.Argument(help="A referral (ref-…) or the id of a consent.")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    by: By = AUDITOR,
) -> None:
    """Who received which groups, when, and until when; what was withheld; what became of taking it back."""
    if not re.match(f"{REFERRAL_ID_PATTERN}|{CONSENT_ID_PATTERN}", about):
        raise typer.BadParameter("a referral (ref-…) or the id of a consent, and nothing else can be looked for")
    _answer(lambda c: auditing.disclosures(c, Asking(by), about), as_json, as_csv)


@app.command()
def accounting(
    org: Annotated[str, typer.Argument(help="The covered entity whose disclosures they were: org-…")],
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    by: By = AUDITOR,
) -> None:
    """Account for disclosures as 45 CFR 164.528 wants it: date, recipient, what, purpose and basis; six years back.

    Those of its own referrals, and as a provider what it told the sources of others' (FG25).
    Disclosures for treatment or by authorization need no accounting: they are listed with the provision that says so.
    """
    _answer(lambda c: auditing.accounting(c, _asking(by, since, until), org), as_json, as_csv)


@app.command()
def overdue(as_json: AsJson = False, as_csv: AsCsv = False, by: By = AUDITOR) -> None:
    """Which confirmations are owed and late now: of a taking back, of contact, of an outcome, of keys."""
    _answer(lambda c: auditing.overdue(c, Asking(by)), as_json, as_csv)


@app.command()
def emergencies(
    since: Since = None, until: Until = None, as_json: AsJson = False, as_csv: AsCsv = False, by: By = AUDITOR
) -> None:
    """Where the glass was broken, why, who approved it, what the review found, and what is still owed."""
    _answer(lambda c: auditing.emergencies(c, _asking(by, since, until)), as_json, as_csv)


@app.command()
def reads(
    referral: Referral = None,
    since: Since = None,
    until: Until = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    by: By = AUDITOR,
) -> None:
    """Who read what, auditors included. What a provider's own people opened stays in its own zone."""
    _answer(lambda c: auditing.reads(c, _asking(by, since, until), referral), as_json, as_csv)


@app.command()
def policies(
    since: Since = None, until: Until = None, as_json: AsJson = False, as_csv: AsCsv = False, by: By = AUDITOR
) -> None:
    """Which rules and organisations changed, when, by whom, signed by whom, and whether rules became looser."""
    _answer(lambda c: auditing.policies(c, _asking(by, since, until)), as_json, as_csv)


@app.command()
def failures(
    since: Since = None, until: Until = None, as_json: AsJson = False, as_csv: AsCsv = False, by: By = AUDITOR
) -> None:
    """To whom nothing could be handed over, how often, and why, as far as the providers' zones have reported it."""
    _answer(lambda c: auditing.failures(c, _asking(by, since, until)), as_json, as_csv)


@app.command()
def fhir(referral: Referral = None, since: Since = None, until: Until = None, by: By = AUDITOR) -> None:
    """Export the entries as FHIR R4 AuditEvents, one a line (NDJSON): organisations and ids, no patient."""

    async def ask(settings: Settings, connection: Connection) -> None:
        async with connection.transaction():
            answer = await auditing.audit_lines(connection, _asking(by, since, until), referral)
        for line in answer.rows:
            typer.echo(json.dumps(audit_event(line, settings.broker_org)))
        _told(answer)

    with_broker(ask)


def _asking(by: str, since: datetime | None, until: datetime | None) -> Asking:
    return Asking(by, *(None if day is None else day.replace(tzinfo=UTC) for day in (since, until)))


def _answer(ask: Callable[[Connection], Awaitable[Answer[Any]]], as_json: bool, as_csv: bool) -> None:
    """Ask, and print the rows. With --json and --csv an empty answer prints nothing at all."""
    form = form_of(as_json, as_csv)

    async def work(_settings: Settings, connection: Connection) -> None:
        async with connection.transaction():
            answer = await ask(connection)
        for line in printed(answer.rows, form):
            typer.echo(line)
        if not answer.rows and form is Form.TEXT:
            typer.echo("Nothing.")
        _told(answer)

    with_broker(work)


def _told(answer: Answer[Any]) -> None:
    if not answer.sound:
        typer.echo("An entry does not fit its commitment: the trail was altered.", err=True)
        raise typer.Exit(ALTERED_EXIT)
