"""A provider's mail server: real SMTP on the loopback interface, with STARTTLS and a login; it keeps what it takes."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as MAIL_POLICY
from types import TracebackType
from typing import Any, ClassVar, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from adapters.transports.email import AUTHORITIES_FILE, PASSWORD_FILE
from tests.adapters.certificates import certificates
from tests.adapters.receivers.receiver import Behaviour, Receiver

HOST = "127.0.0.1"
USER, PASSWORD = "notices", "a password of the test"


@dataclass(slots=True)
class Mail:
    """A mail that was taken: from whom and for whom by its envelope, and itself."""

    sender: str
    to: str
    raw: bytes = field(repr=False)

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        read = message_from_bytes(self.raw, policy=MAIL_POLICY)
        assert isinstance(read, EmailMessage)
        return read


@dataclass(slots=True)
class Replies:
    """What the server says at each step where it is not to say yes, and whether it says anything at all."""

    rcpt: str | None = None
    mail: str | None = None
    data: str | None = None
    hang_after_data: bool = False
    silent: bool = False


class EmailReceiver(Receiver):
    """The mail server. `replies` can be set to anything that `behave` has no word for."""

    TRANSPORT: ClassVar[str] = "email"

    def __init__(self, *, tls: ssl.SSLContext | None = None, offer_tls: bool = True) -> None:
        self._tls = (tls or certificates().server) if offer_tls else None
        self._server: asyncio.Server | None = None
        self._conversations: set[asyncio.BaseTransport] = set()
        self._never = asyncio.Event()
        self.port = 0
        self.mails: list[Mail] = []
        self.came = asyncio.Event()
        """A mail has come."""
        self.replies = Replies()
        self.names: list[str] = []
        """What those who came called themselves."""

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hang_up()

    def settings(self) -> Mapping[str, Any]:
        """A channel with a login, over TLS."""
        return {
            "host": HOST,
            "port": self.port,
            "user": USER,
            "to": "desk@provider.example",
            "sender": "notices@neutral.example",
            "returns": "returns@neutral.example",
        }

    def secrets(self) -> Mapping[str, bytes]:
        """The password, and whom to believe about the server."""
        return {PASSWORD_FILE: PASSWORD.encode(), AUTHORITIES_FILE: certificates().authority}

    async def behave(self, how: Behaviour) -> None:
        """Do this from now on."""
        self.replies = Replies()
        await self._hang_up()
        match how:
            case Behaviour.TRY_LATER:
                self.replies.rcpt = "451 4.7.1 Greylisted, try again in five minutes"
            case Behaviour.REFUSE:
                self.replies.data = "554 5.6.0 Not wanted here"
            case Behaviour.HANG:
                self.replies.silent = True
        if how is not Behaviour.AWAY:
            await self._listen()

    async def received(self) -> Sequence[str]:
        """By their Message-IDs."""
        return [str(mail.message["Message-ID"]).strip("<>").partition("@")[0] for mail in self.mails]

    async def handle_EHLO(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Note the name."""
        self.names.append(hostname)
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a sender, or say what was asked for."""
        envelope.mail_from = address
        return self.replies.mail or "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or say what was asked for."""
        envelope.rcpt_tos.append(address)
        return self.replies.rcpt or "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the mail, unless it was asked to say no."""
        if self.replies.data is not None:
            return self.replies.data
        self.mails.append(Mail(envelope.mail_from or "", envelope.rcpt_tos[0], envelope.original_content or b""))
        self.came.set()
        if self.replies.hang_after_data:
            await self._never.wait()
        return "250 2.0.0 OK: queued"

    def _login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=(login.login, login.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._converse, HOST, self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        if self._server is not None:
            self._server.close()
            for conversation in tuple(self._conversations):
                conversation.close()
            await self._server.wait_closed()

    def _converse(self) -> asyncio.Protocol:
        if self.replies.silent:
            return _Silent(self._conversations)
        return _Conversation(
            self._conversations,
            self,
            hostname="mail.provider.example",
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            authenticator=self._login,
            auth_required=self._tls is not None,
            auth_exclude_mechanism=("LOGIN",),
            loop=asyncio.get_running_loop(),
        )


class _Conversation(SMTP):
    def __init__(self, opened: set[asyncio.BaseTransport], *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._opened.add(transport)
        super().connection_made(transport)


class _Silent(asyncio.Protocol):
    def __init__(self, opened: set[asyncio.BaseTransport]) -> None:
        self._opened = opened

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._opened.add(transport)
