"""Minimum necessary, even with consent (§7.4); what nobody knows is never let through; every code has words."""

from dataclasses import replace
from datetime import UTC
from typing import Any

import pytest

from broker.domain.consent import (
    WORDS,
    ConsentRef,
    Effect,
    Party,
    Reason,
    purpose_for,
    terms,
)
from broker.domain.pack import Necessity
from broker.domain.reasons import RULE
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.ids import ConsentId, OrgId
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, Service, Tier
from tests.domain.cast import (
    CLINIC,
    COUNSELING,
    HOTLINE,
    LEGAL_AID,
    PURPOSES,
    SHELTER,
    SIGNED,
    USUAL,
    ask,
    groups,
    pack,
    party,
    question,
    record,
    release,
)

PROVIDERS = (
    (SHELTER, ["HIPAA-AUTH", "VAWA"]),
    (COUNSELING, ["HIPAA-AUTH"]),
    (LEGAL_AID, ["HIPAA-AUTH"]),
    (CLINIC, ["HIPAA-AUTH"]),
    (party(OrgClass.VSP_ADVOCACY, RecipientCategory.ADVOCACY), ["HIPAA-AUTH"]),
)


@pytest.mark.parametrize("group", sorted(GROUPS))
@pytest.mark.parametrize(("recipient", "regimes"), PROVIDERS, ids=lambda value: getattr(value, "org", ""))
def test_even_a_release_of_everything_gives_each_kind_of_provider_only_its_column(
    group: str, recipient: Party, regimes: list[str]
) -> None:
    """§7.4, every cell: the ceiling even with consent."""
    assert recipient.category is not None
    purpose = PURPOSES[recipient.category]
    present = groups("FG00", "FG23", group)
    asked = question(discloser=HOTLINE, recipient=recipient, groups=present, purpose=purpose)
    decision = ask(asked, release(HOTLINE, recipient, regimes=regimes, purposes=[purpose]))
    cell = pack().necessity[recipient.category][FieldGroup(group)]
    allowed = cell in (Necessity.REQUIRED, Necessity.OPTIONAL, Necessity.ONCE) and group != "FG19"
    assert (group in decision.let_through) is allowed
    if not allowed:
        assert decision.withheld[FieldGroup(group)] is _why_withheld(group, cell)


def _why_withheld(group: str, cell: Necessity) -> Reason:
    if GROUPS[FieldGroup(group)].tier is Tier.NEVER:
        return Reason.NEVER_TRANSIT
    if group == "FG19":
        return Reason.PART2_NOT_SUPPORTED
    return Reason.NEVER_FOR_RECIPIENT if cell is Necessity.NEVER else Reason.NOT_NECESSARY


def test_a_group_that_nobody_knows_stays() -> None:
    """Unknown is never harmless."""
    decision = ask(question(groups=USUAL | groups("FG99")), release())
    assert decision.withheld == {FieldGroup("FG99"): Reason.GROUP_UNKNOWN}


def test_a_recipient_of_no_known_kind_gets_nothing() -> None:
    """No column, no group."""
    nobody = replace(SHELTER, category=None)
    assert ask(question(recipient=nobody), release()).effect is Effect.DENY


@pytest.mark.parametrize(
    "strange",
    [
        {"discloser": Party(HOTLINE.org, "SECRET_SERVICE")},  # type: ignore[arg-type]
        {"recipient": Party(SHELTER.org, "SECRET_SERVICE", RecipientCategory.SHELTER)},  # type: ignore[arg-type]
        {"recipient": Party(SHELTER.org, OrgClass.VSP_SHELTER, "CASINO")},  # type: ignore[arg-type]
        {"purpose": "CURIOSITY"},
        {"victim_agreed": "PERHAPS"},
        {"consent": ConsentRef(ConsentId("unknown"), 1)},
    ],
)
def test_a_question_with_an_unknown_name_is_never_permitted(strange: dict[str, Any]) -> None:
    """Unknown class, category, purpose, answer or consent: no, and never a crash."""
    assert ask(question()._replace(**strange), release()).effect is not Effect.PERMIT


def test_a_release_that_names_the_unknown_purpose_itself_is_still_not_followed() -> None:
    """A purpose without a length has none."""
    odd = replace(release(), purposes=frozenset({"CURIOSITY"}))  # type: ignore[arg-type]
    assert ask(question(purpose="CURIOSITY"), odd).effect is Effect.DENY


def test_every_reason_has_plain_words_and_a_rule() -> None:
    """An auditor can read each code."""
    assert WORDS.keys() == RULE.keys() == set(Reason)
    assert all(words.endswith(".") and len(words) < 120 for words in WORDS.values())


@pytest.mark.parametrize(
    ("category", "services", "purpose"),
    [
        (RecipientCategory.SHELTER, (Service.EMERGENCY_SHELTER,), Purpose.SHELTER_PLACEMENT),
        (RecipientCategory.SHELTER, (Service.EMERGENCY_SHELTER, Service.TRANSPORT), Purpose.SHELTER_PLACEMENT),
        (RecipientCategory.SHELTER, (Service.TRANSPORT,), Purpose.TRANSPORT),
        (RecipientCategory.LEGAL_AID, (Service.PROTECTION_ORDER_HELP,), Purpose.PROTECTION_ORDER),
        (RecipientCategory.LEGAL_AID, (Service.LEGAL_ADVICE,), Purpose.LEGAL_ADVICE),
        (RecipientCategory.HEALTHCARE, (Service.FORENSIC_EXAM,), Purpose.FORENSIC_EXAM),
        (RecipientCategory.HEALTHCARE, (), Purpose.MEDICAL_FOLLOW_UP),
        (RecipientCategory.COUNSELING, (Service.CRISIS_COUNSELING,), Purpose.COUNSELING),
    ],
)
def test_the_purpose_follows_from_the_kind_of_provider_and_the_services(
    category: RecipientCategory, services: tuple[Service, ...], purpose: Purpose
) -> None:
    """A mixed need keeps the general purpose."""
    assert purpose_for(category, services) is purpose


def test_the_terms_keep_what_the_record_says() -> None:
    """A record compiled for the decision loses nothing that binds."""
    full: ConsentRecord = record(
        excludedRecipients=["org-x"],
        validity={
            "notBefore": "2026-03-01T07:00:00-05:00",
            "notAfter": "2026-03-02T07:00:00-05:00",
            "endsOnEvent": "PLACEMENT_CONFIRMED",
            "maxUses": 2,
        },
    )
    read = terms(full)
    assert (read.not_before, read.not_before.tzinfo) == (SIGNED, UTC)
    assert (read.ends_on_event, read.max_uses, read.excluded) == ("PLACEMENT_CONFIRMED", 2, frozenset({OrgId("org-x")}))
    assert read.used(1).uses_left
    assert not read.used(2).uses_left
    assert terms(full, status="revoked").status == "revoked"
