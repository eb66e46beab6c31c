"""Bad records, one per way of being wrong: what is published, and the code and field that its publisher must hear."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic_core import to_json

from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.envelope import HEADERS_MAX, RECORD_BYTES_MAX
from broker.schemas.event import Flow
from broker.schemas.ids import KeyId, OrgId, new_consent_id, new_incident_id, new_offer_id
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import RefusalCode as Code
from broker.schemas.risk_screened import RiskScreened
from broker.schemas.vocabulary import MsgStatus
from broker.seal.keys import SigningKey
from tests.broker.county import County
from tests.broker.facts import HOTLINE, NAME, POLICE, SHERIFF, accepted, release_wire, request, request_wire
from tests.broker.letters import Letter


@dataclass(frozen=True, slots=True)
class Bad:
    """One bad record; `make` is given the county and an unused referral id."""

    name: str
    code: Code
    field: str | None
    make: Callable[[County, str], Letter]
    told: OrgId = POLICE
    """Who owns the topic on which it comes, and so hears of it."""


def good(county: County, referral: str, **how: Any) -> Letter:
    """The record that each bad one is made of."""
    return county.letter(POLICE, request(), referral, **how)


def _said(**changes: Any) -> Callable[[County, str], Letter]:
    """A request whose JSON has these properties changed."""
    wire = {key: value for key, value in request_wire(**changes).items() if value is not None}
    return lambda county, referral: county.letter(POLICE, to_json(wire), referral, event=ReferralRequested)


def _sealing(group: str) -> Callable[[County, str], Letter]:
    """A request that carries another sealed group."""
    [one, *_] = request_wire()["sealed"]
    return _said(sealed=[{**one, "fieldGroup": group}])


def _value(value: bytes) -> Callable[[County, str], Letter]:
    return lambda county, referral: county.letter(POLICE, value, referral, event=ReferralRequested)


def _attributed(**attributes: Any) -> Callable[[County, str], Letter]:
    return lambda county, referral: good(county, referral, **attributes)


def _headed(name: str, text: bytes | None) -> Callable[[County, str], Letter]:
    """A request with one header changed and, where that is possible, signed as it then is."""

    def make(county: County, referral: str) -> Letter:
        changed = good(county, referral).header(name, text)
        return changed if text is None else changed.signed(county.keys[POLICE])

    return make


def _without(name: str) -> Callable[[County, str], Letter]:
    def make(county: County, referral: str) -> Letter:
        whole = good(county, referral)
        return replace(whole, headers=[h for h in whole.headers if h[0] != name])

    return make


def _twice(county: County, referral: str) -> Letter:
    whole = good(county, referral)
    return replace(whole, headers=[*whole.headers, ("ce_type", b"again")])


def _crowded(county: County, referral: str) -> Letter:
    whole = good(county, referral)
    return replace(whole, headers=[*whole.headers, *((f"x-{n}", b"") for n in range(HEADERS_MAX))])


def _structured_without_data(county: County, referral: str) -> Letter:
    whole = Letter(
        good(county, referral).topic,
        referral.encode(),
        [("content-type", b"application/cloudevents+json")],
        to_json({"specversion": "1.0", NAME: NAME}),
    )
    return whole.signed(county.keys[POLICE])


def _tampered(county: County, referral: str) -> Letter:
    whole = good(county, referral)
    return replace(whole, value=(whole.value or b"").replace(b'"P1"', b'"P0"'))


def _foreign_key(county: County, referral: str) -> Letter:
    return good(county, referral).signed(county.keys[SHERIFF])


def _unknown_key(county: County, referral: str) -> Letter:
    return good(county, referral).signed(SigningKey.new(KeyId(f"{POLICE}#never-registered")))


def _on_a_foreign_topic(county: County, referral: str) -> Letter:
    return replace(good(county, referral), topic=county.topics.name(Flow.SOURCE_TO_BROKER, SHERIFF))


def _answer_of_a_source(county: County, referral: str) -> Letter:
    return county.letter(POLICE, accepted(new_offer_id()), referral, flow=Flow.SOURCE_TO_BROKER)


def _screen_not_private(county: County, _: str) -> Letter:
    wire = {**RiskScreened.EXAMPLE, "privateSetting": False}
    return county.letter(POLICE, to_json(wire), new_incident_id(), event=RiskScreened)


def _consent(asked_in_private: bool = True, **changes: Any) -> Callable[[County, str], Letter]:
    """A release of the hotline's that is wrong in this."""

    def make(county: County, _: str) -> Letter:
        record = release_wire() | changes
        wire = {"askedInPrivate": asked_in_private, "record": record}
        return county.letter(HOTLINE, to_json(wire), record["consentId"], event=ConsentGranted)

    return make


