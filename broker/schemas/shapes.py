"""The shapes of single values on the wire: moments, codes, numbers to call, lists without repetition, absent values.

There is one way to say a thing: a value that is not known is left out and never null, and a time always has its zone.
"""

from collections.abc import Hashable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from broker.schemas.refusal import ADVICE, RefusalCode

RFC3339_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
"""A time in an envelope's attribute."""

_MOMENT_PATTERN: Final = RFC3339_PATTERN.replace("{1,9}", "+")
"""A time in an event: as many digits as its author likes (RFC 3339); JSON Schema's `date-time` bounds none."""

T = TypeVar("T")


def broken(code: RefusalCode, at: str | None = None) -> PydanticCustomError:
    """A rule of ours that some data break, to be raised inside a validator; `at` is the wire name of the property."""
    return PydanticCustomError(code.value, "{meaning}", {"meaning": ADVICE[code].meaning, "at": at or ""})


def instant(text: str) -> datetime:
    """The UTC moment that RFC 3339 text names; digits beyond microseconds are cut off.

    Raises:
        ValueError: for a moment that no calendar has. The text must already fit the pattern of a moment.
    """
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the calendar") from None


class _Rfc3339:
    """Reads a moment from RFC 3339 text with a zone and from nothing else: no epoch numbers, no bare dates."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(pattern=_MOMENT_PATTERN)
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema([text, core_schema.no_info_plain_validator_function(instant)]),
            python_schema=handler(source),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time"}


Moment = Annotated[AwareDatetime, _Rfc3339()]
"""An instant with its zone; a naive time is refused (reliability.md §6.6 C3)."""


class _NotNull:
    """Lets a property be absent but not null: the wire has one way to say nothing."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        nullable = handler(source)
        if nullable["type"] != "nullable":
            raise TypeError("Maybe[...] takes a type that is not optional itself")
        return core_schema.json_or_python_schema(json_schema=nullable["schema"], python_schema=nullable)


Maybe = Annotated[T | None, _NotNull()]
"""A property that may be absent. In Python it is then None; on the wire null is refused."""


class _Unique:
    """Refuses a list in which something stands twice."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_without_repetition, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(schema) | {"uniqueItems": True}


def _without_repetition(items: tuple[Hashable, ...]) -> tuple[Hashable, ...]:
    if len(items) > 1 and len(set(items)) != len(items):
        raise broken(RefusalCode.PROPERTY_INVALID)
    return items


UNIQUE: Final = _Unique()
"""Annotates a list in which nothing stands twice; bounds on its length stand before it."""

Unique = Annotated[tuple[T, ...], UNIQUE]
"""A list in which nothing stands twice."""

Count = Annotated[int, Field(ge=0, le=20)]
"""People or animals: a household, never a crowd."""


def _whole(number: object) -> object:
    return int(number) if isinstance(number, float) and number.is_integer() else number


WHOLE: Final = BeforeValidator(_whole)
"""Annotates a whole number that may be written as JSON Schema lets it be: 1 or 1.0."""

VersionNumber = Annotated[int, Field(ge=1), WHOLE]

NoticeCode = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.-]{0,39}$")]
"""Which notice must accompany what is disclosed, for example `VAWA-LOCAL`."""

JurisdictionCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,8}){0,3}$")]
"""Whose law and services apply, ISO 3166 first: `US-CA` (FG07a, domain.md §7.2)."""

Area = Annotated[str, StringConstraints(pattern=r"^(US-[A-Z]{2}-[0-9]{3}|[0-9]{3})$")]
"""A county (`US-CA-001`, state and FIPS county number) or the first three digits of a ZIP code (FG07b): no finer."""

Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")]
"""A BCP 47 language with at most script and region: `es`, `zh-Hant`, `pt-BR`."""

PhoneNumber = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A telephone number as E.164 writes it."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{0,15}$")]
"""A short code of an organisation's own list, such as a unit; too short and too plain to tell a story in."""
