"""A Task's status never makes a move that the SDOHCC guide's diagram forbids: neither ours, nor one that we believe."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.fhir import codes
from adapters.fhir.answers import Fault, heard
from adapters.fhir.status import NEXT, STANDS_FOR, TaskStatus, may_become, toward
from adapters.standing import ANSWERS, LIVE, OPEN, OVER, TAKEN, Standing, after
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.ids import new_offer_id
from broker.schemas.offer_accepted import AcceptedBy, OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.schemas.vocabulary import DeclineReason
from tests.adapters.fhir.material import BY_STAFF, coded, history

S = Standing
REFERENCE: Final = Path(__file__).parent / "reference"

EDGES: Final = {
    "requested": "accepted rejected cancelled",
    "accepted": "in-progress on-hold cancelled completed failed",
    "in-progress": "on-hold cancelled completed failed",
    "on-hold": "in-progress cancelled completed failed",
    "draft": "requested",
}
"""The guide's diagram as domain.md §9.2 has it, written down a second time."""

AS_CHILD: Final[Mapping[str, Standing]] = {
    "OFFERED": S.WAITING,
    "WAITLISTED": S.WAITLISTED,
    "ACCEPTED": S.CONTACT_PENDING,
    "HANDOFF": S.CONTACT_PENDING,
    "CONTACT_PENDING": S.CONTACT_PENDING,
    "ENGAGED": S.ENGAGED,
    "IN_SERVICE": S.IN_SERVICE,
    "COMPLETED": S.COMPLETED,
    "ENDED_EARLY": S.ENDED_EARLY,
    "UNREACHABLE": S.UNREACHABLE,
    "SURVIVOR_DECLINED": S.SURVIVOR_DECLINED,
    "MATCHING": S.GIVEN_BACK,
    "CANCELLED": S.WITHDRAWN,
    "REVOKED": S.WITHDRAWN,
    "EXPIRED": S.EXPIRED,
}
"""What the provider of an offer sees of the need's states."""


def permitted(now: TaskStatus, then: TaskStatus) -> bool:
    """By the diagram."""
    return now is then or then.value in EDGES.get(now.value, "").split()


def test_the_table_is_the_guides_diagram() -> None:
    """Edge by edge, and nothing follows what is over."""
    assert {now.value: {then.value for then in following} for now, following in NEXT.items() if following} == {
        now: set(then.split()) for now, then in EDGES.items()
    }


def walks() -> Iterator[tuple[TaskStatus, Standing, TaskStatus | None]]:
    """Every move from every reachable pair of status and standing, by every answer and every end of an offer."""
    onward = {(before, then) for table in (*ANSWERS.values(), LIVE) for before, then in table.items()}
    onward |= {(before, end) for before in OPEN | TAKEN for end in (S.WITHDRAWN, S.EXPIRED)}
    waiting, seen = [(TaskStatus.REQUESTED, S.WAITING)], set[tuple[TaskStatus, Standing]]()
    while waiting:
        if (pair := waiting.pop()) in seen:
            continue
        seen.add(pair)
        for _, then in (edge for edge in onward if edge[0] is pair[1]):
            written = toward(pair[0], then)
            yield pair[0], then, written
            if written is not None:
                waiting.append((written, then))


def test_every_standing_can_be_said_by_a_status_that_the_diagram_permits() -> None:
    """From every reachable state, whatever the answer: who had a place in a queue is cancelled, not rejected."""
    seen = list(walks())
    assert all(written is not None and permitted(before, written) for before, _, written in seen)
    assert {standing for _, standing, _ in seen} | {S.WAITING} == set(Standing), "every standing is reached"
    assert (TaskStatus.ACCEPTED, S.DECLINED, TaskStatus.CANCELLED) in seen


def test_the_needs_states_of_the_reference_never_force_a_forbidden_move() -> None:
    """Every path of state_machine.json after an offer, seen from the provider that it was made to."""
    machine: dict[str, Any] = json.loads((REFERENCE / "state_machine.json").read_text())
    waiting, seen = [("OFFERED", TaskStatus.REQUESTED)], set[tuple[str, TaskStatus]]()
    while waiting:
        if (pair := waiting.pop()) in seen:
            continue
        seen.add(pair)
        for state in machine[pair[0]]["next"]:
            written = toward(pair[1], AS_CHILD[state])
            assert written is not None, (pair, state)
            assert permitted(pair[1], written), (pair, state)
            if AS_CHILD[state] not in OVER:
                waiting.append((state, written))
    assert {state for state, _ in seen} >= {"OFFERED", "WAITLISTED", "ENGAGED", "IN_SERVICE"}


