"""Every rule of domain.md §2.2 to §2.5 is in the table, held where it says, and named by a test of its own."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from broker.cli import app
from broker.domain.consent import Effect, Party, Phase, Reason
from broker.domain.policy import PolicyBroken, read_pack
from broker.domain.rules import RULES, Rule
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.event import EventData, events
from broker.schemas.ids import OrgId
from broker.schemas.json_schema import all_schemas
from broker.schemas.person_groups import SafeContact
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import OrgClass, RecipientCategory
from tests.domain.cast import (
    HOSPITAL,
    HOTLINE,
    LEGAL_AID,
    OTHER_SHELTER,
    PACK_FILE,
    POLICE,
    SHELTER,
    ask,
    question,
    record,
    release,
)
from tests.schemas.samples import wire

TESTS = Path(__file__).parents[1]
VAWA = ["VAWA-01a", "VAWA-01b", *(f"VAWA-{number:02}" for number in range(2, 18))]
OTHERS = {"HIPAA": 7, "P2": 4, "NNEDV": 13}


def test_the_table_is_complete() -> None:
    """One line each, in domain.md's order."""
    numbered = [f"{law}-{number:02}" for law, count in OTHERS.items() for number in range(1, count + 1)]
    assert [rule.rule for rule in RULES] == [*VAWA, *numbered]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule)
def test_each_rule_is_held_somewhere_or_says_why_it_cannot_be(rule: Rule) -> None:
    """Its places can be imported; what no program knows has a reason that says who sees to it."""
    assert rule.held or rule.not_checked
    for place in rule.held:
        module, _, name = place.partition(":")
        assert hasattr(import_module(module), name)


def test_a_test_names_each_rule() -> None:
    """Also those that people see to: what no program does is shown not to be done here."""
    told = "\n".join(path.read_text("utf-8") for path in TESTS.rglob("test_*.py"))
    assert [rule.rule for rule in RULES if rule.rule not in told] == []


def test_handoff_policy_rules_prints_it() -> None:
    """For an auditor: each rule with its places, and the ones that people see to."""
    printed = CliRunner().invoke(app, ["policy", "rules"]).output
    assert all(rule.rule in printed for rule in RULES)


@pytest.mark.parametrize("name", ["shelterAddress", "coordinates", "gps"])
def test_vawa_13_a_shelters_place_has_no_property_to_travel_in(name: str) -> None:
    """VAWA-13: refused by a code that says that it should not have left."""
    with pytest.raises(Refused) as refused:
        ReferralRequested.read(wire({**ReferralRequested.EXAMPLE, name: "somewhere"}))
    assert refused.value.code is RefusalCode.NEVER_TRANSIT


@pytest.mark.parametrize("name", ["nameHash", "clientId", "emailSha256"])
def test_vawa_17_an_identifier_has_none_either(name: str) -> None:
    """VAWA-17: hashed or not, an unknown property is refused."""
    with pytest.raises(Refused) as refused:
        ReferralRequested.read(wire({**ReferralRequested.EXAMPLE, name: "0" * 64}))
    assert refused.value.code in {
        RefusalCode.PROPERTY_UNKNOWN,
        RefusalCode.IDENTITY_IN_CLEAR,
        RefusalCode.NEVER_TRANSIT,
    }


def test_hipaa_03_agreement_opens_no_way_to_a_shelter() -> None:
    """HIPAA-03: 164.512(c) is for authorities; a record under it is no authorization."""
    agreed = release(HOSPITAL, SHELTER, regimes=["HIPAA-512C-AGREE"])
    decision = ask(question(Phase.RELEASE, HOSPITAL, SHELTER), agreed)
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.NO_HIPAA_BASIS)


def test_part_2_cannot_be_switched_on() -> None:
    """P2-01, P2-02, P2-03, P2-04: without notice, copy and the bar on proceedings it is not carried at all."""
    with pytest.raises(PolicyBroken, match="part2Enabled"):
        read_pack(PACK_FILE.read_bytes().replace(b"part2Enabled = false", b"part2Enabled = true"))


@pytest.mark.parametrize("event", [ReferralRequested, BreakGlassInvoked, ConsentGranted])
@pytest.mark.parametrize("name", ["legalInstrument", "subpoena", "courtOrder"])
def test_an_instrument_of_a_court_moves_nothing_here(event: type[EventData], name: str) -> None:
    """VAWA-14, NNEDV-13: a subpoena has no property to come in, so none can stand in for her release."""
    with pytest.raises(Refused) as refused:
        event.read(wire({**event.EXAMPLE, name: {"type": "SUBPOENA"}}))
    assert refused.value.code is RefusalCode.PROPERTY_UNKNOWN


