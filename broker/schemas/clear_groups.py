"""The field groups that travel in the clear, tier 2 at most: what is needed, access needs, the worker to call back.

Every property is a code, a count, a yes or no, or a number to call: there is no place for a sentence or a name.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Field

from broker.schemas.event import Contract
from broker.schemas.group import Group
from broker.schemas.group_vocabulary import Diet, GenderOfPlacement, PetType, WorkerRole
from broker.schemas.shapes import Area, Code, Count, JurisdictionCode, Language, Maybe, Moment, PhoneNumber, Unique
from broker.schemas.vocabulary import AgeBand, LengthOfNeed, VictimAgreed


class OfferedNeed(Group):
    """FG01 as an offer may show it: as many of its properties as the recipient needs (domain.md §7.4)."""

    CODE: ClassVar[str] = "FG01"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"adults": 1, "children": 2, "childAgeBands": ["0-2", "6-9"]}

    adults: Maybe[Count] = None
    children: Maybe[Count] = None
    child_age_bands: Annotated[tuple[AgeBand, ...], Field(max_length=20)] = ()
    safe_tonight: Maybe[bool] = None
    needed_by: Maybe[Moment] = None
    length_of_need: Maybe[LengthOfNeed] = None


class NeedSummary(OfferedNeed):
    """FG01: for how many, how soon, for how long; the services stand beside it. Ages are bands, never birth dates."""

    adults: Count
    children: Count = 0


class AccessNeeds(Group):
    """FG02: language, access, animals and the survivor's own wishes for a placement."""

    CODE: ClassVar[str] = "FG02"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"preferredLanguage": "es", "interpreter": True, "petTypes": ["dog"]}

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


class BackupContact(Contract):
    """Who is called in a worker's place once the shift has ended, by role and number."""

    role: WorkerRole
    callback: PhoneNumber


class WorkerContact(Group):
    """FG23: whom a provider calls back, by role and number, until the shift ends; then the backup, if one is named.

    domain.md §7.2 has an optional `workerName`; it is left out, because a property that takes any name takes the
    survivor's name too. The role, the unit's code and the number reach the worker.
    """

    CODE: ClassVar[str] = "FG23"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"role": "ADVOCATE_ON_CALL", "callback": "+15555550100"}

    role: WorkerRole
    callback: PhoneNumber
    unit: Maybe[Code] = None
    shift_ends_at: Maybe[Moment] = None
    backup: Maybe[BackupContact] = None

    def at(self, now: datetime) -> "WorkerContact | None":
        """Whom to call at `now` (UTC): nobody is called after their shift, so there may be nobody."""
        if self.shift_ends_at is None or now < self.shift_ends_at:
            return self
        return None if self.backup is None else WorkerContact(role=self.backup.role, callback=self.backup.callback)


class Jurisdiction(Group):
    """FG07a: whose law and services apply."""

    CODE: ClassVar[str] = "FG07a"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"jurisdictionCode": "US-CA"}

    jurisdiction_code: JurisdictionCode


class CountyOrPostalArea(Group):
    """FG07b: the county or the first three digits of a ZIP code."""

    CODE: ClassVar[str] = "FG07b"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"area": "US-CA-001"}

    area: Area


class Agreement(Group):
    """FG24: what the survivor said when asked, and when (UTC)."""

    CODE: ClassVar[str] = "FG24"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"victimAgreed": "YES", "agreedAt": "2026-03-04T01:58:00Z"}

    victim_agreed: VictimAgreed
    agreed_at: Maybe[Moment] = None
