"""How people set up the ways by which an organisation is reached: nothing is saved that could not be used.

What a channel says is checked by its transport, by the rules of every attempt; who is refused hears the rule. Secrets
are files of the organisation's zone with mode 0600, in a folder that is made anew whenever the channel is set.
"""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from adapters.channels import Transports, channels_of, secrets_of
from adapters.delivery_tables import Channel as ChannelRow
from adapters.errors import NoSuchChannel
from adapters.provider import Provider
from adapters.tables import table
from adapters.transports.transport import Channel, ChannelRefused, Transport
from adapters.transports.webhook_secret_making import list_secrets
from adapters.ways import KeptChannel
from broker import limits
from broker.schemas.event import Contract
from broker.sql.bulk import Connection, Pool, insert

_COLUMNS = (
    "org_id", "place", "transport", "settings", "folder", "on_call", "paused", "paused_at", "failures",
    "failing_since", "probe_at", "asked_until", "changed_at",
)  # fmt: skip

_LOCKED: Final = "SELECT pg_advisory_xact_lock(hashtextextended('channels of ' || $1, 0))"
"""People of one organisation change its channels one after another."""

_MOVED: Final = (
    "UPDATE channel c SET place = -w.turn, changed_at = clock_timestamp()"
    " FROM unnest($2::integer[]) WITH ORDINALITY AS w(place, turn) WHERE c.org_id = $1 AND c.place = w.place"
)
_TURNED: Final = "UPDATE channel SET place = -place WHERE org_id = $1 AND place < 0"
"""In two steps, so that no two have one turn in between; whatever else a row says stays as it is."""


