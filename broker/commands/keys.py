"""`handoff keys`: make a zone's keys, see which there are, and print the public cards that others are given.

No command prints, copies or sends a private half.
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from broker.schemas.ids import KEY_ID_PATTERN, ORG_ID_PATTERN, KeyId, OrgId
from broker.seal.cards import KeyCard, KeyKind, org_of_key, read_card
from broker.seal.errors import KeyMissing
from broker.seal.key_files import key_path, read_cards
from broker.seal.keys import LogKey, OperatorKey, PolicyKey, SigningKey
from broker.settings import load_settings
from broker.zone import KEYS_FOLDER, LOG_KEYS_FOLDER, OPERATOR_KEYS_FOLDER, pin

app = typer.Typer(help="A zone's signing and sealing keys, and their public cards.", no_args_is_help=True)

_KEY_ID: Final = re.compile(KEY_ID_PATTERN)
_ORG_ID: Final = re.compile(ORG_ID_PATTERN)
_SIGNING: Final = {
    KeyKind.SIGNING: SigningKey,
    KeyKind.DIRECTORY: OperatorKey,
    KeyKind.POLICY: PolicyKey,
    KeyKind.LOG: LogKey,
}
_APART: Final = {
    KeyKind.DIRECTORY: OPERATOR_KEYS_FOLDER,
    KeyKind.POLICY: OPERATOR_KEYS_FOLDER,
    KeyKind.LOG: LOG_KEYS_FOLDER,
}
"""Kinds that rest apart from the zone's everyday keys: no process needs them, or the sequencer alone."""

Folder = Annotated[
    Path | None, typer.Option("--dir", help="The key folder; `<home>/zones/<org>/keys` where it is not given.")
]


@app.command()
def new(
    org: Annotated[str, typer.Option(help="Whose key: org-haven")],
    kind: Annotated[
        KeyKind,
        typer.Option(
            help="signing (who published), sealing (who may open), directory or policy (who vouches), log (the trail)"
        ),
    ],
    folder: Folder = None,
    name: Annotated[
        str | None, typer.Option(help="What follows the # of the key id; kind and month where not given")
    ] = None,
    days: Annotated[int | None, typer.Option(min=1, help="For how many days; without an end where not given")] = None,
) -> None:
    """Make a key, readable by this user alone, and print its public card for the network's operator."""
    owner, now = checked_org(org), datetime.now(UTC).replace(microsecond=0)
    place = folder or load_settings().zones / owner / _APART.get(kind, KEYS_FOLDER)
    key_id = _key_id(owner, name) if name else _free_key_id(place, owner, kind, now)
    not_after = now + timedelta(days=days) if days else None
    card = _key(kind, key_id, place, now, not_after)
    typer.echo(f"Wrote {key_path(place, key_id, kind)} (mode 0600). Keep a safe copy of it.", err=True)
    typer.echo("Give the operator the card below, and compare its publicKey with them by telephone.", err=True)
    typer.echo(card.wire())


@app.command("list")
def list_keys(
    org: Annotated[str | None, typer.Option(help="Only this organisation's")] = None,
    folder: Folder = None,
    as_json: Annotated[bool, typer.Option("--json", help="The cards as a JSON list")] = False,
) -> None:
    """Every key that this installation holds: whose, what for, since when, until when."""
    owner = None if org is None else checked_org(org)
    cards = [card for place in _folders(owner, folder) for card in read_cards(place) if owner in (None, card.org_id)]
    if as_json:
        typer.echo(json.dumps([json.loads(card.wire()) for card in cards], indent=1))
        return
    if not cards:
        typer.echo("There are no keys here yet; `handoff keys new` makes one.")
    now = datetime.now(UTC)
    width = max((len(card.key_id) for card in cards), default=0)
    for card in cards:
        typer.echo(
            f"{card.key_id:<{width}}  {card.kind.value:<7}  made {card.created_at:%Y-%m-%d}  {_until(card, now)}"
        )


@app.command("card")
def print_card(
    key_id: Annotated[str, typer.Argument(help="org-haven#sealing-2026-01")],
    folder: Folder = None,
) -> None:
    """The public card of one key, as JSON; it may be shown to anybody."""
    if not _KEY_ID.fullmatch(key_id):
        raise typer.BadParameter("A key id looks like org-haven#sealing-2026-01.")
    owner = org_of_key(KeyId(key_id))
    cards = [card for place in _folders(owner, folder) for card in read_cards(place)]
    card = next((card for card in cards if card.key_id == key_id), None)
    if card is None:
        place = folder or key_folder(owner)
        raise KeyMissing(f"No such key in {place}.", remedy="`handoff keys list` shows the ones there are.")
    typer.echo(card.wire())


@app.command("pin")
def pin_card(
    card: Annotated[Path, typer.Argument(help="The card of the operator's directory key, as a file.")],
    org: Annotated[str, typer.Option(help="In whose zone: org-my-agency")],
) -> None:
    """Believe directories that this key of the operator signs. Compare its publicKey by telephone first."""
    found = read_card(card.read_bytes())
    pin(load_settings().zones / checked_org(org), found)
    typer.echo(f"{org} believes directories signed with {found.key_id}, publicKey {found.public_key}")


def operator_folder(org: OrgId) -> Path:
    """Where the operator's keys for directories rest in this installation, apart from the broker's."""
    return load_settings().zones / org / OPERATOR_KEYS_FOLDER


def key_folder(org: OrgId) -> Path:
    """Where an organisation's keys rest in this installation."""
    return load_settings().zones / org / KEYS_FOLDER


def _folders(org: OrgId | None, folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    zones = load_settings().zones
    names = (KEYS_FOLDER, OPERATOR_KEYS_FOLDER, LOG_KEYS_FOLDER)
    found = [path for name in names for path in sorted(zones.glob(f"{org or '*'}/{name}"))]
    yield from found or ([] if org is None else [key_folder(org)])


def _key(kind: KeyKind, key_id: KeyId, folder: Path, now: datetime, not_after: datetime | None) -> KeyCard:
    if kind is not KeyKind.SEALING:
        return _SIGNING[kind].new(key_id).keep(folder, now, not_after)
    from broker.seal.opening import OpeningKey  # a process that makes no sealing key has no use for it

    return OpeningKey.new(key_id).keep(folder, now, not_after)


def _free_key_id(folder: Path, org: OrgId, kind: KeyKind, now: datetime) -> KeyId:
    """`org-haven#signing-2026-01`; with `-2` and so on where the month has one already."""
    base = f"{org}#{kind.value}-{now:%Y-%m}"
    taken = {card.key_id for card in read_cards(folder)} if folder.is_dir() else set()
    candidates = (KeyId(base if count == 1 else f"{base}-{count}") for count in range(1, len(taken) + 2))
    return next(key_id for key_id in candidates if key_id not in taken)


def checked_org(text: str) -> OrgId:
    """An organisation's id as a command takes it."""
    if not _ORG_ID.fullmatch(text):
        raise typer.BadParameter("An organisation's id looks like org-haven: small letters, digits, hyphens.")
    return OrgId(text)


def _key_id(org: OrgId, name: str) -> KeyId:
    if not _KEY_ID.fullmatch(f"{org}#{name}"):
        raise typer.BadParameter("A key's name has 1 to 32 small letters, digits and hyphens.")
    return KeyId(f"{org}#{name}")


def _until(card: KeyCard, now: datetime) -> str:
    if card.not_after is None:
        return "no end"
    return f"{'until' if card.valid_at(now) else 'ENDED'} {card.not_after:%Y-%m-%d}"
