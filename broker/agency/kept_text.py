"""What is kept of a referral as JSON text and back: before it is encrypted, and after it was opened."""

from typing import Any, Self

from pydantic import ValidationError

from broker.agency.errors import KeptUnreadable
from broker.agency.keeping import KeptReferral
from broker.agency.records import Record
from broker.domain.consent import ConsentRef, Revoked
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.event import Contract
from broker.schemas.field_groups import FieldGroupText
from broker.schemas.ids import ConsentIdText, EventIdText, ReferralIdText
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.shapes import Maybe, Moment
from broker.schemas.vocabulary import RecipientCategory
from broker.seal import base64url
from broker.seal.sealing import ContentKey


class _Consent(Contract):
    consent_id: ConsentIdText
    version: int


class _Revocation(Contract):
    consent_id: ConsentIdText
    version: int
    scope: str
    values: tuple[str, ...]


class _Record(Contract):
    topic: str
    key: str
    headers: tuple[tuple[str, str], ...]
    value: str

    @classmethod
    def of(cls, record: Record) -> Self:
        """A record of our own making: in binary mode, every header text."""
        headers = tuple((name, (text or b"").decode()) for name, text in record.headers)
        key, value = (record.key or b"").decode(), base64url.encode(record.value or b"")
        return cls(topic=record.topic, key=key, headers=headers, value=value)

    def record(self) -> Record:
        """As Kafka gets it."""
        headers = [(name, text.encode()) for name, text in self.headers]
        return Record(self.topic, self.key.encode(), headers, base64url.decode(self.value))


class _Kept(Contract):
    referral_id: ReferralIdText
    request: ReferralRequested
    consent: Maybe[_Consent] = None
    content_keys: dict[FieldGroupText, str]
    open_needs: tuple[RecipientCategory, ...]
    kept_at: Moment
    releases: tuple[ConsentRecord, ...]
    revocations: tuple[_Revocation, ...]
    answered: dict[EventIdText, _Record]
    waiting: dict[EventIdText, RecipientChosen]


def text_of(kept: KeptReferral) -> bytes:
    """The UTF-8 JSON of what is kept. It holds content keys in the clear: encrypt it at once."""
    held = _Kept.model_construct(
        referral_id=kept.referral_id,
        request=kept.request,
        consent=None if kept.consent is None else _Consent(**kept.consent._asdict()),
        content_keys={group: base64url.encode(key.reveal()) for group, key in kept.content_keys.items()},
        open_needs=tuple(sorted(kept.open_needs)),
        kept_at=kept.kept_at,
        releases=tuple(kept.releases),
        revocations=tuple(_Revocation(consent_id=one, **revoked._asdict()) for one, revoked in kept.revocations),
        answered={event_id: _Record.of(record) for event_id, record in kept.answered.items()},
        waiting=dict(kept.waiting),
    )
    return held.model_dump_json(by_alias=True, exclude_none=True).encode()


def read_text(text: bytes) -> KeptReferral:
    """What this JSON says.

    Raises:
        KeptUnreadable: it is not what `text_of` writes.
    """
    try:
        held = _Kept.model_validate_json(text, strict=True, by_alias=True, by_name=False)
        return KeptReferral(**_parts(held))
    except (ValidationError, ValueError):
        raise KeptUnreadable from None


def _parts(held: _Kept) -> dict[str, Any]:
    consent = None if held.consent is None else ConsentRef(held.consent.consent_id, held.consent.version)
    return {
        "referral_id": held.referral_id,
        "request": held.request,
        "consent": consent,
        "content_keys": {group: ContentKey(base64url.decode(key)) for group, key in held.content_keys.items()},
        "open_needs": frozenset(held.open_needs),
        "kept_at": held.kept_at,
        "releases": held.releases,
        "revocations": tuple((one.consent_id, Revoked(one.version, one.scope, one.values)) for one in held.revocations),
        "answered": {event_id: one.record() for event_id, one in held.answered.items()},
        "waiting": held.waiting,
    }
