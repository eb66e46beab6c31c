"""The pack for the United Kingdom: consent first; a note where nobody could ask, never against her no (D15)."""

from datetime import timedelta
from functools import cache
from typing import Any

import pytest

from broker.domain.consent import Effect, Phase, Question, Reason, decide
from broker.domain.pack import Basis
from broker.domain.policy import PolicyBroken, PolicyPack, read_pack
from broker.domain.release import release_refusal
from broker.policies import shipped_text
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.necessity import HighRiskCriterion, NecessityBasis, NecessityNote, WhyNotAsked
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import OrgClass, RecipientCategory, VictimAgreed
from tests.domain.cast import (
    CLINIC,
    COUNSELING,
    EVERYTHING,
    HOSPITAL,
    HOTLINE,
    LEGAL_AID,
    NOW,
    POLICE,
    SHELTER,
    ask,
    groups,
    party,
    question,
    record,
    release,
)

NOTED = groups("FG01", "FG02", "FG03", "FG04", "FG10")
ADVOCATE = party(OrgClass.VSP_ADVOCACY, RecipientCategory.ADVOCACY)
TEXT = shipped_text("uk-dpa-safeguarding").decode()


@cache
def uk() -> PolicyPack:
    """The pack that ships."""
    return read_pack(TEXT.encode())


def note(**changes: Any) -> NecessityNote:
    """Written ten minutes ago, by professional judgement, because asking would put her in danger."""
    noted: dict[str, Any] = {
        "basis": NecessityBasis.SAFEGUARDING_SCH1_P18,
        "why": WhyNotAsked.WOULD_PREJUDICE_PROTECTION,
        "criterion": HighRiskCriterion.PROFESSIONAL_JUDGEMENT,
        "proportionate": True,
        "field_groups": tuple(sorted(NOTED)),
        "recorded_at": NOW - timedelta(minutes=10),
        "note_ref": "note-0c6a6f1e-2c0e-4c0b-8a75-0f4f3a3f6f10",
    }
    return NecessityNote(**(noted | changes))


def unasked(noted: NecessityNote | None = None, **changes: Any) -> Question:
    """The police hand over to an advocate somebody whom they could not ask."""
    asked: dict[str, Any] = {
        "discloser": POLICE,
        "recipient": ADVOCATE,
        "groups": EVERYTHING,
        "consent": None,
        "victim_agreed": VictimAgreed.NOT_ASKED_UNSAFE,
        "necessity": noted,
    }
    return question(**(asked | changes))


def through(asked: Question, *consents: Any) -> frozenset[FieldGroup]:
    """What is let through under the pack."""
    return decide(asked, consents, NOW, uk()).let_through


def test_d15_consent_comes_first() -> None:
    """Asked and agreed: the row's groups. Asked and declined: nothing, whatever was noted."""
    agreed = unasked(victim_agreed=VictimAgreed.YES)
    assert groups("FG03", "FG04", "FG10") <= through(agreed)
    assert through(agreed) <= groups(
        "FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG07b", "FG10", "FG12", "FG23", "FG24"
    )
    declined = decide(unasked(note(), victim_agreed=VictimAgreed.NO), (), NOW, uk())
    assert (declined.effect, declined.reason) == (Effect.DENY, Reason.VICTIM_SAID_NO)


def test_d15_a_note_stands_in_for_asking_her() -> None:
    """Its groups and no more; without one her identity waits, as everywhere."""
    decision = decide(unasked(note()), (), NOW, uk())
    assert decision.effect is Effect.PERMIT
    assert groups("FG03", "FG04", "FG10") <= decision.let_through <= NOTED | groups("FG00", "FG07a", "FG23")
    assert "D15" in decision.rules
    assert decision.basis is Basis.SAFEGUARDING_SCH1_P18
    assert decision.late_sealing
    assert decision.withheld[FieldGroup("FG12")] is Reason.NOT_IN_NECESSITY_NOTE
    bare = decide(unasked(), (), NOW, uk())
    assert (bare.effect, bare.reason) == (Effect.HOLD, Reason.VICTIM_NOT_ASKED)
    offer = decide(unasked(phase=Phase.OFFER), (), NOW, uk())
    assert offer.let_through <= groups("FG00", "FG01", "FG02", "FG07a", "FG23", "FG24")


@pytest.mark.parametrize(
    "changes",
    [
        {"recorded_at": NOW - timedelta(hours=25)},
        {"recorded_at": NOW + timedelta(minutes=5)},
        {"basis": NecessityBasis.VITAL_INTERESTS},
        {"criterion": HighRiskCriterion.VISIBLE_HIGH_RISK, "ticks": 16},
        {"criterion": HighRiskCriterion.VISIBLE_HIGH_RISK},
    ],
    ids=["worn out", "from the future", "another basis", "below the threshold", "without a count"],
)
def test_d15_a_note_that_does_not_hold_lets_nothing_of_hers_go(changes: dict[str, Any]) -> None:
    """It is as if there were none."""
    decision = decide(unasked(note(**changes)), (), NOW, uk())
    assert (decision.effect, decision.reason) == (Effect.HOLD, Reason.VICTIM_NOT_ASKED)


def test_d15_seventeen_ticks_need_no_judgement_beside_them() -> None:
    """domain.md §6.3: from fourteen a case is of high risk, and below seventeen she is asked."""
    noted = note(criterion=HighRiskCriterion.VISIBLE_HIGH_RISK, ticks=17)
    assert decide(unasked(noted), (), NOW, uk()).effect is Effect.PERMIT


