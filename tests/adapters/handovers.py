"""Messages to hand over and channels to hand them over by, as the courier would make them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.transports import transports
from adapters.transports.transport import Channel, Handover
from broker.schemas.ids import OrgId, new_event_id, new_offer_id, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import MsgStatus, Priority, RecipientCategory
from broker.seal.key_files import write_secret
from tests.adapters.network import example_offer

ORG = OrgId("org-haven")
REFERENCE = "K7QF-2MXD"


def channel_to(
    transport: str, settings: Mapping[str, Any], folder: Path, secrets: Mapping[str, bytes] | None = None, **how: Any
) -> Channel:
    """A channel with these settings, its secrets in a folder of its own below `folder`."""
    own = folder / "channel-secrets"
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in (secrets or {}).items():
        write_secret(own / name, content, replace=True)
    model = transports()[transport].SETTINGS
    return Channel(**{"org": ORG, "place": 1, **how}, transport=transport, settings=model(**settings), secrets=own)


def an_offer(**how: Any) -> Handover:
    """An offer that was made a moment ago."""
    now, offer_id = datetime.now(UTC), new_offer_id()
    said = {
        "message_id": new_event_id(),
        "type": OfferMade.TYPE,
        "org": ORG,
        "offer_id": offer_id,
        "referral_id": new_referral_id(),
        "reference": REFERENCE,
        "priority": Priority.P1,
        "environment": MsgStatus.ACTUAL,
        "made_at": now,
        "stop_at": now + timedelta(hours=1),
        "attempt": 1,
        "content": example_offer(RecipientCategory.SHELTER, offer_id).wire(),
    }
    return Handover(**{**said, **how})
