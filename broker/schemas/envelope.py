"""The CloudEvents 1.0 envelope on Kafka, binary and structured, read without trust and written in one way.

`read_envelope` either returns an `Envelope` whose every attribute has been checked, or raises `Refused` with a code.
It never returns a half-read event. Attributes are routed and logged, so no attribute carries anything of tier 2 or up
(domain.md §9.1).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import from_json, to_json

from broker.schemas.event import EventData, Subject, events
from broker.schemas.ids import (
    CONSENT_ID_PATTERN,
    EVENT_ID_PATTERN,
    INCIDENT_ID_PATTERN,
    OFFER_ID_PATTERN,
    ORG_ID_PATTERN,
    REFERRAL_ID_PATTERN,
    ConsentId,
    EventId,
    OfferId,
    OrgId,
    org_of_source,
    source_urn,
)
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.vocabulary import MsgStatus

RECORD_BYTES_MAX: Final = 64 * 1024
"""A whole event; domain.md §13 T17."""
HEADERS_MAX: Final = 32
"""Far above what the contract uses; a bound on the work an unread record can cause."""

BINARY: Final = b"application/json"
STRUCTURED: Final = b"application/cloudevents+json; charset=UTF-8"

Headers = Sequence[tuple[str, bytes]]

SUBJECT_PATTERNS: Final = {
    Subject.REFERRAL: REFERRAL_ID_PATTERN,
    Subject.CONSENT: CONSENT_ID_PATTERN,
    Subject.INCIDENT: INCIDENT_ID_PATTERN,
    Subject.ORGANISATION: ORG_ID_PATTERN,
    Subject.EVENT: EVENT_ID_PATTERN,
    Subject.ANY: "|".join((REFERRAL_ID_PATTERN, INCIDENT_ID_PATTERN, ORG_ID_PATTERN, EVENT_ID_PATTERN)),
}
"""The form of a subject by what it names; a consent's id has the form of an event's."""
_SUBJECT: Final = {subject: re.compile(pattern) for subject, pattern in SUBJECT_PATTERNS.items()}
_EVENT_ID: Final = re.compile(EVENT_ID_PATTERN)
_ORG_ID: Final = re.compile(ORG_ID_PATTERN)
_CONSENT_ID: Final = re.compile(CONSENT_ID_PATTERN)
_OFFER_ID: Final = re.compile(OFFER_ID_PATTERN)
_VERSION: Final = re.compile(r"^[1-9][0-9]{0,5}$")
_TRACEPARENT: Final = re.compile(r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
_TIME: Final = re.compile(r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)$")
_CODED: Final = re.compile(r"^[A-Za-z0-9_.,:/#-]{1,200}$")
REQUIRED_ATTRIBUTES: Final = ("id", "source", "specversion", "type", "subject", "time", "msgstatus")
_OPTIONAL: Final = (
    "datacontenttype",
    "dataschema",
    "recordedtime",
    "partitionkey",
    "correlationid",
    "causationid",
    "expirytime",
    "consentid",
    "consentver",
    "offerid",
    "noticecode",
    "dataclassification",
    "dataregulation",
    "datacategory",
    "traceparent",
)
ATTRIBUTES: Final = frozenset(REQUIRED_ATTRIBUTES + _OPTIONAL)
"""Every attribute of the contract; any other is refused."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The checked attributes of one event. Times are aware and UTC."""

    id: EventId
    org: OrgId
    type: str
    subject: str
    time: datetime
    msgstatus: MsgStatus = MsgStatus.ACTUAL
    expirytime: datetime | None = None
    causationid: EventId | None = None
    correlationid: str | None = None
    consentid: ConsentId | None = None
    consentver: int | None = None
    offerid: OfferId | None = None

    def attributes(self) -> dict[str, str]:
        """The attributes as CloudEvents names and texts, absent ones left out."""
        named = {
            "specversion": "1.0",
            "id": self.id,
            "source": source_urn(self.org),
            "type": self.type,
            "subject": self.subject,
            "time": rfc3339(self.time),
            "partitionkey": self.subject,
            "msgstatus": self.msgstatus.value,
        }
        if self.expirytime is not None:
            named["expirytime"] = rfc3339(self.expirytime)
        if self.causationid is not None:
            named["causationid"] = self.causationid
        if self.correlationid is not None:
            named["correlationid"] = self.correlationid
        if self.consentid is not None:
            named["consentid"] = self.consentid
        if self.consentver is not None:
            named["consentver"] = str(self.consentver)
        if self.offerid is not None:
            named["offerid"] = self.offerid
        return named


