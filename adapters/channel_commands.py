"""`handoff channel`: how an organisation is reached, in which order; a change holds from the next attempt on."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.channel_desk import ChannelDesk
from adapters.channels import UNUSABLE, Transports
from adapters.commands import AsJson, OpenInboxes, Org
from adapters.inbox.panels import columns
from adapters.transports.transport import ChannelRefused
from adapters.transports.webhook_secret_commands import secret_app
from adapters.transports.webhook_secrets import DOOR_FOLDER
from adapters.ways import KeptChannel
from adapters.words import moment
from broker import limits

Place = Annotated[int, typer.Argument(metavar="PLACE", help="Its turn, 1 first.")]
Run = Callable[[str | None, Callable[[ChannelDesk], Awaitable[None]]], None]


def channel_app(open_inboxes: OpenInboxes, transports: Callable[[], Transports]) -> typer.Typer:
    """The `handoff channel` command group on the installation that `open_inboxes` opens."""
    app = typer.Typer(no_args_is_help=True, add_completion=False, help="Say how an organisation is reached.")

    def run(org: str | None, work: Callable[[ChannelDesk], Awaitable[None]]) -> None:
        async def at_desk() -> None:
            async with open_inboxes() as inboxes:
                await work(ChannelDesk(inboxes.pool, inboxes.of(org).provider, transports()))

        asyncio.run(at_desk())

    _reading(app, run)
    _setting(app, run)
    _changing(app, run)

    def folder_of(org: str, place: int | None) -> Path:
        folders: list[Path] = []

        async def find(desk: ChannelDesk) -> None:
            zone = desk.provider.keys.parent
            folders.append(zone / DOOR_FOLDER if place is None else desk.secrets_of(await desk.at(place)))

        run(org, find)
        return folders[0]

    app.add_typer(secret_app(folder_of), name="secret")
    return app


def _reading(app: typer.Typer, run: Run) -> None:
    @app.command("list")
    def list_channels(org: Org = None, as_json: AsJson = False) -> None:
        """The channels in their turns, and how each of them does. No secret, no settings' values that hold one."""

        async def work(desk: ChannelDesk) -> None:
            channels = await desk.channels()
            if as_json:
                typer.echo(json.dumps([_as_json(channel) for channel in channels], indent=2))
                return
            for line in columns([_listed(channel) for channel in channels]):
                typer.echo(line)
            if not channels:
                typer.echo("No channel is set: the organisation is reached by its inbox alone.")

        run(org, work)

    @app.command("test")
    def test(place: Place, org: Org = None) -> None:
        """Ask whether a channel can be used, by the rules of every attempt. Nothing of a referral is sent."""

        async def work(desk: ChannelDesk) -> None:
            channel = await desk.test(place)
            typer.echo(f"{place} ({channel.transport}) can be used.")
            if channel.paused is not None:
                typer.echo(f"It is paused ({channel.paused}): `handoff channel resume {place}`.")

        run(org, work)


def _setting(app: typer.Typer, run: Run) -> None:
    @app.command("set")
    def set_channel(
        place: Place,
        transport: Annotated[str, typer.Argument(metavar="TRANSPORT", help="inbox, webhook, email …")],
        settings: Annotated[
            str | None, typer.Option("--settings", metavar="FILE", help="Its settings as a JSON file; - reads stdin.")
        ] = None,
        option: Annotated[
            list[str] | None, typer.Option("--option", metavar="NAME=VALUE", help="One setting; again for another.")
        ] = None,
        secret: Annotated[
            list[str] | None,
            typer.Option("--secret", metavar="NAME=FILE", help="A secret from a file, kept with mode 0600."),
        ] = None,
        on_call: Annotated[
            bool, typer.Option("--on-call", help="It reaches a human on call: taken when the others have failed.")
        ] = False,
        org: Org = None,
    ) -> None:
        """Save a channel, when it can be used; what is refused changes nothing and says by which rule."""
        said = json.dumps(_settings(settings, option or ()))
        secrets = {name: _read(Path(path)) for name, path in (_pair(text, "--secret") for text in secret or ())}

        async def work(desk: ChannelDesk) -> None:
            told = await desk.set(place, transport, said, secrets, on_call=on_call)
            typer.echo(f"{place} is {transport} now.")
            if told is not None:
                typer.echo(told)

        run(org, work)


def _changing(app: typer.Typer, run: Run) -> None:
    @app.command("move")
    def move(
        place: Place, to: Annotated[int, typer.Argument(metavar="TO", help="Its new turn.")], org: Org = None
    ) -> None:
        """Give a channel another turn; those in between move up or down."""
        run(org, lambda desk: desk.move(place, to))

    @app.command("remove")
    def remove(place: Place, org: Org = None) -> None:
        """Use a channel no more, and destroy its secrets; what waits for it takes the next one."""
        run(org, lambda desk: desk.remove(place))

    @app.command("resume")
    def resume(place: Place, org: Org = None) -> None:
        """Use a paused channel again, after you have looked at why it was shut."""

        async def work(desk: ChannelDesk) -> None:
            await desk.resume(place)
            typer.echo(f"{place} is in use again. What ended meanwhile: `handoff delivery list --state DEAD_LETTERED`.")

        run(org, work)


def _settings(file: str | None, options: Sequence[str]) -> dict[str, Any]:
    said: Any = {}
    if file is not None:
        text = sys.stdin.buffer.read() if file == "-" else _read(Path(file))
        try:
            said = json.loads(text)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise ChannelRefused("SETTINGS_INVALID", "The settings are no JSON object.")
    for name, value in (_pair(text, "--option") for text in options):
        try:
            said[name] = json.loads(value)
        except ValueError:
            said[name] = value
    return dict(said)


def _pair(text: str, option: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or "/" in name or name.startswith("."):
        raise typer.BadParameter(f"{option} takes NAME=VALUE, the name without a slash.")
    return name, value


def _read(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError:
        raise typer.BadParameter(f"{path} cannot be read.") from None
    if len(content) > limits.channel_settings_bytes_max:
        raise typer.BadParameter(f"{path} is larger than {limits.channel_settings_bytes_max} bytes.")
    return content


def _how(channel: KeptChannel) -> str:
    if channel.paused is not None:
        since = f" since {moment(channel.paused_at)}" if channel.paused_at is not None else ""
        then = "set it anew" if channel.paused in UNUSABLE else f"`handoff channel resume {channel.place}`"
        return f"PAUSED ({channel.paused}){since}: {then}"
    if channel.asked and channel.probe_at is not None:
        return f"asks to be left alone; next tried {moment(channel.probe_at)}"
    if channel.probe_at is not None:
        since = f" since {moment(channel.failing_since)}" if channel.failing_since is not None else ""
        return f"failing{since}, {channel.failures} in a row; next tried {moment(channel.probe_at)}"
    return f"{channel.failures} failures in a row" if channel.failures else "in use"


def _listed(channel: KeptChannel) -> tuple[str, ...]:
    return str(channel.place), channel.transport, "on call" if channel.on_call else "", _how(channel)


def _as_json(channel: KeptChannel) -> dict[str, Any]:
    return {
        "org": channel.org,
        "place": channel.place,
        "transport": channel.transport,
        "onCall": channel.on_call,
        "settings": json.loads(channel.settings),
        "paused": channel.paused,
        "pausedAt": channel.paused_at.isoformat() if channel.paused_at else None,
        "failingSince": channel.failing_since.isoformat() if channel.failing_since else None,
        "failures": channel.failures,
        "probeAt": channel.probe_at.isoformat() if channel.probe_at else None,
        "changedAt": channel.changed_at.isoformat(),
    }
