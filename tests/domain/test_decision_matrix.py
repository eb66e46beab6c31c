"""What the rows of the disclosure matrix have in common: direction matters, and an offer is not a release."""

from dataclasses import replace

import pytest

from broker.domain.consent import (
    ConsentTerms,
    Effect,
    Phase,
    Reason,
)
from broker.domain.pack import Basis
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, Tier
from tests.domain.cast import (
    AUDITOR,
    CLINIC,
    EVERYTHING,
    HOSPITAL,
    HOTLINE,
    LEGAL_AID,
    OTHER_SHELTER,
    POLICE,
    SHELTER,
    USUAL,
    ask,
    groups,
    pack,
    party,
    police_question,
    question,
    release,
    scope,
)

CHILD_PROTECTION = party(OrgClass.CHILD_PROTECTION)


def test_a_hospital_needs_an_authorization_towards_a_shelter() -> None:
    """D4, HIPAA-01: a release of another kind is none."""
    asked = question(discloser=HOSPITAL)
    assert ask(asked._replace(consent=None)).effect is Effect.HOLD
    assert ask(asked, release(HOSPITAL, regimes=["POLICY-ONLY"])).reason is Reason.NO_HIPAA_BASIS
    assert ask(asked, release(HOSPITAL, regimes=["HIPAA-AUTH"])).effect is Effect.PERMIT


def test_a_hospital_refers_to_a_clinic_for_treatment_without_one() -> None:
    """D6: treatment; still no more than the clinic needs."""
    asked = question(discloser=HOSPITAL, recipient=CLINIC, consent=None, groups=USUAL | groups("FG16", "FG17"))
    decision = ask(asked)
    assert decision.basis is Basis.TREATMENT
    assert FieldGroup("FG17") in decision.let_through
    assert decision.withheld == {FieldGroup("FG16"): Reason.NOT_NECESSARY}


def test_the_police_tell_a_clinic_the_medical_minimum() -> None:
    """D6: FG17 and contact, not the danger summary."""
    decision = ask(police_question(recipient=CLINIC, groups=USUAL | groups("FG17")))
    assert FieldGroup("FG17") in decision.let_through
    assert decision.withheld == {FieldGroup("FG10"): Reason.OUT_OF_SCOPE}


def test_a_court_passes_on_what_it_made_itself() -> None:
    """D7: FG16 only."""
    court = party(OrgClass.COURT)
    asked = question(discloser=court, recipient=CLINIC, consent=None, groups=groups("FG00", "FG04", "FG16"))
    assert ask(asked).reason is Reason.INSUFFICIENT_SCOPE
    legal = question(discloser=court, recipient=LEGAL_AID, consent=None, groups=groups("FG00", "FG04", "FG16"))
    assert ask(legal).let_through == groups("FG00", "FG04", "FG16")


def test_legal_aid_gets_the_case_and_the_conflict_check_by_agreement() -> None:
    """D8."""
    decision = ask(police_question(recipient=LEGAL_AID, groups=USUAL | groups("FG14", "FG16")))
    assert groups("FG14", "FG16") <= decision.let_through
    assert decision.obligations.single_use == groups("FG14")
    assert decision.withheld == {FieldGroup("FG10"): Reason.OUT_OF_SCOPE}


def test_reports_to_child_protection_go_their_own_way() -> None:
    """D11: no release opens this one."""
    to = replace(CHILD_PROTECTION, category=RecipientCategory.ADVOCACY)
    asked = question(recipient=to, purpose=Purpose.CHILD_SERVICES)
    consent = release(HOTLINE, to, purposes=["CHILD_SERVICES"])
    assert ask(asked, consent).reason is Reason.OUT_OF_BROKER


def test_an_auditor_sees_codes_and_times() -> None:
    """D12, VAWA-15: tier 1 at most."""
    decision = ask(question(recipient=AUDITOR, groups=EVERYTHING), release(HOTLINE, AUDITOR))
    assert decision.let_through == groups("FG00", "FG07a")
    assert decision.withheld[FieldGroup("FG23")] is Reason.AGGREGATE_ONLY


def test_what_the_survivor_does_herself_needs_no_release() -> None:
    """D14."""
    assert ask(question(discloser=party(OrgClass.SELF), consent=None)).effect is Effect.PERMIT


def test_a_pair_that_no_row_fits_has_no_basis() -> None:
    """Default deny."""
    decision = ask(question(discloser=party(OrgClass.HOUSING)), release())
    assert (decision.effect, decision.reason, decision.basis) == (Effect.DENY, Reason.NO_BASIS, None)


