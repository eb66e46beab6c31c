"""The CloudEvents 1.0 envelope on Kafka, binary and structured, read without trust and written in one way.

`read_envelope` either returns an `Envelope` whose every attribute has been checked, or raises `Refused` with a code.
It never returns a half-read event. Attributes are routed and logged, so no attribute carries anything of tier 2 or up
(domain.md §9.1).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from broker.schemas.attributes import FORMS, REQUIRED, SUBJECT_FORMS
from broker.schemas.event import EventData, events
from broker.schemas.ids import ConsentId, EventId, OfferId, OrgId, source_urn
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.shapes import instant
from broker.schemas.vocabulary import MsgStatus

RECORD_BYTES_MAX: Final = 64 * 1024
"""A whole event; domain.md §13 T17."""
HEADERS_MAX: Final = 32
"""Far above what the contract uses; a bound on the work an unread record can cause."""

CLOCK_AHEAD_SECONDS_MAX: Final = 300
"""How far ahead a sender's clock may be; more is refused, because deadlines would start late."""

CONSENT_VERSION_MAX: Final = 999_999
"""What `consentver` holds as an attribute: a record that changes more often is not a record."""

BINARY: Final = b"application/json"
STRUCTURED: Final = b"application/cloudevents+json; charset=UTF-8"

Headers = Sequence[tuple[str, bytes]]

_STATUS: Final = {status.value: status for status in MsgStatus}
_HEADER_OF: Final = {name: f"ce_{name}" for name in FORMS}
_ATTRIBUTE_OF: Final = {header: name for name, header in _HEADER_OF.items()}
_INVALID: Final = {"specversion": RefusalCode.NOT_A_CLOUDEVENT, "type": RefusalCode.TYPE_UNKNOWN}
"""What an ill-formed attribute is refused with, where that is not ATTRIBUTE_INVALID."""


class Envelope(NamedTuple):
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


class Received(NamedTuple):
    """An envelope as it came, with the class of its data and the data's own bytes, not yet read."""

    envelope: Envelope
    event_class: type[EventData]
    data: bytes


@lru_cache(maxsize=4096)
def rfc3339(moment: datetime) -> str:
    """A moment as RFC 3339 text in UTC, with `Z`. A batch says the same few moments again and again."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def binary_headers(attributes: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """The headers of an event with these attributes in binary content mode, without a signature."""
    headers = [(_HEADER_OF[name], text.encode()) for name, text in attributes.items()]
    headers.append(("content-type", BINARY))
    return headers


def record_digest(headers: Iterable[tuple[str, bytes | None]], value: bytes) -> bytes:
    """SHA-256 over the `ce_` headers in the order of their names, and the value: what the event is, whoever signed it.

    Each header is its name, a zero byte and its bytes; two zero bytes stand between them, and before the value.
    """
    named = sorted([begin + (text or b"") for name, text in headers if (begin := _digested(name)) is not None])
    return sha256(b"\x00\x00".join((*named, value))).digest()


@lru_cache(maxsize=64)
def _digested(header: str) -> bytes | None:
    """A header's name as it stands in the digest; None where it does not."""
    return header.encode() + b"\x00" if header.startswith("ce_") else None


