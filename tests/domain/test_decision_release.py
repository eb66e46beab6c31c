"""A release permits what it says, to whom it says, for what, and while it lasts; nothing else permits."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.domain.consent import (
    ConsentRef,
    ConsentTerms,
    Effect,
    Reason,
    decide,
)
from broker.domain.pack import Basis
from broker.domain.policy import read_pack
from broker.schemas.field_groups import FieldGroup
from broker.schemas.vocabulary import OrgClass, Purpose
from tests.domain.cast import (
    CONSENT,
    DAY,
    HOTLINE,
    NOW,
    OTHER_SHELTER,
    PACK_FILE,
    POLICE,
    SHELTER,
    SIGNED,
    USUAL,
    another,
    ask,
    groups,
    pack,
    party,
    question,
    record,
    release,
    scope,
)


def test_a_release_lets_through_what_it_covers_and_the_recipient_needs() -> None:
    """The plain case, with all that goes along."""
    decision = ask(question(), release())
    assert decision.effect is Effect.PERMIT
    assert decision.let_through == USUAL
    assert decision.consent == ConsentRef(CONSENT, 1)
    assert decision.expires_at == SIGNED + 14 * DAY
    assert decision.basis is Basis.RELEASE
    assert not decision.late_sealing
    assert decision.obligations.redisclosure_prohibited
    assert decision.obligations.notice_code == "VAWA-LOCAL"
    assert {"D3", "VAWA-04", "VAWA-05", "VAWA-07", "VAWA-08", "§7.4"} <= set(decision.rules)


def test_the_domains_own_example_reaches_the_shelter_it_names() -> None:
    """The record printed in domain.md §4.2: name and contact go, the danger summary is above its tier."""
    example = release(
        HOTLINE,
        dataScope={
            "fieldGroups": ["FG01", "FG02", "FG03", "FG04", "FG10"],
            "excludedFields": ["legalIdentity.legalFamilyName"],
            "maxTier": 3,
        },
        purposes=["SHELTER_PLACEMENT", "TRANSPORT"],
    )
    decision = ask(question(groups=USUAL | groups("FG07b")), example)
    assert decision.let_through == groups("FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG23")
    assert decision.withheld[FieldGroup("FG10")] is Reason.TIER_TOO_HIGH
    assert decision.withheld[FieldGroup("FG07b")] is Reason.OUT_OF_SCOPE
    assert decision.obligations.excluded_fields == ("legalIdentity.legalFamilyName",)


def test_without_any_release_a_victim_service_provider_is_held_not_refused() -> None:
    """VAWA-01a: the survivor may still be asked."""
    decision = ask(question(consent=None))
    assert (decision.effect, decision.reason) == (Effect.HOLD, Reason.NO_RELEASE)
    assert "VAWA-01a" in decision.rules


def test_a_release_that_is_named_but_not_seen_holds() -> None:
    """domain.md §4.5: read your writes."""
    decision = ask(question())
    assert (decision.effect, decision.reason) == (Effect.HOLD, Reason.CONSENT_NOT_SEEN)


def test_an_older_version_than_the_one_named_counts_as_not_seen() -> None:
    """domain.md §4.5: a narrower version 2 may be on its way."""
    decision = ask(question(consent=ConsentRef(CONSENT, 2)), release())
    assert (decision.effect, decision.reason) == (Effect.HOLD, Reason.CONSENT_NOT_SEEN)


def test_a_newer_version_than_the_one_named_is_the_one_that_counts() -> None:
    """A narrower version takes effect on referrals that named the wider one."""
    narrower = release(HOTLINE, version=2, dataScope=scope("FG01", "FG02", "FG03", "FG04", "FG24"))
    decision = ask(question(), narrower)
    assert decision.consent == ConsentRef(CONSENT, 2)
    assert decision.withheld == {FieldGroup("FG10"): Reason.OUT_OF_SCOPE}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_versions_of_a_record_only_the_newest_counts(order: tuple[int, int]) -> None:
    """The older, wider one says nothing any more, in whatever order they lie there."""
    versions = (release(), replace(release(), ref=ConsentRef(CONSENT, 2), status="revoked"))
    decision = ask(question(), *(versions[place] for place in order))
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.CONSENT_REVOKED)


@pytest.mark.parametrize("status", ["revoked", "suspended", "superseded"])
def test_a_revoked_suspended_or_superseded_release_permits_nothing(status: str) -> None:
    """VAWA-16."""
    decision = ask(question(), replace(release(), status=status))
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.CONSENT_REVOKED)
    assert "VAWA-16" in decision.rules


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("expired", Reason.CONSENT_EXPIRED),
        ("draft", Reason.CONSENT_NOT_ACTIVE),
        ("entered-in-error", Reason.CONSENT_NOT_ACTIVE),
        ("blessed", Reason.CONSENT_NOT_ACTIVE),
    ],
)
def test_a_release_that_is_not_active_permits_nothing(status: str, reason: Reason) -> None:
    """Only `active` permits; a status that nobody knows does not."""
    decision = ask(question(), replace(release(), status=status))
    assert (decision.effect, decision.reason) == (Effect.DENY, reason)


SKEW = timedelta(seconds=2)
ONE_DAY = {"notBefore": SIGNED.isoformat(), "notAfter": (SIGNED + DAY).isoformat()}
ONCE = ONE_DAY | {"maxUses": 1}


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (SIGNED - DAY, Reason.CONSENT_NOT_YET),
        (SIGNED + SKEW - timedelta(microseconds=1), Reason.CONSENT_NOT_YET),
        (SIGNED + SKEW, None),
        (SIGNED + 14 * DAY - SKEW - timedelta(microseconds=1), None),
        (SIGNED + 14 * DAY - SKEW, Reason.CONSENT_EXPIRED),
        (SIGNED + 14 * DAY, Reason.CONSENT_EXPIRED),
        (SIGNED + 400 * DAY, Reason.CONSENT_EXPIRED),
    ],
)
def test_the_window_is_open_at_its_start_closed_at_its_end_and_skew_counts_against_disclosure(
    now: datetime, reason: Reason | None
) -> None:
    """VAWA-04, domain.md §4.4: two seconds of doubt at either edge mean no."""
    assert ask(question(), release(), now=now).reason is reason


@pytest.mark.parametrize(("at", "permitted"), [(SIGNED, True), (SIGNED + 14 * DAY, False)])
def test_without_skew_the_edges_are_exactly_the_records(at: datetime, permitted: bool) -> None:
    """VAWA-04: notBefore is inside, notAfter is outside."""
    exact = replace(pack(), clock_skew=timedelta(0))
    assert (ask(question(), release(), now=at, under=exact).effect is Effect.PERMIT) is permitted


def test_a_release_not_yet_in_force_says_when_to_ask_again() -> None:
    """It holds, and the moment at which it will permit is known."""
    held = ask(question(), release(), now=SIGNED - DAY)
    assert held.effect is Effect.HOLD
    assert held.again_at is not None
    assert ask(question(), release(), now=held.again_at).effect is Effect.PERMIT


def test_a_window_over_a_leap_day_and_a_change_of_summer_time_ends_to_the_second() -> None:
    """C3: windows are lengths of real time, whatever zone they were written in."""
    leap = release(validity={"notBefore": "2028-02-28T23:00:00-05:00", "notAfter": "2028-03-13T23:00:00-04:00"})
    end = datetime(2028, 3, 14, 3, tzinfo=UTC)
    assert ask(question(), leap, now=end - 3 * SKEW).effect is Effect.PERMIT
    assert ask(question(), leap, now=end - SKEW).reason is Reason.CONSENT_EXPIRED


def test_a_time_without_a_zone_is_no_time() -> None:
    """C3: naive datetimes are refused, not guessed."""
    with pytest.raises(ValueError, match="zone"):
        decide(question(), [release()], NOW.replace(tzinfo=None), pack())


def test_a_purpose_with_a_shorter_time_ends_earlier_within_the_same_release() -> None:
    """domain.md §4.2: transport three days, though the placement runs for fourteen."""
    both = release(purposes=["SHELTER_PLACEMENT", "TRANSPORT"])
    ride = question(purpose=Purpose.TRANSPORT)
    assert ask(ride, both).expires_at == SIGNED + 3 * DAY
    assert ask(ride, both, now=SIGNED + 3 * DAY).reason is Reason.CONSENT_EXPIRED
    assert ask(question(), both, now=SIGNED + 3 * DAY).effect is Effect.PERMIT


@pytest.mark.parametrize(
    ("consent", "reason", "rule"),
    [
        (release(POLICE), Reason.NO_RELEASE, "VAWA-01a"),
        (release(HOTLINE, OTHER_SHELTER), Reason.RECIPIENT_NOT_NAMED, "VAWA-05"),
        (release(purposes=["COUNSELING"]), Reason.PURPOSE_MISMATCH, "VAWA-08"),
        (release().used(1), None, "VAWA-04"),
        (release(validity=ONCE).used(1), Reason.CONSENT_USED_UP, "§4.2"),
        (release(validity=ONCE).used(0), None, "VAWA-04"),
        (release().used(0, ended=True), Reason.CONSENT_ENDED, "§4.2"),
    ],
)
def test_a_release_permits_only_its_own_discloser_recipient_purpose_and_uses(
    consent: ConsentTerms, reason: Reason | None, rule: str
) -> None:
    """Each part of a release binds."""
    decision = ask(question(), consent)
    assert decision.reason is reason
    assert rule in decision.rules


@pytest.mark.parametrize(
    ("missing", "effect"),
    [("FG03", Effect.DENY), ("FG04", Effect.DENY), ("FG10", Effect.PERMIT), ("FG24", Effect.PERMIT)],
)
def test_nothing_goes_where_the_release_leaves_out_what_the_shelter_cannot_work_without(
    missing: str, effect: Effect
) -> None:
    """§4.3 step 7: no useless part with identity in it; but a bed is not refused for a danger summary kept back."""
    covered = sorted(USUAL - groups(missing))
    decision = ask(question(), release(dataScope=scope(*covered)))
    assert decision.effect is effect
    assert decision.withheld[FieldGroup(missing)] is Reason.OUT_OF_SCOPE
    if effect is Effect.DENY:
        assert decision.reason is Reason.INSUFFICIENT_SCOPE
        assert decision.withheld[FieldGroup("FG01")] is Reason.INSUFFICIENT_SCOPE


def test_what_is_not_about_the_survivor_needs_no_line_in_the_release() -> None:
    """Ids and times, jurisdiction, the worker's number."""
    decision = ask(question(), release(dataScope=scope("FG01", "FG02", "FG03", "FG04", "FG10", "FG24")))
    assert groups("FG00", "FG07a", "FG23") <= decision.let_through


