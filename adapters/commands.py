"""`handoff inbox`: what a provider's people do at a shell. The list has no name; contact details only on request.

The composition root says where the inboxes are (`inbox_app`); nothing here knows an address.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated

import typer

from adapters.errors import NotPractice
from adapters.inbox import shell
from adapters.inbox.answering import Answered
from adapters.inbox.inbox import Inbox
from adapters.inbox.inboxes import Inboxes
from adapters.inbox.listing import OfferSeen
from adapters.inbox.playing import Part, play
from adapters.retention_commands import retention_app
from adapters.roster_commands import roster_app
from adapters.sign_in_commands import passkey_app, sign_in_link_command
from adapters.words import plain
from broker import limits
from broker.schemas.capacity_updated import CapacityUnit
from broker.schemas.contact_attempted import AttemptOutcome
from broker.schemas.handoff_failed import HandoffFailure
from broker.schemas.handoff_started import PickedUp
from broker.schemas.ids import KeyId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.revocation_acknowledged import RevocationOutcome
from broker.schemas.vocabulary import CapacityBucket, DeclineReason, MsgStatus, Outcome, Service, SurvivorClosure
from broker.settings import Settings

OpenInboxes = Callable[[], AbstractAsyncContextManager[Inboxes]]


Org = Annotated[str | None, typer.Option("--org", help="Which organisation, where this installation serves several.")]
Reference = Annotated[str, typer.Argument(metavar="REF", help="The offer's reference, such as K7QF-2MXD.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Reason = Annotated[DeclineReason, typer.Option("--reason", case_sensitive=False, help="Why, by code.")]
By = Annotated[AcceptedBy, typer.Option("--as", help="The role of whoever decides or looks; never a name.")]


@dataclass(frozen=True, slots=True)
class _Desk:
    """Opens an inbox for the length of one command."""

    open_inboxes: OpenInboxes

    def run(self, org: str | None, work: Callable[[Inbox], Awaitable[None]]) -> None:
        async def at_desk() -> None:
            async with self.open_inboxes() as inboxes:
                await work(inboxes.of(org))

        asyncio.run(at_desk())

    def answer(self, org: str | None, reference: str, give: Callable[[Inbox, OfferSeen], Awaitable[Answered]]) -> None:
        async def work(inbox: Inbox) -> None:
            offer = await inbox.find(reference)
            await _tell(inbox, await give(inbox, offer), offer.reference)

        self.run(org, work)


async def _tell(inbox: Inbox, answered: Answered, what: str) -> None:
    standing = f": {plain(answered.standing)}" if answered.standing is not None else ""
    typer.echo(f"{what}{standing}. Your answer is stored.")
    clock = asyncio.get_running_loop().time
    end = clock() + limits.answer_sent_seconds_max
    while not await inbox.sent(answered.event_id):
        if clock() > end:
            typer.echo("It has not left yet; it leaves as soon as Kafka and `handoff serve adapter` run.", err=True)
            return
        await asyncio.sleep(limits.poll_seconds)
    typer.echo("It has reached the network.")


def inbox_app(open_inboxes: OpenInboxes, settings: Callable[[], Settings]) -> typer.Typer:
    """The `handoff inbox` command group on the inboxes that `open_inboxes` opens; `settings` say where pages are."""
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, help="See what waits, answer it, open what was released to you."
    )
    desk = _Desk(open_inboxes)
    _reading(app, desk)
    _deciding(app, desk)
    _confirming(app, desk)
    _transferring(app, desk)
    _following(app, desk)
    _giving_up(app, desk)
    _playing(app, desk, settings)
    app.add_typer(roster_app(desk.run), name="roster")
    app.add_typer(retention_app(desk.run), name="retention")
    app.command("sign-in-link")(sign_in_link_command(open_inboxes, settings))
    app.add_typer(passkey_app(open_inboxes, settings), name="passkey")
    return app


def _reading(app: typer.Typer, desk: _Desk) -> None:
    @app.command("providers")
    def providers() -> None:
        """Which organisations this installation answers for."""

        async def work() -> None:
            async with desk.open_inboxes() as inboxes:
                for org, provider in sorted(inboxes.providers.items()):
                    typer.echo(f"{org}  {plain(provider.kind.POLICY.category)}")

        asyncio.run(work())

    @app.command("list")
    def list_offers(
        org: Org = None,
        everything: Annotated[bool, typer.Option("--all", help="What is over, too.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """What waits and what is under way, most urgent first."""
        desk.run(org, lambda inbox: shell.list_offers(inbox, everything=everything, as_json=as_json))

    @app.command("show")
    def show(
        reference: Reference,
        org: Org = None,
        contact: Annotated[bool, typer.Option("--contact", help="Show contact details; this is written down.")] = False,
        conflict_check: Annotated[
            bool, typer.Option("--conflict-check", help="Open the names for the conflict check: once, then gone.")
        ] = False,
        reader: By = AcceptedBy.STAFF,
        as_json: AsJson = False,
    ) -> None:
        """One offer; after the release also what was sealed for you, how to make contact safely first."""
        desk.run(org, lambda inbox: shell.show(inbox, reference, shell.Look(contact, conflict_check, reader, as_json)))

    @app.command("retire-key")
    def retire_key(
        key_id: Annotated[str, typer.Argument(metavar="KEY", help="org-haven#sealing-2026-01")],
        org: Org = None,
        revoked: Annotated[bool, typer.Option("--revoked", help="It was revoked: nothing comes for it.")] = False,
    ) -> None:
        """Destroy an older opening key, and with it every copy that Kafka and backups keep of what it opened.

        What you still work with is wrapped for your newest key first. There is no way back.
        """

        async def work(inbox: Inbox) -> None:
            retired = await inbox.retire_key(KeyId(key_id), revoked=revoked)
            typer.echo(f"{key_id} is destroyed. Wrapped for the newest key: {retired.rewrapped} groups.")
            if retired.unopenable:
                typer.echo(f"{retired.unopenable} groups did not open with it before, and do not now.")

        desk.run(org, work)

    @app.command("readings")
    def readings(
        reference: Annotated[str | None, typer.Argument(metavar="[REF]", help="Of this offer alone.")] = None,
        org: Org = None,
        everything: Annotated[bool, typer.Option("--all", help="All, not the latest alone.")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Who has opened what was released: role, account, groups and when. It stays in this zone."""
        desk.run(org, lambda inbox: shell.show_readings(inbox, reference, everything=everything, as_json=as_json))

    @app.command("aside")
    def aside(org: Org = None) -> None:
        """Messages that were not acted on, by place and code."""
        desk.run(org, shell.show_aside)


