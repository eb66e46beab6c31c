"""`handoff demo`: one county, one night, told line by line from the real topics; then it stays up to be played with."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import asyncpg
import typer

from broker import limits
from broker.app import (
    Inboxes,
    channel_desk,
    delivery_desk,
    door_secret,
    hand_out_directory,
    host,
    open_inboxes,
    prepare,
    sign_in_link,
)
from broker.composition import Process, broker_pool, ensure_broker_key, ensure_log_key, kafka_of, topics_of
from broker.entry.links import LinkPurpose
from broker.local.demo import channels, county
from broker.local.demo.machines import MAILS, Machines, machines
from broker.local.demo.own_system import Door
from broker.local.demo.story import StepFailed, Story
from broker.local.demo.teller import Teller
from broker.local.parts import parts_for
from broker.local.processes import serving
from broker.local.progress import told_to_person
from broker.serving import until_told_to_stop
from broker.settings import Settings, load_settings
from broker.web.desk.letting_in import link_for
from broker.web.desk.roles import DeskRole

HOME: Final = Path(".handoff-demo")
"""The demonstration's own data folder, so that it never meets an installation's."""

_TO_TRY: Final = (
    (f"handoff inbox list --org {county.CEDAR}", "what waits at a shelter"),
    (f"handoff inbox sign-in-link --role staff --org {county.BIRCH}", "another link for a browser"),
    ("handoff desk sign-in-link --role coordinator", "another one for the network's own desk"),
    (f"handoff channel list --org {county.CEDAR}", "how it is reached, and how each way does"),
    (f"handoff delivery list --org {county.CEDAR}", "what was handed over, and by which way"),
    (f"handoff notices --org {county.POLICE}", "what the police were told"),
    (f"handoff publish docs/examples/hotline-referral.json --org {county.HOTLINE} --wait", ""),
    ("handoff org list", "who is in the network"),
    ("handoff status", "what is open, how old, who owns it"),
    ("handoff work list", "what waits for a human"),
    ("handoff quarantine list", "what was not taken in"),
    ("handoff trail show REFERRAL", "the story of a referral"),
    ("handoff trail status; handoff trail vkey", "the log that proves it, and its key"),
    ("handoff trail export FOLDER", "for an auditor: handoff-verify FOLDER --vkey KEY"),
)
"""Commands for whoever plays with the county, and what each is good for."""


_WHO_SIGNS_IN: Final = (
    (county.BIRCH, "STAFF"),
    (county.BIRCH, "SUPERVISOR"),
    (county.BIRCH, "PRIVACY_OFFICER"),
    (county.CEDAR, "STAFF"),
)
"""For whom the demonstration prints links: two windows show that one house does not see the other's."""
_AT_THE_DESK: Final = tuple(DeskRole)
"""For whom of the network's own it prints some: each role sees another desk."""


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the story, check each step, and end with 0 or 1.")] = False,
) -> None:
    """Play one county's night through, checking each step; then stay up, naming commands to try."""
    logging.basicConfig(level=logging.ERROR)
    for noisy in ("aiokafka", "faststream"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    settings = load_settings(home=HOME)
    raise typer.Exit(asyncio.run(_play(settings, once=once)))


async def _play(given: Settings, *, once: bool) -> int:
    with told_to_person() as progress:
        async with parts_for(given, progress) as settings, machines(settings) as county_machines:
            progress.say("Onboarding the county: two precincts, a hospital, a hotline, five providers")
            await prepare(settings)
            await _onboard(settings)
            reachable = county_machines.reachable(settings)
            async with open_inboxes(settings) as inboxes:
                progress.say("Setting how each provider is reached: inbox, webhook, FHIR, e-mail")
                await _set_channels(reachable, inboxes, county_machines)
                progress.say(
                    "Starting the network: broker, relay, clock, sequencer, providers' adapter, each a process"
                )
                async with _network(reachable):
                    failures = await _story(reachable, inboxes, county_machines)
                    if once:
                        return 1 if failures else 0
                    typer.echo(_invitation(reachable, await _links(reachable, inboxes)))
                    await until_told_to_stop()
    return 0


async def _onboard(settings: Settings) -> None:
    ensure_broker_key(settings)
    ensure_log_key(settings)
    assert settings.postgres_dsn is not None
    connection = await asyncpg.connect(settings.postgres_dsn.get_secret_value())
    try:
        for card in county.cards():
            await host(settings, connection, card)
        await hand_out_directory(settings, connection)
    finally:
        await connection.close()


async def _set_channels(settings: Settings, inboxes: Inboxes, county_machines: Machines) -> None:
    for org, set_channels in channels.SET.items():
        await set_channels(channel_desk(settings, inboxes, org), county_machines)


@asynccontextmanager
async def _network(settings: Settings) -> AsyncIterator[None]:
    """Production's way: a process of each kind, with production's database roles; all end with this one."""
    stack = ExitStack()
    try:
        for process in Process:
            log = settings.home / "logs" / f"{process.value}.log"
            await asyncio.to_thread(stack.enter_context, serving(settings, process, log))
        yield
    finally:
        await asyncio.to_thread(stack.close)


async def _story(settings: Settings, inboxes: Inboxes, county_machines: Machines) -> list[str]:
    door = Door(county_machines.door, county.CEDAR, door_secret(inboxes, county.CEDAR))
    desks = channel_desk(settings, inboxes, county.CEDAR), delivery_desk(inboxes, county.CEDAR)
    async with Teller(kafka_of(settings), topics_of(settings)) as teller:
        story = Story(settings, teller, inboxes, county_machines, door, *desks)
        try:
            await story.play()
        except StepFailed as failed:
            story.failures.append(str(failed))
        held = f"{story.checks - len(story.failures)} of {story.checks} checks held"
        teller.chapter(f"{held}." if not story.failures else f"{held}. Not: {'; '.join(story.failures)}")
        return story.failures


async def _links(settings: Settings, inboxes: Inboxes) -> list[str]:
    """For each role of a shelter a link, one for the other shelter, and some for the network's own desk."""
    async with broker_pool(settings) as pool:
        links = [
            *[(org, role, await sign_in_link(settings, inboxes, org, role)) for org, role in _WHO_SIGNS_IN],
            *[
                (settings.broker_org, role.value, await link_for(settings, pool, role, LinkPurpose.SIGN_IN))
                for role in _AT_THE_DESK
            ],
        ]
    return [f"  {org:<20} {role.lower().replace('_', ' '):<16} {link}" for org, role, link in links]


def _of_the_pages(settings: Settings) -> str:
    names = ("inbox_url", "inbox_sign_in_links", "desk_url", "desk_sign_in_links")
    return " ".join(f"HANDOFF_{name.upper()}={getattr(settings, name)}" for name in names)


def _invitation(settings: Settings, links: Sequence[str]) -> str:
    width = max(len(command) for command, what in _TO_TRY if what)
    return "\n".join(
        (
            "",
            "The county stays up. In a browser, as somebody of a shelter or of the network itself: each link signs one",
            f"window in, once, within {limits.sign_in_link_minutes} minutes.",
            "",
            *links,
            "",
            "Publish the hotline's referral (below): the open list says that one has come; answer it there.",
            f"What everybody may see of the network: http://{settings.web_address}",
            "",
            "In another terminal, in this folder, with the environment active",
            f"(. .venv/bin/activate; export HANDOFF_HOME={settings.home} {_of_the_pages(settings)}):",
            "",
            *(f"  {command:<{width}}  {what}".rstrip() for command, what in _TO_TRY),
            "",
            f"The mails are files: {settings.home / MAILS}",
            "Ctrl-C ends it and leaves nothing running.",
        )
    )