def test_several_releases_together_reach_as_far_as_each_of_them() -> None:
    """Each stands by itself; the first end and the strictest notice count."""
    contact = release(dataScope=scope("FG01", "FG02", "FG03", "FG04"))
    danger = another(
        release(
            dataScope=scope("FG10"),
            validity={"notBefore": SIGNED.isoformat(), "notAfter": (SIGNED + DAY).isoformat()},
            redisclosure={"prohibited": False, "notice": "NONE"},
        ),
        2,
    )
    decision = ask(question(), danger, contact)
    assert groups("FG03", "FG04", "FG10") <= decision.let_through
    assert decision.consents == (contact.ref, danger.ref)
    assert ask(question(), contact, danger) == decision
    assert decision.expires_at == SIGNED + DAY
    assert decision.obligations.notice_code == "VAWA-LOCAL"
    assert decision.obligations.redisclosure_prohibited


def test_a_group_for_one_check_goes_with_the_duty_to_delete_it() -> None:
    """§7.4, sign 1: the conflict check."""
    decision = ask(question(groups=USUAL | groups("FG14")), release())
    assert decision.obligations.single_use == groups("FG14")


def test_an_oral_release_does_not_do_for_one_who_must_have_it_in_writing() -> None:
    """VAWA-02, even where the record names a regime that would take it."""
    spoken = release(
        regimes=["STATE-PRIVILEGE"], grantors=[record().grantors[0].model_copy(update={"form": "ORAL_TEMPORARY"})]
    )
    assert ask(question(), replace(spoken, oral=True)).reason is Reason.NOT_WRITTEN


