"""Answers "what if": a question to the gate in a file, with its own consents and time; nothing is sent or stored.

The consents of the file are read as the broker reads them when they are published, and what intake would refuse counts
for nothing, because the broker would never have known it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, ValidationError

from broker.domain.consent import ConsentRef, Decision, Party, Phase, Question, decide, release_refusal, terms
from broker.domain.policy import PolicyPack
from broker.policies import DEFAULT_PACK, shipped_names, shipped_pack
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_record import ConsentRecord, ConsentVersion
from broker.schemas.event import Contract, refusal_of
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OrgIdText
from broker.schemas.necessity import NecessityNote
from broker.schemas.refusal import RefusalCode, Refused
from broker.schemas.shapes import Maybe, Moment
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, VictimAgreed


class Side(Contract):
    """One of the two organisations. Areas matter only where a release names a kind of recipient."""

    org_id: OrgIdText
    org_class: OrgClass
    category: Maybe[RecipientCategory] = None
    areas: tuple[str, ...] = ()

    def party(self) -> Party:
        """It as the rules see it."""
        return Party(self.org_id, self.org_class, self.category, frozenset(self.areas))


class WhatIf(Contract):
    """A question to the gate. `time` is RFC 3339 with a zone; `consent` is the version that the message would name."""

    phase: Phase
    discloser: Side
    recipient: Side
    purpose: Purpose
    groups: Annotated[tuple[Annotated[str, StringConstraints(max_length=8)], ...], Field(max_length=64)]
    victim_agreed: VictimAgreed
    consent: Maybe[ConsentVersion] = None
    consents: Annotated[tuple[ConsentRecord, ...], Field(max_length=50)] = ()
    excluded_recipients: tuple[OrgIdText, ...] = ()
    necessity: Maybe[NecessityNote] = None
    pack: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")] = DEFAULT_PACK
    time: Moment

    def question(self) -> Question:
        """The question as the gate is asked it."""
        named = None if self.consent is None else ConsentRef(self.consent.consent_id, self.consent.version)
        return Question(
            phase=self.phase,
            discloser=self.discloser.party(),
            recipient=self.recipient.party(),
            purpose=self.purpose,
            groups=frozenset(FieldGroup(code) for code in self.groups),
            consent=named,
            victim_agreed=self.victim_agreed,
            excluded=frozenset(self.excluded_recipients),
            necessity=self.necessity,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """The gate's answer, under which policy, and the consents (by place in the file) that intake would refuse."""

    decision: Decision
    policy: str
    refused: Mapping[int, RefusalCode]


EXAMPLE: Final[dict[str, Any]] = {
    "phase": "RELEASE",
    "discloser": {"orgId": "org-advocacy-a", "orgClass": "VSP_ADVOCACY"},
    "recipient": {"orgId": "org-shelter-b", "orgClass": "VSP_SHELTER", "category": "SHELTER"},
    "purpose": "SHELTER_PLACEMENT",
    "groups": ["FG00", "FG01", "FG02", "FG03", "FG04", "FG10", "FG17"],
    "victimAgreed": "YES",
    "consent": {"consentId": ConsentGranted.EXAMPLE["record"]["consentId"], "version": 1},
    "consents": [ConsentGranted.EXAMPLE["record"]],
    "pack": DEFAULT_PACK,
    "time": "2026-03-04T03:00:00Z",
}
"""A question that is answered with a yes in part."""


def read_what_if(text: bytes) -> WhatIf:
    """The question that this JSON says.

    Raises:
        Refused: with the code that the broker has for it, and the path of the first offending field.
    """
    try:
        return WhatIf.model_validate_json(text, by_alias=True, by_name=False)
    except ValidationError as error:
        raise refusal_of(error) from None


def answer(asked: WhatIf) -> Answered:
    """What the gate would say.

    Raises:
        Refused: PROPERTY_INVALID at `pack`, where no such policy pack ships.
    """
    pack = _pack(asked.pack)
    known, refused = _taken_in(asked.consents, asked, pack)
    decision = decide(asked.question(), [terms(record) for record in known], asked.time, pack)
    return Answered(decision, pack.reference, refused)


def _pack(name: str) -> PolicyPack:
    if name not in shipped_names():
        raise Refused(RefusalCode.PROPERTY_INVALID, "pack")
    return shipped_pack(name)


def _taken_in(
    records: Sequence[ConsentRecord], asked: WhatIf, pack: PolicyPack
) -> tuple[list[ConsentRecord], dict[int, RefusalCode]]:
    """The records that the registry would hold, and why not the rest. Each was published when it was made.

    A record of an organisation whose class the file does not say is taken as it is: its exclusions count.
    """
    sides = {side.org_id: side for side in (asked.recipient, asked.discloser)}
    known: list[ConsentRecord] = []
    refused: dict[int, RefusalCode] = {}
    for place, record in enumerate(records):
        side = sides.get(record.discloser.org_id)
        why = None
        if side is not None:
            why = release_refusal(record, side.org_id, side.org_class, pack, record.created_at)
        if why is None:
            known.append(record)
        else:
            refused[place] = why
    return known, refused