def _deciding(app: typer.Typer, desk: _Desk) -> None:
    @app.command("accept")
    def accept(
        reference: Reference,
        org: Org = None,
        by: By = AcceptedBy.STAFF,
        live: Annotated[
            bool, typer.Option("--live", help="You call the worker now and take her over on the line.")
        ] = False,
    ) -> None:
        """Say yes. The first yes wins; what was released to you follows."""
        desk.answer(org, reference, lambda inbox, offer: inbox.accept(offer.offer_id, by=by, live=live))

    @app.command("decline")
    def decline(
        reference: Reference,
        reason: Reason,
        org: Org = None,
    ) -> None:
        """Say no; somebody else is asked at once."""
        desk.answer(org, reference, lambda inbox, offer: inbox.decline(offer.offer_id, reason))

    @app.command("give-back")
    def give_back(reference: Reference, reason: Reason, org: Org = None) -> None:
        """Give back what you accepted, before the service has begun; somebody else is asked at once."""
        desk.answer(org, reference, lambda inbox, offer: inbox.give_back(offer.offer_id, reason))

    @app.command("waitlist")
    def waitlist(reference: Reference, org: Org = None) -> None:
        """Keep a place in your queue, while others go on being asked."""
        desk.answer(org, reference, lambda inbox, offer: inbox.waitlist(offer.offer_id))


def _giving_up(app: typer.Typer, desk: _Desk) -> None:
    @app.command("revocation")
    def revocation(
        reference: Reference,
        outcome: Annotated[
            RevocationOutcome, typer.Option("--outcome", case_sensitive=False, help="What became of it.")
        ],
        org: Org = None,
    ) -> None:
        """Say what became of what a survivor took back after you had read it."""
        desk.answer(org, reference, lambda inbox, offer: inbox.revocation_acknowledged(offer.offer_id, outcome))


def _confirming(app: typer.Typer, desk: _Desk) -> None:
    @app.command("contact-confirmed")
    def contact_confirmed(reference: Reference, org: Org = None, by: By = AcceptedBy.STAFF) -> None:
        """Say that you have asked the worker named in the offer, and the safe contact still holds."""

        async def work(inbox: Inbox) -> None:
            offer = await inbox.find(reference)
            await inbox.contact_confirmed(offer.offer_id, by=by)
            typer.echo(f"{offer.reference}: confirmed now. `handoff inbox show {offer.reference} --contact` shows it.")

        desk.run(org, work)