@pytest.mark.parametrize("before", TaskStatus)
@pytest.mark.parametrize("then", TaskStatus)
def test_no_client_chooses_a_status_that_does_not_follow(before: TaskStatus, then: TaskStatus) -> None:
    """Whatever stands in a Task after `before`: what the diagram forbids is set aside and answers nothing."""
    way = {"accepted": ["accepted"], "in-progress": ["accepted", "in-progress"], "on-hold": ["accepted", "on-hold"]}
    if before.value not in EDGES or before is TaskStatus.DRAFT:
        return
    steps = [{"status": one, **BY_STAFF} for one in way.get(before.value, [])]
    known, _ = heard(new_offer_id(), history(*steps))
    answers, aside = heard(new_offer_id(), history(*steps, {"status": then.value, **BY_STAFF}))
    if not permitted(before, then):
        assert len(answers) == len(known)
        assert aside[-1].fault in (Fault.TRANSITION_IMPOSSIBLE, Fault.NOT_THE_PROVIDERS)
    assert may_become(before, then) == permitted(before, then)


def types(*versions: Mapping[str, Any]) -> tuple[list[type], list[Fault]]:
    """The answers and the faults of a Task's history."""
    answers, aside = heard(new_offer_id(), history(*versions))
    return [type(one.fact) for one in answers], [one.fault for one in aside]


ACCEPTED: Final = {"status": "accepted", **BY_STAFF}
DONE: Final = {"output": [{"type": {}, "valueCodeableConcept": coded(codes.OUTCOME, "MEDICAL_CARE_RECEIVED")}]}
TRIED: Final = {"output": [{"type": coded(codes.TASK_DETAIL, "contact-attempts"), "valueInteger": 3}]}
LEFT: Final = {"statusReason": coded(codes.CLOSURE, "NO_LONGER_NEEDED") | {"text": "over"}}


@pytest.mark.parametrize(
    ("versions", "answers"),
    [
        ([ACCEPTED], [OfferAccepted]),
        ([{"status": "accepted", "businessStatus": coded(codes.OFFER_STATE, "WAITLISTED")}], [OfferWaitlisted]),
        (
            [
                {"status": "accepted", "businessStatus": coded(codes.OFFER_STATE, "WAITLISTED")},
                {"businessStatus": coded(codes.ACCEPTED_BY, "ON_CALL")},
            ],
            [OfferWaitlisted, OfferAccepted],
        ),
        ([{"status": "rejected", "statusReason": {"text": "NO_FUNDING"}}], [OfferDeclined]),
        ([ACCEPTED, {"status": "in-progress"}], [OfferAccepted]),
        (
            [ACCEPTED, {"status": "in-progress", "businessStatus": coded(codes.OFFER_STATE, "ENGAGED")}],
            [OfferAccepted, ContactMade],
        ),
        (
            [ACCEPTED, {"status": "in-progress", "businessStatus": coded(codes.OFFER_STATE, "IN_SERVICE")}],
            [OfferAccepted, ContactMade, ServiceStarted],
        ),
        ([ACCEPTED, {"status": "completed", **DONE}], [OfferAccepted, ContactMade, ServiceStarted, ServiceCompleted]),
        ([ACCEPTED, {"status": "on-hold"}, {"status": "failed", **TRIED}], [OfferAccepted, ContactUnreachable]),
        ([ACCEPTED, {"status": "failed", **LEFT}], [OfferAccepted, ServiceEnded]),
        ([ACCEPTED, {"status": "cancelled", "statusReason": {"text": "x"}}], [OfferAccepted, OfferDeclined]),
        ([{"status": "cancelled", "businessStatus": coded(codes.OFFER_STATE, "WITHDRAWN")}], []),
    ],
)
def test_a_status_says_what_the_table_has_for_it(versions: list[Any], answers: list[type]) -> None:
    """Each status with what must stand beside it; nothing is set aside."""
    assert types(*versions) == (answers, [])