def _consent_under_another_subject(county: County, _: str) -> Letter:
    wire = {"askedInPrivate": True, "record": release_wire()}
    return county.letter(HOTLINE, to_json(wire), new_consent_id(), event=ConsentGranted)


def _grantor(**changes: Any) -> list[dict[str, Any]]:
    return [dict(ConsentGranted.EXAMPLE["record"]["grantors"][0]) | changes]


def _informed(**changes: Any) -> dict[str, Any]:
    return dict(ConsentGranted.EXAMPLE["record"]["informed"]) | changes


def _validity(days: float) -> dict[str, str]:
    begins = datetime.now(UTC) - timedelta(hours=1)
    return {"notBefore": begins.isoformat(), "notAfter": (begins + timedelta(days=days)).isoformat()}


def _subject(kind: str) -> dict[str, str]:
    return {"subjectRef": f"sub-{new_consent_id()}", "kind": kind}


_NOW: Final = datetime.now(UTC)
_CATEGORY: Final = {"kind": "CATEGORY", "category": "SHELTER", "serviceArea": "US-CA-001", "maxConcurrentOffers": 2}

RECORDS: Final = (
    Bad("no value", Code.VALUE_MISSING, None, lambda c, r: replace(good(c, r), value=None)),
    Bad("64 KiB and a byte", Code.TOO_LARGE, None, _value(b" " * (RECORD_BYTES_MAX + 1))),
    Bad("a megabyte", Code.TOO_LARGE, None, _value(b'"' + b"x" * 900_000 + b'"')),
    Bad("more headers than any event", Code.TOO_LARGE, "headers", _crowded),
    Bad("ten thousand brackets", Code.TOO_DEEP, None, _value(b"[" * 10_000)),
    Bad("a null header", Code.HEADER_NULL, "ce_correlationid", _headed("ce_correlationid", None)),
    Bad("a null header of a foreign name", Code.HEADER_NULL, None, _headed(NAME, None)),
    Bad("a binary header", Code.HEADER_NOT_TEXT, "ce_correlationid", _headed("ce_correlationid", b"\xff\xfe\x00")),
    Bad("a header twice", Code.HEADER_TWICE, "ce_type", _twice),
    Bad("no content type", Code.NOT_A_CLOUDEVENT, "content-type", _without("content-type")),
    Bad("a structured event without data", Code.NOT_A_CLOUDEVENT, "data", _structured_without_data),
    Bad("another version of CloudEvents", Code.NOT_A_CLOUDEVENT, "specversion", _headed("ce_specversion", b"0.3")),
    Bad("no time", Code.ATTRIBUTE_MISSING, "time", _without("ce_time")),
    Bad("a time without zone", Code.ATTRIBUTE_INVALID, "time", _headed("ce_time", b"2026-03-04T01:55:00")),
    Bad("a sentence in an attribute", Code.ATTRIBUTE_INVALID, "correlationid", _headed("ce_correlationid", b"call me")),
    Bad("an attribute of its own", Code.ATTRIBUTE_UNKNOWN, None, _headed(f"ce_{NAME}", NAME.encode())),
    Bad("a key that is not the subject", Code.KEY_MISMATCH, "key", lambda c, r: replace(good(c, r), key=b"x")),
    Bad("no key", Code.KEY_MISMATCH, "key", lambda c, r: replace(good(c, r), key=None)),
    Bad("an unknown type", Code.TYPE_UNKNOWN, "type", _headed("ce_type", b"org.warmhandoff.person.found.v1")),
    Bad("a provider's answer by a source", Code.TYPE_NOT_YOURS, "type", _answer_of_a_source),
    Bad("not JSON", Code.JSON_INVALID, None, _value(b"{" + NAME.encode())),
    Bad("not text", Code.JSON_INVALID, None, _value(b"\xff\xfe")),
    Bad("a property missing", Code.PROPERTY_MISSING, "priority", _said(priority=None)),
    Bad("a property too many", Code.PROPERTY_UNKNOWN, "(unknown property)", _said(**{NAME: 1})),
    Bad("a value outside the list", Code.PROPERTY_INVALID, "priority", _said(priority=NAME)),
    Bad("a number as text", Code.PROPERTY_INVALID, "needSummary.adults", _said(needSummary={"adults": NAME})),
    Bad("a name in the clear", Code.IDENTITY_IN_CLEAR, "legalGivenName", _said(legalGivenName=NAME)),
    Bad("a street address", Code.NEVER_TRANSIT, "homeAddress", _said(homeAddress=NAME)),
    Bad("a government number", Code.NEVER_TRANSIT, "needSummary.ssn", _said(needSummary={"adults": 1, "ssn": NAME})),
    Bad("answers to danger questions, even sealed", Code.NEVER_TRANSIT, "sealed", _sealing("FG11")),
    Bad("a substance-use programme's record", Code.PART2_NOT_SUPPORTED, "sealed", _sealing("FG19")),
    Bad("nobody to call", Code.CONTACT_MISSING, None, _said(workerContact=None, sealed=[])),
    Bad("no signature", Code.SIGNATURE_MISSING, "wh-signature", _without("wh-signature")),
    Bad("a value changed on the way", Code.SIGNATURE_INVALID, "wh-signature", _tampered),
    Bad("a signature that is none", Code.SIGNATURE_INVALID, "wh-signature",
        lambda c, r: good(c, r).header("wh-signature", b"v1 " + NAME.encode())),
    Bad("a key that nobody registered", Code.KEY_UNKNOWN, "wh-signature", _unknown_key),
    Bad("a neighbour's key", Code.KEY_UNKNOWN, "wh-signature", _foreign_key),
    Bad("a neighbour's topic", Code.SOURCE_NOT_BOUND, "source", _on_a_foreign_topic, told=SHERIFF),
    Bad("a drill on the live network", Code.WRONG_ENVIRONMENT, "msgstatus", _attributed(msgstatus=MsgStatus.EXERCISE)),
    Bad("an event that had expired", Code.EXPIRED, "expirytime", _attributed(expirytime=_NOW - timedelta(seconds=1))),
    Bad("an event of tomorrow", Code.TIME_IMPLAUSIBLE, "time", _attributed(time=_NOW + timedelta(days=1))),
    Bad("a screen with others in the room", Code.SETTING_NOT_PRIVATE, "privateSetting", _screen_not_private),
)  # fmt: skip
"""Wrong by itself, whoever publishes it."""