def test_vital_interests_are_for_who_cannot_answer() -> None:
    """To a hospital, and only because she cannot give an answer at all; no threshold of risk then."""
    noted = note(
        basis=NecessityBasis.VITAL_INTERESTS,
        why=WhyNotAsked.CANNOT_BE_GIVEN,
        field_groups=("FG01", "FG02", "FG03", "FG04", "FG17"),
    )
    to_hospital = unasked(noted, recipient=CLINIC)
    assert "FG17" in through(to_hospital)
    other = noted.model_copy(update={"why": WhyNotAsked.WOULD_PREJUDICE_PROTECTION})
    assert decide(unasked(other, recipient=CLINIC), (), NOW, uk()).effect is Effect.HOLD
    assert decide(unasked(noted), (), NOW, uk()).effect is Effect.HOLD


def test_a_note_is_nothing_in_the_united_states() -> None:
    """The pack there knows no such basis: D15 is the United Kingdom's alone."""
    assert ask(unasked(note())).let_through == frozenset()


def test_an_exclusion_outranks_every_note() -> None:
    """The survivor's word on whom never to tell is not weighed."""
    decision = decide(unasked(note(), excluded=frozenset({ADVOCATE.org})), (), NOW, uk())
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.RECIPIENT_EXCLUDED)


@pytest.mark.parametrize(
    ("discloser", "recipient", "expected"),
    [
        (HOSPITAL, SHELTER, Basis.SAFEGUARDING_SCH1_P18),
        (HOSPITAL, CLINIC, Basis.TREATMENT),
        (HOSPITAL, LEGAL_AID, Basis.RELEASE),
        (HOSPITAL, POLICE, Basis.PROHIBITED),
        (POLICE, CLINIC, Basis.VITAL_INTERESTS),
        (POLICE, LEGAL_AID, Basis.AGREEMENT),
        (HOTLINE, SHELTER, Basis.RELEASE),
        (LEGAL_AID, COUNSELING, Basis.RELEASE),
        (party(OrgClass.SCHOOL_FERPA), SHELTER, Basis.RELEASE),
        (party(OrgClass.COURT), SHELTER, Basis.STATUTE),
        (POLICE, party(OrgClass.CHILD_PROTECTION), Basis.PROHIBITED),
        (party(OrgClass.SELF), SHELTER, Basis.NONE),
    ],
    ids=lambda value: value.org if hasattr(value, "org") else value.name,
)
def test_who_may_tell_whom_on_what(discloser: Any, recipient: Any, expected: Basis) -> None:
    """The matrix of the pack, a pair of each kind (domain.md §3 in the United Kingdom's terms)."""
    footing = uk().footing(discloser.org_class, recipient.org_class, recipient.category)
    assert footing is not None
    assert footing.basis is expected


def test_a_victim_service_provider_tells_nothing_without_a_release() -> None:
    """D3 there too; with one that names the recipient it does, and explicit consent may be spoken for a short time."""
    asked = question(groups=EVERYTHING)
    assert decide(asked, (), NOW, uk()).effect is Effect.HOLD
    signed = release(regimes=["UK-DPA18", "GDPR-9-2-A"])
    assert groups("FG03", "FG04") <= through(asked, signed)
    spoken = record(
        regimes=["GDPR-9-2-A"],
        grantors=[
            {
                "capacity": "SELF",
                "form": "ORAL_TEMPORARY",
                "givenAt": (NOW - timedelta(hours=1)).isoformat(),
                "identityCheck": "PHONE_CODEWORD",
                "abuserCheck": "NOT_APPLICABLE_SELF",
            }
        ],
        validity={
            "notBefore": (NOW - timedelta(hours=1)).isoformat(),
            "notAfter": (NOW + timedelta(hours=70)).isoformat(),
        },
    )
    assert release_refusal(spoken, HOTLINE.org, HOTLINE.org_class, uk(), NOW) is None
    vawa = spoken.model_copy(update={"regimes": ("VAWA",)})
    assert release_refusal(vawa, HOTLINE.org, HOTLINE.org_class, uk(), NOW) is RefusalCode.NOT_WRITTEN


def test_whom_the_pack_prohibits_gets_nothing_whatever_else_it_says() -> None:
    """A class in `prohibitedRecipients` outranks every row; a name that is no class and no outsider is refused."""
    kept_out = TEXT.replace(
        'prohibitedRecipients = ["IMMIGRATION_ENFORCEMENT"]', 'prohibitedRecipients = ["HOUSING", "VSP_SHELTER"]'
    )
    decision = decide(unasked(recipient=SHELTER, victim_agreed=VictimAgreed.YES), (), NOW, read_pack(kept_out.encode()))
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.OUT_OF_BROKER)
    assert "prohibitedRecipients" in decision.rules
    with pytest.raises(PolicyBroken, match="prohibitedRecipients"):
        read_pack(TEXT.replace('["IMMIGRATION_ENFORCEMENT"]', '["NEIGHBOURS"]').encode())


def test_a_basis_for_notes_and_the_part_on_them_go_together() -> None:
    """A pack that names the basis and forgets the threshold is no pack."""
    cut = TEXT[: TEXT.index("[safeguarding]")] + TEXT[TEXT.index("# What a source may hear") :]
    with pytest.raises(PolicyBroken, match="go together"):
        read_pack(cut.encode())


def test_tier_five_never_goes_by_a_note_either() -> None:
    """What may never travel does not, whatever the note lists (domain.md §7.1)."""
    everything = decide(unasked(note(field_groups=tuple(sorted(GROUPS)))), (), NOW, uk()).let_through
    assert all(GROUPS[group].tier < 5 for group in everything)
