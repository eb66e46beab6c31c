"""A county on a desk in memory: the police, some shelters, and the broker's own stories. No store, no Kafka."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from broker.domain.consent import Party
from broker.domain.matching import Provider
from broker.domain.policy import PolicyPack
from broker.handlers import deadline_passed
from broker.handlers.arrival import Arrival
from broker.handlers.cases import Need, Referral
from broker.handlers.desk import Desk, Draw
from broker.handlers.directory import Directory
from broker.handlers.stories import STORIES
from broker.schemas.envelope import Envelope
from broker.schemas.event import EventData
from broker.schemas.ids import EventId, OfferId, OrgId, ReferralId
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.refusal import Refused
from broker.schemas.vocabulary import OrgClass, RecipientCategory, Service
from tests.domain.cast import NOW, POLICE, pack, party

REFERRAL = ReferralId("ref-0f3d7c5e-6a51-4c11-9f0b-0f4f3a3f6f10")
SHELTER = RecipientCategory.SHELTER

_serial = count(1)
_LEFT_OUT = ("incidentId", "agreedAt", "urgency")


def _uuid() -> str:
    return str(UUID(int=next(_serial), version=4))


class DeskCounty:
    """One referral's life on one desk, whose clock the test sets."""

    def __init__(self, shelters: int, policy: PolicyPack | None = None) -> None:
        self.shelters = [party(OrgClass.VSP_SHELTER, SHELTER, f"org-shelter-{number}") for number in range(shelters)]
        services = frozenset({Service.EMERGENCY_SHELTER})
        directory = Directory(
            version=1,
            good_until=NOW + timedelta(days=365),
            parties={one.org: one for one in (POLICE, *self.shelters)},
            providers={SHELTER: tuple(Provider(one.org, one.org_class, SHELTER, services) for one in self.shelters)},
            sealing_keys={},
            signing_keys={},
            policy=pack().reference,
        )
        draw = Draw(lambda: EventId(_uuid()), lambda: OfferId(f"off-{_uuid()}"), lambda: bytes(32))
        self.desk = Desk(NOW, {pack().reference: policy or pack()}, directory, draw, OrgId("org-broker"))

    @property
    def referral(self) -> Referral:
        """The one referral."""
        return self.desk.referrals[REFERRAL]

    @property
    def need(self) -> Need:
        """Its one need."""
        return self.referral.needs[SHELTER]

    def request(self, **changes: Any) -> None:
        """The police ask for a shelter, without having been able to ask her."""
        wire: Mapping[str, Any] = {
            **ReferralRequested.EXAMPLE,
            "services": ["EMERGENCY_SHELTER"],
            "victimAgreed": "NOT_ASKED_UNSAFE",
            "excludedRecipients": [],
            "sealed": [{**ReferralRequested.EXAMPLE["sealed"][0], "fieldGroup": "FG03"}],
            **changes,
        }
        kept = {name: value for name, value in wire.items() if name not in _LEFT_OUT}
        assert self.tell(POLICE, ReferralRequested.model_validate(kept)) is None

    def tell(self, who: Party, fact: EventData) -> Refused | None:
        """One event, worked as the broker works it; returns the refusal, if it was refused."""
        envelope = Envelope(EventId(_uuid()), who.org, fact.TYPE, REFERRAL, self.desk.now)
        try:
            with self.desk.event(envelope.id, who.org):
                STORIES[type(fact)](Arrival(envelope, fact, who), self.desk)
        except Refused as refused:
            return refused
        return None

    def tick(self) -> bool:
        """One clock looks; False where nothing was due."""
        due_at = self.need.due_at
        if due_at is None or due_at > self.desk.now:
            return False
        deadline_passed.work(self.referral, SHELTER, self.desk)
        return True

    def pass_time(self, until: datetime) -> None:
        """The clock ticks at every deadline on the way, as it does twice a second."""
        for _ in range(100):
            due_at = self.need.due_at
            if due_at is None or due_at > until:
                break
            self.desk.now = max(self.desk.now, due_at)
            assert self.tick()
        else:
            raise AssertionError("the clock turns and nothing moves on")
        self.desk.now = max(self.desk.now, until)

    def said(self, kind: type[EventData]) -> list[Any]:
        """What left, of one type, in order."""
        return [kind.read(one.value) for one in self.desk.written.outbox if one.envelope.type == kind.TYPE]

    def work(self) -> list[str]:
        """Why a human has it, in order."""
        return [item.reason for item in self.desk.written.work]
