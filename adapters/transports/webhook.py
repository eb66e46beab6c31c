"""Webhooks: a signed notice that something waits, and nothing of what: the provider's system fetches it from the door.

Standard Webhooks 1.0.0, thin (domain.md §9.11): the same body for everybody, whatever was sent or withheld. The message
id is the broker's event id on every attempt, so that a receiver may drop what it has already.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import StringConstraints
from pydantic_core import to_json

from adapters.standard_webhooks import signed_headers
from adapters.transports.outgoing import Outgoing, OutgoingFailed, outgoing_of
from adapters.transports.statuses import outcome_of
from adapters.transports.transport import (
    Channel,
    ChannelRefused,
    Handover,
    Outcome,
    Refused,
    Transport,
    TryAgain,
)
from adapters.transports.webhook_secret_making import SecretKind, new_secret
from adapters.transports.webhook_secrets import KeptSecrets, secret_files
from broker import limits
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event import Contract, EventData
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.settings import load_settings


class WebhookSettings(Contract):
    """What a webhook channel says."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=limits.outgoing_url_characters_max)]
    """Where notices go: https, a plain name, port 443 or 8443."""


class Webhook(Transport):
    """Posts notices."""

    NAME: ClassVar[str] = "webhook"
    SETTINGS: ClassVar[type[Contract]] = WebhookSettings
    CARRIES: ClassVar[frozenset[type[EventData]]] = frozenset(
        {OfferMade, OfferReminded, OfferWithdrawn, OfferExpired, DisclosureReleased, DisclosureRevoked}
    )

    def __init__(self, outgoing: Callable[[], Outgoing] | None = None, clock: Callable[[], float] = time.time) -> None:
        """`outgoing` makes the client where it is not to be as the settings say; `clock` gives seconds since 1970."""
        self._make_outgoing = outgoing or (lambda: outgoing_of(load_settings()))
        self._made: Outgoing | None = None
        self._clock = clock
        self._secrets = KeptSecrets()

    async def stop(self) -> None:
        made, self._made = self._made, None
        if made is not None:
            await made.stop()

    def prepare(self, channel: Channel, now: datetime) -> str | None:
        if secret_files(channel.secrets):
            return None
        made = new_secret(channel.secrets, SecretKind.ED25519, now)
        return f"It signs with a key of its own. Give the public half to the other side: {made.for_other_side}"

    async def check(self, channel: Channel) -> None:
        self._secrets.signing(channel.secrets)
        await self._outgoing().guard.check(_url(channel))

    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        body = notice(handover)
        try:
            signing = self._secrets.signing(channel.secrets)
            endpoint = self._outgoing().guard.endpoint(_url(channel))
            headers = signed_headers(handover.message_id, int(self._clock()), body, signing)
            headers["content-type"] = "application/json"
            reply = await self._outgoing().request("POST", endpoint, headers=headers, body=body, read=False)
        except ChannelRefused as refused:
            return Refused(refused.code)
        except OutgoingFailed as failed:
            return TryAgain(failed.code, unknown=failed.unknown)
        return outcome_of(reply, self._clock())

    def _outgoing(self) -> Outgoing:
        """Made when it is first needed, so that whoever only looks at the list of transports needs no settings."""
        if self._made is None:
            self._made = self._make_outgoing()
        return self._made


def notice(handover: Handover) -> bytes:
    """The body: that something happened to an offer, and how to ask for it. Never what, who, or under which consent."""
    return to_json(
        {
            "type": handover.type,
            "timestamp": handover.made_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "data": {
                "offerId": handover.offer_id,
                "reference": handover.reference,
                "environment": handover.environment.value,
            },
        }
    )


def _url(channel: Channel) -> str:
    assert isinstance(channel.settings, WebhookSettings)
    return channel.settings.url
