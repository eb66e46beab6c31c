"""The ways by which organisations are reached, as their rows say at this moment; a change needs no restart.

What a transport of this installation does not understand is as good as paused: nothing is sent on a guess.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from adapters.provider import Provider
from adapters.transports.transport import Channel, Transport
from adapters.ways import KeptChannel
from broker import limits
from broker.bus.publisher import Sign
from broker.schemas.event import Contract
from broker.schemas.ids import OrgId
from broker.seal.signature import sign
from broker.sql.bulk import Connection, Pool

log = logging.getLogger(__name__)

Transports = Mapping[str, Transport]
"""The transports of this process by name."""

SECRETS_FOLDER: Final = "channels"
"""Within an organisation's zone: one folder of secrets for each of its channels."""

TRANSPORT_UNKNOWN: Final = "TRANSPORT_UNKNOWN"
SETTINGS_INVALID: Final = "SETTINGS_INVALID"
UNUSABLE: Final = frozenset({TRANSPORT_UNKNOWN, SETTINGS_INVALID})
"""Why this installation cannot use a channel whatever its row says: it is to be set anew."""

_KEPT: Final = "SELECT * FROM channel WHERE org_id = ANY($1::text[]) ORDER BY org_id, on_call, place"


@lru_cache(maxsize=limits.channel_settings_kept_max)
def _readable(settings: type[Contract], text: str) -> bool:
    """Whether a channel's transport understands its settings; asked at each claim, so it is remembered."""
    try:
        settings.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError:
        return False
    return True


def _unusable(row: Mapping[str, Any], transport: Transport | None) -> str | None:
    """Why this installation cannot use a channel, by code; it is as good as paused."""
    if transport is None:
        return TRANSPORT_UNKNOWN
    return None if _readable(transport.SETTINGS, row["settings"]) else SETTINGS_INVALID


def kept(row: Mapping[str, Any], transports: Transports) -> KeptChannel:
    """A row of the table; one that this installation cannot use counts as paused."""
    transport = transports.get(row["transport"])
    unusable = _unusable(row, transport)
    return KeptChannel(
        org=OrgId(row["org_id"]),
        place=row["place"],
        transport=row["transport"],
        settings=row["settings"],
        folder=row["folder"],
        on_call=row["on_call"],
        paused=unusable or row["paused"],
        paused_at=row["changed_at"] if unusable and row["paused"] is None else row["paused_at"],
        failures=row["failures"],
        failing_since=row["failing_since"],
        probe_at=row["probe_at"],
        asked_until=row["asked_until"],
        changed_at=row["changed_at"],
        carries=frozenset(event.TYPE for event in transport.CARRIES) if transport is not None else frozenset(),
        pushes=transport is not None and transport.PUSHES,
        receipts=transport is not None and transport.RECEIPTS,
    )


async def channels_of(
    connection: Connection | Pool, orgs: Iterable[OrgId], transports: Transports, *, held: bool = False
) -> dict[OrgId, tuple[KeptChannel, ...]]:
    """The channels of these organisations, each in the order of their turns, those who are on call last.

    `held`: nobody opens or closes one of them before this transaction ends.
    """
    found: dict[OrgId, tuple[KeptChannel, ...]] = {}
    for row in await connection.fetch(f"{_KEPT} FOR SHARE" if held else _KEPT, sorted(set(orgs))):
        channel = kept(row, transports)
        found[channel.org] = (*found.get(channel.org, ()), channel)
    return found


def tell_paused(place: int, org: str, code: str) -> None:
    """Note in the log that nothing is sent by a channel until a person has looked at it."""
    log.warning("channel %d of %s is paused (%s): see `handoff channel list`", place, org, code)


def secrets_of(provider: Provider, folder: str) -> Path:
    """Where the secrets of one of an organisation's channels rest."""
    return provider.keys.parent / SECRETS_FOLDER / folder


class Registry:
    """Makes of rows what transports are given. Settings are validated once for each change of a row."""

    def __init__(self, transports: Transports, providers: Mapping[OrgId, Provider]) -> None:
        self.transports = transports
        self._providers = providers
        self._made: dict[tuple[OrgId, int], tuple[datetime, Channel]] = {}
        self._now: dict[str, Sequence[Channel]] = {}
        self._paused: dict[str, Sequence[Channel]] = {}
        self._told: set[tuple[OrgId, int, datetime]] = set()

    def channel(self, one: KeptChannel) -> Channel | None:
        """What its transport is given; None where its settings are not valid, or its organisation is not served."""
        before = self._made.get((one.org, one.place))
        if before is not None and before[0] == one.changed_at:
            return before[1]
        provider, transport = self._providers.get(one.org), self.transports.get(one.transport)
        if provider is None or transport is None:
            return None
        try:
            settings = transport.SETTINGS.model_validate_json(one.settings, by_alias=True, by_name=False)
        except ValidationError:
            return None
        channel = Channel(
            org=one.org,
            place=one.place,
            transport=one.transport,
            settings=settings,
            secrets=secrets_of(provider, one.folder),
            on_call=one.on_call,
            sign=self._signer(one.org),
        )
        self._made[(one.org, one.place)] = (one.changed_at, channel)
        return channel

    async def refresh(self, pool: Pool) -> None:
        """Read anew which channels there are, for the transports that listen."""
        found = await channels_of(pool, list(self._providers), self.transports)
        now: dict[str, list[Channel]] = {}
        paused: dict[str, list[Channel]] = {}
        for one in (one for channels in found.values() for one in channels):
            self._tell_unusable(one)
            if (channel := self.channel(one)) is not None:
                (now if one.paused is None else paused).setdefault(one.transport, []).append(channel)
        self._now, self._paused = dict(now), dict(paused)

    def _tell_unusable(self, one: KeptChannel) -> None:
        """Once for each change of a channel: what a person is to mend stands in the log, by code."""
        known = (one.org, one.place, one.changed_at)
        if one.paused in UNUSABLE and known not in self._told:
            self._told.add(known)
            tell_paused(one.place, one.org, str(one.paused))

    def heard(self, transport: str, *, paused: bool = False) -> Callable[[], Sequence[Channel]]:
        """The channels of one transport, as of the last look; what was sent by one that is paused now may come back."""
        return lambda: (*self._now.get(transport, ()), *(self._paused.get(transport, ()) if paused else ()))

    def _signer(self, org: OrgId) -> Sign:
        """Signs with the key that the organisation has at that moment."""
        return lambda headers, value: sign(headers, value, self._providers[org].signing_key)