@pytest.mark.parametrize("recipient", [OrgClass.LAW_ENFORCEMENT, OrgClass.PROSECUTION, OrgClass.COURT])
def test_nobody_compels_the_broker(recipient: OrgClass) -> None:
    """VAWA-14, NNEDV-13: what a victim service provider holds goes to no court and no police without her release."""
    asked = question(Phase.RELEASE, HOTLINE, Party(OrgId("org-court"), recipient), consent=None)
    assert ask(asked).effect is not Effect.PERMIT


def test_hipaa_04_a_report_to_an_authority_does_not_go_by_the_broker() -> None:
    """HIPAA-04: 164.512(c) reports, of which the individual is told, are the hospital's own act."""
    agreed = release(HOSPITAL, POLICE, regimes=["HIPAA-512C-AGREE"])
    decision = ask(question(Phase.RELEASE, HOSPITAL, POLICE), agreed)
    assert (decision.effect, decision.reason) == (Effect.DENY, Reason.OUT_OF_BROKER)


def test_hipaa_06_no_accounting_travels() -> None:
    """HIPAA-06: an individual's accounting and its suspension have no event; a records office reads the trail."""
    named = {name.lower() for schema in all_schemas().values() for name in schema["properties"]}
    assert not [name for name in (*events(), *named) if "accounting" in name or "suspension" in name]


@pytest.mark.parametrize(
    "category", [None, *(one for one in RecipientCategory if one is not RecipientCategory.AUDITOR)]
)
def test_hipaa_07_nothing_goes_to_her_portal_or_her_proxy(category: RecipientCategory | None) -> None:
    """HIPAA-07: a proxy who is the abuser may read a portal; an auditor's codes and counts apart, none is told."""
    portal = Party(OrgId("org-portal"), OrgClass.SELF, category)
    told = ask(question(Phase.RELEASE, HOSPITAL, portal), release(HOSPITAL, portal, regimes=["HIPAA-AUTH"]))
    assert told.effect is not Effect.PERMIT


def test_nnedv_10_caller_id_is_withheld_and_has_no_property() -> None:
    """NNEDV-10: blocked unless she agreed otherwise, and nothing of the contract can carry one."""
    example = {name: value for name, value in SafeContact.EXAMPLE.items() if name != "callerIdMustBeBlocked"}
    assert SafeContact.model_validate_json(wire(example), strict=True).caller_id_must_be_blocked
    with pytest.raises(ValidationError):
        SafeContact.model_validate_json(wire({**example, "callerId": "+15555550142"}), strict=True)


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("informed", "alternativesExplained"),
        ("informed", "risksExplained"),
        ("informed", "revocationExplained"),
        ("dataScope", "fieldGroups"),
        ("evidence", "documentDigest"),
        ("validity", "notAfter"),
    ],
)
def test_a_release_without_one_of_its_elements_is_none(part: str, name: str) -> None:
    """NNEDV-01, NNEDV-05, NNEDV-06, HIPAA-02: all of it is there, or it is none."""
    told: dict[str, Any] = record().model_dump(mode="json", by_alias=True, exclude_none=True)
    del told[part][name]
    with pytest.raises(ValidationError):
        ConsentRecord.model_validate(told)


def test_a_release_is_one_organisations_for_those_it_names() -> None:
    """NNEDV-02, NNEDV-03: no mutual exchange, and no agency may lean on another's release."""
    two = record().model_dump(mode="json", by_alias=True, exclude_none=True)
    two["discloser"] = [two["discloser"], {"orgId": LEGAL_AID.org}]
    with pytest.raises(ValidationError):
        ConsentRecord.model_validate(two)
    assert ask(question(recipient=OTHER_SHELTER), release()).reason is Reason.RECIPIENT_NOT_NAMED
    assert ask(question(discloser=LEGAL_AID), release()).reason is Reason.NO_RELEASE


def test_voicemail_and_calling_back_are_off_until_she_agreed() -> None:
    """NNEDV-08, NNEDV-09: silence is a no."""
    example = {name: value for name, value in SafeContact.EXAMPLE.items() if name not in MANNERS}
    safe = SafeContact.model_validate_json(wire(example), strict=True)
    assert not safe.voicemail_permitted
    assert not safe.redial_on_drop


MANNERS = {"voicemailPermitted", "redialOnDrop"}
