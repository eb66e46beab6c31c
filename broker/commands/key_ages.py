"""What `handoff doctor` says about keys: which are old or end soon, and how old each zone's directory is."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from broker.agency.errors import AgencyError
from broker.commands.findings import Finding, State
from broker.limits import directory_age_days_max, key_age_days_max, key_ends_days_warned, opening_key_kept_days
from broker.schemas.ids import OrgId
from broker.seal.cards import KeyCard, KeyKind
from broker.seal.errors import SealError
from broker.seal.key_files import read_cards
from broker.zone import DIRECTORY_FILE, KEYS_FOLDER, LOG_KEYS_FOLDER, OPERATOR_KEYS_FOLDER, read_directory

_AGING = frozenset({KeyKind.SIGNING, KeyKind.SEALING})
"""Those that pass through processes every day."""
_NEWER = "Make a newer one (`handoff keys new`) and have the operator register its card (`handoff org rotate-key`)."


def key_findings(zones: Path, now: datetime) -> list[Finding]:
    """One finding for each zone's keys of one kind that need somebody, and for each directory that does."""
    folders = sorted(
        path for name in (KEYS_FOLDER, OPERATOR_KEYS_FOLDER, LOG_KEYS_FOLDER) for path in zones.glob(f"*/{name}")
    )
    found = [one for folder in folders for one in _of_folder(folder, now)]
    return [*found, *(one for path in sorted(zones.glob(f"*/{DIRECTORY_FILE}")) for one in _of_directory(path, now))]


def _of_folder(folder: Path, now: datetime) -> Iterator[Finding]:
    try:
        cards = read_cards(folder)
    except SealError as error:
        yield Finding("Keys", State.MISSING, str(error), error.remedy)
        return
    by_kind = sorted(cards, key=lambda card: (card.org_id, card.kind))
    for (org, kind), group in groupby(by_kind, key=lambda card: (card.org_id, card.kind)):
        keys = list(group)
        told = _worry(keys, now)
        if told:
            yield Finding("Keys", State.WARNING, f"{org}'s {kind.value} key {told}", _NEWER)
        yield from (_to_destroy(card) for card in keys if kind is KeyKind.SEALING and _outlived(card, keys, now))


def _outlived(card: KeyCard, cards: Sequence[KeyCard], now: datetime) -> bool:
    """Whether nothing that was wrapped for this key can be on its way any more: it only waits to be stolen."""
    newer = [one.created_at for one in cards if one.created_at > card.created_at]
    return bool(newer) and now > min(newer) + timedelta(days=opening_key_kept_days)


def _to_destroy(card: KeyCard) -> Finding:
    remedy = f"Run: handoff inbox retire-key {card.key_id}. Kept copies of what it opened are noise then."
    return Finding("Keys", State.WARNING, f"{card.key_id} is not needed any more", remedy)


def _worry(cards: Sequence[KeyCard], now: datetime) -> str:
    """What is wrong with the keys of one kind; empty where nothing is."""
    valid = [card for card in cards if card.valid_at(now)]
    if not valid:
        return "has ended, and there is no newer one"
    newest = max(valid, key=lambda card: card.created_at)
    last = None if any(card.not_after is None for card in valid) else max(card.not_after or now for card in valid)
    if last is not None and last < now + timedelta(days=key_ends_days_warned):
        return f"ends on {last:%Y-%m-%d}, and there is no newer one"
    age = (now - newest.created_at).days
    return f"is {age} days old" if age > key_age_days_max and newest.kind in _AGING else ""


def _of_directory(path: Path, now: datetime) -> Iterator[Finding]:
    org = OrgId(path.parent.name)
    try:
        directory = read_directory(path.parent, now)
    except (AgencyError, SealError) as error:
        yield Finding("Directory", State.MISSING, f"{org}: {error}", error.remedy)
        return
    age = (now - directory.issued_at).days
    if age > directory_age_days_max:
        found = f"{org}'s is {age} days old: somebody may have joined, or lost a key, since"
        yield Finding("Directory", State.WARNING, found, "Get the newest from the operator (`handoff org export`).")
    entry = directory.by_org.get(org)
    revoked = [key.key_id for key in (*entry.sealing_keys, *entry.signing_keys) if key.revoked_at] if entry else []
    if revoked:
        yield Finding("Keys", State.WARNING, f"{', '.join(revoked)} revoked", "Make a newer one.")
