"""What every event of the contract is: a frozen model that knows its type, who may publish it and what it is about.

A new event type is one file in this folder with one subclass of `EventData`; the registry finds it by its being there.
"""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from broker.schemas.code_list import CodeList
from broker.schemas.refusal import RefusalCode, Refused

TYPE_PREFIX = "org.warmhandoff."


class Flow(CodeList):
    """Who says it to whom. A type travels in the flows it names and in no other."""

    SOURCE_TO_BROKER = "source"
    PROVIDER_TO_BROKER = "answer"
    BROKER_TO_PROVIDER = "provider"
    BROKER_TO_SOURCE = "notice"
    KEYS_TO_PROVIDER = "keys"
    """Apart from what they open, and kept for days only (docs/decisions/0093)."""
    KEYS_TO_BROKER = "source-keys"
    """The same on their way from the source."""


FROM_SOURCE: Final = frozenset({Flow.SOURCE_TO_BROKER, Flow.KEYS_TO_BROKER})
"""What an agency publishes."""
TO_BROKER: Final = FROM_SOURCE | {Flow.PROVIDER_TO_BROKER}
"""What the broker reads."""


class Subject(CodeList):
    """What an event's `subject` (and so its Kafka key) names."""

    REFERRAL = "referral"
    CONSENT = "consent"
    INCIDENT = "incident"
    ORGANISATION = "organisation"
    EVENT = "event"
    ANY = "any"
    """Whatever the event that is spoken of was about, so that order per referral holds for receipts and refusals."""


class Contract(BaseModel):
    """A part of the contract: unchangeable, without unknown properties, camelCase on the wire."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
    )


class EventData(Contract):
    """The `data` of one event type."""

    TYPE: ClassVar[str]
    """The full CloudEvents type."""
    FLOWS: ClassVar[frozenset[Flow]]
    """The flows it travels in."""
    SUBJECT: ClassVar[Subject]
    """What its subject names."""
    EXAMPLE: ClassVar[Mapping[str, Any]]
    """A valid example of the data, with invented values, as it stands on the wire."""

    @classmethod
    def read(cls, wire: bytes) -> Self:
        """The event that these UTF-8 JSON bytes say.

        Raises:
            Refused: with the code and the path of the first offending field, never its value.
        """
        try:
            return cls.model_validate_json(wire, strict=True, by_alias=True, by_name=False)
        except ValidationError as error:
            raise refusal_of(error) from None

    def wire(self) -> bytes:
        """These data as UTF-8 JSON bytes, absent fields left out."""
        return self.__pydantic_serializer__.to_json(self, by_alias=True, exclude_none=True)


@cache
def events() -> Mapping[str, type[EventData]]:
    """Every event type of the contract by its full type name, found by walking this package."""
    import broker.schemas as package

    found: dict[str, type[EventData]] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        for value in vars(importlib.import_module(f"{package.__name__}.{module}")).values():
            if isinstance(value, type) and issubclass(value, EventData) and "TYPE" in vars(value):
                found[value.TYPE] = value
    return MappingProxyType(found)


_CODES = {
    "extra_forbidden": RefusalCode.PROPERTY_UNKNOWN,
    "missing": RefusalCode.PROPERTY_MISSING,
    "json_invalid": RefusalCode.JSON_INVALID,
}


def refusal_of(error: ValidationError) -> Refused:
    """The coded refusal for what pydantic complains of. What a rule of ours raised keeps its own code.

    The first complaint is the one that is told, unless another one says that something identifying came unsealed:
    whoever published that must hear of it.
    """
    complaints = error.errors(include_url=False, include_input=False)
    breaches = [(code, complaint) for complaint in complaints if (code := _breach(complaint)) is not None]
    if breaches:
        code, complaint = min(breaches, key=lambda breach: breach[0] is not RefusalCode.NEVER_TRANSIT)
        return Refused(code, _path(complaint, known=True))
    first = complaints[0]
    if first["type"] == "json_invalid":
        deep = "recursion" in str(first.get("ctx", {}).get("error", ""))
        return Refused(RefusalCode.TOO_DEEP if deep else RefusalCode.JSON_INVALID)
    if first["type"] in RefusalCode.__members__:
        return Refused(RefusalCode(first["type"]), _rule_path(first))
    if first["type"] == "missing" and first["loc"][-1] == "notAfter":
        return Refused(RefusalCode.NOT_TIME_LIMITED, _path(first, known=True))  # VAWA-03: no end is no limit.
    if first["type"] == "extra_forbidden":
        return Refused(RefusalCode.PROPERTY_UNKNOWN, _path(first, known=False))
    return Refused(_CODES.get(first["type"], RefusalCode.PROPERTY_INVALID), _path(first, known=True))


def _breach(complaint: ErrorDetails) -> RefusalCode | None:
    """Whether an unknown property bears the name of something that must be sealed or must never travel."""
    from broker.schemas.forbidden_names import NEVER_TRANSIT_NAMES, SEALED_FIELD_NAMES, folded

    if complaint["type"] != "extra_forbidden":
        return None
    name = folded(str(complaint["loc"][-1]))
    if name in NEVER_TRANSIT_NAMES:
        return RefusalCode.NEVER_TRANSIT
    return RefusalCode.IDENTITY_IN_CLEAR if name in SEALED_FIELD_NAMES else None


def _rule_path(complaint: ErrorDetails) -> str | None:
    """Where a rule of ours was broken: the place pydantic was at, and the property that the rule names below it."""
    below = complaint.get("ctx", {}).get("at")
    return ".".join(part for part in (_path(complaint, known=True), below) if part) or None


def _path(complaint: ErrorDetails, *, known: bool) -> str:
    """Where it happened. A name that the contract does not know might itself be a value: it is not repeated."""
    steps = [str(step) for step in complaint["loc"]]
    if not known:
        steps[-1] = "(unknown property)"
    return ".".join(steps)
