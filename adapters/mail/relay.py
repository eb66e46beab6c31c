"""One conversation with a provider's mail server, step by step, so that a failure says how far it came.

Nothing goes out before the server has proved by its certificate who it is. The only server that is spoken to in the
clear is one on this machine, where the channel says so.
"""

import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Final, Self

from aiosmtplib import SMTP, SMTPException

from broker import limits
from broker.errors import HandoffError


class Step(StrEnum):
    """How far a conversation has come."""

    CONNECTION = "CONNECTION"
    TLS = "TLS"
    LOGIN = "LOGIN"
    SENDER = "SENDER"
    RECIPIENT = "RECIPIENT"
    CONTENT = "CONTENT"
    """The mail itself is under way: if nothing is heard from here on, it may have arrived."""


class TlsNotOffered(HandoffError):
    """The mail server does not offer STARTTLS."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where the mail server is and how it is spoken to."""

    host: str
    port: int
    name: str
    """What we call ourselves: never this machine's own name, which may say whose it is."""
    tls: ssl.SSLContext | None = field(repr=False)
    """None for a server on this machine that is spoken to in the clear."""
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)


class Relay:
    """`async with Relay(server) as relay`; then `address` and `hand_over`, once. Errors of aiosmtplib pass through."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: Final = SMTP(
            hostname=server.host,
            port=server.port,
            local_hostname=server.name,
            start_tls=False,
            tls_context=server.tls,
            timeout=limits.mail_attempt_seconds_max,
        )
        self.step = Step.CONNECTION

    async def open(self) -> None:
        """Connect, protect the connection, log in.

        Raises:
            TlsNotOffered: nothing has been said to the server then but our name.
        """
        server, client = self._server, self._client
        await client.connect()
        await client.ehlo()
        if server.tls is not None:
            self.step = Step.TLS
            if not client.supports_extension("starttls"):
                raise TlsNotOffered
            await client.starttls()
            await client.ehlo()
        if server.user is not None and server.password is not None:
            self.step = Step.LOGIN
            await client.login(server.user, server.password)

    async def address(self, sender: str, recipient: str) -> None:
        """Say who it is from and for."""
        self.step = Step.SENDER
        await self._client.mail(sender)
        self.step = Step.RECIPIENT
        await self._client.rcpt(recipient)

    async def hand_over(self, mail: bytes) -> int:
        """Hand the mail over; the server's code. From then on the mail is the server's to deliver or to return."""
        self.step = Step.CONTENT
        return (await self._client.data(mail)).code

    async def leave(self) -> None:
        """Say goodbye; what is said to that changes nothing."""
        with suppress(SMTPException, OSError):
            await self._client.quit(timeout=limits.mail_goodbye_seconds_max)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
