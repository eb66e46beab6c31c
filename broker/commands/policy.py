"""`handoff policy`: read, compare, sign and put in force the packs that say who may tell whom what."""

import asyncio
import json
import shutil
import sys
import textwrap
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from broker.commands.database import with_broker
from broker.commands.event_file import FileNotUsable
from broker.commands.keys import checked_org, operator_folder
from broker.commands.policy_words import change_lines, pack_lines, unreleased_lines
from broker.commands.trail import Json
from broker.composition import check_environment, operator_keys, pinned_policy_keys, policy_cards
from broker.domain.pack import PolicyPack
from broker.domain.pack_change import PackChange, change, unreleased
from broker.domain.policy import PolicyBroken, read_pack
from broker.domain.rules import RULES
from broker.errors import HandoffError, NothingRunning, SettingsInvalid, Unreachable
from broker.limits import policy_settling_seconds_told
from broker.policies import DEFAULT_PACK, SHIPPED, read, shipped_names, shipped_text
from broker.schemas.ids import KeyId
from broker.schemas.vocabulary import OrgClass, RecipientCategory
from broker.seal.cards import KeyKind, read_card
from broker.seal.keys import PublicSigningKey, load_policy_key
from broker.seal.signature_line import POLICY
from broker.settings import Settings, load_settings
from broker.sql.bulk import Connection
from broker.store.policies import (
    SIGNERS_OF_LOOSER,
    SignedPack,
    activate,
    how_settled,
    in_force,
    open_needs,
    text_in_force,
    verified,
)
from broker.trail.entries import fresh_salt
from broker.zone import write_card

app = typer.Typer(no_args_is_help=True, help="Read, compare, sign and put in force the policy packs.")

IN_FORCE = "in-force"
_WHICH = f"A file, a pack that ships ({', '.join(shipped_names())}), or `{IN_FORCE}`."
Which = Annotated[str, typer.Argument(help=_WHICH, metavar="PACK")]


class NothingInForce(HandoffError):
    """No policy pack is in force here yet."""

    remedy = "The first process of the broker puts the usual one in force; or do so now: `handoff policy activate`."


class NotEnoughSigners(HandoffError):
    """The pack lets through what the one in force does not, and too few officers have signed it."""

    exit_code = 2
    remedy = (
        "Have two officers whose cards are pinned here sign it (`handoff policy sign`), each with a key of their own."
    )


class NotConfirmed(HandoffError):
    """Nothing was changed."""

    remedy = "Read the difference again (`handoff policy diff in-force PACK`), then `--yes`."


@app.command()
def lint(file: Annotated[Path, typer.Argument(help="The pack's file.")]) -> None:
    """Check a pack: every place that cannot be used, and what to look at twice. Exits with 2 where it is unusable."""
    text = _content(file)
    try:
        pack = read_pack(text)
    except PolicyBroken as broken:
        for problem in broken.problems:
            typer.echo(f"{file}: {problem}", err=True)
        raise typer.Exit(2) from None
    typer.echo(f"{file}: {pack.reference} can be used")
    _print(unreleased_lines(unreleased(pack)))
    if sha256(text).hexdigest() in SHIPPED:
        typer.echo("ships with the program")
    signers = _signers(text, _signature_lines(file))
    typer.echo(f"signed by: {', '.join(sorted(signers))}" if signers else "not signed by anybody who is pinned here")


@app.command()
def show(pack: Which = DEFAULT_PACK) -> None:
    """Print a pack's exact text, to read or to begin one's own with."""
    sys.stdout.buffer.write(_text(pack))


@app.command()
def explain(pack: Which = DEFAULT_PACK) -> None:
    """A pack in plain words: who may tell whom what, on which basis, what sources hear, how long and how soon."""
    _print(pack_lines(read(_text(pack))))


@app.command()
def rules() -> None:
    """Every rule of the law and of good practice by its id: what it demands, where it is held, or who sees to it."""
    for rule in RULES:
        typer.echo(f"{rule.rule:<9} {rule.demands}")
        _print(f"          {told}" for told in (", ".join(rule.held), rule.not_checked) if told)


@app.command()
def diff(old: Which, new: Which, as_json: Json = False) -> None:
    """What NEW would permit that OLD does not, what it no longer permits, which limits move.

    Every case is put to the decision itself, under both packs. With a database, the open referrals that it touches are
    counted.
    """
    before, after = read(_text(old)), read(_text(new))
    changed = _compared(before, after)
    touched = _touched(changed)
    if as_json:
        typer.echo(json.dumps({"looser": changed.looser, "touched": touched, "lines": list(change_lines(changed))}))
        return
    typer.echo(f"{before.reference} → {after.reference}")
    _tell_change(changed, touched)


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="The pack's file; the signature goes beside it, into FILE.sig.")],
    org: Annotated[str, typer.Option(help="Whose key signs: org-my-county")],
    folder: Annotated[
        Path | None, typer.Option("--dir", help="The key folder; `<home>/zones/<org>/operator-keys` by default.")
    ] = None,
) -> None:
    """Sign a pack as a privacy officer, over its exact bytes. `handoff keys new --kind policy` makes the key once."""
    owner, text = checked_org(org), _content(file)
    reference = read(text).reference
    key = load_policy_key(folder or operator_folder(owner), owner, datetime.now(UTC))
    kept = _signature_lines(file)
    if not POLICY.signers(kept.splitlines(), text, {key.key_id: key.public}):
        fitting = [line for line in kept.splitlines() if f" {key.key_id} ".encode() not in line]
        _signature_file(file).write_bytes(b"".join(line + b"\n" for line in fitting) + POLICY.line(text, key))
    typer.echo(f"{reference} is signed by {key.key_id}: {_signature_file(file)}")


