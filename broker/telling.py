"""What the trail says, in words: each kind of step, what the gate answered and why, for commands and pages alike.

In the language of whoever reads (broker.look). Codes stand beside the words wherever somebody may have to cite them.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from broker.domain.consent import Effect
from broker.domain.reasons import RULE, WORDS, Reason
from broker.domain.rules import RULES
from broker.domain.shredding import Served
from broker.look.language import _
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.store.questions import TrailLine
from broker.trail.entries import Step

STEPS: Final[Mapping[Step, str]] = {
    Step.EVENT_ACCEPTED: "An event was taken in",
    Step.EVENT_REFUSED: "An event was refused",
    Step.CONSENT_RECORDED: "A release was recorded",
    Step.CONSENT_REVOKED: "A release was taken back",
    Step.INCIDENT_REPORTED: "An incident was reported",
    Step.RISK_SCREENED: "A risk screening was reported",
    Step.PRIORITY_RAISED: "The urgency was raised",
    Step.REFERRAL_SUBMITTED: "The referral came in",
    Step.REFERRAL_HELD: "Nobody was asked: the need was held",
    Step.KEYS_RECEIVED: "The source sent keys for recipients",
    Step.OFFERS_MADE: "Providers were asked, without identity",
    Step.OFFER_MOVED: "An offer moved on",
    Step.NEED_MOVED: "The need moved on",
    Step.CONTENT: "What exactly left",
    Step.DISCLOSURE_DENIED: "Nothing was handed over",
    Step.DISCLOSURE_RELEASED: "Sealed groups were handed over",
    Step.DISCLOSURE_RECALLED: "What was handed over was asked back",
    Step.RECALL_ANSWERED: "The recipient said what became of it",
    Step.FEEDBACK_DECIDED: "Whether the source may hear of it was decided",
    Step.RECIPIENT_NAMED: "The recipient was named to the source, which was asked for keys",
    Step.SEND_STOPPED: "A message that waited was stopped",
    Step.SEND_REPEATED: "A message was sent again, after the gate was asked again",
    Step.DEADLINE_PASSED: "A deadline passed",
    Step.NEED_ESCALATED: "Somebody further up was told",
    Step.WORK_RAISED: "It was put before a human",
    Step.WORK_CLAIMED: "Somebody took it on",
    Step.WORK_RELEASED: "Somebody gave it back",
    Step.WORK_ASSIGNED: "It was given to somebody",
    Step.WORK_RESOLVED: "It was settled by a human",
    Step.CLOCK_HELD: "Deadlines were halted: the clock had stepped",
    Step.CLOCK_RELEASED: "Deadlines go on",
    Step.KEYS_HELD: "Keys were kept until their referral comes",
    Step.PAYLOAD_SHREDDED: "What had served was destroyed here",
    Step.CAPACITY_UPDATED: "Free places were reported",
    Step.TRAIL_READ: "Somebody read the trail",
    Step.RECORDS_READ: "Somebody was shown referrals",
    Step.TRAIL_EXPORTED: "The trail was exported",
    Step.TEXTS_ERASED: "Texts were erased",
    Step.ERASURE_REQUESTED: "An erasure was asked for",
    Step.ERASURE_APPROVED: "An erasure was approved",
    Step.CLOSING_REQUESTED: "Somebody asked to wait no longer for an answer",
    Step.CLOSING_APPROVED: "An answer is waited for no longer",
    Step.TABLES_SCRUBBED: "The tables were written anew",
    Step.CONSENTS_FORGOTTEN: "Records of ended releases were forgotten",
    Step.LIST_MADE: "A list for the survivor was made",
    Step.ORGANISATION_CHANGED: "An organisation was changed",
    Step.GLASS_BROKEN: "An emergency was invoked",
    Step.GLASS_APPROVED: "The emergency was approved",
    Step.GLASS_VOID: "The emergency ended without approval",
    Step.GLASS_OVERDUE: "The review of the emergency is overdue",
    Step.GLASS_REVIEWED: "The emergency was reviewed",
    Step.POLICY_ACTIVATED: "Other rules came in force",
    Step.POLICY_CHANGED: "The referral went over to other rules",
    Step.QUARANTINE_RELEASED: "A quarantined record was let in",
    Step.QUARANTINE_KEPT: "A quarantined record was refused again",
    Step.QUARANTINE_DISCARDED: "A quarantined record was given up",
}
_DONE: Final = {
    Step.OFFERS_MADE: "offer made, without identity",
    Step.REFERRAL_HELD: "not asked, the need was held",
    Step.DISCLOSURE_RELEASED: "sealed groups handed over",
    Step.DISCLOSURE_DENIED: "nothing handed over",
    Step.RECIPIENT_NAMED: "named to the source, which was asked to wrap its keys",
    Step.FEEDBACK_DECIDED: "what became of it",
    None: "if it were asked",
}
_DUTIES: Final = {
    "redisclosureProhibited": "not to be passed on",
    "notice": "notice",
    "singleUse": "for one check only:",
    "excludedFields": "without the fields",
    "until": "relied on until",
}
"""The duties of a disclosure, by their names in the trail."""
_WHY_DESTROYED: Final = {
    Served.NEED_OVER: "the need is over",
    Served.HANDED_OVER: "it was handed over",
    Served.KEPT_TOO_LONG: "nothing is kept longer",
    Served.ERASED: "its erasure was approved",
}
_ANSWERS: Final = {Effect.PERMIT: "yes", Effect.DENY: "no", Effect.HOLD: "not yet", None: "passed over"}
_DEMANDS: Final = {one.rule: one.demands for one in RULES}
_OF_EVERY_ENTRY: Final = frozenset({"kind", "referral", "at", "actor", "cause"})
_DECISIONS: Final = frozenset({"offers", "letThrough", "withheld", "passedOver"})


def step(kind: str) -> str:
    """What happened; a kind that this version does not know is told by its code."""
    return _(STEPS[Step(kind)]) if kind in set(Step) else kind


def done(after: Step | None) -> str:
    """What followed from an answer of the gate; None where it was only asked."""
    return _(_DONE[after])


def answer(effect: Effect | None) -> str:
    """The answer in a word."""
    return _(_ANSWERS[effect])


def rule_of(reason: str) -> str | None:
    """The rule that a reason stems from; None for a code of matching, which has no rule of law."""
    return RULE[Reason(reason)] if reason in Reason.__members__ else None


def demands(rule: str) -> str | None:
    """What a rule demands; None for a row of the policy pack, whose number is all that it is known by."""
    return _(_DEMANDS[rule]) if rule in _DEMANDS else None


def because(reason: str) -> str:
    """A reason in a sentence."""
    return _(WORDS[Reason(reason)]) if reason in Reason.__members__ else _("matching chose others.")


def coded_reason(reason: str) -> str:
    """The code, its rule and its words, in a line."""
    rule = rule_of(reason)
    return f"{reason}{'' if rule is None else f' ({rule})'}: {because(reason)}"


def label(group: str) -> str:
    """What a group is called."""
    facts = GROUPS.get(FieldGroup(group))
    return _(facts.label) if facts else _("not in the catalogue")


def duties(obligations: Mapping[str, Any]) -> Iterator[str]:
    """What the recipient is bound to."""
    for name, bound in obligations.items():
        if bound:
            told = "" if isinstance(bound, bool) else f" {bound if isinstance(bound, str) else ', '.join(bound)}"
            yield _(_DUTIES[name]) + told


def why_destroyed(code: str) -> str:
    """Why something was destroyed."""
    return _(_WHY_DESTROYED[Served(code)])


def story_row(line: TrailLine) -> Mapping[str, Any]:
    """One entry as a spreadsheet has it: what all have, then the rest as it stands in the text."""
    facts = dict(line.facts)
    known = {name: facts.pop(name, None) for name in ("at", "kind", "actor", "cause")}
    facts.pop("referral", None)
    return {"entry": line.idx, **known, "sound": line.sound, "facts": json.dumps(facts)}


def plain_facts(line: TrailLine) -> Iterator[tuple[str, str]]:
    """What an entry says besides who, when and what the gate decided: names and values as they stand in it."""
    for name, value in line.facts.items():
        if name not in _OF_EVERY_ENTRY | _DECISIONS and value:
            yield name, _short(name, value)


def _short(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={part}" for key, part in value.items())
    if not isinstance(value, list):
        return str(value)
    return (" → " if name == "way" else " ").join(map(str, value))
