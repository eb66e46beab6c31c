"""A release is taken in only if it is the publisher's own and short enough; a part that is revoked is gone."""

from datetime import timedelta
from typing import Any

import pytest

from broker.domain import group_sets
from broker.domain.consent import ConsentTerms, Effect, Reason, Revoked, release_refusal, standing, terms, understood
from broker.domain.pack import PolicyPack
from broker.domain.release import unclear_in
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import OrgClass, Purpose
from tests.domain.cast import (
    CONSENT,
    DAY,
    HOSPITAL,
    HOTLINE,
    NOW,
    OTHER_SHELTER,
    POLICE,
    SHELTER,
    SIGNED,
    ask,
    groups,
    pack,
    question,
    record,
    scope,
)

AGENT: dict[str, Any] = {
    "capacity": "SELF",
    "form": "ORAL_TEMPORARY",
    "givenAt": SIGNED.isoformat(),
    "identityCheck": "IN_PERSON_KNOWN",
    "abuserCheck": "NOT_APPLICABLE_SELF",
}
KIND = {"kind": "CATEGORY", "category": "SHELTER", "serviceArea": "US-48-113", "maxConcurrentOffers": 2}


def window(length: timedelta, start: timedelta = timedelta(0)) -> dict[str, Any]:
    """A `validity` of this length."""
    return {"notBefore": (SIGNED + start).isoformat(), "notAfter": (SIGNED + start + length).isoformat()}


def refusal(org_class: OrgClass = OrgClass.HOTLINE_VSP, under: PolicyPack | None = None, **changes: Any) -> object:
    """What the hotline is told when it publishes this record."""
    return release_refusal(record(**changes), HOTLINE.org, org_class, under or pack(), NOW)


def test_a_lawful_release_is_taken_in() -> None:
    """The plain case."""
    assert refusal() is None


def test_nobody_publishes_anothers_release() -> None:
    """§2.5: one discloser, and it is the publisher."""
    code = release_refusal(record(HOSPITAL), HOTLINE.org, OrgClass.HOTLINE_VSP, pack(), NOW)
    assert code is RefusalCode.DISCLOSER_NOT_YOU


@pytest.mark.parametrize(
    ("purposes", "length", "code"),
    [
        (["SHELTER_PLACEMENT"], 14 * DAY, None),
        (["SHELTER_PLACEMENT"], 14 * DAY + timedelta(seconds=1), RefusalCode.NOT_TIME_LIMITED),
        (["TRANSPORT"], 3 * DAY, None),
        (["TRANSPORT"], 4 * DAY, RefusalCode.NOT_TIME_LIMITED),
        (["TRANSPORT", "SHELTER_PLACEMENT"], 14 * DAY, None),
        (["COUNSELING"], 30 * DAY, None),
        (["COUNSELING"], 31 * DAY, RefusalCode.NOT_TIME_LIMITED),
        (["COUNSELING"], timedelta(0), RefusalCode.NOT_TIME_LIMITED),
        (["COUNSELING"], -DAY, RefusalCode.NOT_TIME_LIMITED),
    ],
)
def test_a_release_runs_no_longer_than_its_purposes_allow(
    purposes: list[str], length: timedelta, code: RefusalCode | None
) -> None:
    """VAWA-03, domain.md §4.2; of several purposes the longest bounds the record, each its own use."""
    assert refusal(purposes=purposes, validity=window(length)) is code


def test_a_release_dated_far_ahead_is_not_time_limited() -> None:
    """A short window next year would be a long promise now."""
    assert refusal(validity=window(DAY, 300 * DAY)) is RefusalCode.NOT_TIME_LIMITED


def test_a_denial_may_last_as_long_as_she_wishes() -> None:
    """VAWA-03 limits what is shared, not what is forbidden."""
    assert refusal(decision="deny", validity=window(3000 * DAY)) is None


@pytest.mark.parametrize(
    ("org_class", "code"),
    [
        (OrgClass.HOTLINE_VSP, RefusalCode.NOT_WRITTEN),
        (OrgClass.HOSPITAL_HIPAA, RefusalCode.NOT_WRITTEN),
        (OrgClass.LAW_ENFORCEMENT, None),
    ],
)
def test_an_oral_release_is_for_those_whose_law_takes_it(org_class: OrgClass, code: RefusalCode | None) -> None:
    """VAWA-02, HIPAA-02: whatever regime the record claims, its publisher's class decides."""
    assert refusal(org_class, regimes=["POLICY-ONLY"], grantors=[AGENT], validity=window(DAY)) is code


