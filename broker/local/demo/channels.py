"""How each provider of the county is reached, set where `handoff channel set` sets it; two are reached by their inbox.

Birch house has no channel at all and looks into its inbox; counselling has said so. Cedar house has a system of its
own and mail for when that is away, the clinic a FHIR server, legal aid mail.
"""

import json
from typing import TYPE_CHECKING, Any, Final

from broker.local.demo import county
from broker.local.demo.fhir_server import ORGANISATION
from broker.local.demo.machines import Machines
from broker.local.ports import LOOPBACK
from broker.schemas.ids import OrgId

if TYPE_CHECKING:
    from broker.app import ChannelDesk

POLL_SECONDS: Final = 5
"""How often the clinic's Tasks are looked at: as often as may be, because somebody watches."""

WEBHOOK, MAIL_AFTER_IT = 1, 2
"""The places of Cedar house's channels."""

ADDRESSES: Final = {county.CEDAR: "desk@cedar.example", county.LEGAL_AID: "desk@aid.example"}


async def set_cedar(desk: "ChannelDesk", machines: Machines) -> None:
    """Webhook first, e-mail second."""
    await desk.set(WEBHOOK, "webhook", json.dumps({"url": machines.cedar.url}), {})
    await desk.set(MAIL_AFTER_IT, "email", _mail(county.CEDAR, machines), {})
    machines.cedar.believes = await desk.public_keys(WEBHOOK)


async def set_clinic(desk: "ChannelDesk", machines: Machines) -> None:
    """Its FHIR server, with a token."""
    said = {"baseUrl": machines.clinic.base_url, "organization": ORGANISATION, "pollSeconds": POLL_SECONDS}
    await desk.set(1, "fhir", json.dumps(said), {"fhir.token": machines.clinic_token.encode()})


async def set_legal_aid(desk: "ChannelDesk", machines: Machines) -> None:
    """A notice by e-mail; the offer itself is in the inbox."""
    await desk.set(1, "email", _mail(county.LEGAL_AID, machines), {})


async def set_counselling(desk: "ChannelDesk", machines: Machines) -> None:
    """Its inbox."""
    await desk.set(1, "inbox", "{}", {})


SET: Final = {
    county.CEDAR: set_cedar,
    county.CLINIC: set_clinic,
    county.LEGAL_AID: set_legal_aid,
    county.COUNSELING: set_counselling,
}


def _mail(org: OrgId, machines: Machines) -> str:
    said: dict[str, Any] = {
        "host": LOOPBACK,
        "port": machines.mails.port,
        "inClear": True,
        "to": ADDRESSES[org],
        "sender": "notices@county.example",
        "returns": "returns@county.example",
    }
    return json.dumps(said)
