"""Builds records that nobody has checked, broken ones too, so that one can see what the broker makes of them."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from broker.agency.publishing import Published
from broker.agency.records import Desk, KafkaHeaders, Record
from broker.agency.sending import Place
from broker.commands.event_file import ShortEvent, WholeEvent, header_value
from broker.schemas.attributes import FORMS
from broker.schemas.catalogue import event_named
from broker.schemas.envelope import BINARY, STRUCTURED, rfc3339
from broker.schemas.event import Subject
from broker.schemas.ids import (
    EventId,
    KeyId,
    new_consent_id,
    new_event_id,
    new_incident_id,
    new_offer_id,
    new_referral_id,
    source_urn,
)
from broker.seal.keys import SigningKey
from broker.seal.signature import SIGNATURE_HEADER, sign

_FRESH: Final = {
    Subject.REFERRAL: new_referral_id,
    Subject.INCIDENT: new_incident_id,
    Subject.CONSENT: new_consent_id,
    Subject.EVENT: new_event_id,
    Subject.ANY: new_event_id,
}


def fresh_subject(event: ShortEvent, desk: Desk) -> str:
    """What the event is about: as the file says, its consent's own id, or a fresh id of the fitting form."""
    if event.subject is not None:
        return event.subject
    record = event.data.get("record")
    if isinstance(record, dict) and isinstance(record.get("consentId"), str):
        return str(record["consentId"])
    known = event_named(event.type)
    if known is None or known.SUBJECT is Subject.ORGANISATION:
        return desk.zone.org if known else new_offer_id()
    return _FRESH[known.SUBJECT]()


def whole_record(event: WholeEvent, desk: Desk, extra: KafkaHeaders = ()) -> Record:
    """The record of a CloudEvent as it stands, in structured mode, signed."""
    headers = [*_without(extra, "content-type"), *_named(extra, "content-type", STRUCTURED)]
    return signed(
        Record(
            desk.topic_of(event_named(str(event.attributes.get("type", "")))),
            event.subject.encode(),
            headers,
            event.value,
        ),
        desk,
    )


def raw_bytes_record(content: bytes, desk: Desk, extra: KafkaHeaders) -> Record:
    """The record of any bytes with any headers, keyed by a fresh referral id."""
    return signed(Record(desk.topic_of(None), new_referral_id().encode(), list(extra), content), desk)


def raw_record(event: ShortEvent, desk: Desk, now: datetime, extra: KafkaHeaders = ()) -> Record:
    """The record of a short form, in binary mode, unchecked; what the file says of the record itself comes last."""
    attributes = _attributes(event, desk, now)
    headers: list[tuple[str, bytes | None]] = [(f"ce_{name}", text.encode()) for name, text in attributes.items()]
    headers.append(("content-type", BINARY))
    overlay = [*_file_headers(event), *extra]
    replaced = {name for name, _ in overlay}
    headers = [(name, content) for name, content in headers if name not in replaced] + overlay
    key = (event.key or attributes.get("subject", "")).encode()
    record = Record(desk.topic_of(event_named(event.type)), key, headers, _value(event))
    if event.signature == "none" or SIGNATURE_HEADER in replaced:
        return record
    if event.signature == "broken":
        return _resigned(signed(record, desk), b"v1 %s " % desk.zone.signing_key.key_id.encode() + b"A" * 86)
    return signed(record, desk, unknown=event.signature == "unknown")


def published_of(record: Record, place: Place) -> Published | Place:
    """What was sent, with the event's id where the record says one that can be read: the broker names it by that."""
    content = dict(record.headers).get("ce_id")
    try:
        said = json.loads(record.value or b"null") if content is None else content.decode()
    except ValueError:
        return place
    event_id = said.get("id") if isinstance(said, dict) else said
    if not isinstance(event_id, str) or FORMS["id"].fullmatch(event_id) is None:
        return place
    subject = (record.key or b"").decode(errors="replace")
    return Published.at_place(place, EventId(event_id), subject)


def signed(record: Record, desk: Desk, *, unknown: bool = False) -> Record:
    """The record with a signature over all of it that can be signed; by a key that nobody knows, if wanted."""
    key = SigningKey.new(KeyId(f"{desk.zone.org}#unregistered")) if unknown else desk.zone.signing_key
    sound: dict[str, bytes] = {}
    for name, content in record.headers:
        if content is not None:
            sound.setdefault(name, content)
    return _resigned(record, sign(list(sound.items()), record.value or b"", key))


def _resigned(record: Record, signature: bytes) -> Record:
    headers = [*_without(record.headers, SIGNATURE_HEADER), (SIGNATURE_HEADER, signature)]
    return Record(record.topic, record.key, headers, record.value)


def _attributes(event: ShortEvent, desk: Desk, now: datetime) -> dict[str, str]:
    known = event_named(event.type)
    subject = fresh_subject(event, desk)
    given: dict[str, str | None] = {
        "specversion": "1.0",
        "id": event.id or new_event_id(),
        "source": source_urn(desk.zone.org),
        "type": known.TYPE if known else event.type,
        "subject": subject,
        "time": event.time or rfc3339(now),
        "partitionkey": subject,
        "msgstatus": desk.topics.environment.value,
        "expirytime": event.expirytime,
        "consentid": event.consentid,
        "consentver": str(event.consentver) if event.consentid else None,
    }
    return {name: text for name, text in (given | event.attributes).items() if text is not None}


def _value(event: ShortEvent) -> bytes | None:
    if "value" in event.model_fields_set:
        return header_value(event.value)
    return json.dumps(event.data).encode()


def _file_headers(event: ShortEvent) -> Iterator[tuple[str, bytes | None]]:
    for name, given in event.headers.items():
        for one in given if isinstance(given, list) else [given]:
            yield name, header_value(one)


def _without(headers: KafkaHeaders, name: str) -> list[tuple[str, bytes | None]]:
    return [(one, content) for one, content in headers if one != name]


def _named(headers: KafkaHeaders, name: str, otherwise: bytes) -> Sequence[tuple[str, bytes | None]]:
    return [(one, content) for one, content in headers if one == name] or [(name, otherwise)]
