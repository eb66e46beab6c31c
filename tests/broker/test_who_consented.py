"""Who consented (domain.md §2.2-§2.5, §4.2): each rule is refused by the client, before sending, as by the broker.

Every case is put to the agency's own check and published to a real broker past it: the same code at the same place, and
a next step in words for the officer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from pydantic_core import to_json

from broker.agency.errors import EventRefusedBeforeSending
from broker.agency.records import Desk
from broker.agency.records import Record as OwnRecord
from broker.composition import zone_folder
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.ids import OrgId, new_consent_id
from broker.schemas.refusal import ADVICE
from broker.schemas.refusal import RefusalCode as Code
from broker.zone import load_zone
from tests.broker.county import County
from tests.broker.facts import BIRCH, CEDAR, HOTLINE, POLICE, release_wire
from tests.broker.letters import Letter

pytestmark = pytest.mark.asyncio(loop_scope="session")

Change = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Rule:
    """One way of being no consent; `by` publishes it as its own."""

    name: str
    code: Code
    field: str | None
    change: Change
    by: OrgId = HOTLINE
    private: bool = True


def grantor(**parts: str) -> Change:
    """Changes the one grantor."""
    return lambda record: record["grantors"][0].update(parts)


def second(**parts: str) -> Change:
    """Adds a second grantor."""
    return lambda record: record["grantors"].append({**record["grantors"][0], **parts})


def subject(kind: str, **parts: Any) -> Change:
    """What kind of survivor it is."""
    return lambda record: record["subject"].update(kind=kind, **parts)


def informed(name: str) -> Change:
    """One thing was not explained."""
    return lambda record: record["informed"].update({name: False})


def all_of(*changes: Change) -> Change:
    """One change after the other."""
    return lambda record: [change(record) for change in changes]


def lasting(given: timedelta = timedelta(0), **length: float) -> Change:
    """Begun an hour ago, for so long; given then, or so much later."""
    begins = datetime.now(UTC) - timedelta(hours=1)
    ends = begins + timedelta(**length)
    return all_of(
        lambda record: record.update(validity={"notBefore": begins.isoformat(), "notAfter": ends.isoformat()}),
        grantor(givenAt=(begins + given).isoformat()),
    )


def named(*orgs: OrgId) -> Change:
    """Names these recipients."""
    return lambda record: record.update(recipients=[{"kind": "ORG", "orgId": org} for org in orgs])


def under(*regimes: str) -> Change:
    """Under these regimes."""
    return lambda record: record.update(regimes=list(regimes))


KIND: Final = {"kind": "CATEGORY", "category": "SHELTER", "serviceArea": "US-CA-001", "maxConcurrentOffers": 2}
SPOKEN: Final = all_of(under("POLICY-ONLY"), grantor(form="ORAL_TEMPORARY"))
PARENT: Final = {"capacity": "PARENT", "abuserCheck": "CONFIRMED_NOT_ABUSER"}
MINOR, GUARDED = "UNEMANCIPATED_MINOR", "ADULT_WITH_COURT_GUARDIAN"
GRANTORS: Final = "record.grantors"

RULES: Final = (
    Rule("VAWA-02 spoken", Code.NOT_WRITTEN, GRANTORS, grantor(form="ORAL_TEMPORARY")),
    Rule("VAWA-02 spoken, by the discloser's class", Code.NOT_WRITTEN, "record", SPOKEN),
    Rule("VAWA-03 no end", Code.NOT_TIME_LIMITED, "record.validity.notAfter", lambda r: r["validity"].pop("notAfter")),
    Rule("VAWA-03 too long", Code.NOT_TIME_LIMITED, "record", lasting(days=60)),
    Rule("VAWA-06 a kind of organisation", Code.RECIPIENT_NOT_SPECIFIC, "record.recipients",
         lambda r: r.update(recipients=[KIND])),
    Rule("VAWA-09 a minor alone", Code.MINOR_CONSENT_INCOMPLETE, GRANTORS, subject(MINOR)),
    Rule("VAWA-09 a parent without the minor", Code.MINOR_CONSENT_INCOMPLETE, GRANTORS,
         all_of(subject(MINOR), grantor(**PARENT))),
    Rule("VAWA-10 suspected", Code.GRANTOR_MAY_BE_ABUSER, GRANTORS, grantor(abuserCheck="SUSPECTED_ABUSER")),
    Rule("VAWA-10 a parent nobody checked", Code.GRANTOR_MAY_BE_ABUSER, GRANTORS,
         all_of(subject(MINOR), second(capacity="PARENT", abuserCheck="UNKNOWN"))),
    Rule("VAWA-11 sign or no bed", Code.CONDITIONED_ON_SERVICE, "record.informed.notConditionOfService",
         informed("notConditionOfService")),
    Rule("§2.1 the court's guardian is missing", Code.GUARDIAN_MISSING, GRANTORS, subject(GUARDED)),
    Rule("§2.1 a parent for an adult", Code.SURVIVOR_DID_NOT_GRANT, "record", grantor(**PARENT)),
    Rule("§2.1 a parent for an emancipated minor", Code.SURVIVOR_DID_NOT_GRANT, "record",
         all_of(subject("EMANCIPATED_MINOR"), grantor(**PARENT))),
    Rule("§2.1 a parent for a minor who may consent alone", Code.SURVIVOR_DID_NOT_GRANT, "record",
         all_of(subject(MINOR, mayConsentAlone=True), grantor(**PARENT))),
    Rule("§2.1 a representative under HIPAA, at a hotline", Code.SURVIVOR_DID_NOT_GRANT, "record",
         grantor(capacity="HIPAA_PERSONAL_REPRESENTATIVE", abuserCheck="CONFIRMED_NOT_ABUSER")),
    Rule("§2.5 one discloser", Code.DISCLOSER_NOT_YOU, "record", lambda r: r.update(discloser={"orgId": POLICE})),
    Rule("§2.5 risks", Code.NOT_INFORMED, "record.informed.risksExplained", informed("risksExplained")),
    Rule("§2.5 alternatives", Code.NOT_INFORMED, "record.informed.alternativesExplained",
         informed("alternativesExplained")),
    Rule("§2.5 redisclosure", Code.NOT_INFORMED, "record.informed.redisclosureRiskExplained",
         informed("redisclosureRiskExplained")),
    Rule("§2.5 revocation", Code.NOT_INFORMED, "record.informed.revocationExplained", informed("revocationExplained")),
    Rule("§2.5 others could hear", Code.SETTING_NOT_PRIVATE, "askedInPrivate", lambda r: None, private=False),
    Rule("§4.2 an electronic signature of nobody knows whom", Code.IDENTITY_NOT_CHECKED, "record",
         grantor(identityCheck="NONE")),
    Rule("§4.2 a voice of nobody knows whom", Code.IDENTITY_NOT_CHECKED, "record",
         all_of(SPOKEN, grantor(identityCheck="NONE"), named(BIRCH), lasting(hours=72)), by=POLICE),
    Rule("§4.2 spoken, for two", Code.RECIPIENT_NOT_SPECIFIC, "record",
         all_of(SPOKEN, named(BIRCH, CEDAR), lasting(hours=72)), by=POLICE),
    Rule("§4.2 spoken, for more than 72 hours", Code.NOT_TIME_LIMITED, "record",
         all_of(SPOKEN, named(BIRCH), lasting(hours=73)), by=POLICE),
    Rule("§4.2 spoken, for 72 hours from when it is used", Code.NOT_TIME_LIMITED, "record",
         all_of(SPOKEN, named(BIRCH), lasting(timedelta(hours=-2), hours=71)), by=POLICE),
    Rule("VAWA-04 to be given tomorrow", Code.TIME_IMPLAUSIBLE, GRANTORS, lasting(timedelta(days=1), days=3)),
    Rule("VAWA-09 of two, one to be given tomorrow", Code.TIME_IMPLAUSIBLE, GRANTORS,
         all_of(subject(MINOR), second(**PARENT, givenAt=(datetime.now(UTC) + timedelta(days=1)).isoformat()))),
)  # fmt: skip

TAKEN: Final = (
    Rule("the survivor, in writing", Code.NOT_WRITTEN, None, lambda r: None),
    Rule("a minor and a parent", Code.NOT_WRITTEN, None, all_of(subject(MINOR), second(**PARENT))),
    Rule("a minor who may consent alone", Code.NOT_WRITTEN, None, subject(MINOR, mayConsentAlone=True)),
    Rule("the court's guardian", Code.NOT_WRITTEN, None,
         all_of(subject(GUARDED),
                grantor(capacity="COURT_APPOINTED_GUARDIAN", abuserCheck="CONFIRMED_NOT_ABUSER"))),
    Rule("ink, with nobody checked", Code.NOT_WRITTEN, None, grantor(form="WRITTEN_WET", identityCheck="NONE")),
    Rule("spoken, for one, for 72 hours", Code.NOT_WRITTEN, None,
         all_of(SPOKEN, named(BIRCH), lasting(hours=72)), by=POLICE),
    Rule("given by a clock that is a little ahead", Code.NOT_WRITTEN, None,
         lasting(timedelta(hours=1, minutes=3), days=3)),
    Rule("a denial to be given tomorrow", Code.NOT_WRITTEN, None,
         all_of(lasting(timedelta(days=1), days=3), lambda r: r.update(decision="deny"))),
    Rule("a denial by whom nobody checked", Code.NOT_WRITTEN, None,
         all_of(grantor(identityCheck="NONE"), lambda r: r.update(decision="deny"))),
)  # fmt: skip


def letter(county: County, rule: Rule) -> Letter:
    """The record, published past the client's check."""
    record = release_wire(by=rule.by)
    record["grantors"] = [dict(one) for one in record["grantors"]]
    record["informed"] = dict(record["informed"])
    rule.change(record)
    wire = {"askedInPrivate": rule.private, "record": record}
    return county.letter(rule.by, to_json(wire), record.get("consentId", new_consent_id()), event=ConsentGranted)