@dataclass(frozen=True, slots=True)
class ChannelDesk:
    """One organisation's channels, for its people."""

    pool: Pool
    provider: Provider
    transports: Transports

    async def channels(self) -> tuple[KeptChannel, ...]:
        """In the order of their turns, those who are on call last."""
        return await self._channels(self.pool)

    async def set(
        self,
        place: int,
        transport: str,
        settings: str,
        secret_files: Mapping[str, bytes],
        *,
        on_call: bool = False,
    ) -> str | None:
        """Save a channel at this place, in the place of the one that is there; secrets not given are kept from it.

        Returns what its people are told: a key that was made for it, say.

        Raises:
            ChannelRefused: with the rule that refused it; then nothing has changed.
        """
        if not 1 <= place <= limits.channels_per_organisation_max:
            raise ChannelRefused("PLACE_INVALID", f"Places go from 1 to {limits.channels_per_organisation_max}.")
        chosen = self._transport(transport)
        said = _settings(chosen, settings)
        async with self._changing() as connection:
            before = next((one for one in await self._channels(connection) if one.place == place), None)
            same = before is not None and before.transport == transport
            folder = self._secrets(secret_files, before if same else None)
            try:
                channel = Channel(self.provider.org, place, transport, said, folder, on_call=on_call)
                now = await connection.fetchval("SELECT clock_timestamp()")
                told = chosen.prepare(channel, now)
                await _checked(chosen, channel)
                row = (
                    self.provider.org,
                    place,
                    transport,
                    said.model_dump_json(by_alias=True, exclude_none=True),
                    folder.name,
                    on_call,
                )
                fresh = (None, None, 0, None, None, None, now)
                await insert(connection, table(ChannelRow), _COLUMNS, [(*row, *fresh)], "replace")
            except BaseException:
                shutil.rmtree(folder)
                raise
        if before is not None:
            shutil.rmtree(secrets_of(self.provider, before.folder), ignore_errors=True)
        return told

    def secrets_of(self, channel: KeptChannel) -> Path:
        """The folder of a channel's secrets."""
        return secrets_of(self.provider, channel.folder)

    async def public_keys(self, place: int) -> tuple[str, ...]:
        """By which the other side knows what this channel signs (`whpk_…`); raises `NoSuchChannel`."""
        held = list_secrets(self.secrets_of(await self.at(place)))
        return tuple(one.public for one in held if one.public is not None)

    async def at(self, place: int) -> KeptChannel:
        """The channel at this place; raises `NoSuchChannel`."""
        return _at(await self._channels(self.pool), place)

    async def move(self, place: int, to: int) -> None:
        """Give a channel another turn; those in between move up or down.

        Raises:
            NoSuchChannel: nothing is at this place.
        """
        async with self._changing() as connection:
            channels = sorted(await self._channels(connection), key=lambda one: one.place)
            moved = _at(channels, place)
            others = [one for one in channels if one is not moved]
            others.insert(max(0, to - 1), moved)
            await connection.execute(_MOVED, self.provider.org, [one.place for one in others])
            await connection.execute(_TURNED, self.provider.org)

    async def remove(self, place: int) -> None:
        """Reach the organisation by this channel no more, and destroy its secrets.

        Raises:
            NoSuchChannel: nothing is at this place.
        """
        async with self._changing() as connection:
            channel = _at(await self._channels(connection), place)
            await connection.execute("DELETE FROM channel WHERE org_id = $1 AND place = $2", self.provider.org, place)
        shutil.rmtree(secrets_of(self.provider, channel.folder), ignore_errors=True)

    async def test(self, place: int) -> KeptChannel:
        """Ask whether a channel can be used, by the rules of every attempt.

        Raises:
            NoSuchChannel: nothing is at this place.
            ChannelRefused: with the rule that refuses it.
        """
        channel = _at(await self._channels(self.pool), place)
        chosen = self._transport(channel.transport)
        folder = secrets_of(self.provider, channel.folder)
        said = _settings(chosen, channel.settings)
        await _checked(chosen, Channel(channel.org, place, channel.transport, said, folder, on_call=channel.on_call))
        return channel

    async def resume(self, place: int) -> None:
        """Use a paused channel again, its failures forgotten, when it can be used.

        Raises:
            NoSuchChannel: nothing is at this place.
            ChannelRefused: with the rule that refuses it; then it stays paused.
        """
        await self.test(place)
        await self.pool.execute(
            "UPDATE channel SET paused = NULL, paused_at = NULL, failures = 0, failing_since = NULL, probe_at = NULL,"
            " asked_until = NULL, changed_at = clock_timestamp()"
            " WHERE org_id = $1 AND place = $2",
            self.provider.org,
            place,
        )

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Connection]:
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCKED, self.provider.org)
            yield connection

    async def _channels(self, connection: Connection | Pool) -> tuple[KeptChannel, ...]:
        found = await channels_of(connection, [self.provider.org], self.transports)
        return found.get(self.provider.org, ())

    def _transport(self, name: str) -> Transport:
        if name not in self.transports:
            known = ", ".join(sorted(self.transports))
            raise ChannelRefused("TRANSPORT_UNKNOWN", "There is no such way of handing over.", remedy=f"Use {known}.")
        return self.transports[name]

    def _secrets(self, given: Mapping[str, bytes], before: KeptChannel | None) -> Path:
        """A folder with what was kept before and what is given now."""
        folder = secrets_of(self.provider, secrets.token_hex(8))
        folder.mkdir(parents=True, mode=0o700)
        kept = secrets_of(self.provider, before.folder) if before is not None else None
        files = {file.name: file.read_bytes() for file in kept.iterdir()} if kept is not None and kept.is_dir() else {}
        for name, content in {**files, **given}.items():
            _write_secret(folder / name, content)
        return folder


def _write_secret(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _at(channels: Sequence[KeptChannel], place: int) -> KeptChannel:
    channel = next((one for one in channels if one.place == place), None)
    if channel is None:
        raise NoSuchChannel
    return channel


def _settings(transport: Transport, text: str) -> Contract:
    try:
        return transport.SETTINGS.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # A name that is not known might itself be a secret in the wrong place: it is not repeated.
        unknown = first["type"] == "extra_forbidden"
        where = "a property that is not known" if unknown else ".".join(map(str, first["loc"])) or "not an object"
        known = ", ".join(sorted(field.alias or name for name, field in transport.SETTINGS.model_fields.items()))
        remedy = f"It knows: {known}." if known else "It needs no settings."
        raise ChannelRefused("SETTINGS_INVALID", f"The settings are not valid: {where}.", remedy=remedy) from None


async def _checked(transport: Transport, channel: Channel) -> None:
    await transport.start()
    try:
        await transport.check(channel)
    finally:
        await transport.stop()
