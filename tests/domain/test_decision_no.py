"""The survivor's no counts on every basis: exclusions, denials, and what she said when asked."""

from dataclasses import replace

import pytest

from broker.domain.consent import (
    ConsentTerms,
    Effect,
    Phase,
    Reason,
)
from broker.domain.pack import Basis
from broker.schemas.field_groups import FieldGroup
from broker.schemas.vocabulary import VictimAgreed
from tests.domain.cast import (
    DAY,
    HOTLINE,
    OTHER_SHELTER,
    POLICE,
    SHELTER,
    SIGNED,
    USUAL,
    another,
    ask,
    groups,
    police_question,
    question,
    release,
    scope,
)


def test_an_excluded_recipient_is_never_told_whatever_is_signed() -> None:
    """VAWA-05, G13: neither by the referral's own list nor by a record's."""
    excluded = question(excluded=frozenset({SHELTER.org}))
    assert ask(excluded, release()).reason is Reason.RECIPIENT_EXCLUDED
    elsewhere = another(release(HOTLINE, OTHER_SHELTER, excludedRecipients=[SHELTER.org]), 2)
    assert ask(question(), release(), elsewhere).reason is Reason.RECIPIENT_EXCLUDED


@pytest.mark.parametrize("status", ["revoked", "suspended", "expired"])
def test_taking_a_release_back_does_not_take_back_its_exclusion(status: str) -> None:
    """Revoking may never widen: only a newer version of the record drops an exclusion."""
    elsewhere = another(release(HOTLINE, OTHER_SHELTER, excludedRecipients=[SHELTER.org]), 2, status=status)
    assert ask(question(), release(), elsewhere).reason is Reason.RECIPIENT_EXCLUDED


def test_a_denial_outranks_a_permit() -> None:
    """§4.2: "never send to this organisation"."""
    denial = another(release(decision="deny"), 2)
    decision = ask(question(), release(), denial)
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.DENIED_BY_SURVIVOR)


def test_a_suspended_denial_still_denies() -> None:
    """A doubt about safety never opens anything."""
    denial = another(release(decision="deny"), 2, status="suspended")
    assert ask(question(), release(), denial).reason is Reason.DENIED_BY_SURVIVOR


def test_a_denial_of_one_group_holds_back_that_group_only() -> None:
    """A denial covers its recipients, purposes and groups."""
    denial = another(release(decision="deny", dataScope=scope("FG24")), 2)
    decision = ask(question(), release(), denial)
    assert decision.let_through == USUAL - groups("FG24")
    assert decision.withheld == {FieldGroup("FG24"): Reason.DENIED_BY_SURVIVOR}


@pytest.mark.parametrize("code", ["FG07", "FG07c"])
def test_a_denial_of_a_group_means_all_its_parts(code: str) -> None:
    """§7.2: who says FG07 says where she is, whatever letter it has there."""
    asked = question(groups=USUAL | groups("FG07c"))
    permit = release(dataScope=scope(*USUAL, "FG07c"))
    assert "FG07c" in ask(asked, permit).let_through
    denial = another(release(decision="deny", dataScope=scope(code)), 2)
    decision = ask(asked, permit, denial)
    assert decision.withheld[FieldGroup("FG07c")] is Reason.DENIED_BY_SURVIVOR
    assert ("FG07a" in decision.let_through) is (code == "FG07c")


def test_a_denial_of_what_nobody_knows_denies_everything() -> None:
    """None is taken in any more; of one that had been, doubt goes against disclosure (§4.3)."""
    denial = another(release(decision="deny", dataScope=scope("FG99")), 2)
    assert ask(question(), release(), denial).reason is Reason.DENIED_BY_SURVIVOR


def test_a_denial_of_what_the_recipient_cannot_work_without_ends_it() -> None:
    """No contact details, no hand-over."""
    denial = another(release(decision="deny", dataScope=scope("FG03")), 2)
    assert ask(question(), release(), denial).reason is Reason.DENIED_BY_SURVIVOR


@pytest.mark.parametrize(
    "denial",
    [
        release(HOTLINE, OTHER_SHELTER, decision="deny"),
        release(POLICE, decision="deny"),
        release(decision="deny", purposes=["COUNSELING"]),
        replace(release(decision="deny"), status="revoked"),
        release(
            decision="deny",
            validity={"notBefore": (SIGNED - 9 * DAY).isoformat(), "notAfter": (SIGNED - DAY).isoformat()},
        ),
    ],
)
def test_a_denial_binds_only_whom_and_what_and_when_it_says(denial: ConsentTerms) -> None:
    """Another recipient's, discloser's, purpose's, a revoked or an ended denial changes nothing."""
    assert ask(question(), release(), another(denial, 2)).let_through == USUAL


