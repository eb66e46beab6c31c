"""What Cedar says of a matter: for each question the effect and the groups that go.

Cedar answers group by group. What it cannot say, that nothing goes where too little would (§4.3 step 7), is below.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any

import cedarpy

from tests.domain.oracle.law import EVERY_GROUP, TIER, Law, law
from tests.domain.oracle.matter import Asked, Held, Matter, Note, Opinion
from tests.domain.oracle.policies import micros, newest, pack_policies, record_policies

VICTIM_SERVICE = ("VSP_SHELTER", "VSP_ADVOCACY", "HOTLINE_VSP")
ON_RELEASE = ("RELEASE", "FERPA_CONSENT", "AUTH_164_508")
IF_ASKED = ("SAFEGUARDING_SCH1_P18", "VITAL_INTERESTS", "AGREEMENT")
UNBOUND = ("TRAIL_ONLY", "PROHIBITED", "NOTHING")
CLASSES = (
    *("LAW_ENFORCEMENT", "PROSECUTION", "COURT", "PROBATION_PAROLE", "HOSPITAL_HIPAA", "EMS", "HEALTH_CLINIC_HIPAA"),
    *("HOTLINE_VSP", "HOTLINE_NON_VSP", "VSP_SHELTER", "VSP_ADVOCACY", "COUNSELING_HIPAA", "COUNSELING_NON_HIPAA"),
    *("LEGAL_AID", "CHILD_PROTECTION", "ADULT_PROTECTION", "SCHOOL_FERPA", "HOUSING", "SELF"),
)
"""domain.md §1, source class."""
WHOLE = {"type": "Matter", "id": "it"}

Step = tuple[int, str, str]
Said = dict[Step, bool]


def opinions(matter: Matter) -> list[Opinion]:
    """The oracle's answer to each question, in order."""
    rules = law(matter.pack_text)
    last = newest(matter.held)
    text = pack_policies(rules) + "".join(record_policies(version, rules) for version in last)
    asking = [_asking(place, asked, last, rules) for place, asked in enumerate(matter.asked)]
    ask = _cedar(text, _standing_entities(rules).with_added_json_str(json.dumps(asking)))
    grounds = ask([(place, action, "it") for place in range(len(asking)) for action in ("rest", "restOffer", "wait")])
    founded = [
        place
        for place, asked in enumerate(matter.asked)
        if grounds[place, "rest", "it"] or (asked.phase == "OFFER" and grounds[place, "restOffer", "it"])
    ]
    told = ask([(place, *step) for place in founded for step in _steps(matter.asked[place], rules)])
    return [
        _opinion(place, asked, grounds | told, rules) if place in founded else _no(grounds[place, "wait", "it"])
        for place, asked in enumerate(matter.asked)
    ]


def _cedar(policies: str, entities: cedarpy.Entities) -> Callable[[list[Step]], Said]:
    """Asks Cedar many things at once. A policy that fails to evaluate is an error, never an answer."""
    parsed = cedarpy.PolicySet.from_str(policies)

    def ask(steps: list[Step]) -> Said:
        answers = cedarpy.is_authorized_batch([_request(*step) for step in steps], parsed, entities)
        for answer in answers:
            assert not answer.diagnostics.errors, answer.diagnostics.errors
        return dict(zip(steps, (answer.allowed for answer in answers), strict=True))

    return ask


def _no(may_pass: bool) -> Opinion:
    return Opinion("HOLD" if may_pass else "DENY", frozenset())


def _steps(asked: Asked, rules: Law) -> list[tuple[str, str]]:
    """What Cedar is asked for one question: each group, and what an offer's acceptance would have to bring."""
    if asked.phase != "OFFER":
        return [("tell", group) for group in asked.groups]
    needed = _needed(_column(asked), rules)
    return [("offer", group) for group in asked.groups] + [("tell", g) for g in asked.groups if g in needed]


