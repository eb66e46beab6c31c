"""`handoff decide`: a question in a file has the gate's own answer, and a file that is wrong is told where."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from broker.cli import app
from broker.deciding import EXAMPLE, answer, read_what_if
from broker.domain.consent import Reason, decide, terms
from broker.policies import shipped_pack
from broker.schemas.field_groups import FieldGroup
from broker.schemas.refusal import RefusalCode, Refused


def example(**changes: Any) -> dict[str, Any]:
    """The example, changed."""
    return {**copy.deepcopy(EXAMPLE), **changes}


def record(**changes: Any) -> dict[str, Any]:
    """The example's release, changed."""
    return {**copy.deepcopy(EXAMPLE["consents"][0]), **changes}


def handoff(path: Path, wire: dict[str, Any], *words: str) -> Result:
    """Run the command on a file."""
    path.write_text(json.dumps(wire), encoding="utf-8")
    return CliRunner().invoke(app, ["decide", str(path), *words])


def test_the_answer_is_the_gates_own() -> None:
    """The file is turned into the very question that a referral asks."""
    asked = read_what_if(json.dumps(EXAMPLE).encode())
    pack = shipped_pack()
    expected = decide(asked.question(), [terms(one) for one in asked.consents], asked.time, pack)
    assert answer(asked).decision == expected
    assert answer(asked).policy == pack.reference


def test_the_printed_example_is_answered_in_words(tmp_path: Path) -> None:
    """What `--example` prints is a file that works as it is."""
    printed = CliRunner().invoke(app, ["decide", "--example"])
    result = handoff(tmp_path / "ask.json", json.loads(printed.output))
    assert result.exit_code == 0, result.output
    assert "if it were asked: yes" in result.output
    assert "let through  FG04" in result.output
    assert "OUT_OF_SCOPE (VAWA-07)" in result.output
    assert "bound: not to be passed on" in result.output


def test_a_program_reads_the_same(tmp_path: Path) -> None:
    """Codes, versions and times, one object."""
    told = json.loads(handoff(tmp_path / "ask.json", example(time="2026-04-04T00:00:00Z"), "--json").output)
    assert (told["effect"], told["reason"], told["letThrough"]) == ("DENY", "CONSENT_EXPIRED", [])
    assert set(told["withheld"]) == set(EXAMPLE["groups"])


def test_a_release_that_intake_would_refuse_counts_for_nothing(tmp_path: Path) -> None:
    """It is told with its code and what to do; the answer is the one without it."""
    long = record(validity={"notBefore": "2026-03-04T00:00:00Z", "notAfter": "2026-09-04T00:00:00Z"})
    result = handoff(tmp_path / "ask.json", example(consents=[long]))
    assert "not yet" in result.output
    assert "consents.0 counts for nothing: it would be refused: NOT_TIME_LIMITED" in result.output
    assert "→ Agree an end date" in result.output


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"phase": "ALWAYS"}, RefusalCode.PROPERTY_INVALID, "phase"),
        ({"purpose": "CURIOSITY"}, RefusalCode.PROPERTY_INVALID, "purpose"),
        ({"pack": "mars"}, RefusalCode.PROPERTY_INVALID, "pack"),
        ({"pack": "../secrets"}, RefusalCode.PROPERTY_INVALID, "pack"),
        ({"time": "2026-03-04T03:00:00"}, RefusalCode.PROPERTY_INVALID, "time"),
        ({"colour": "red"}, RefusalCode.PROPERTY_UNKNOWN, "(unknown property)"),
        (
            {"recipient": {"orgId": "org-x", "orgClass": "HMIS"}},
            RefusalCode.PROPERTY_INVALID,
            "recipient.orgClass",
        ),
        ({"consents": [record(grantors=[])]}, RefusalCode.PROPERTY_INVALID, "consents.0.grantors"),
    ],
)
def test_a_wrong_file_is_refused_with_the_field(changes: dict[str, Any], code: RefusalCode, field: str) -> None:
    """By code and place, never by the value that stood there."""
    with pytest.raises(Refused) as refused:
        answer(read_what_if(json.dumps(example(**changes)).encode()))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_is_not_known_is_denied_and_never_a_crash() -> None:
    """A group outside the catalogue and a regime that nobody knows: the first withheld, the second refused."""
    asked = read_what_if(json.dumps(example(groups=["FG01", "FG99"])).encode())
    assert answer(asked).decision.withheld[FieldGroup("FG99")] is Reason.GROUP_UNKNOWN
    with pytest.raises(Refused):
        read_what_if(json.dumps(example(consents=[record(regimes=["LUNAR"])])).encode())