def _transferring(app: typer.Typer, desk: _Desk) -> None:
    @app.command("handoff")
    def handoff(
        reference: Reference,
        started: Annotated[
            PickedUp | None, typer.Option("--started", case_sensitive=False, help="Who picked up: WORKER or BACKUP.")
        ] = None,
        completed: Annotated[bool, typer.Option("--completed", help="You are in touch with her.")] = False,
        failed: Annotated[
            HandoffFailure | None, typer.Option("--failed", case_sensitive=False, help="Why it did not come about.")
        ] = None,
        org: Org = None,
        by: By = AcceptedBy.STAFF,
    ) -> None:
        """Say how the live transfer goes: exactly one of --started, --completed and --failed."""
        if sum((started is not None, completed, failed is not None)) != 1:
            raise typer.BadParameter("Give exactly one of --started, --completed and --failed.")

        async def give(inbox: Inbox, offer: OfferSeen) -> Answered:
            if started is not None:
                return await inbox.handoff_started(offer.offer_id, started, by=by)
            if failed is not None:
                return await inbox.handoff_failed(offer.offer_id, failed)
            return await inbox.handoff_completed(offer.offer_id)

        desk.answer(org, reference, give)


def _following(app: typer.Typer, desk: _Desk) -> None:
    @app.command("contact")
    def contact(
        reference: Reference,
        made: Annotated[bool, typer.Option("--made", help="The survivor is in touch with you.")] = False,
        tried: Annotated[
            AttemptOutcome | None,
            typer.Option("--tried", case_sensitive=False, help="An attempt and its outcome."),
        ] = None,
        unreachable: Annotated[bool, typer.Option("--unreachable", help="The agreed attempts are used up.")] = False,
        org: Org = None,
    ) -> None:
        """Say how contact went: exactly one of --made, --tried and --unreachable."""
        if sum((made, tried is not None, unreachable)) != 1:
            raise typer.BadParameter("Give exactly one of --made, --tried and --unreachable.")
        if tried is not None:
            outcome = tried
            desk.answer(org, reference, lambda inbox, offer: inbox.contact_attempted(offer.offer_id, outcome))
        elif made:
            desk.answer(org, reference, lambda inbox, offer: inbox.contact_made(offer.offer_id))
        else:
            desk.answer(org, reference, lambda inbox, offer: inbox.contact_unreachable(offer.offer_id))

    @app.command("service")
    def service(
        reference: Reference,
        started: Annotated[Service | None, typer.Option("--started", case_sensitive=False, help="Which began.")] = None,
        completed: Annotated[
            Outcome | None, typer.Option("--completed", case_sensitive=False, help="What it came to.")
        ] = None,
        ended: Annotated[
            SurvivorClosure | None, typer.Option("--ended", case_sensitive=False, help="Why it ended early.")
        ] = None,
        org: Org = None,
    ) -> None:
        """Say how the service goes: exactly one of --started, --completed and --ended."""
        if sum(given is not None for given in (started, completed, ended)) != 1:
            raise typer.BadParameter("Give exactly one of --started, --completed and --ended.")

        async def give(inbox: Inbox, offer: OfferSeen) -> Answered:
            if started is not None:
                return await inbox.service_started(offer.offer_id, started)
            if completed is not None:
                return await inbox.service_completed(offer.offer_id, completed)
            assert ended is not None
            return await inbox.service_ended(offer.offer_id, ended)

        desk.answer(org, reference, give)

    @app.command("capacity")
    def capacity(
        service: Annotated[Service, typer.Argument(case_sensitive=False, help="For which service.")],
        unit: Annotated[CapacityUnit, typer.Argument(case_sensitive=False, help="What is counted.")],
        available: Annotated[CapacityBucket, typer.Argument(help="Roughly how many: 0, 1-2 or 3+.")],
        org: Org = None,
    ) -> None:
        """Say how many places you have now."""

        async def work(inbox: Inbox) -> None:
            await _tell(inbox, await inbox.capacity(service, unit, available), "Capacity")

        desk.run(org, work)


def _playing(app: typer.Typer, desk: _Desk, settings: Callable[[], Settings]) -> None:
    @app.command("play")
    def play_(
        part: Annotated[Part, typer.Option("--part", help="How the provider behaves.")] = Part.SERVES,
        every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 2.0,
        once: Annotated[bool, typer.Option("--once", help="Look once, and end.")] = False,
        org: Org = None,
    ) -> None:
        """Play a provider in the practice network: each offer is answered by itself, until Ctrl-C.

        serves accepts, is in touch, begins and completes; declines and waitlists say so; gives-back accepts and gives
        back; unreachable accepts and cannot reach her; leaves accepts and is not heard of again. For one that never
        answers, play nobody.
        """
        if settings().environment is not MsgStatus.EXERCISE:
            raise NotPractice

        async def work(inbox: Inbox) -> None:
            while True:
                for reference, standing in await play(inbox, part):
                    typer.echo(f"{reference}: {plain(standing) if standing is not None else 'told'}")
                if once:
                    return
                await asyncio.sleep(every)

        desk.run(org, work)
