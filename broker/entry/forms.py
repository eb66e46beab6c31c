"""What a page's form sends: read within its bounds, each field once, no field that the form does not have."""

from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request

from broker import limits
from broker.schemas.event import Contract
from broker.schemas.ids import EventIdText

Form = TypeVar("Form", bound=Contract)


class FormInvalid(Exception):
    """A form that these pages did not send, or that was not filled in."""


class Nothing(Contract):
    """A form of one button."""


class Keyed(Contract):
    """A form that counts once however often it is sent: its key becomes the id of the event that it makes."""

    key: EventIdText


async def read_form(request: Request, kind: type[Form]) -> Form:
    """The form that was sent.

    Raises:
        FormInvalid: it is too large or has another shape. What it holds is in no message.
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limits.page_form_bytes_max:
            raise FormInvalid
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=False, strict_parsing=bool(body), max_num_fields=50)
        fields = dict(pairs)
        if len(fields) != len(pairs):
            raise FormInvalid
        return kind.model_validate(fields)
    except (ValidationError, ValueError):
        raise FormInvalid from None
