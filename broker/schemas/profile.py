"""What a provider offers, as the directory says it to the broker and to agencies alike."""

from typing import Annotated

from pydantic import Field, StringConstraints

from broker.schemas.code_list import CodeList
from broker.schemas.event import Contract
from broker.schemas.shapes import Maybe, Unique
from broker.schemas.vocabulary import Service


class Weekday(CodeList):
    """A day of the week, in their order."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"


HolidayRegion = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,4})?$")]
"""Whose public holidays an organisation keeps: a country or a part of it (ISO 3166), such as `US-CA`."""

TimeZone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}$", max_length=40)]
"""A zone of the IANA database, such as `America/Los_Angeles`."""


class Profile(Contract):
    """What a provider offers, for choosing whom to name (domain.md §11). No address: a shelter's is never here."""

    services: tuple[Service, ...] = ()
    areas: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    interpreter: bool = True
    step_free: bool = True
    accepts_pets: bool = True
    household_max: Maybe[Annotated[int, Field(ge=1, le=20)]] = None
    holidays: Maybe[HolidayRegion] = None
    time_zone: Maybe[TimeZone] = None
    closed_on: Annotated[Unique[Weekday], Field(max_length=6)] = ()
    """Weekdays on which nobody works; Saturday and Sunday where none is named. Deadlines in business days skip them."""
