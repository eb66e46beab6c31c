"""The `handoff` command: loads only the file of the command that is asked for, and turns errors into one clear line.

To add a command, write `broker/commands/<name>.py` with a `typer.Typer` or a function in it and add its line below.
"""

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from broker.errors import HandoffError

if TYPE_CHECKING:
    from broker.schemas.refusal import Refused

_REFUSED_EXIT_CODE = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its name, where it is (`module:attribute`), and what it does in one line."""

    name: str
    where: str
    does: str


COMMANDS = (
    Entry("agent", "broker.commands.agent:agent", "Let in, from an agency's zone, the providers that are chosen."),
    Entry(
        "audit", "broker.commands.audit:app", "Questions that auditors ask: who received what, who read it, and more."
    ),
    Entry("breakglass", "broker.commands.breakglass:app", "Emergencies: open a referral, approve, review, count."),
    Entry("channel", "broker.app:channel", "Say how a provider is reached: in which order, by which settings."),
    Entry("decide", "broker.commands.decide:decide", 'Ask the gate a "what if" from a file; nothing is sent.'),
    Entry("delivery", "broker.app:delivery", "See what is on its way to a provider, send it again, stop it."),
    Entry("demo", "broker.commands.demo:demo", "Play one county's night through, checking each step."),
    Entry("desk", "broker.commands.desk:app", "Say who may come in at the desk, the network's own pages."),
    Entry("doctor", "broker.commands.doctor:doctor", "Tell what is reachable, at which version, and what is missing."),
    Entry("explain", "broker.commands.explain:explain", "Explain what each recipient of a referral was told, and why."),
    Entry("inbox", "broker.app:inbox", "See what waits for a provider, answer it, open what was released."),
    Entry("local", "broker.commands.local:app", "Look after the embedded Kafka and PostgreSQL and their data."),
    Entry("keys", "broker.commands.keys:app", "Make a zone's keys, list them, print their public cards."),
    Entry("schema", "broker.commands.schema:app", "Show the contract: events, field groups, refusal codes."),
    Entry("migrate", "broker.commands.serve:migrate", "Bring the tables up to date, as the roles that own them."),
    Entry("notices", "broker.commands.notices:notices", "Tell what the broker has said to an agency."),
    Entry("org", "broker.commands.org:app", "Onboard organisations, list them, export the directory for clients."),
    Entry("policy", "broker.commands.policy:app", "Read, compare, sign and put in force the policy packs."),
    Entry("publish", "broker.commands.publish:publish", "Publish the events of a file as an agency, or show them."),
    Entry("quarantine", "broker.commands.quarantine:app", "Records that were not taken in: why, and what to do."),
    Entry("retention", "broker.commands.retention:app", "How long the trail is kept; erase a referral, in two roles."),
    Entry("serve", "broker.commands.serve:serve", "Run one process of the network: broker, relay, clock or adapter."),
    Entry("status", "broker.commands.status:status", "What is open, how old, who owns it; 1 if somebody is needed."),
    Entry(
        "survivor-list",
        "broker.commands.survivor_list:survivor_list_command",
        "Show a survivor who received what about her, from your own zone.",
    ),
    Entry("tail", "broker.commands.tail:tail", "Tell what the broker says to an agency, as it comes, by HTTP alone."),
    Entry("trail", "broker.commands.trail:trail", "Show the story of a referral, export and prove the trail."),
    Entry(
        "unanswered",
        "broker.commands.unanswered:app",
        "Recalls and reviews that nobody answers; close one, in two roles.",
    ),
    Entry("up", "broker.commands.serve:up", "Run one county on this machine."),
    Entry("work", "broker.commands.work:app", "What waits for a human: list, claim, assign, resolve."),
)


class _Lazy(TyperGroup):
    """Lists commands from the table above; imports a command's file when it is run."""

    def list_commands(self, _ctx: Any) -> list[str]:
        return [entry.name for entry in COMMANDS]

    def get_command(self, _ctx: Any, cmd_name: str) -> Any:
        entry = next((entry for entry in COMMANDS if entry.name == cmd_name), None)
        return _only_named(entry) if entry else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, named, rest = super().resolve_command(ctx, args)
        entry = next(entry for entry in COMMANDS if named is not None and entry.name == named.name)
        return name, _loaded(entry), rest


def _only_named(entry: Entry) -> Any:
    stub = typer.Typer(add_completion=False)
    stub.command(name=entry.name, help=entry.does)(lambda: None)
    return typer.main.get_command(stub)


def _loaded(entry: Entry) -> Any:
    module, _, attribute = entry.where.partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False)
        single.command()(found)
        found = single
    # An error's local variables can hold what must not be printed.
    found.pretty_exceptions_enable = False
    command = typer.main.get_command(found)
    command.name = entry.name
    return command


app = typer.Typer(
    name="handoff",
    cls=_Lazy,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Warm Handoff: consented referrals between agencies that respond to domestic violence.\n\n"
    "Settings are variables `HANDOFF_…`, or lines of a file `.env` in this folder. Where none are set, Kafka and "
    "PostgreSQL of this folder's `.handoff` are used. `handoff COMMAND --help` tells more.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"handoff {version('warm-handoff')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options that hold for every command."""


def main() -> None:
    """Run the command line of this process and exit: 0 done, 2 wrong use or settings, others by kind of error."""
    from broker.schemas.refusal import Refused

    try:
        app()
    except HandoffError as error:
        _tell(str(error), error.remedy)
        sys.exit(error.exit_code)
    except Refused as refused:
        _tell_refusal(refused)
        sys.exit(_REFUSED_EXIT_CODE)


def _tell(what: str, remedy: str) -> None:
    sys.stderr.write(f"handoff: {what}\n" + (f"  → {remedy}\n" if remedy else ""))


def _tell_refusal(refused: "Refused") -> None:
    from broker.schemas.refusal import ADVICE

    advice = ADVICE[refused.code]
    _tell(f"{refused}: {advice.meaning}", advice.remedy)


if __name__ == "__main__":
    main()
