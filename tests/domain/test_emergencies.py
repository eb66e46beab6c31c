"""An emergency stands in for asking her and for nothing else, within what the pack and domain.md §5 let it open."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.consent import Effect, Phase, Question, Reason
from broker.domain.pack import Basis
from broker.domain.policy import PolicyBroken, read_pack
from broker.domain.question import Emergency
from broker.schemas.break_glass_vocabulary import BREAKABLE, BreakGlassId
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.vocabulary import OrgClass, RecipientCategory, VictimAgreed
from tests.domain.cast import (
    CLINIC,
    EVERYTHING,
    HOSPITAL,
    HOTLINE,
    LEGAL_AID,
    PACK_FILE,
    POLICE,
    SHELTER,
    ask,
    groups,
    party,
    question,
    release,
)

GLASS = Emergency(BreakGlassId("bgl-6f3a1c7e-90f2-4a55-8d0c-2d1f0b9e7a44"), BREAKABLE)


def broken(emergency: Emergency | None = GLASS, **changes: Any) -> Question:
    """The police tell a shelter of somebody whom they could not ask."""
    told = question(Phase.RELEASE, POLICE, SHELTER, consent=None, groups=EVERYTHING)
    told = told._replace(victim_agreed=VictimAgreed.NOT_ASKED_UNSAFE, emergency=emergency)
    return told._replace(**changes)


def test_it_opens_its_groups_and_what_needs_no_asking() -> None:
    """Exactly those that the row lists, none of the rest, and the answer says on what it rests."""
    decision = ask(broken())
    assert decision.effect is Effect.PERMIT
    assert decision.basis is Basis.BREAK_GLASS
    assert "§5" in decision.rules
    assert decision.let_through == groups("FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG17", "FG23")
    assert decision.withheld[FieldGroup("FG12")] is Reason.NOT_IN_EMERGENCY
    assert ask(broken(None)).reason is Reason.VICTIM_NOT_ASKED


def test_a_narrower_one_opens_less() -> None:
    """Only what the worker listed; what an offer may say without identity goes with it."""
    narrow = GLASS._replace(groups=groups("FG03", "FG04"))
    assert ask(broken(narrow)).let_through == groups("FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG23")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"victim_agreed": VictimAgreed.NO}, Reason.VICTIM_SAID_NO),
        ({"excluded": frozenset({SHELTER.org})}, Reason.RECIPIENT_EXCLUDED),
        ({"recipient": LEGAL_AID}, Reason.VICTIM_NOT_ASKED),
        ({"recipient": party(OrgClass.CHILD_PROTECTION, RecipientCategory.ADVOCACY)}, Reason.OUT_OF_BROKER),
        ({"discloser": HOTLINE, "victim_agreed": VictimAgreed.YES}, Reason.NO_RELEASE),
    ],
    ids=["her no", "her exclusion", "a class that it does not reach", "an authority", "a victim service provider"],
)
def test_what_outranks_it(changes: dict[str, Any], reason: Reason) -> None:
    """domain.md §5: never past these."""
    assert ask(broken(**changes)).reason is reason


def test_a_revoked_release_is_an_answer() -> None:
    """She was asked once and took it back: that is no case of not having been asked."""
    revoked = release(HOSPITAL, CLINIC, status="revoked", regimes=["HIPAA-AUTH"], revocation=REVOKED)
    asked = question(Phase.RELEASE, HOSPITAL, SHELTER, groups=EVERYTHING, emergency=GLASS)
    assert ask(asked, revoked).effect is not Effect.PERMIT


REVOKED = {"revokedAt": "2026-03-01T12:30:00Z", "by": "SUBJECT", "form": "ORAL"}


def test_a_hospital_may_tell_whom_it_could_not_ask() -> None:
    """164.512(j), to who can prevent it; there the offer needs the emergency too."""
    for phase in (Phase.OFFER, Phase.RELEASE):
        asked = question(phase, HOSPITAL, SHELTER, consent=None, groups=EVERYTHING)
        assert ask(asked).effect is Effect.HOLD
        opened = ask(asked._replace(emergency=GLASS))
        assert opened.effect is Effect.PERMIT
        assert "164.512(j)" in opened.rules


@settings(max_examples=300, deadline=None)
@given(
    groups_=st.frozensets(st.sampled_from(sorted(GROUPS))),
    excluded=st.booleans(),
    discloser=st.sampled_from([POLICE, HOSPITAL, HOTLINE, LEGAL_AID, party(OrgClass.COURT)]),
    said=st.sampled_from(list(VictimAgreed)),
    phase=st.sampled_from([Phase.OFFER, Phase.RELEASE, Phase.FEEDBACK]),
)
def test_it_never_lets_go_what_may_never_go(
    groups_: frozenset[FieldGroup], excluded: bool, discloser: object, said: VictimAgreed, phase: Phase
) -> None:
    """Tier 5, Part 2 and what is never for this recipient stay, whatever an emergency lists; so does all after a no."""
    emergency = Emergency(GLASS.break_glass_id, groups_)
    barred = frozenset({SHELTER.org}) if excluded else frozenset()
    asked = broken(emergency, discloser=discloser, victim_agreed=said, phase=phase, excluded=barred)
    usual = ask(asked._replace(emergency=None))
    opened = ask(asked)
    more = opened.let_through - usual.let_through
    assert all(GROUPS[group].tier < 5 and group != "FG19" for group in more)
    assert more <= BREAKABLE | groups("FG00", "FG07a", "FG23")
    if excluded or said is VictimAgreed.NO or discloser in (HOTLINE, LEGAL_AID, party(OrgClass.COURT)):
        assert not more


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            'from = ["LAW_ENFORCEMENT"]\nto = ["VSP_*", "HOTLINE_VSP", "HOSP',
            'from = ["COURT"]\nto = ["VSP_*", "HOTLINE_VSP", "HOSP',
        ),
        (
            'from = ["LAW_ENFORCEMENT"]\nto = ["VSP_*", "HOTLINE_VSP", "HOSP',
            'from = ["VSP_SHELTER"]\nto = ["VSP_*", "HOTLINE_VSP", "HOSP',
        ),
        ('"FG04", "FG10", "FG17"]\nreasons', '"FG05", "FG10", "FG17"]\nreasons'),
        ("hours = 4  ", "hours = 5  "),
        ("approveMinutes = 30", "approveMinutes = 60"),
        ("reviewHours = 72", "reviewHours = 100"),
    ],
    ids=["a court", "a shelter", "a legal name", "too long", "approved too late", "reviewed too late"],
)
def test_no_pack_goes_beyond_the_domain(before: str, after: str) -> None:
    """What §5 sets, a pack can only tighten."""
    text = PACK_FILE.read_text()
    assert before in text
    with pytest.raises(PolicyBroken, match="breakGlass"):
        read_pack(text.replace(before, after, 1).encode())
