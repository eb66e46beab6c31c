"""Every row of the disclosure matrix (domain.md §3), one test each, named by the row, under the pack that ships."""

from typing import cast

import pytest
from pydantic import ValidationError

from adapters.kind import kinds
from broker.domain.consent import Decision, Effect, Party, Phase, Reason
from broker.domain.pack import Basis
from broker.schemas.case_groups import LegalProceedings
from broker.schemas.event import Flow
from broker.schemas.field_groups import GROUPS
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, Tier, VictimAgreed
from broker.store.directory import OrganisationCard
from tests.domain.cast import (
    AUDITOR,
    CLINIC,
    COUNSELING,
    EVERYTHING,
    HOSPITAL,
    HOTLINE,
    LEGAL_AID,
    NOW,
    OTHER_SHELTER,
    POLICE,
    SHELTER,
    USUAL,
    ask,
    groups,
    party,
    police_question,
    question,
    release,
    scope,
)

COURT = party(OrgClass.COURT)
UNRELEASED = (Effect.HOLD, Reason.NO_RELEASE)


def answer(decision: Decision) -> tuple[Effect, Reason | None]:
    """What was said and why."""
    return decision.effect, decision.reason


def test_d1_what_the_police_may_tell_is_what_she_said() -> None:
    """YES: the row's groups. NO: nothing. NOT_ASKED_UNSAFE: an offer that names nobody, with the worker's number."""
    asked = police_question(groups=EVERYTHING)
    assert ask(asked).let_through <= groups(
        "FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG07b", "FG10", "FG12", "FG23", "FG24"
    )
    assert groups("FG03", "FG04", "FG10") <= ask(asked).let_through
    for phase in (Phase.OFFER, Phase.RELEASE):
        said_no = ask(police_question(phase, victim_agreed=VictimAgreed.NO))
        assert answer(said_no) == (Effect.DENY, Reason.VICTIM_SAID_NO)
    unsafe = ask(police_question(Phase.OFFER, victim_agreed=VictimAgreed.NOT_ASKED_UNSAFE))
    assert unsafe.let_through == groups("FG00", "FG01", "FG02", "FG07a", "FG23", "FG24")
    later = ask(police_question(victim_agreed=VictimAgreed.NOT_ASKED_UNSAFE))
    assert answer(later) == (Effect.HOLD, Reason.VICTIM_NOT_ASKED)


