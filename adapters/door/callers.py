"""Who asks at the door: an organisation's own system, by a signature of Standard Webhooks with one of its secrets.

Signed is the body; of a request without one, what it asks for: `GET /offers/off-…`. A secret is believed for its own
organisation alone, and for five minutes from the time that was signed.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from starlette.requests import Request

from adapters.door.problems import DoorCode
from adapters.provider import Provider
from adapters.standard_webhooks import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, signed_content, verified
from adapters.transports.webhook_secrets import DOOR_FOLDER, KeptSecrets
from broker import limits
from broker.schemas.ids import OrgId
from broker.schemas.refusal import RefusalCode, Refused
from broker.web.problems import Problem
from broker.web.requests import asked, whole_body

ORG_HEADER: Final = "handoff-org"

_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Without a dot, which is what parts the signed content."""
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


def door_folder(provider: Provider) -> Path:
    """Where the secrets lie that this provider's own system signs with."""
    return provider.keys.parent / DOOR_FOLDER


@dataclass(frozen=True, slots=True)
class Caller:
    """One request of an organisation's system, whose signature holds."""

    provider: Provider
    message_id: str
    body: bytes = field(repr=False)


class Callers:
    """Tells who asks; `providers` may change meanwhile, `clock` gives seconds since 1970."""

    def __init__(self, providers: Mapping[OrgId, Provider], clock: Callable[[], float]) -> None:
        self._providers = providers
        self._clock = clock
        self._secrets = KeptSecrets()

    async def of(self, request: Request) -> Caller:
        """The organisation that signed this request.

        Raises:
            Problem, Refused: nobody's signature holds, or the request cannot be read.
        """
        org = self._named(request)
        message_id = _header(request, ID_HEADER, _MESSAGE_ID)
        timestamp = _header(request, TIMESTAMP_HEADER, _TIMESTAMP)
        signature = _header(request, SIGNATURE_HEADER)
        if abs(self._clock() - int(timestamp)) > limits.door_signature_seconds_max:
            raise Problem(DoorCode.SIGNATURE_STALE, TIMESTAMP_HEADER)
        body = await _body(request)
        provider = self._providers.get(OrgId(org))
        # An organisation that is not served here is answered like a wrong signature.
        believed = self._secrets.believed(door_folder(provider)) if provider is not None else []
        signed = signed_content(message_id, timestamp, body or asked(request))
        if provider is None or not verified(signature, signed, believed):
            raise Refused(RefusalCode.SIGNATURE_INVALID, SIGNATURE_HEADER)
        return Caller(provider, message_id, body)

    def _named(self, request: Request) -> str:
        if not request.headers.getlist(ORG_HEADER):
            if len(self._providers) != 1:
                raise Problem(DoorCode.ORGANISATION_NOT_NAMED, ORG_HEADER)
            return next(iter(self._providers))
        return _header(request, ORG_HEADER)


def _header(request: Request, name: str, shape: re.Pattern[str] | None = None) -> str:
    found = request.headers.getlist(name)
    if not found:
        raise Refused(RefusalCode.SIGNATURE_MISSING, name)
    if len(found) > 1 or (shape is not None and shape.fullmatch(found[0]) is None):
        raise Problem(DoorCode.HEADER_INVALID, name)
    return found[0]


async def _body(request: Request) -> bytes:
    try:
        return await whole_body(request)
    except TimeoutError:
        raise Problem(DoorCode.TOO_SLOW) from None
