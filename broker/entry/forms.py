"""What a page's form sends: read within its bounds, each field once, no field that the form does not have."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeVar
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request

from broker import limits
from broker.schemas.event import Contract
from broker.schemas.ids import EventIdText

Form = TypeVar("Form", bound=Contract)


_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one field of a form, in the reader's language."""

    name: str
    told: str


class FormInvalid(Exception):
    """A form that these pages did not send, or that was not filled in."""

    def __init__(self, names: frozenset[str] = frozenset(), sent: Mapping[str, str] = _NOTHING) -> None:
        """`names`: the fields that are wrong; `sent`: those that are not, as they were sent."""
        super().__init__()
        self.names = names
        self.sent = sent

    def told(self, words: Mapping[str, str]) -> tuple[Wrong, ...]:
        """What is wrong, by what there is to say of each field that a person fills in, in their order.

        Raises:
            FormInvalid: this one, where anything else is wrong: a person cannot mend that.
        """
        if not self.names or self.names - words.keys():
            raise self
        return tuple(Wrong(name, said) for name, said in words.items() if name in self.names)


class Nothing(Contract):
    """A form of one button."""


class Keyed(Contract):
    """A form that counts once however often it is sent: its key becomes the id of the event that it makes."""

    key: EventIdText


async def read_form(request: Request, kind: type[Form]) -> Form:
    """The form that was sent.

    Raises:
        FormInvalid: it is too large or has another shape, and in which fields. What it holds is in no message.
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
    except ValueError:
        raise FormInvalid from None
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        names = frozenset(str(one["loc"][0]) for one in error.errors(include_input=False) if one["loc"])
        sent = {name: value for name, value in fields.items() if name not in names}
        raise FormInvalid(names, sent) from None
