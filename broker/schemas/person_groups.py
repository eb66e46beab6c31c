"""The sealed field groups about who the survivor is and how to make contact safely (FG03–FG06, FG09)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from broker.schemas.contact_window import ContactWindow
from broker.schemas.event import Contract
from broker.schemas.group import Group, Name, Reference
from broker.schemas.group_vocabulary import (
    AdultAgeBand,
    ChildNeed,
    ContactChannel,
    ContactMode,
    Gender,
    IfSomeoneElseAnswers,
    Pronouns,
    RaceEthnicity,
    TalkPartner,
    YesNoUnknown,
)
from broker.schemas.refusal import RefusalCode
from broker.schemas.shapes import Code, Maybe, Moment, Unique, broken

Handle = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x20<>]{3,80}$")]


class SafeContact(Group):
    """FG03: the only ways in which the survivor has said that contact is safe (domain.md §0.8). Defaults are safe.

    `codeWordRef` points to the word, which stays with the source. `lastConfirmedAt` is UTC: contact is asked again
    before it is relied on when this is old. Without `windows` no hour was ruled out; with them, none but these is safe.
    """

    CODE: ClassVar[str] = "FG03"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "mode": "DIRECT",
        "handle": "+15555550142",
        "channel": "VOICE",
        "windows": [
            {
                "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
                "startsAt": "09:00",
                "endsAt": "15:30",
                "timezone": "America/Los_Angeles",
            }
        ],
        "ifSomeoneElseAnswers": "WRONG_NUMBER",
        "deviceMonitored": "UNKNOWN",
        "notSafeToTalkTo": ["PARTNER", "IN_LAW"],
        "lastConfirmedAt": "2026-03-04T01:55:00Z",
    }

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["mode"], "properties": {"mode": {"const": "DIRECT"}}},
            "then": {"required": ["handle", "channel"], "properties": {"channel": {"not": {"const": "NONE"}}}},
        }
    )

    mode: ContactMode
    handle: Maybe[Handle] = None
    channel: ContactChannel = ContactChannel.NONE
    windows: Annotated[tuple[ContactWindow, ...], Field(max_length=14)] = ()
    voicemail_permitted: bool = False
    sms_permitted: bool = False
    caller_id_must_be_blocked: bool = True
    redial_on_drop: bool = False
    code_word_ref: Maybe[Reference] = None
    if_someone_else_answers: IfSomeoneElseAnswers = IfSomeoneElseAnswers.HANG_UP
    device_monitored: YesNoUnknown = YesNoUnknown.UNKNOWN
    safe_to_talk_to: Unique[TalkPartner] = ()
    not_safe_to_talk_to: Unique[TalkPartner] = ()
    last_confirmed_at: Moment

    @model_validator(mode="after")
    def _direct_contact_has_a_way(self) -> Self:
        if self.mode is ContactMode.DIRECT and self.handle is None:
            raise broken(RefusalCode.PROPERTY_MISSING, "handle")
        if self.mode is ContactMode.DIRECT and self.channel is ContactChannel.NONE:
            raise broken(RefusalCode.PROPERTY_INVALID, "channel")
        return self


class PersonHandle(Group):
    """FG04: what to call the survivor. A first name or an alias is enough for a shelter (domain.md §7.3)."""

    CODE: ClassVar[str] = "FG04"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"alias": "Robin", "pronouns": "SHE"}

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["alias"]}, {"required": ["firstName"]}]})

    alias: Maybe[Name] = None
    first_name: Maybe[Name] = None
    pronouns: Maybe[Pronouns] = None

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.alias is None and self.first_name is None:
            raise broken(RefusalCode.PROPERTY_MISSING, "alias")
        return self


class LegalIdentity(Group):
    """FG05: the legal name and birth date, for conflict checks, filings and registration only."""

    CODE: ClassVar[str] = "FG05"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "legalGivenName": "Invented",
        "legalFamilyName": "Example",
        "dateOfBirth": "1990-01-01",
    }

    legal_given_name: Name
    legal_family_name: Name
    date_of_birth: Maybe[date] = None


class Demographics(Group):
    """FG06: age band, gender and background, each only if the survivor said it."""

    CODE: ClassVar[str] = "FG06"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {"ageBand": "25-34", "gender": "WOMAN"}

    age_band: Maybe[AdultAgeBand] = None
    gender: Maybe[Gender] = None
    race_ethnicity: Unique[RaceEthnicity] = ()
    tribal_affiliation: Maybe[Code] = None


class Child(Contract):
    """One child, without a name that others use."""

    alias: Maybe[Name] = None
    age_years: Annotated[int, Field(ge=0, le=17)]
    school_district_code: Maybe[Code] = None
    custody_order_in_force: Maybe[bool] = None
    needs: Unique[ChildNeed] = ()


class Children(Group):
    """FG09: the children who come along, and what each needs."""

    CODE: ClassVar[str] = "FG09"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        "children": [{"ageYears": 1, "needs": ["DIAPERS", "CRIB"]}, {"ageYears": 7, "custodyOrderInForce": False}]
    }

    children: Annotated[tuple[Child, ...], Field(min_length=1, max_length=20)]
