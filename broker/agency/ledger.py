"""What an agency has shared by its own events, in codes: what a survivor can be told without asking anybody else.

zones/<org>/ledger/<subject>.jsonl   one referral or consent; a line for what was shared, taken back or heard; mode 0600

A line is on the disk before its event leaves. The lines name organisations, groups and times, and nothing of what is
sealed; who the referral is about stands in the agency's own records alone.
"""

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from broker.agency.errors import LedgerBroken
from broker.agency.notices import Notice
from broker.agency.records import Record
from broker.domain.needs import services_by_category
from broker.domain.purposes import purpose_for
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.envelope import Envelope, read_envelope
from broker.schemas.event import Contract, EventData
from broker.schemas.field_groups import FieldGroup, FieldGroupText
from broker.schemas.ids import ConsentIdText, EventIdText, OrgId, OrgIdText
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_recalled import ReferralRecalled
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.shapes import Maybe, Moment, VersionNumber
from broker.schemas.vocabulary import RecipientCategory
from broker.seal.key_files import FILE_MODE, FOLDER_MODE, destroy_secret, read_secret

LEDGER_FOLDER: Final = "ledger"
_SUFFIX: Final = ".jsonl"


class Shared(StrEnum):
    """What a line says."""

    REQUESTED = "REQUESTED"
    SEALED = "SEALED"
    """The keys of these groups were wrapped for this organisation."""
    CHOSEN = "CHOSEN"
    """This organisation said yes, as far as the agency may hear of it."""
    CONSENT = "CONSENT"
    REVOKED = "REVOKED"
    TAKEN_BACK = "TAKEN_BACK"
    CLOSED = "CLOSED"


class Line(Contract):
    """One line; times are UTC. `until` is when a consent ends.

    `parts` are what a revocation was restricted to; of a request, the purpose for each kind of help: `SHELTER:…`.
    """

    event_id: EventIdText
    at: Moment
    said: Shared
    recipient: Maybe[OrgIdText] = None
    category: Maybe[RecipientCategory] = None
    groups: tuple[FieldGroupText, ...] = ()
    consent_id: Maybe[ConsentIdText] = None
    version: Maybe[VersionNumber] = None
    until: Maybe[Moment] = None
    parts: tuple[str, ...] = ()


class Ledger:
    """The lines of one agency's zone."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or made before it is needed."""
        self._folder = folder

    def note(self, record: Record) -> None:
        """Write down what this record shares, before it leaves; written once, however often it is sent."""
        received = read_envelope(record.key, record.headers, record.value)
        fact = received.event_class.read(received.data)
        self._add(received.envelope.subject, _lines_of(received.envelope, fact))

    def hear(self, notice: Notice) -> None:
        """Write down what the broker's word adds to a referral of this zone: who was chosen, that a need is closed."""
        fact = notice.fact
        if isinstance(fact, RecipientChosen | ReferralClosed) and self._path(notice.subject).exists():
            chosen = isinstance(fact, RecipientChosen)
            line = Line(
                event_id=notice.event_id,
                at=notice.time,
                said=Shared.CHOSEN if chosen else Shared.CLOSED,
                recipient=fact.recipient if isinstance(fact, RecipientChosen) else None,
                category=fact.category,
            )
            self._add(notice.subject, [line])

    def of(self, subject: str) -> list[Line]:
        """The lines of a referral or a consent, in their order; none where nothing was noted.

        Raises:
            LedgerBroken: a line is not one of ours.
            KeyFileTooOpen, KeyFileForeign: others can reach the file.
        """
        path = self._path(subject)
        if not path.exists():
            return []
        # A line without its end was not written whole: its event had not left then.
        whole = read_secret(path).split(b"\n")[:-1]
        try:
            return [Line.model_validate_json(line, strict=True, by_alias=True, by_name=False) for line in whole]
        except ValidationError:
            raise LedgerBroken from None

    def referrals(self) -> Iterator[str]:
        """The referrals of which something is noted."""
        return (path.stem for path in sorted(self._folder.glob(f"ref-*{_SUFFIX}")))

    def forget(self, now: datetime, kept: timedelta) -> int:
        """Destroy what had its last line so long ago; returns how many files that were."""
        ended = [path for path in self._folder.glob(f"*{_SUFFIX}") if path.stat().st_mtime < (now - kept).timestamp()]
        for path in ended:
            destroy_secret(path)
        return len(ended)

    def _add(self, subject: str, lines: Iterable[Line]) -> None:
        known = {(line.event_id, line.recipient) for line in self.of(subject)}
        new = [line for line in lines if (line.event_id, line.recipient) not in known]
        if not new:
            return
        self._folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        text = "".join(line.model_dump_json(by_alias=True, exclude_none=True) + "\n" for line in new)
        # Added to, never written anew: several processes of a zone write here.
        descriptor = os.open(self._path(subject), os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
        with os.fdopen(descriptor, "ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(descriptor)

    def _path(self, subject: str) -> Path:
        return self._folder / f"{subject}{_SUFFIX}"


def zone_ledger(zone: Path) -> Ledger:
    """The ledger of the agency whose zone this folder is."""
    return Ledger(zone / LEDGER_FOLDER)


def _lines_of(envelope: Envelope, fact: EventData) -> Iterator[Line]:
    said = _SAID.get(type(fact))
    if said is None:
        return
    about = {"event_id": envelope.id, "at": envelope.time, "said": said}
    if isinstance(fact, ConsentGranted | ConsentNarrowed):
        record = fact.record
        yield Line(**about, version=record.version, until=record.validity.not_after)
    elif isinstance(fact, ConsentRevoked):
        yield Line(**about, version=fact.version, parts=fact.scope_values)
    elif isinstance(fact, ReferralSealed):
        for recipient, groups in _by_recipient(fact).items():
            yield Line(
                **about, recipient=recipient, groups=groups, consent_id=envelope.consentid, version=envelope.consentver
            )
    else:
        parts = tuple(_purposes(fact)) if isinstance(fact, ReferralRequested) else ()
        yield Line(**about, consent_id=envelope.consentid, version=envelope.consentver, parts=parts)


_SAID: Final[dict[type[EventData], Shared]] = {
    ConsentGranted: Shared.CONSENT,
    ConsentNarrowed: Shared.CONSENT,
    ConsentRevoked: Shared.REVOKED,
    ReferralRequested: Shared.REQUESTED,
    ReferralSealed: Shared.SEALED,
    ReferralCancelled: Shared.TAKEN_BACK,
    ReferralRecalled: Shared.TAKEN_BACK,
}


def _purposes(fact: ReferralRequested) -> Iterator[str]:
    for category, services in services_by_category(fact).items():
        yield f"{category}:{purpose_for(category, services)}"


def _by_recipient(fact: ReferralSealed) -> dict[OrgId, tuple[FieldGroup, ...]]:
    found: dict[OrgId, list[FieldGroup]] = {}
    for wrap in fact.wraps:
        found.setdefault(wrap.recipient, []).append(wrap.field_group)
    return {recipient: tuple(sorted(set(groups))) for recipient, groups in found.items()}