@pytest.mark.parametrize(
    ("changes", "hours", "reason"),
    [
        ({}, 71, None),
        ({}, 72, Reason.CONSENT_EXPIRED),
        ({"recipients": frozenset({SHELTER.org, OTHER_SHELTER.org})}, 1, Reason.RECIPIENT_NOT_SPECIFIC),
        ({"regimes": frozenset({"FERPA"})}, 1, Reason.NOT_WRITTEN),
    ],
)
def test_an_oral_release_counts_for_three_days_for_one_and_never_where_writing_is_due(
    changes: dict[str, Any], hours: int, reason: Reason | None
) -> None:
    """§4.2, ORAL_TEMPORARY: the gate says so too, should the registry hold one that intake would refuse today."""
    spoken = replace(release(POLICE, regimes=["POLICY-ONLY"]), oral=True, **changes)
    decision = ask(question(discloser=POLICE), spoken, now=SIGNED + timedelta(hours=hours))
    assert decision.reason is reason
    assert decision.expires_at in (None, SIGNED + timedelta(hours=72))


def test_a_schools_release_under_another_law_is_no_release() -> None:
    """FERPA: it waits for hers, whomever the other one names."""
    school = party(OrgClass.SCHOOL_FERPA)
    for other in (release(school), release(school, OTHER_SHELTER)):
        decision = ask(question(discloser=school), other)
        assert (decision.effect, decision.reason) == (Effect.HOLD, Reason.NO_RELEASE)