def _request(place: int, action: str, on: str) -> dict[str, Any]:
    return {
        "principal": {"type": "Asking", "id": str(place)},
        "action": {"type": "Action", "id": action},
        "resource": WHOLE if on == "it" else {"type": "Group", "id": on},
    }


def _column(asked: Asked) -> str:
    return "SOURCE_FEEDBACK" if asked.phase == "FEEDBACK" else asked.recipient.category or ""


def _needed(column: str, rules: Law) -> frozenset[str]:
    """§7.4's R, but for what a survivor may keep to herself and still get a bed (0022)."""
    return rules.column(column, "R") - rules.listed("mayBeMissing")


def _opinion(place: int, asked: Asked, said: Said, rules: Law) -> Opinion:
    """There is something to rest on: what goes, unless too little would (§4.3 step 7)."""
    offer = asked.phase == "OFFER"
    goes = frozenset(group for group in asked.groups if said[place, "offer" if offer else "tell", group])
    lost = set(asked.groups) & _needed("OFFER" if offer else _column(asked), rules) - goes
    if offer and said[place, "rest", "it"]:
        lost |= {g for g in set(asked.groups) & _needed(_column(asked), rules) if not said[place, "tell", g]}
    useless = bool(lost) or _empty(asked, goes, rules)
    return _no(may_pass=False) if useless and not _trail_only(asked, rules) else Opinion("PERMIT", goes)


def _trail_only(asked: Asked, rules: Law) -> bool:
    """D12: an auditor reads what there is."""
    return _footing(asked, rules)[1] == "TRAIL_ONLY"


def _empty(asked: Asked, goes: frozenset[str], rules: Law) -> bool:
    """0022: without its ids nothing can go, and what lets nothing about the person through is no hand-over."""
    about_her = {group for group in asked.groups if group in TIER} - rules.listed("withoutConsent")
    return ("FG00" in asked.groups and "FG00" not in goes) or (bool(about_her) and about_her.isdisjoint(goes))


def _asking(place: int, asked: Asked, last: list[Held], rules: Law) -> dict[str, Any]:
    """The question as a Cedar entity."""
    discloser, recipient, feedback = asked.discloser, asked.recipient, asked.phase == "FEEDBACK"
    freely = feedback and rules.speaks_freely(discloser.org_class, recipient.org_class)
    footing, basis = _footing(asked, rules)
    bound = asked.cited is not None and basis not in UNBOUND
    attrs = {
        "phase": asked.phase,
        "discloser": _ref("Org", discloser.org),
        "recipient": _ref("Org", recipient.org),
        "category": recipient.category or "",
        "areas": sorted(recipient.areas),
        "purpose": asked.purpose,
        "victimAgreed": asked.victim_agreed,
        "excluded": [_ref("Org", name) for name in sorted(asked.excluded)],
        "now": micros(asked.now),
        "longest": rules.longest(asked.purpose) // timedelta(microseconds=1),
        "column": _ref("Column", _column(asked)),
        "footing": _ref("Footing", footing),
        "bound": bound,
        "seen": asked.cited is not None and _seen(asked.cited, last),
        "onRelease": bound or (basis in ON_RELEASE and not freely),
        "signed": _signed(asked, basis, last),
        "notAsked": basis in IF_ASKED and asked.victim_agreed == "NOT_ASKED_UNSAFE",
        "speaksFreely": freely,
        "victimService": discloser.org_class in VICTIM_SERVICE,
        "writtenOnly": rules.asks_for("written", rules.regimes(discloser.org_class)),
        "namedOnly": rules.asks_for("named", rules.regimes(discloser.org_class)),
    }
    attrs |= _note(asked.note) | _emergency(asked, rules)
    return {"uid": {"type": "Asking", "id": str(place)}, "attrs": attrs, "parents": []}