def test_an_oral_release_is_not_for_a_record_whose_own_law_wants_writing() -> None:
    """The strictest regime applies, the record's own among them."""
    spoken: dict[str, Any] = {"regimes": ["FERPA"], "grantors": [AGENT], "validity": window(DAY)}
    assert refusal(OrgClass.LAW_ENFORCEMENT, **spoken) is RefusalCode.NOT_WRITTEN


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"validity": window(timedelta(hours=72))}, None),
        ({"validity": window(timedelta(hours=73))}, RefusalCode.NOT_TIME_LIMITED),
        ({"validity": window(timedelta(hours=71), timedelta(hours=1))}, None),
        ({"validity": window(timedelta(hours=71), timedelta(hours=2))}, RefusalCode.NOT_TIME_LIMITED),
        (
            {
                "validity": window(DAY),
                "recipients": [{"kind": "ORG", "orgId": SHELTER.org}, {"kind": "ORG", "orgId": OTHER_SHELTER.org}],
            },
            RefusalCode.RECIPIENT_NOT_SPECIFIC,
        ),
        ({"validity": window(DAY), "recipients": [KIND]}, RefusalCode.RECIPIENT_NOT_SPECIFIC),
    ],
)
def test_an_oral_release_is_for_one_organisation_and_three_days(
    changes: dict[str, Any], code: RefusalCode | None
) -> None:
    """domain.md §4.2, ORAL_TEMPORARY: the three days count from when it was spoken."""
    assert refusal(OrgClass.LAW_ENFORCEMENT, regimes=["POLICY-ONLY"], grantors=[AGENT], **changes) is code


def test_a_victim_service_provider_may_not_release_to_a_kind_of_organisation() -> None:
    """VAWA-06, whatever regime the record claims."""
    kind: dict[str, Any] = {"regimes": ["STATE-PRIVILEGE"], "recipients": [KIND]}
    assert refusal(**kind) is RefusalCode.RECIPIENT_NOT_SPECIFIC
    assert refusal(OrgClass.LAW_ENFORCEMENT, **kind) is None


@pytest.mark.parametrize(
    ("decision", "code", "clear"),
    [
        *(("permit", code, True) for code in ("FG07a", "FG03", "FG25")),
        *(("permit", code, False) for code in ("FG07", "FG99", "FG03a")),
        *(("deny", code, True) for code in ("FG07", "FG07c", "FG03")),
        *(("deny", code, False) for code in ("FG99", "FG03a")),
    ],
)
def test_a_group_that_nobody_knows_is_not_taken_in(decision: str, code: str, *, clear: bool) -> None:
    """§4.3, §7.2: it would permit or forbid nothing, and all would believe that it did. FG07 is a denial's word."""
    said = refusal(decision=decision, dataScope=scope("FG04", code))
    assert said is (None if clear else RefusalCode.PROPERTY_INVALID)


@pytest.mark.parametrize("path", ["personHandle.pronoun", "person_handle.pronouns", "FG99.x", "pronouns"])
def test_an_exclusion_that_names_nothing_is_not_taken_in(path: str) -> None:
    """VAWA-07: she would believe that it is left out, and it would not be."""
    excluding = {**scope("FG03", "FG04"), "excludedFields": ["personHandle.pronouns", path]}
    assert refusal(dataScope=excluding) is RefusalCode.PROPERTY_INVALID
    assert unclear_in(record(dataScope=excluding)) == "dataScope.excludedFields"


# --- partial revocation ---------------------------------------------------------------------------------------------


def left(of: ConsentRecord, what: str, *values: str, version: int = 1) -> ConsentTerms:
    """The terms that a revocation leaves."""
    return standing(of, of.status, [Revoked(version, what, values)])


def test_revoking_one_recipient_leaves_the_others() -> None:
    """§4.4: narrowed at once, under the same number: versions are the discloser's to number."""
    narrower = left(record(HOTLINE, SHELTER, OTHER_SHELTER), "RECIPIENT", SHELTER.org)
    assert narrower.ref.version == 1
    assert ask(question(), narrower).effect is Effect.DENY
    assert ask(question(recipient=OTHER_SHELTER), narrower).effect is Effect.PERMIT


def test_revoking_an_organisation_of_a_named_kind_excludes_it() -> None:
    """Otherwise it would still be reached as one of its kind."""
    wide = record(POLICE, regimes=["POLICY-ONLY"], recipients=[KIND])
    assert SHELTER.org in left(wide, "RECIPIENT", SHELTER.org).excluded


