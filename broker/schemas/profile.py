"""What a provider offers, as the directory says it to the broker and to agencies alike."""

from typing import Annotated

from pydantic import Field

from broker.schemas.event import Contract
from broker.schemas.shapes import Maybe
from broker.schemas.vocabulary import Service


class Profile(Contract):
    """What a provider offers, for choosing whom to name (domain.md §11). No address: a shelter's is never here."""

    services: tuple[Service, ...] = ()
    areas: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    interpreter: bool = True
    step_free: bool = True
    accepts_pets: bool = True
    household_max: Maybe[Annotated[int, Field(ge=1, le=20)]] = None
