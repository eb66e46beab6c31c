"""Notice by e-mail: says that something is waiting, through the provider's own mail server, and nothing of what.

The mail server having it is what is delivered here: whether a person has looked is told by an answer alone, never by
a mail that was opened, and what comes back is heard by `hear_returned` (docs/decisions/0109, 0110).
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final

from aiosmtplib import SMTPException, SMTPResponseException

from adapters.channel_secrets import password_of, tls_of
from adapters.mail.notice import notice, tells
from adapters.mail.relay import Relay, Server, Step, TlsNotOffered
from adapters.mail.return_address import return_address, return_key
from adapters.mail.returns import hear_returns
from adapters.mail.settings import EmailSettings
from adapters.transports.transport import (
    Channel,
    ChannelRefused,
    Delivered,
    Handover,
    Outcome,
    Refused,
    Returned,
    Transport,
    TryAgain,
)
from broker import limits
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.disclosure_revoked import DisclosureRevoked
from broker.schemas.event import Contract, EventData
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_reminded import OfferReminded
from broker.seal.errors import SealError

AUTHORITIES_FILE: Final = "mail-authorities.pem"
PASSWORD_FILE: Final = "mail-password"  # noqa: S105  a file's name

_OF_THE_CHANNEL: Final = frozenset({Step.CONNECTION, Step.TLS, Step.LOGIN, Step.SENDER})
"""A final no at one of these steps is said to every notice, so that a person has to look."""
_ADDRESS_GONE: Final = re.compile(r"5\.1\.\d|5\.2\.1\b")
"""RFC 3463: the mailbox does not exist (any more), or is closed."""

_LATER: Final = re.compile(r"SMTP_4\d\d")

_REMEDIES: Final = {
    "SENDER_TELLS": "Send from an address that says nothing, such as notices@ of a domain with a neutral name.",
    "TLS_NOT_OFFERED": "Have the mail server offer STARTTLS; without it a notice does not leave this machine.",
    "TLS_CERTIFICATE": f"Put the certificates that it is checked against into {AUTHORITIES_FILE} of the channel.",
    "SECRETS_UNREADABLE": f"The channel's folder holds {PASSWORD_FILE} and {AUTHORITIES_FILE}, mode 0600, yours alone.",
    "LOGIN_NOT_OFFERED": "The mail server takes no password here: leave `user` out, or use its port for submission.",
}


class EmailTransport(Transport):
    """Sends notices, each in a conversation of its own."""

    NAME: ClassVar[str] = "email"
    SETTINGS: ClassVar[type[Contract]] = EmailSettings
    CARRIES: ClassVar[frozenset[type[EventData]]] = frozenset(
        {OfferMade, OfferReminded, DisclosureReleased, DisclosureRevoked}
    )
    RECEIPTS: ClassVar[bool] = False

    async def check(self, channel: Channel) -> None:
        """Go as far as an attempt goes without sending a mail. A server that says "later" to an address is fine."""
        said = await self._converse(channel, None)
        match said:
            case TryAgain(code=code) if not _LATER.fullmatch(code):
                raise ChannelRefused(code, "The mail server cannot be reached.")
            case Refused(code=code):
                raise ChannelRefused(
                    code, f"The mail server or a rule of ours says no: {code}.", remedy=_REMEDIES.get(code)
                )

    async def attempt(self, channel: Channel, handover: Handover) -> Outcome:
        """Hand one notice to the mail server."""
        return await self._converse(channel, handover)

    async def hear_returned(self, channels: Callable[[], Sequence[Channel]], returned: Returned) -> None:
        """Hear what the provider's mail server relays to us of what came back."""
        await hear_returns(channels, returned)

    async def _converse(self, channel: Channel, handover: Handover | None) -> Outcome:
        settings = _settings(channel)
        if tells(settings.sender) or tells(settings.returns):
            return Refused("SENDER_TELLS", pause=True)
        try:
            server, key = await asyncio.to_thread(_access, settings, channel.secrets)
        except (SealError, ValueError, OSError):
            return Refused("SECRETS_UNREADABLE", pause=True)
        async with Relay(server) as relay:
            try:
                async with asyncio.timeout(limits.mail_attempt_seconds_max):
                    await relay.open()
                    code = await _say(relay, settings, key, handover)
            except (SMTPException, TlsNotOffered, OSError) as error:
                return outcome_of(error, relay.step)
            await relay.leave()
        return Delivered(f"SMTP_{code}")


async def _say(relay: Relay, settings: EmailSettings, key: bytes, handover: Handover | None) -> int:
    """Give a notice, or, where there is none, only ask whether one would be taken."""
    if handover is None:
        await relay.address(settings.returns, settings.to)
        return 250
    await relay.address(return_address(settings.returns, key, handover.message_id), settings.to)
    mail = notice(handover, sender=settings.sender, to=settings.to, language=settings.language)
    return await relay.hand_over(mail)


def outcome_of(error: BaseException, step: Step) -> Outcome:
    """What a failure at this step means. A 4xx is greylisting as often as not, and passes."""
    match error:
        case SMTPResponseException(code=code, message=said) if 500 <= code < 600:
            gone = step is Step.RECIPIENT and _ADDRESS_GONE.match(said) is not None
            return Refused(f"SMTP_{code}", pause=step in _OF_THE_CHANNEL or gone)
        case SMTPResponseException(code=code) if 400 <= code < 500:
            return TryAgain(f"SMTP_{code}")
        case TlsNotOffered():
            return Refused("TLS_NOT_OFFERED", pause=True)
        case ssl.SSLCertVerificationError():
            return Refused("TLS_CERTIFICATE", pause=True)
        case TimeoutError():
            return TryAgain("TIMEOUT", unknown=step is Step.CONTENT)
        case OSError():
            return TryAgain("CONNECTION_FAILED", unknown=step is Step.CONTENT)
        case _ if step is Step.LOGIN:
            return Refused("LOGIN_NOT_OFFERED", pause=True)
    return TryAgain("SMTP_UNREADABLE", unknown=step is Step.CONTENT)


def _access(settings: EmailSettings, secrets: Path) -> tuple[Server, bytes]:
    """The mail server with what proves who it is and who we are, and the key of the return addresses."""
    password = password_of(secrets, PASSWORD_FILE) if settings.user is not None else None
    tls = None if settings.in_clear else tls_of(secrets, AUTHORITIES_FILE)
    name = settings.sender.rpartition("@")[2]
    return Server(settings.host, settings.port, name, tls, settings.user, password), return_key(secrets)


def _settings(channel: Channel) -> EmailSettings:
    assert isinstance(channel.settings, EmailSettings)
    return channel.settings