@pytest.mark.parametrize("value", ["FG07c", "FG07"])
def test_revoking_a_group_takes_its_parts_with_it(value: str) -> None:
    """FG07 means all of FG07a to FG07e."""
    narrower = left(record(dataScope=scope("FG03", "FG07c")), "FIELD_GROUP", value)
    assert narrower.scope == group_sets.mask(groups("FG03"))


def test_revoking_a_purpose_leaves_the_others() -> None:
    """Transport is off, the bed stays."""
    narrower = left(record(purposes=["SHELTER_PLACEMENT", "TRANSPORT"]), "PURPOSE", "TRANSPORT")
    assert narrower.purposes == {"SHELTER_PLACEMENT"}


def test_one_revocation_after_the_other_takes_both_parts() -> None:
    """Each narrows what the one before has left."""
    wide = record(HOTLINE, SHELTER, OTHER_SHELTER, purposes=["SHELTER_PLACEMENT", "TRANSPORT"])
    both = standing(wide, "active", [Revoked(1, "RECIPIENT", (SHELTER.org,)), Revoked(1, "PURPOSE", ("TRANSPORT",))])
    assert both.recipients == {OTHER_SHELTER.org}
    assert both.purposes == {Purpose.SHELTER_PLACEMENT}


@pytest.mark.parametrize(("covers", "permitted"), [(1, True), (2, False), (3, False)])
def test_a_revocation_covers_every_version_up_to_its_number(covers: int, permitted: bool) -> None:
    """Version 2 was signed after a revocation of version 1; one of version 2 or 3 knew it, or what came later."""
    later = record(version=2, supersedes={"consentId": CONSENT, "version": 1})
    assert (ask(question(), left(later, "ALL", version=covers)).effect is Effect.PERMIT) is permitted


@pytest.mark.parametrize(
    ("what", "values"),
    [
        ("ALL", ["x"]),
        ("RECIPIENT", []),
        ("RECIPIENT", [SHELTER.org]),
        ("PURPOSE", ["SHELTER_PLACEMENT"]),
        ("FIELD_GROUP", ["FG03"]),
        ("SOMETHING", ["x"]),
        ("FIELD_GROUP", ["fg04"]),
        ("FIELD_GROUP", ["FG99"]),
        ("PURPOSE", ["SHELTER"]),
    ],
)
def test_a_revocation_that_leaves_nothing_or_is_not_understood_takes_all(what: str, values: list[str]) -> None:
    """Doubt goes against disclosure."""
    assert left(record(dataScope=scope("FG03")), what, *values).status == "revoked"


def test_an_organisation_that_nobody_knows_takes_the_whole_of_a_permit() -> None:
    """§4.4: a slip of the pen takes more, never nothing; a recipient of hers and one of the network are understood."""
    permit, network = record(HOTLINE, SHELTER, OTHER_SHELTER), frozenset({POLICE.org})
    slip = Revoked(1, "RECIPIENT", ("org-shelter-brich",))
    assert standing(permit, "active", [understood(slip, permit, network)]).status == "revoked"
    for known in (SHELTER, POLICE):
        named = Revoked(1, "RECIPIENT", (known.org,))
        assert understood(named, permit, network) == named
        assert standing(permit, "active", [named]).status == "active"
    assert understood(slip, None, network).scope == understood(Revoked(1, "RECIPIENT", ("x",)), None, network).scope


def test_an_organisation_that_nobody_knows_takes_nothing_of_a_denial() -> None:
    """It is not turned into a revocation of the whole, which would be a wider yes."""
    denial = record(HOTLINE, SHELTER, decision="deny")
    kept = understood(Revoked(1, "RECIPIENT", ("org-shelter-brich",)), denial, frozenset())
    assert standing(denial, "active", [kept]) == terms(denial)


@pytest.mark.parametrize("what", ["RECIPIENT", "SOMETHING"])
def test_part_of_a_denial_is_not_revoked(what: str) -> None:
    """Part of a no taken back is a wider yes: it needs a new version. The whole may be taken back."""
    denial = record(HOTLINE, SHELTER, OTHER_SHELTER, decision="deny")
    assert left(denial, what, SHELTER.org) == terms(denial)
    assert left(denial, "ALL").status == "revoked"


def test_an_exclusion_outlives_the_whole_records_revocation() -> None:
    """0023: she took back a permission, not her fear."""
    taken_back = left(record(excludedRecipients=[OTHER_SHELTER.org]), "ALL")
    assert ask(question(recipient=OTHER_SHELTER), taken_back).reason is Reason.RECIPIENT_EXCLUDED