def _note(note: Note | None) -> dict[str, Any]:
    if note is None:
        return {"noteBasis": "", "noteWhy": "", "noteCriterion": "", "noteTicks": 0, "noteAt": 0, "noteGroups": []}
    return {
        "noteBasis": note.basis,
        "noteWhy": note.why,
        "noteCriterion": note.criterion,
        "noteTicks": note.ticks or 0,
        "noteAt": micros(note.recorded_at),
        "noteGroups": [{"__entity": WHOLE}, *(_ref("Group", group) for group in sorted(note.groups))],
    }


def _emergency(asked: Asked, rules: Law) -> dict[str, Any]:
    """§5: what the row and the emergency both name; what an offer may say anyway, and what needs nobody's word."""
    row = rules.breakable(asked.discloser.org_class, asked.recipient.org_class)
    if asked.emergency is None or row is None or asked.phase == "FEEDBACK":
        return {"inEmergency": False, "opened": []}
    opened = row & (asked.emergency | rules.listed("notAsked")) | rules.listed("withoutConsent")
    return {"inEmergency": True, "opened": [{"__entity": WHOLE}, *(_ref("Group", one) for one in sorted(opened))]}


def _footing(asked: Asked, rules: Law) -> tuple[str, str]:
    """§4.3 step 4: by name, and its basis. What a provider says of the outcome is its own disclosure."""
    if asked.phase == "FEEDBACK":
        authorized = "HIPAA-AUTH" in rules.regimes(asked.discloser.org_class)
        return ("feedback by authorization", "AUTH_164_508") if authorized else ("feedback by release", "RELEASE")
    to = "AUDITOR" if asked.recipient.category == "AUDITOR" else asked.recipient.org_class
    footing = rules.footing(asked.discloser.org_class, to)
    return ("none", "NOTHING") if footing is None else (f"{asked.discloser.org_class} to {to}", footing.basis)


def _seen(cited: tuple[str, int], last: list[Held]) -> bool:
    return any(version.consent_id == cited[0] and version.version >= cited[1] for version in last)


def _signed(asked: Asked, basis: str, last: list[Held]) -> bool:
    """Whether there is any release of this discloser's at all; a school's is one only under FERPA."""
    return any(
        version.document["decision"] == "permit"
        and version.document["discloser"]["orgId"] == asked.discloser.org
        and (basis != "FERPA_CONSENT" or "FERPA" in version.document["regimes"])
        for version in last
    )


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"__entity": {"type": kind, "id": name}}


@lru_cache(maxsize=16)
def _standing_entities(rules: Law) -> cedarpy.Entities:
    """What is there before anybody asks: groups, the columns that they may go to, every pair's footing."""
    columns = {name: rules.column(name, "R", "o", "1") for name in rules.toml["minimumNecessary"]["columns"]}
    entities: list[dict[str, Any]] = [{"uid": WHOLE, "attrs": {"tier": 1}, "parents": []}]
    for group, tier in [*TIER.items(), ("FG99", 5)]:
        parents = [{"type": "Column", "id": name} for name, allowed in columns.items() if group in allowed]
        entities.append({"uid": {"type": "Group", "id": group}, "attrs": {"tier": tier}, "parents": parents})
    return cedarpy.Entities.from_json_str(json.dumps([*entities, *_footings(rules)]))


def _footings(rules: Law) -> list[dict[str, Any]]:
    known = {
        "none": ("NOTHING", frozenset[str]()),
        "feedback by release": ("RELEASE", EVERY_GROUP),
        "feedback by authorization": ("AUTH_164_508", EVERY_GROUP),
    }
    for discloser in CLASSES:
        for to in (*CLASSES, "AUDITOR"):
            footing = rules.footing(discloser, to)
            if footing is not None:
                known[f"{discloser} to {to}"] = (footing.basis, footing.reach)
    return [
        {
            "uid": {"type": "Footing", "id": name},
            "attrs": {"basis": basis, "reach": [{"__entity": WHOLE}, *(_ref("Group", g) for g in sorted(reach))]},
            "parents": [],
        }
        for name, (basis, reach) in known.items()
    ]