def test_the_groups_of_a_row_that_asks_for_a_release_bound_the_release_too() -> None:
    """0021: adding a list of groups to a row can only tighten."""
    row = b'to = ["*"]\nbasis = "RELEASE"\n'
    shipped = PACK_FILE.read_bytes()
    tighter = read_pack(shipped.replace(row, row + b'groups = ["FG00", "FG01", "FG02", "FG03", "FG04", "FG23"]\n'))
    decision = ask(question(), release(), under=tighter)
    assert decision.let_through == USUAL - groups("FG10", "FG24")
    assert decision.withheld == dict.fromkeys(groups("FG10", "FG24"), Reason.OUT_OF_SCOPE)


KIND = [{"kind": "CATEGORY", "category": "SHELTER", "serviceArea": "US-48-113", "maxConcurrentOffers": 1}]


def test_a_release_of_the_police_may_name_a_kind_of_recipient_in_an_area() -> None:
    """Allowed where no regime asks for names; the keys are then wrapped late."""
    consent = release(POLICE, regimes=["POLICY-ONLY"], recipients=KIND)
    local = replace(SHELTER, areas=frozenset({"US-48-113"}))
    decision = ask(question(discloser=POLICE, recipient=local), consent)
    assert decision.effect is Effect.PERMIT
    assert decision.late_sealing
    assert decision.obligations.max_concurrent_offers == 1


def test_a_kind_of_recipient_outside_the_area_is_not_named() -> None:
    """The area is part of what she agreed to; a shelter whose area nobody knows is outside."""
    consent = release(POLICE, regimes=["POLICY-ONLY"], recipients=KIND)
    assert ask(question(discloser=POLICE), consent).reason is Reason.RECIPIENT_NOT_NAMED


def test_a_victim_service_providers_release_never_names_a_kind() -> None:
    """VAWA-06, whatever regime the record names for itself."""
    consent = release(HOTLINE, regimes=["STATE-PRIVILEGE"], recipients=KIND)
    local = replace(SHELTER, areas=frozenset({"US-48-113"}))
    assert ask(question(recipient=local), consent).reason is Reason.RECIPIENT_NOT_SPECIFIC
