"""Hears what the provider's mail server relays to us of what came back, and acts on reports of mail servers alone.

A mail is acknowledged to the mail server once what it says is stored; otherwise the server keeps it and comes again. A
mail to any other address than that of a notice of ours is refused before its content is sent.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.mail.return_address import message_of, return_key
from adapters.mail.returned_mail import Kind, ReturnedMail, read_returned
from adapters.mail.settings import EmailSettings
from adapters.transports.transport import CameBack, Channel, Delayed, Refused, Returned
from broker import limits
from broker.schemas.ids import EventId
from broker.seal.errors import SealError

log = logging.getLogger(__name__)

logging.getLogger("mail.log").disabled = True  # aiosmtpd's own: it writes down who wrote to whom

Channels = Callable[[], Sequence[Channel]]

_NOBODY: Final = "550 5.1.1 Nobody reads mail to this address"
_LATER: Final = "451 4.3.0 Not now, try again later"
_ENOUGH: Final = "452 4.5.3 Too many recipients"
_OK: Final = "250 2.0.0 OK"
_ADDRESS_GONE: Final = ("5.1.", "5.2.1")
"""RFC 3463: the mailbox does not exist (any more), or is closed: so for every notice that follows."""


def came_back(mail: ReturnedMail) -> CameBack | None:
    """What a mail that came back means for its delivery; None where it means nothing."""
    code = f"DSN_{mail.status}" if mail.status is not None else "DSN"
    match mail.kind:
        case Kind.BOUNCED:
            return Refused(code, pause=mail.status is not None and mail.status.startswith(_ADDRESS_GONE))
        case Kind.DELAYED:
            return Delayed(code)
    return None


@dataclass(frozen=True, slots=True)
class _Notice:
    """The notice that an address names."""

    channel: Channel
    message_id: EventId


class ReturnsListener:
    """Listens at one address for all channels that say so. `counted` is what has come, by kind."""

    def __init__(self, address: str, channels: Channels, returned: Returned) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._channels = channels
        self._returned = returned
        self._server: asyncio.Server | None = None
        self._open: set[_Conversation] = set()
        self.counted: Counter[Kind] = Counter()

    async def start(self) -> None:
        """Listen; raises OSError where the address is taken, or not this machine's."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._converse, self._host, self._port)

    async def stop(self) -> None:
        """Listen no more; a mail that is being told is told again later."""
        if self._server is not None:
            self._server.close()
            for conversation in tuple(self._open):
                conversation.end()
            await self._server.wait_closed()

    @property
    def conversations(self) -> int:
        """How many are open."""
        return len(self._open)

    def _converse(self) -> asyncio.Protocol:
        if len(self._open) >= limits.returns_connections_max:
            return _Busy()
        return _Conversation(self, self._open)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take mail for a notice of ours, one at a time."""
        if envelope.rcpt_tos:
            return _ENOUGH
        if await asyncio.to_thread(self._notice, address) is None:
            return _NOBODY
        envelope.rcpt_tos.append(address)
        return _OK

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Read what came back, and tell what it means before it is acknowledged."""
        notice = await asyncio.to_thread(self._notice, envelope.rcpt_tos[0])
        if notice is None:
            return _NOBODY
        mail = await asyncio.to_thread(read_returned, envelope.original_content or b"")
        what = came_back(mail)
        if what is not None:
            await self._returned(notice.channel, notice.message_id, what)
        self.counted[mail.kind] += 1
        log.info("mail came back to a notice: %s %s", mail.kind.value, mail.status or "")
        return _OK

    async def handle_exception(self, error: Exception) -> str:
        """Whatever went wrong, the mail server keeps the mail and comes again."""
        log.warning("a mail that came back could not be taken now (%s)", type(error).__name__)
        return _LATER

    def _notice(self, address: str) -> _Notice | None:
        """The notice that was sent from this address: its tag is under the key of one of the channels heard here."""
        for channel in self._channels():
            settings = channel.settings
            if not isinstance(settings, EmailSettings) or settings.returns_listen is None:
                continue
            try:
                key = return_key(channel.secrets)
            except SealError:
                continue  # By a channel whose folder cannot be used, nothing is sent either.
            message_id = message_of(address, settings.returns, key)
            if message_id is not None:
                return _Notice(channel, message_id)
        return None


class _Conversation(SMTP):
    """One conversation with a mail server, bounded in size, in time and in number of commands."""

    def __init__(self, listener: ReturnsListener, open_ones: "set[_Conversation]") -> None:
        super().__init__(
            listener,
            data_size_limit=limits.returned_mail_bytes_max,
            hostname="localhost",
            ident="ready",
            timeout=limits.returns_session_seconds_max,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            command_call_limit=limits.returns_commands_max,
            loop=asyncio.get_running_loop(),
        )
        self._open = open_ones

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self._open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Count it no more."""
        self._open.discard(self)
        super().connection_lost(error)

    def end(self) -> None:
        """Hang up."""
        if self.transport is not None:
            self.transport.close()


class _Busy(asyncio.Protocol):
    """Says that there are too many conversations, and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so."""
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"421 4.3.2 Too many conversations, try again later\r\n")
        transport.close()


async def hear_returns(channels: Channels, returned: Returned) -> None:
    """Listen wherever a channel of now wants it, until cancelled; of several copies on a machine one has the port."""
    listening: dict[str, ReturnsListener] = {}
    try:
        while True:
            wanted = {
                channel.settings.returns_listen
                for channel in channels()
                if isinstance(channel.settings, EmailSettings) and channel.settings.returns_listen is not None
            }
            for gone in set(listening) - wanted:
                await listening.pop(gone).stop()
            for address in wanted - set(listening):
                listener = ReturnsListener(address, channels, returned)
                try:
                    await listener.start()
                except OSError as error:
                    log.warning("cannot listen for returned mail yet (%s)", type(error).__name__)
                else:
                    listening[address] = listener
            await asyncio.sleep(limits.returns_look_seconds)
    finally:
        await asyncio.gather(*(listener.stop() for listener in listening.values()))
