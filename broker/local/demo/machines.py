"""What stands at the organisations of the demonstration: a shelter's system, a clinic's FHIR server, a mail server.

All of it is on the loopback interface and ends with the block; of it nothing is left but the mails, as files.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Final

from broker.local.demo.clinic import Nurse
from broker.local.demo.fhir_server import FhirServer
from broker.local.demo.mail_sink import MailSink
from broker.local.demo.own_system import OwnSystem
from broker.local.ports import LOOPBACK, any_free
from broker.settings import Settings

MAILS: Final = "mails"
"""The folder of the mails in the data folder."""


@dataclass(slots=True)
class Machines:
    """They run."""

    cedar: OwnSystem
    clinic: FhirServer
    clinic_token: str
    mails: MailSink
    door: str
    """`host:port` of the zone's door, which the adapter opens."""
    pages_port: int
    """Where the adapter shows the inbox's pages."""
    web: str
    """`host:port` of the network's own pages and of its door for agencies."""
    desk_port: int
    """Where the desk is shown."""

    @property
    def loopback(self) -> str:
        """The endpoints of this machine that channels of the demonstration lead to: these and no others."""
        return f"{self.cedar.address},{self.clinic.address}"

    @property
    def nurse(self) -> Nurse:
        """Somebody who works at the clinic."""
        return Nurse(self.clinic.base_url, self.clinic_token)

    def letters(self, to: str, reference: str) -> list[tuple[Path, Message]]:
        """The mails to an address about one reference, each with its file, the oldest first."""
        found = ((path, message_from_bytes(path.read_bytes())) for path in self.mails.mails())
        return [(path, mail) for path, mail in found if mail["To"] == to and reference in str(mail.get_payload())]

    def reachable(self, settings: Settings) -> Settings:
        """The settings by which the providers' adapter reaches them, opens its door and shows its pages, and the
        network's own pages and desk are shown.

        By a name, since browsers make passkeys for names alone; and with links, since everybody in it is invented.
        """
        return settings.model_copy(
            update={
                "outgoing_loopback": self.loopback,
                "door_address": self.door,
                "inbox_address": f"{LOOPBACK}:{self.pages_port}",
                "inbox_url": f"http://localhost:{self.pages_port}",
                "inbox_sign_in_links": True,
                "web_address": self.web,
                "desk_address": f"{LOOPBACK}:{self.desk_port}",
                "desk_url": f"http://localhost:{self.desk_port}",
                "desk_sign_in_links": True,
            }
        )


@asynccontextmanager
async def machines(settings: Settings) -> AsyncIterator[Machines]:
    """Run them while the block lasts."""
    token = secrets.token_urlsafe(24)
    async with AsyncExitStack() as stack:
        yield Machines(
            cedar=await stack.enter_async_context(OwnSystem()),
            clinic=await stack.enter_async_context(FhirServer(token)),
            clinic_token=token,
            mails=await stack.enter_async_context(MailSink(settings.home / MAILS)),
            door=f"{LOOPBACK}:{any_free()}",
            pages_port=any_free(),
            web=f"{LOOPBACK}:{any_free()}",
            desk_port=any_free(),
        )