@app.command()
def pin(card: Annotated[Path, typer.Argument(help="The card of an officer's key of kind policy, as a file.")]) -> None:
    """Believe packs that this officer signs, on this machine. Compare the card's publicKey by telephone first."""
    found = read_card(_content(card))
    PublicSigningKey.of_card(found, KeyKind.POLICY)
    write_card(policy_cards(load_settings()), found)
    typer.echo(f"Believed from now on: packs signed by {found.key_id}, publicKey {found.public_key}")


@app.command("activate")
def activate_(
    pack: Annotated[str, typer.Argument(help=f"A file, or a pack that ships ({', '.join(shipped_names())}).")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask after telling the difference.")] = False,
) -> None:
    """Put a pack in force: new referrals come under it at once, and what is still open is decided under it anew.

    What ships is believed; any other pack wants the signature of a pinned officer, and one that lets through what the
    one in force does not wants two. Running processes notice by themselves; what was decided stays as it was.
    """
    text, signatures = _text(pack), b"" if pack in shipped_names() else _signature_lines(Path(pack))

    async def work(settings: Settings, connection: Connection) -> None:
        signed = verified(text, signatures, pinned_policy_keys(settings))
        check_environment(signed.pack, settings)
        before = await text_in_force(connection)
        reference = await in_force(connection)
        if reference == signed.pack.reference:
            typer.echo(f"{reference} is in force already")
            return
        looser = before is not None and await _agreed(connection, read(before.encode()), signed, yes=yes)
        async with connection.transaction():
            await activate(connection, signed, reference, fresh_salt(), looser=looser)
        typer.echo(f"{signed.pack.reference} is in force")
        await _hand_out(settings, connection)
        if reference is not None:
            await _settled(connection)

    with_broker(work)


async def _agreed(connection: Connection, before: PolicyPack, signed: SignedPack, *, yes: bool) -> bool:
    """Tell the difference, and ask; returns whether the pack is looser than the one in force."""
    changed = _compared(before, signed.pack)
    touched = _count(changed, await open_needs(connection))
    _tell_change(changed, touched)
    if changed.looser and len(signed.signers) < SIGNERS_OF_LOOSER:
        raise NotEnoughSigners
    if not yes and not typer.confirm(f"Put {signed.pack.reference} in force?", default=False, err=True):
        raise NotConfirmed
    return changed.looser


async def _hand_out(settings: Settings, connection: Connection) -> None:
    """The directory carries the pack to the agencies, whose clients ask it before they send."""
    if operator_keys(settings).is_dir():
        from broker.app import hand_out_directory  # brings opening keys along, which other commands never need

        await hand_out_directory(settings, connection)
    typer.echo("Agencies on other machines need the directory anew: handoff org export")


async def _settled(connection: Connection) -> None:
    """Watch a clock bring what is open under the pack, for a while."""
    told = -1
    for _ in range(policy_settling_seconds_told * 2):
        left = await how_settled(connection)
        if left is None:
            typer.echo("Everything that is open is decided under it")
            return
        if left != told:
            typer.echo(f"Open referrals still to be reconsidered: {left}", err=True)
            told = left
        await asyncio.sleep(0.5)
    typer.echo("A clock goes on with what is open; where none runs, start one: handoff serve clock", err=True)


def _compared(before: PolicyPack, after: PolicyPack) -> PackChange:
    typer.echo("Asking every case under both packs ...", err=True)
    return change(before, after)


def _tell_change(changed: PackChange, touched: dict[str, int] | None) -> None:
    _print(change_lines(changed))
    if touched is None:
        typer.echo("Open referrals are not counted: no database is reachable from here")
    else:
        typer.echo(f"Open needs that may be decided otherwise: {touched['touched']} of {touched['open']}")
    if changed.looser:
        typer.echo(f"This lets more through: it needs the signatures of {SIGNERS_OF_LOOSER} officers.")


def _touched(changed: PackChange) -> dict[str, int] | None:
    found: list[dict[str, int]] = []

    async def work(_settings: Settings, connection: Connection) -> None:
        found.append(_count(changed, await open_needs(connection)))

    try:
        with_broker(work)
    except (Unreachable, SettingsInvalid, NothingRunning):
        return None
    return found[0]


def _count(changed: PackChange, needs: Iterable[tuple[OrgClass, RecipientCategory, int]]) -> dict[str, int]:
    counted = list(needs)
    return {
        "touched": sum(count for source, role, count in counted if changed.touches(source, role)),
        "open": sum(count for _, _, count in counted),
    }


def _signers(text: bytes, signatures: bytes) -> frozenset[KeyId]:
    return POLICY.signers(signatures.splitlines(), text, pinned_policy_keys(load_settings()))


def _text(which: str) -> bytes:
    if which in shipped_names():
        return shipped_text(which)
    return _in_force() if which == IN_FORCE else _content(Path(which))


def _in_force() -> bytes:
    found: list[str | None] = []

    async def work(_settings: Settings, connection: Connection) -> None:
        found.append(await text_in_force(connection))

    with_broker(work)
    if found[0] is None:
        raise NothingInForce
    return found[0].encode()


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise FileNotUsable(f"{file} cannot be read.", remedy=_WHICH) from None


def _signature_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.sig")


def _signature_lines(file: Path) -> bytes:
    path = _signature_file(file)
    return path.read_bytes() if path.exists() else b""


def _print(lines: Iterable[str]) -> None:
    width = max(60, shutil.get_terminal_size((120, 24)).columns)
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        typer.echo(textwrap.fill(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))