def by_client(county: County, sent: Letter, org: OrgId) -> tuple[Code, str | None] | None:
    """What the agency's client says of the same record before anything leaves; None where it would send it."""
    now = datetime.now(UTC)
    desk = Desk(load_zone(zone_folder(county.settings, org), org, now), county.topics)
    try:
        desk.check(OwnRecord(sent.topic, sent.key, sent.headers, sent.value), now)
    except EventRefusedBeforeSending as refused:
        return (refused.code, refused.field) if refused.remedy == ADVICE[refused.code].remedy else None
    return None


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
async def test_client_and_broker_refuse_it_by_the_same_code_and_say_what_to_do(served: County, rule: Rule) -> None:
    """One rule in one place: the doorstep hears at once what intake would say, with the next step."""
    sent = letter(served, rule)
    said = by_client(served, sent, rule.by)
    await served.post(sent)
    await served.settled()
    assert said == (rule.code, rule.field)
    assert served.refusal(sent.event_id) == said
    advice = ADVICE[rule.code]
    assert len(advice.remedy.split()) >= 3
    assert advice.remedy != advice.meaning


@pytest.mark.parametrize("rule", TAKEN, ids=lambda rule: rule.name)
async def test_no_rule_reaches_further_than_its_text(served: County, rule: Rule) -> None:
    """What the law allows is taken, by both."""
    sent = letter(served, rule)
    assert by_client(served, sent, rule.by) is None
    await served.post(sent)
    await served.settled()
    assert served.refusal(sent.event_id) is None
    assert (
        await served.pool.fetchval("SELECT count(*) FROM consent WHERE consent_id = $1", (sent.key or b"").decode())
        == 1
    )