@dataclass(frozen=True, slots=True)
class Received:
    """An envelope as it came, with the class of its data and the data's own bytes, not yet read."""

    envelope: Envelope
    event_class: type[EventData]
    data: bytes


def rfc3339(moment: datetime) -> str:
    """A moment as RFC 3339 text in UTC, with `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def binary_record(envelope: Envelope, data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of the event in binary content mode, without a signature."""
    headers = [(f"ce_{name}", text.encode()) for name, text in envelope.attributes().items()]
    headers.append(("content-type", BINARY))
    return headers, data


def structured_record(envelope: Envelope, data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of the event in structured content mode, without a signature."""
    event: dict[str, Any] = dict(envelope.attributes())
    if envelope.consentver is not None:
        event["consentver"] = envelope.consentver
    event |= {"datacontenttype": BINARY.decode(), "data": from_json(data)}
    return [("content-type", STRUCTURED)], to_json(event)


def envelope_of(attributes: Mapping[str, str]) -> Envelope:
    """The envelope that these attributes say, for an event of ours that was stored.

    Raises:
        Refused: as `read_envelope` does.
    """
    return _checked(attributes)[0]


def read_envelope(key: bytes | None, headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Received:
    """The event that a Kafka record carries.

    Raises:
        Refused: for anything that is not one of our events in every attribute. The data are not read yet:
            `Received.event_class.read(data)` does that.
    """
    if value is None:
        raise Refused(RefusalCode.VALUE_MISSING)
    if len(value) > RECORD_BYTES_MAX:
        raise Refused(RefusalCode.TOO_LARGE)
    texts = _header_texts(headers)
    if texts.get("content-type", "").lower().startswith("application/cloudevents"):
        attributes, data = _structured(value)
    else:
        attributes, data = _binary(texts), value
    envelope, event_class = _checked(attributes)
    if key is None or key != envelope.subject.encode():
        raise Refused(RefusalCode.KEY_MISMATCH, "key")
    return Received(envelope, event_class, data)


def _header_texts(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    if len(headers) > HEADERS_MAX:
        raise Refused(RefusalCode.TOO_LARGE, "headers")
    texts: dict[str, str] = {}
    for name, content in headers:
        if content is None:
            raise Refused(RefusalCode.HEADER_NULL, _header_name(name))
        if name in texts:
            raise Refused(RefusalCode.HEADER_TWICE, _header_name(name))
        try:
            texts[name] = content.decode()
        except UnicodeDecodeError:
            raise Refused(RefusalCode.HEADER_NOT_TEXT, _header_name(name)) from None
    return texts


def _header_name(name: str) -> str | None:
    """A header's name, where it is one of ours; a foreign name is the sender's own text and is not repeated."""
    ours = name in ("content-type", "wh-signature") or name.removeprefix("ce_") in ATTRIBUTES
    return name if ours else None


def _binary(texts: Mapping[str, str]) -> dict[str, str]:
    content_type = texts.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Refused(RefusalCode.NOT_A_CLOUDEVENT, "content-type")
    return {name[3:]: text for name, text in texts.items() if name.startswith("ce_")}


def _structured(value: bytes) -> tuple[dict[str, str], bytes]:
    try:
        event = from_json(value)
    except ValueError as error:
        deep = "recursion" in str(error)
        raise Refused(RefusalCode.TOO_DEEP if deep else RefusalCode.JSON_INVALID) from None
    if not isinstance(event, dict) or "data" not in event:
        raise Refused(RefusalCode.NOT_A_CLOUDEVENT, "data")
    data = to_json(event.pop("data"))
    version = event.get("consentver")
    if isinstance(version, int) and not isinstance(version, bool):
        event["consentver"] = str(version)
    for name, text in event.items():
        if not isinstance(text, str):
            raise Refused(RefusalCode.ATTRIBUTE_INVALID, name if name in ATTRIBUTES else None)
    return event, data


def _checked(attributes: Mapping[str, str]) -> tuple[Envelope, type[EventData]]:
    for name in attributes:
        if name not in ATTRIBUTES:
            raise Refused(RefusalCode.ATTRIBUTE_UNKNOWN)
    for name in REQUIRED_ATTRIBUTES:
        if name not in attributes:
            raise Refused(RefusalCode.ATTRIBUTE_MISSING, name)
    if attributes["specversion"] != "1.0":
        raise Refused(RefusalCode.NOT_A_CLOUDEVENT, "specversion")
    event_class = events().get(attributes["type"])
    if event_class is None:
        raise Refused(RefusalCode.TYPE_UNKNOWN, "type")
    subject = _matching(attributes, "subject", _SUBJECT[event_class.SUBJECT])
    if attributes.get("partitionkey", subject) != subject:
        raise Refused(RefusalCode.KEY_MISMATCH, "partitionkey")
    _check_passengers(attributes)
    return _envelope(attributes, event_class.TYPE, subject), event_class


def _check_passengers(attributes: Mapping[str, str]) -> None:
    """Attributes that are allowed but that the broker does not use: their form is checked all the same."""
    if "datacontenttype" in attributes and attributes["datacontenttype"] != BINARY.decode():
        raise Refused(RefusalCode.ATTRIBUTE_INVALID, "datacontenttype")
    if "traceparent" in attributes:
        _matching(attributes, "traceparent", _TRACEPARENT)
    if "recordedtime" in attributes:
        _moment(attributes, "recordedtime")
    for name in ("dataschema", "dataclassification", "dataregulation", "datacategory", "noticecode", "correlationid"):
        if name in attributes:
            _matching(attributes, name, _CODED)


def _envelope(attributes: Mapping[str, str], event_type: str, subject: str) -> Envelope:
    org = org_of_source(attributes["source"])
    if org is None or not _ORG_ID.match(org):
        raise Refused(RefusalCode.ATTRIBUTE_INVALID, "source")
    try:
        status = MsgStatus(attributes["msgstatus"])
    except ValueError:
        raise Refused(RefusalCode.ATTRIBUTE_INVALID, "msgstatus") from None
    return Envelope(
        id=EventId(_matching(attributes, "id", _EVENT_ID)),
        org=org,
        type=event_type,
        subject=subject,
        time=_moment(attributes, "time"),
        msgstatus=status,
        expirytime=_moment(attributes, "expirytime") if "expirytime" in attributes else None,
        causationid=EventId(_matching(attributes, "causationid", _EVENT_ID)) if "causationid" in attributes else None,
        correlationid=attributes.get("correlationid"),
        consentid=ConsentId(_matching(attributes, "consentid", _CONSENT_ID)) if "consentid" in attributes else None,
        consentver=int(_matching(attributes, "consentver", _VERSION)) if "consentver" in attributes else None,
        offerid=OfferId(_matching(attributes, "offerid", _OFFER_ID)) if "offerid" in attributes else None,
    )


def _matching(attributes: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    text = attributes[name]
    if not form.match(text) or text.endswith("\n"):
        raise Refused(RefusalCode.ATTRIBUTE_INVALID, name)
    return text


def _moment(attributes: Mapping[str, str], name: str) -> datetime:
    """An RFC 3339 moment with its zone, as UTC; a naive time is refused (reliability.md §6.6 C3)."""
    text = _matching(attributes, name, _TIME)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused(RefusalCode.ATTRIBUTE_INVALID, name) from None