CONSENTS: Final = tuple(
    replace(bad, told=HOTLINE)
    for bad in (
        Bad("asked aloud", Code.SETTING_NOT_PRIVATE, "askedInPrivate", _consent(asked_in_private=False)),
        Bad("another discloser", Code.DISCLOSER_NOT_YOU, "record", _consent(discloser={"orgId": POLICE})),
        Bad("another subject", Code.KEY_MISMATCH, "record.consentId", _consent_under_another_subject),
        Bad("for ever", Code.NOT_TIME_LIMITED, "record", _consent(validity=_validity(400))),
        Bad("over before it begins", Code.NOT_TIME_LIMITED, "record", _consent(validity=_validity(-1))),
        Bad("oral", Code.NOT_WRITTEN, "record.grantors", _consent(grantors=_grantor(form="ORAL_TEMPORARY"))),
        Bad("a kind of recipient", Code.RECIPIENT_NOT_SPECIFIC, "record.recipients", _consent(recipients=[_CATEGORY])),
        Bad("a minor alone", Code.MINOR_CONSENT_INCOMPLETE, "record.grantors",
            _consent(subject=_subject("UNEMANCIPATED_MINOR"))),
        Bad("a guardian missing", Code.GUARDIAN_MISSING, "record.grantors",
            _consent(subject=_subject("ADULT_WITH_COURT_GUARDIAN"))),
        Bad("perhaps the abuser", Code.GRANTOR_MAY_BE_ABUSER, "record.grantors",
            _consent(grantors=_grantor(abuserCheck="SUSPECTED_ABUSER"))),
        Bad("sign or no bed", Code.CONDITIONED_ON_SERVICE, "record.informed.notConditionOfService",
            _consent(informed=_informed(notConditionOfService=False))),
    )
)  # fmt: skip
"""Releases that are none."""