@pytest.mark.parametrize(
    ("versions", "fault"),
    [
        ([{"status": "accepted"}], Fault.ACCEPTED_BY_NOBODY),
        ([{"status": "accepted", "owner": {"reference": "Organization/clinic-1"}}], Fault.ACCEPTED_BY_NOBODY),
        ([{"status": "accepted", "owner": {"reference": "Device/bot"}}], Fault.ACCEPTED_BY_NOBODY),
        ([{"status": "completed", **BY_STAFF, **DONE}], Fault.TRANSITION_IMPOSSIBLE),
        ([{"status": "in-progress", **BY_STAFF}], Fault.TRANSITION_IMPOSSIBLE),
        ([{"status": "received"}], Fault.STATUS_UNKNOWN),
        ([{"status": {"$ne": 1}}], Fault.STATUS_UNKNOWN),
        ([{"status": "entered-in-error"}], Fault.NOT_THE_PROVIDERS),
        ([{"status": "cancelled"}], Fault.NOT_THE_PROVIDERS),
        ([ACCEPTED, {"status": "completed"}], Fault.OUTCOME_NOT_SAID),
        ([ACCEPTED, {"status": "failed"}], Fault.END_NOT_SAID),
    ],
    ids=lambda found: found if isinstance(found, str) else None,
)
def test_what_nobody_answers_for_or_does_not_follow_is_set_aside(versions: list[Any], fault: Fault) -> None:
    """No acceptance without a person, no outcome without a code, no jump: counted, and nothing sent for it."""
    answers, faults = types(*versions)
    assert faults == [fault]
    assert answers == [OfferAccepted] * (len(versions) - 1)


def test_a_yes_counts_as_soon_as_somebody_answers_for_it() -> None:
    """A Task that a machine accepted, and a person took over afterwards, is accepted by that person then."""
    answers, aside = heard(new_offer_id(), history({"status": "accepted"}, BY_STAFF))
    assert [(one.version, one.fact) for one in answers] == [
        ("3", OfferAccepted(offer_id=answers[0].fact.offer_id, accepted_by=AcceptedBy.STAFF))  # type: ignore[attr-defined]
    ]
    assert [(one.version, one.fault) for one in aside] == [("2", Fault.ACCEPTED_BY_NOBODY)]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (coded(codes.DECLINE_REASON, "OUTSIDE_HOURS"), DeclineReason.OUTSIDE_HOURS),
        ({"text": "NO_CAPACITY_STAFF"}, DeclineReason.NO_CAPACITY_STAFF),
        (coded(codes.TEMPORARY_CODES, "no-capacity"), DeclineReason.NO_CAPACITY_STAFF),
        (coded(codes.TEMPORARY_CODES, "waitlist"), DeclineReason.WAITLIST_ONLY),
        ({"text": "She is known to us as Robin"}, DeclineReason.SYSTEM_UNAVAILABLE),
        (None, DeclineReason.SYSTEM_UNAVAILABLE),
    ],
)
def test_a_no_counts_with_whatever_reason_and_no_word_of_it_travels(said: Any, reason: DeclineReason) -> None:
    """Codes that we know are kept; free text is dropped, and the no is told all the same."""
    answers, _ = heard(new_offer_id(), history({"status": "rejected", "statusReason": said}))
    assert [one.fact.reason for one in answers] == [reason]  # type: ignore[attr-defined]


def test_every_standing_has_its_status() -> None:
    """No standing is left without a word."""
    assert set(STANDS_FOR) == set(Standing)


_CODES: Final = st.sampled_from([None, "WAITLISTED", "ENGAGED", "IN_SERVICE", "ACCEPTED", "WITHDRAWN"])
_OWNERS: Final = st.sampled_from(["Organization/clinic-1", "Device/bot", "Practitioner/nurse-1"])
_DETAILS: Final[st.SearchStrategy[dict[str, Any]]] = st.sampled_from([{}, DONE, TRIED, LEFT])
_STATUSES: Final = st.sampled_from([*TaskStatus, "received", None, 7])


@st.composite
def versions(draw: st.DrawFn) -> dict[str, Any]:
    """A version of a Task as anybody who may write to the server might write it."""
    state, found = draw(_CODES), draw(_DETAILS)
    business = {"businessStatus": coded(codes.OFFER_STATE, state)} if state else {"businessStatus": None}
    return {"status": draw(_STATUSES), "owner": {"reference": draw(_OWNERS)}, **business, **found}


@given(st.lists(versions(), max_size=8))
def test_whatever_is_written_what_is_answered_is_possible_and_somebody_said_yes(written: list[dict[str, Any]]) -> None:
    """Every answer follows from the ones before by the table of standings, and a yes has a person behind it."""
    told = history(*written)
    answers, aside = heard(new_offer_id(), told)
    standing = S.WAITING
    by_version = {one["meta"]["versionId"]: one for one in told}
    for answer in answers:
        task = by_version[answer.version]
        if isinstance(answer.fact, OfferAccepted):
            assert task["owner"]["reference"].startswith("Practitioner/")
        following = after(standing, type(answer.fact))
        # The one step that is not an answer of a Task: ours, with a release, when somebody said yes by another door.
        if following is None and any("ACCEPTED" in str(one.get("businessStatus")) for one in told):
            return
        assert following is not None
        standing = following
    assert len({(one.version, type(one.fact)) for one in answers}) == len(answers), "an id for each"
    assert len({one.version for one in aside}) == len(aside)
