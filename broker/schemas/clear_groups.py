"""The field groups that travel in the clear, tier 2 at most: what is needed, access needs, the worker to call back.

Every property is a code, a count, a yes or no, or a number to call: there is no place for a sentence or a name.
"""

from pydantic import Field

from broker.schemas.event import Contract
from broker.schemas.shapes import Code, Count, Language, Maybe, Moment, PhoneNumber, Unique
from broker.schemas.vocabulary import AgeBand, Diet, GenderOfPlacement, LengthOfNeed, PetType, WorkerRole


class OfferedNeed(Contract):
    """FG01 as an offer may show it: as many of its properties as the recipient needs (domain.md §7.4)."""

    adults: Maybe[Count] = None
    children: Maybe[Count] = None
    child_age_bands: tuple[AgeBand, ...] = Field(default=(), max_length=20)
    safe_tonight: Maybe[bool] = None
    needed_by: Maybe[Moment] = None
    length_of_need: Maybe[LengthOfNeed] = None


class NeedSummary(OfferedNeed):
    """FG01: for how many, how soon, for how long. Ages of children are bands, never birth dates."""

    adults: Count
    children: Count = 0


class AccessNeeds(Contract):
    """FG02: language, access, animals and the survivor's own wishes for a placement."""

    preferred_language: Maybe[Language] = None
    interpreter: bool = False
    sign_language: bool = False
    step_free: bool = False
    mobility_device: bool = False
    deaf_hoh: bool = False
    blind_low_vision: bool = False
    pet_types: Unique[PetType] = ()
    pet_count: Count = 0
    service_animal: bool = False
    gender_of_placement: Maybe[GenderOfPlacement] = None
    religious_diet: Maybe[Diet] = None
    smokefree: bool = False
    transport_needed: bool = False


class WorkerContact(Contract):
    """FG23: whom a provider calls back, by role and number.

    domain.md §7.2 has an optional `workerName`; it is left out, because a property that takes any name takes the
    survivor's name too. The role, the unit's code and the number reach the worker.
    """

    role: WorkerRole
    callback: PhoneNumber
    unit: Maybe[Code] = None
    shift_ends_at: Maybe[Moment] = None
