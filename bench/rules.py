"""What single steps cost: a decision with its reasons, sealing, opening, signing."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from unittest.mock import patch

import cedarpy

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
from tests.domain.oracle.cases import matter
from tests.domain.oracle.comparison import pack_of, question_of, terms_of
from tests.domain.oracle.opinion import opinions

TURNS = 400
ROUNDS = 5
"""The quietest of so many counts: whoever shares the machine only makes a step slower, never faster."""
MATTERS = 150
"""Cases of the oracle that both are asked about: some hundreds of decisions, under packs and consents of all kinds."""


def measure() -> dict[str, float]:
    """Medians in microseconds, each of its quietest round. The rounds lie a second or more apart."""
    rounds = [{**_decisions(), **_seals()} for _ in range(ROUNDS)]
    return {name: min(one[name] for one in rounds) for name in rounds[0]}


def _micros(step: Callable[[], object]) -> float:
    taken: list[float] = []
    for _ in range(TURNS):
        began = time.perf_counter_ns()
        step()
        taken.append((time.perf_counter_ns() - began) / 1000)
    return median(taken)


def against_cedar() -> tuple[float, float]:
    """Microseconds for a decision: ours, and Cedar's by `cedarpy`, on the same cases.

    Of Cedar only the asking is counted: its policies are parsed and its entities loaded before.
    """
    cases = [matter(number) for number in range(MATTERS)]
    count = sum(len(case.asked) for case in cases)
    made = [(case, [terms_of(held) for held in case.held], pack_of(case.pack_text)) for case in cases]
    ready = [(question_of(asked), known, asked.now, pack) for case, known, pack in made for asked in case.asked]

    def ours() -> float:
        began = time.perf_counter()
        for question, known, now, pack in ready:
            decide(question, known, now, pack)
        return time.perf_counter() - began

    def cedars() -> float:
        taken = 0.0
        asking = cedarpy.is_authorized_batch

        def timed(*asked: Any) -> Any:
            nonlocal taken
            began = time.perf_counter()
            answers = asking(*asked)
            taken += time.perf_counter() - began
            return answers

        with patch.object(cedarpy, "is_authorized_batch", timed):
            for case in cases:
                opinions(case)
        return taken

    return min(ours() for _ in range(ROUNDS)) / count * 1e6, min(cedars() for _ in range(2)) / count * 1e6


def _decisions() -> dict[str, float]:
    pack = shipped_pack()
    now = datetime.now(UTC)
    record = consent_record(HOTLINE)
    known = terms(record)
    others = [replace(known, ref=ConsentRef(new_consent_id(), 1)) for _ in range(49)]
    groups = frozenset(FieldGroup(code) for code in ("FG00", "FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG23"))

    def ask(count: int) -> Callable[[], object]:
        consents = [known, *others][:count]
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
        turn = iter(range(1_000_000))

        def step() -> object:
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