def test_an_offer_carries_no_identity() -> None:
    """Phase 1 (design.md §2): what follows after acceptance is named as such, without being shown."""
    decision = ask(question(Phase.OFFER), release())
    assert decision.let_through == groups("FG00", "FG01", "FG02", "FG07a", "FG23", "FG24")
    assert decision.withheld == dict.fromkeys(groups("FG03", "FG04", "FG10"), Reason.AFTER_ACCEPTANCE)
    assert all(GROUPS[group].tier <= Tier.QUASI_IDENTIFYING for group in decision.let_through)


def test_nobody_is_offered_whom_identity_could_never_reach() -> None:
    """An offer that could not be followed up would only spread what is known."""
    short = release(dataScope=scope("FG01", "FG02", "FG04"))
    assert ask(question(Phase.OFFER), short).reason is Reason.INSUFFICIENT_SCOPE
    assert ask(question(Phase.OFFER, recipient=OTHER_SHELTER), release()).reason is Reason.RECIPIENT_NOT_NAMED


def test_the_county_stays_out_of_an_offer_and_follows_after_acceptance() -> None:
    """§7.4: the offer's column has the jurisdiction only."""
    decision = ask(police_question(Phase.OFFER, groups=USUAL | groups("FG07b")))
    assert decision.withheld[FieldGroup("FG07b")] is Reason.AFTER_ACCEPTANCE


def test_a_hotlines_offer_without_a_release_is_held() -> None:
    """VAWA-01b: even what names nobody may identify."""
    asked = question(Phase.OFFER, consent=None, groups=groups("FG00", "FG01", "FG02"))
    decision = ask(asked)
    assert (decision.effect, decision.reason) == (Effect.HOLD, Reason.MAY_IDENTIFY)
    assert ask(asked._replace(groups=USUAL)).reason is Reason.NO_RELEASE


def test_an_opaque_offer_goes_coarse_where_a_pack_allows_it() -> None:
    """VAWA-01b with the flag on: need and access in coarse form, and nothing more ever follows."""
    open_pack = replace(pack(), vsp_opaque_offers=True)
    offer = ask(question(Phase.OFFER, consent=None), under=open_pack)
    assert offer.let_through == groups("FG00", "FG01", "FG02", "FG07a", "FG23")
    assert offer.obligations.coarse
    assert offer.withheld[FieldGroup("FG03")] is Reason.MAY_IDENTIFY
    assert ask(question(consent=None), under=open_pack).effect is Effect.HOLD


FEEDBACK = question(
    Phase.FEEDBACK, SHELTER, POLICE, purpose=Purpose.STATUS_FEEDBACK, groups=groups("FG25"), consent=None
)


def test_without_a_release_the_police_hear_nothing_of_what_became_of_her() -> None:
    """D2, VAWA-12."""
    decision = ask(FEEDBACK)
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.FEEDBACK_NOT_RELEASED)


def test_with_the_shelters_release_for_status_the_police_hear_it() -> None:
    """VAWA-12: a release of the provider's that names this source for this purpose."""
    status = release(SHELTER, POLICE, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG25"))
    decision = ask(FEEDBACK._replace(consent=status.ref), status)
    assert decision.let_through == groups("FG25")
    assert not decision.late_sealing


@pytest.mark.parametrize(
    "wrong",
    [
        release(POLICE, SHELTER, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG25")),
        release(SHELTER, HOSPITAL, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG25")),
        release(SHELTER, POLICE, dataScope=scope("FG25")),
        release(SHELTER, POLICE, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG03")),
        release(SHELTER, POLICE, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG25", tier=2)),
        replace(release(SHELTER, POLICE, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG25")), status="revoked"),
    ],
)
def test_no_other_release_lets_the_source_hear_it(wrong: ConsentTerms) -> None:
    """Not the source's own, not for another source, purpose or group, nor one that was taken back."""
    assert ask(FEEDBACK, wrong).effect is Effect.DENY


def test_a_provider_that_keeps_no_confidence_of_its_own_may_tell() -> None:
    """The pack's STATUS rows: a housing office is no victim service provider."""
    asked = FEEDBACK._replace(discloser=party(OrgClass.HOUSING))
    assert ask(asked).let_through == groups("FG25")


def test_whoever_names_a_release_is_bound_by_it_even_where_policy_lets_it_speak() -> None:
    """0023: what she took back is not told after all by policy."""
    status = release(party(OrgClass.HOUSING), POLICE, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG25"))
    asked = FEEDBACK._replace(discloser=party(OrgClass.HOUSING), consent=status.ref)
    assert ask(asked, status).let_through == groups("FG25")
    revoked = ask(asked, replace(status, status="revoked"))
    assert (revoked.effect, revoked.reason) == (Effect.DENY, Reason.CONSENT_REVOKED)