def test_a_denial_binds_also_where_an_agreement_would_do() -> None:
    """Her no counts on every basis."""
    denial = another(release(POLICE, decision="deny", dataScope=scope("FG10", "FG24")), 2)
    decision = ask(police_question(), denial)
    assert {group for group, why in decision.withheld.items() if why is Reason.DENIED_BY_SURVIVOR} == groups(
        "FG10", "FG24"
    )


def test_the_police_may_tell_a_shelter_what_the_survivor_agreed_to() -> None:
    """D1, YES: contact, name, danger, incident; the keys are wrapped once it is known who accepted."""
    decision = ask(police_question(groups=USUAL | groups("FG07b", "FG08", "FG09", "FG12")))
    assert decision.let_through == USUAL | groups("FG07b", "FG12")
    assert decision.withheld == dict.fromkeys(groups("FG08", "FG09"), Reason.OUT_OF_SCOPE)
    assert decision.basis is Basis.AGREEMENT
    assert decision.late_sealing
    assert decision.consent is None


@pytest.mark.parametrize("phase", [Phase.OFFER, Phase.RELEASE])
def test_a_no_is_a_no_in_both_phases(phase: Phase) -> None:
    """D1, NO: nothing, not even an offer."""
    decision = ask(police_question(phase, victim_agreed=VictimAgreed.NO))
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.VICTIM_SAID_NO)


def test_a_no_stands_against_a_signed_release() -> None:
    """What she said last, to the officer, is a no."""
    assert ask(question(victim_agreed=VictimAgreed.NO), release()).reason is Reason.VICTIM_SAID_NO


def test_where_asking_was_unsafe_an_offer_without_identity_goes_and_identity_waits() -> None:
    """D1, NOT_ASKED_UNSAFE."""
    offer = ask(police_question(Phase.OFFER, victim_agreed=VictimAgreed.NOT_ASKED_UNSAFE))
    assert offer.effect is Effect.PERMIT
    assert offer.let_through == groups("FG00", "FG01", "FG02", "FG07a", "FG23", "FG24")
    assert offer.withheld[FieldGroup("FG03")] is Reason.VICTIM_NOT_ASKED
    held = ask(police_question(victim_agreed=VictimAgreed.NOT_ASKED_UNSAFE))
    assert (held.effect, held.reason) == (Effect.HOLD, Reason.VICTIM_NOT_ASKED)


def test_a_referral_that_names_a_release_is_bound_by_it_even_where_an_agreement_would_do() -> None:
    """The survivor's written word is the narrower one."""
    named = question(discloser=POLICE)
    assert ask(named).reason is Reason.CONSENT_NOT_SEEN
    written = release(POLICE, regimes=["POLICY-ONLY"], dataScope=scope("FG01", "FG02", "FG03", "FG04"))
    decision = ask(named, written)
    assert decision.withheld == dict.fromkeys(groups("FG10", "FG24"), Reason.OUT_OF_SCOPE)
    assert not decision.late_sealing
    assert ask(named, replace(written, status="revoked")).reason is Reason.CONSENT_REVOKED


def test_a_release_that_is_named_although_she_could_not_be_asked_narrows_the_offer_and_ends_it() -> None:
    """0023: what she signed counts against what the agreement would let out, its revocation above all."""
    named = question(Phase.OFFER, POLICE, victim_agreed=VictimAgreed.NOT_ASKED_UNSAFE)
    written = release(POLICE, regimes=["POLICY-ONLY"], dataScope=scope("FG01", "FG02", "FG03", "FG04", "FG10"))
    assert ask(named, written).let_through == groups("FG00", "FG01", "FG02", "FG07a", "FG23")
    assert ask(named, replace(written, status="revoked")).reason is Reason.CONSENT_REVOKED
    assert ask(named).reason is Reason.CONSENT_NOT_SEEN
    later = ask(named._replace(phase=Phase.RELEASE), written)
    assert (later.effect, later.reason) == (Effect.HOLD, Reason.VICTIM_NOT_ASKED)