def binary_record(envelope: Envelope, data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of the event in binary content mode, without a signature."""
    return binary_headers(envelope.attributes()), data


def structured_record(envelope: Envelope, data: bytes) -> tuple[list[tuple[str, bytes]], bytes]:
    """Headers and value of the event in structured content mode, without a signature."""
    event: dict[str, Any] = dict(envelope.attributes())
    if envelope.consentver is not None:
        event["consentver"] = envelope.consentver
    event |= {"datacontenttype": BINARY.decode(), "data": from_json(data)}
    return [("content-type", STRUCTURED)], to_json(event)


def read_envelope(key: bytes | None, headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Received:
    """The event that a Kafka record carries.

    Raises:
        Refused: for anything that is not one of our events in every attribute. The data are not read yet:
            `Received.event_class.read(data)` does that.
    """
    received = read_keyless(headers, value)
    if key is None or key != received.envelope.subject.encode():
        raise Refused(RefusalCode.KEY_MISMATCH, "key")
    return received


def read_keyless(headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> Received:
    """The event of a record to be, whose key will be its subject.

    Raises:
        Refused: as `read_envelope`.
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
    ours = name in ("content-type", "wh-signature") or name.removeprefix("ce_") in FORMS
    return name if ours else None


def _binary(texts: Mapping[str, str]) -> dict[str, str]:
    content_type = texts.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Refused(RefusalCode.NOT_A_CLOUDEVENT, "content-type")
    attributes: dict[str, str] = {}
    for header, text in texts.items():
        name = _ATTRIBUTE_OF.get(header)
        if name is not None:
            attributes[name] = text
        elif header.startswith("ce_"):
            raise Refused(RefusalCode.ATTRIBUTE_UNKNOWN)
    return attributes


def _structured(value: bytes) -> tuple[dict[str, str], bytes]:
    try:
        event = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        deep = "recursion" in str(error)
        raise Refused(RefusalCode.TOO_DEEP if deep else RefusalCode.JSON_INVALID) from None
    if not isinstance(event, dict) or "data" not in event:
        raise Refused(RefusalCode.NOT_A_CLOUDEVENT, "data")
    data = to_json(event.pop("data"))
    version = event.get("consentver")
    if type(version) is int and 0 < version <= CONSENT_VERSION_MAX:
        event["consentver"] = str(version)
    for name, text in event.items():
        if not isinstance(text, str):
            raise Refused(RefusalCode.ATTRIBUTE_INVALID, name if name in FORMS else None)
    return event, data


def _checked(attributes: Mapping[str, str]) -> tuple[Envelope, type[EventData]]:
    for name, text in attributes.items():
        form = FORMS.get(name)
        if form is None:
            raise Refused(RefusalCode.ATTRIBUTE_UNKNOWN)
        if form.fullmatch(text) is None:
            raise Refused(_INVALID.get(name, RefusalCode.ATTRIBUTE_INVALID), name)
    for name in REQUIRED:
        if name not in attributes:
            raise Refused(RefusalCode.ATTRIBUTE_MISSING, name)
    event_class = events().get(attributes["type"])
    if event_class is None:
        raise Refused(RefusalCode.TYPE_UNKNOWN, "type")
    subject = attributes["subject"]
    if SUBJECT_FORMS[event_class.SUBJECT].fullmatch(subject) is None:
        raise Refused(RefusalCode.ATTRIBUTE_INVALID, "subject")
    if attributes.get("partitionkey", subject) != subject:
        raise Refused(RefusalCode.KEY_MISMATCH, "partitionkey")
    return _envelope(attributes), event_class


def _envelope(attributes: Mapping[str, str]) -> Envelope:
    """The envelope of attributes whose forms have been checked."""
    seen = attributes.get
    if "recordedtime" in attributes:
        _moment(attributes, "recordedtime")
    return Envelope(
        id=EventId(attributes["id"]),
        org=OrgId(attributes["source"].rpartition(":")[2]),
        type=attributes["type"],
        subject=attributes["subject"],
        time=_moment(attributes, "time"),
        msgstatus=_STATUS[attributes["msgstatus"]],
        expirytime=_moment(attributes, "expirytime") if "expirytime" in attributes else None,
        causationid=EventId(causation) if (causation := seen("causationid")) else None,
        correlationid=seen("correlationid"),
        consentid=ConsentId(consent) if (consent := seen("consentid")) else None,
        consentver=int(version) if (version := seen("consentver")) else None,
        offerid=OfferId(offer) if (offer := seen("offerid")) else None,
    )


def _moment(attributes: Mapping[str, str], name: str) -> datetime:
    """The attribute as a UTC moment; a naive time has no form (reliability.md §6.6 C3)."""
    try:
        return instant(attributes[name])
    except ValueError:
        raise Refused(RefusalCode.ATTRIBUTE_INVALID, name) from None
