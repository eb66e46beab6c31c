"""What single steps cost: a decision with its reasons, sealing, opening, signing."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.traffic import HOTLINE, SHELTERS, consent_record
from broker.domain.consent import ConsentRef, Party, Phase, Question, decide, terms
from broker.policies import shipped_pack
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import KeyId, new_consent_id, new_referral_id
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, VictimAgreed
from broker.seal.keys import SigningKey
from broker.seal.opening import OpeningKey, open_group
from broker.seal.sealing import seal_group, wrap_key
from broker.seal.signature import sign

TURNS = 400


def measure() -> dict[str, float]:
    """Medians in microseconds."""
    return {**_decisions(), **_seals()}


def _micros(step: Callable[[], object]) -> float:
    taken: list[float] = []
    for _ in range(TURNS):
        began = time.perf_counter_ns()
        step()
        taken.append((time.perf_counter_ns() - began) / 1000)
    return median(taken)


def _decisions() -> dict[str, float]:
    pack = shipped_pack()
    now = datetime.now(UTC)
    record = consent_record(HOTLINE)
    known = terms(record)
    others = [replace(known, ref=ConsentRef(new_consent_id(), 1)) for _ in range(49)]
    groups = frozenset(FieldGroup(code) for code in ("FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG23"))

    def ask(count: int) -> Callable[[], object]:
        consents = [known, *others][:count]
        turn = iter(range(1_000_000))

        def step() -> object:
            question = Question(
                phase=Phase.RELEASE,
                discloser=Party(HOTLINE, OrgClass.HOTLINE_VSP),
                recipient=Party(SHELTERS[0], OrgClass.VSP_SHELTER, RecipientCategory.SHELTER),
                purpose=Purpose.SHELTER_PLACEMENT,
                groups=groups,
                consent=ConsentRef(record.consent_id, record.version),
                victim_agreed=VictimAgreed.YES,
                excluded=frozenset(),
            )
            return decide(question, consents, now + timedelta(microseconds=next(turn)), pack)

        return step

    return {"decision with all reasons, 1 consent": _micros(ask(1)), "decision, 50 consents": _micros(ask(50))}


def _seals() -> dict[str, float]:
    referral, text = new_referral_id(), b'{"alias":"R."}'
    own = OpeningKey.new(KeyId("org-shelter-birch#seal"))
    signing = SigningKey.new(KeyId("org-hotline#sign"))
    group, key = seal_group(referral, FieldGroup("FG04"), text)
    wrapped = wrap_key(referral, group, key, own.public)
    headers = [("ce_id", b"x" * 36), ("content-type", b"application/json")]

    def four_for_three() -> None:
        for code in ("FG03", "FG04", "FG10", "FG17"):
            sealed, content_key = seal_group(referral, FieldGroup(code), text)
            for _ in range(3):
                wrap_key(referral, sealed, content_key, own.public)

    return {
        "seal one group": _micros(lambda: seal_group(referral, FieldGroup("FG04"), text)),
        "wrap its key for one recipient": _micros(lambda: wrap_key(referral, group, key, own.public)),
        "open one group": _micros(lambda: open_group(referral, group, wrapped, own)),
        "seal 4 groups for 3 recipients": _micros(four_for_three),
        "sign one event": _micros(lambda: sign(headers, text, signing)),
    }
