"""FHIR R4: offers, releases and their ends as SDOHCC resources on the provider's own server; its Tasks read back.

An offer is a child Task with a ServiceRequest and nobody's identity; what was released follows after a yes, into the
provider's own walls only. Every write is one transaction that may be repeated (docs/decisions/0113).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from adapters.errors import KeysNotHere, NothingToOpen
from adapters.fhir import capabilities
from adapters.fhir.authorisation import Client, Tokens
from adapters.fhir.hearing import Ear
from adapters.fhir.offering import Place, offered
from adapters.fhir.releasing import is_there, released
from adapters.fhir.server import FhirServer, NotDone
from adapters.fhir.taking_back import ended, taken_back
from adapters.inbox.opening import OpenedGroup
from adapters.kind import kinds
from adapters.standing import Standing
from adapters.transports.outgoing import Outgoing, outgoing_of
from adapters.transports.transport import (
    Answers,
    Channel,
    ChannelRefused,
    Delivered,
    Handover,
    Outcome,
    Refused,
    Transport,
    TryAgain,
)
from broker import limits
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event import Contract, EventData
from broker.schemas.ids import OrgId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import Maybe, broken
from broker.settings import load_settings

Url = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.:/_~-]{1,500}[A-Za-z0-9]$")]
Word = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]


class FhirSettings(Contract):
    """What a channel to a FHIR server says. Its key or token is a file beside it, never here."""

    base_url: Url
    """Of the server, without a slash at its end: `https://fhir.example.org/r4`."""
    organization: Annotated[str, StringConstraints(pattern=r"^Organization/[A-Za-z0-9.-]{1,64}$")]
    """The provider's own Organization on that server: it owns the Tasks."""
    token_url: Maybe[Url] = None
    """Where SMART Backend Services give out tokens; without it, the token that is written in the channel's folder."""
    client_id: Maybe[Word] = None
    key_id: Maybe[Word] = None
    """By which the other side knows our public key (`kid`)."""
    scope: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,500}$")] = "system/*.cruds"
    names_violence: bool = False
    """Whether a request's category may say `intimate-partner-violence`: only where nobody but the people concerned sees
    orders, and no portal shows them to whoever has her password (docs/decisions/0114)."""
    poll_seconds: Annotated[int, Field(ge=limits.fhir_poll_seconds_min, le=3600)] = 20
    """Between two looks at what has become of the Tasks."""

    @model_validator(mode="after")
    def _tokens_are_asked_for_by_somebody(self) -> Self:
        if self.token_url is not None:
            for name, value in (("clientId", self.client_id), ("keyId", self.key_id)):
                if value is None:
                    raise broken(RefusalCode.PROPERTY_MISSING, name)
        return self


class Fhir(Transport):
    """Hands over to FHIR servers, and hears from them."""

    NAME: ClassVar[str] = "fhir"
    SETTINGS: ClassVar[type[Contract]] = FhirSettings
    CARRIES: ClassVar[frozenset[type[EventData]]] = frozenset(
        {OfferMade, OfferWithdrawn, OfferExpired, DisclosureReleased, DisclosureRevoked}
    )

    def __init__(
        self, outgoing: Callable[[], Outgoing] | None = None, broker: Callable[[], OrgId] | None = None
    ) -> None:
        """What makes the way out, and gives who asks, where these are not to be as the settings say."""
        self._make_outgoing = outgoing or (lambda: outgoing_of(load_settings()))
        self._made: Outgoing | None = None
        self._tokens = Tokens(self._outgoing)
        self._broker = broker or cache(lambda: load_settings().broker_org)
        self.ear = Ear()
        """What it has heard, and what wakes it (adapters/fhir/hook.py)."""

    async def stop(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made.stop()

    async def check(self, channel: Channel) -> None:
        server, settings = self._server(channel), _settings(channel)
        for url in filter(None, (settings.base_url, settings.token_url)):
            await self._outgoing().guard.check(url)
        try:
            refusal = capabilities.refusal(await server.capabilities())
            if refusal is None:
                await server.read(f"/{settings.organization}", "Organization")
        except NotDone as failed:
            raise ChannelRefused(failed.outcome.code, "The server does not answer as a FHIR server would.") from None
        if refusal is not None:
            raise refusal

    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        try:
            async with asyncio.timeout(limits.fhir_attempt_seconds_max):
                server = replace(self._server(channel), message_id=handover.message_id)
                return await self._hand_over(server, _settings(channel), handover)
        except TimeoutError:
            return TryAgain("TIMED_OUT", unknown=True)
        except NotDone as failed:
            return failed.outcome
        except KeysNotHere:
            return TryAgain("KEYS_NOT_HERE")
        except NothingToOpen:
            return Refused("NOTHING_TO_OPEN")
        except ChannelRefused as refused:
            return Refused(refused.code)

    async def hear(self, channels: Callable[[], Sequence[Channel]], answers: Answers) -> None:
        await self.ear.listen(
            lambda: [(one.org, self._server(one), _settings(one).poll_seconds) for one in channels()], answers
        )

    async def look(self, channel: Channel, answers: Answers) -> None:
        """Bring in what has been answered by one channel, now and once."""
        await self.ear.look(channel.org, self._server(channel), answers)

    async def _hand_over(self, server: FhirServer, settings: FhirSettings, handover: Handover) -> Outcome:
        place = Place(settings.organization, self._broker(), settings.names_violence)
        if handover.type == OfferMade.TYPE:
            offer = handover.offer
            if offer is None:
                return Refused("OFFER_NOT_HELD")
            await server.transact(offered(handover, offer, place))
            return Delivered("TRANSACTION_DONE")
        if handover.type == DisclosureReleased.TYPE:
            return await _release(server, place, handover)
        return await _take_back(server, handover)

    def _outgoing(self) -> Outgoing:
        """Made when it is first needed, so that whoever only looks at the list of transports needs no settings."""
        if self._made is None:
            self._made = self._make_outgoing()
        return self._made

    def _server(self, channel: Channel) -> FhirServer:
        settings = _settings(channel)
        client = None
        if settings.token_url is not None:
            assert settings.client_id is not None, "the settings were validated"
            assert settings.key_id is not None, "the settings were validated"
            client = Client(settings.token_url, settings.client_id, settings.key_id, settings.scope)
        return FhirServer(self._outgoing, self._tokens, settings.base_url, client, channel.secrets)


async def _release(server: FhirServer, place: Place, handover: Handover) -> Outcome:
    offer = handover.offer
    if offer is None or handover.open_groups is None:
        return Refused("RELEASE_NOT_HELD")
    held = await server.held(handover.offer_id)
    if is_there(handover, held):
        return Delivered("ALREADY_THERE")
    if not any(one["resourceType"] == "Task" for one in held):
        # The offer came by another way: what was released belongs to a Task all the same.
        await server.transact(offered(handover, offer, place))
        held = await server.held(handover.offer_id)
    groups = _held_by_kind(await handover.open_groups(), offer)
    if not groups:
        return Refused("NOTHING_TO_OPEN")
    await server.transact(released(handover, groups, place, held))
    return Delivered("TRANSACTION_DONE")


async def _take_back(server: FhirServer, handover: Handover) -> Outcome:
    held = await server.held(handover.offer_id)
    match handover.fact:
        case DisclosureRevoked(field_groups=groups):
            changed = taken_back(held, frozenset(groups))
        case OfferWithdrawn(reason=reason):
            changed = ended(held, Standing.WITHDRAWN, reason.value)
        case OfferExpired():
            changed = ended(held, Standing.EXPIRED, Standing.EXPIRED.value)
        case _:
            return Refused("NOT_CARRIED")
    if changed is None:
        return Delivered("NOTHING_THERE")
    await server.transact(changed)
    return Delivered("TRANSACTION_DONE")


def _held_by_kind(groups: Sequence[OpenedGroup], offer: OfferMade) -> list[OpenedGroup]:
    """What this kind of provider may keep: nothing that is for one look only, nothing that did not open."""
    policy = kinds()[offer.category].POLICY
    kept = policy.needs | policy.may_ask
    return [group for group in groups if group.content is not None and group.field_group in kept]


def _settings(channel: Channel) -> FhirSettings:
    assert isinstance(channel.settings, FhirSettings)
    return channel.settings
