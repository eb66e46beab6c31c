"""How notices by e-mail reach one organisation: what a channel of this transport says."""

from ipaddress import ip_address
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from adapters.mail.notice import Language
from broker.schemas.event import Contract

_DOMAIN: Final = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
Address = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9._%+-]{{1,64}}@{_DOMAIN}$", max_length=254)]
ReturnAddress = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9._-]{{1,20}}@{_DOMAIN}$", max_length=200)]
Host = Annotated[str, StringConstraints(pattern=rf"^({_DOMAIN}|[0-9a-f:]+)$", max_length=253)]
Listen = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]+:\d{1,5}$", max_length=261)]


class EmailSettings(Contract):
    """How notices reach one organisation, and where they come back to."""

    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    user: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,254}$")] | None = None
    """For a mail server that wants a login; the password is in the channel's folder."""
    to: Address
    sender: Address
    """Shown on locked screens: it must not say what this is about."""
    returns: ReturnAddress
    """What comes back goes to this address with a tag (`returns+…@`). Short: a tag has 43 characters, all have 64."""
    returns_listen: Listen | None = None
    """`host:port` where the provider's mail server relays the mail for `returns` to; None where nobody does."""
    language: Language = Language.ENGLISH
    in_clear: bool = False
    """Without TLS: only to a mail server on this machine, named by its loopback address."""

    @model_validator(mode="after")
    def _clear_on_this_machine_only(self) -> Self:
        if self.in_clear and not _loopback(self.host):
            raise ValueError("in_clear needs a loopback address as host, such as 127.0.0.1")
        return self


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