@pytest.mark.parametrize("provider", [SHELTER, HOTLINE, party(OrgClass.VSP_ADVOCACY)])
def test_d2_the_police_are_told_nothing_without_a_release_that_names_them(provider: Party) -> None:
    """Nor whether she is there: what became of her is a disclosure, too."""
    asked = question(Phase.FEEDBACK, provider, POLICE, groups=groups("FG25"), consent=None)
    assert answer(ask(asked)) == (Effect.DENY, Reason.FEEDBACK_NOT_RELEASED)
    elsewhere = release(provider, HOSPITAL, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG25"))
    assert ask(asked._replace(consent=elsewhere.ref), elsewhere).effect is Effect.DENY
    named = release(provider, POLICE, purposes=["STATUS_FEEDBACK"], dataScope=scope("FG25"))
    assert ask(asked._replace(consent=named.ref), named).let_through == groups("FG25")


def test_d3_another_shelter_is_outside() -> None:
    """Each release is for one agency; a sister organisation needs its own."""
    asked = question(discloser=SHELTER, recipient=OTHER_SHELTER)
    assert answer(ask(asked._replace(consent=None))) == UNRELEASED
    assert ask(asked, release(SHELTER, OTHER_SHELTER)).effect is Effect.PERMIT
    assert answer(ask(asked, release(SHELTER, HOTLINE))) == (Effect.DENY, Reason.RECIPIENT_NOT_NAMED)


@pytest.mark.parametrize("recipient", [SHELTER, LEGAL_AID])
def test_d4_a_hospital_waits_for_an_authorization(recipient: Party) -> None:
    """HIPAA-01: neither her word nor a release of another kind opens it."""
    asked = question(discloser=HOSPITAL, recipient=recipient)
    purposes = [asked.purpose]
    assert answer(ask(asked._replace(consent=None))) == UNRELEASED
    other = release(HOSPITAL, recipient, regimes=["POLICY-ONLY"], purposes=purposes)
    assert answer(ask(asked, other)) == (Effect.DENY, Reason.NO_HIPAA_BASIS)
    authorized = release(HOSPITAL, recipient, regimes=["HIPAA-AUTH"], purposes=purposes)
    assert ask(asked, authorized).basis is Basis.AUTH_164_508


def test_d5_a_hospitals_report_to_the_police_is_no_referral() -> None:
    """A mandated report has its own way; not even a release sends one through here."""
    asked = question(discloser=HOSPITAL, recipient=POLICE)
    assert answer(ask(asked, release(HOSPITAL, POLICE, regimes=["HIPAA-AUTH"]))) == (
        Effect.DENY,
        Reason.OUT_OF_BROKER,
    )


def test_d6_a_clinic_gets_the_medical_minimum() -> None:
    """From a hospital as treatment, cut down to §7.4; from the police by agreement: FG17, and not the danger."""
    by_hospital = question(discloser=HOSPITAL, recipient=CLINIC, consent=None, groups=EVERYTHING)
    treatment, agreement = ask(by_hospital), ask(police_question(recipient=CLINIC, groups=EVERYTHING))
    assert (treatment.basis, agreement.basis) == (Basis.TREATMENT, Basis.AGREEMENT)
    for decision in (treatment, agreement):
        assert groups("FG17") <= decision.let_through
        assert not decision.let_through & groups("FG14", "FG16", "FG19")
    assert agreement.let_through <= groups("FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG17", "FG23", "FG24")


@pytest.mark.parametrize("recipient", [SHELTER, COUNSELING, CLINIC])
def test_d7_a_court_passes_on_no_more_than_its_own_orders(recipient: Party) -> None:
    """FG16 at most; and the group has no word in which anything sealed could travel."""
    decision = ask(question(discloser=COURT, recipient=recipient, consent=None, groups=EVERYTHING))
    assert decision.let_through <= groups("FG00", "FG07a", "FG16", "FG23")
    with pytest.raises(ValidationError):
        LegalProceedings.model_validate({**LegalProceedings.EXAMPLE, "sealed": True})


@pytest.mark.parametrize("discloser", [COURT, POLICE])
def test_d8_legal_aid_gets_the_case_by_her_agreement(discloser: Party) -> None:
    """FG01-04 and FG16, and FG14 for one conflict check only."""
    beyond = groups("FG05", "FG13", "FG20")  # Required where present, and she has to bring them herself (0022).
    asked = question(discloser=discloser, recipient=LEGAL_AID, consent=None, groups=EVERYTHING - beyond)
    decision = ask(asked)
    assert groups("FG01", "FG02", "FG03", "FG04", "FG14", "FG16") <= decision.let_through
    assert not decision.let_through & groups("FG10", "FG12", "FG17")
    assert decision.obligations.single_use == groups("FG14")
    assert ask(asked._replace(victim_agreed=VictimAgreed.NO)).effect is Effect.DENY


def test_d9_legal_aid_tells_nobody_but_a_receipt() -> None:
    """Attorney-client privilege: the client's own release, in either direction."""
    asked = question(discloser=LEGAL_AID, recipient=SHELTER)
    assert answer(ask(asked._replace(consent=None))) == UNRELEASED
    assert ask(asked, release(LEGAL_AID)).basis is Basis.RELEASE
    told = question(Phase.FEEDBACK, LEGAL_AID, POLICE, groups=groups("FG25"), consent=None)
    assert answer(ask(told)) == (Effect.DENY, Reason.FEEDBACK_NOT_RELEASED)


def test_d10_a_hotline_needs_a_release_towards_a_shelter() -> None:
    """Where she speaks herself on a three-way call nothing passes the broker, so there is nothing to permit."""
    assert answer(ask(question(consent=None))) == UNRELEASED
    assert ask(question(Phase.OFFER, consent=None)).effect is Effect.HOLD
    assert ask(question(), release()).let_through == USUAL


@pytest.mark.parametrize("authority", [OrgClass.CHILD_PROTECTION, OrgClass.ADULT_PROTECTION])
@pytest.mark.parametrize("discloser", [HOTLINE, POLICE, HOSPITAL, COURT, party(OrgClass.SELF)])
def test_d11_a_report_to_a_protective_service_is_out_of_broker(authority: OrgClass, discloser: Party) -> None:
    """From anybody, with or without a release."""
    to = party(authority, RecipientCategory.ADVOCACY)
    asked = question(discloser=discloser, recipient=to, purpose=Purpose.CHILD_SERVICES)
    decision = ask(asked, release(discloser, to, regimes=["VAWA", "HIPAA-AUTH"], purposes=["CHILD_SERVICES"]))
    assert answer(decision) == (Effect.DENY, Reason.OUT_OF_BROKER)


@pytest.mark.parametrize("discloser", [HOTLINE, POLICE, HOSPITAL])
def test_d12_an_auditor_gets_the_trail_and_nothing_about_a_person(discloser: Party) -> None:
    """VAWA-15: tier 1 at most, whatever a release says."""
    decision = ask(
        question(discloser=discloser, recipient=AUDITOR, groups=EVERYTHING),
        release(discloser, AUDITOR, regimes=["VAWA", "HIPAA-AUTH"], purposes=["STATUS_FEEDBACK"]),
    )
    assert decision.basis is Basis.TRAIL_ONLY
    assert all(GROUPS[group].tier <= Tier.OPERATIONAL for group in decision.let_through)


@pytest.mark.parametrize("name", ["HMIS", "HMIS_FROM_VSP", "IMMIGRATION_ENFORCEMENT"])
def test_d13_no_hmis_can_be_onboarded_told_or_served(name: str) -> None:
    """Three closed lists: no such class of organisation, no such kind of provider, no row of the pack for one."""
    card = {"orgId": "org-hmis", "name": "HMIS", "agreementUntil": NOW.isoformat()}
    OrganisationCard.model_validate({**card, "orgClass": "HOUSING"})
    with pytest.raises(ValidationError):
        OrganisationCard.model_validate({**card, "orgClass": name})
    assert name not in {category.value for category in kinds()}
    stranger = Party(SHELTER.org, cast(OrgClass, name))
    assert answer(ask(question(recipient=stranger), release())) == (Effect.DENY, Reason.NO_BASIS)
    housing = party(OrgClass.HOUSING)
    told = ask(question(recipient=housing), release(HOTLINE, housing, purposes=["STATUS_FEEDBACK"]))
    assert answer(told) == (Effect.DENY, Reason.INSUFFICIENT_SCOPE)


def test_d14_her_own_act_is_no_providers_disclosure() -> None:
    """No release; and still no more than the recipient needs."""
    decision = ask(question(discloser=party(OrgClass.SELF), consent=None, groups=EVERYTHING))
    assert (decision.effect, decision.basis) == (Effect.PERMIT, Basis.NONE)
    assert not decision.let_through & groups("FG11", "FG15", "FG18", "FG19", "FG25")


def test_d15_a_case_conference_without_her_consent_is_no_basis_here() -> None:
    """Only a pack of the United Kingdom has a row for it; here agencies of the state tell each other nothing."""
    asked = police_question(recipient=party(OrgClass.PROSECUTION), purpose=Purpose.CASE_CONFERENCE)
    assert answer(ask(asked)) == (Effect.DENY, Reason.NO_BASIS)


def test_d16_nothing_leads_to_an_analytics_store() -> None:
    """No flow, no purpose and no kind of recipient for one: nobody can even ask."""
    assert {flow.value for flow in Flow} == {"source", "source-keys", "answer", "provider", "keys", "notice"}
    assert not [name for name in (*Purpose, *RecipientCategory, *OrgClass) if "ANALY" in name or "REPORT" in name]
