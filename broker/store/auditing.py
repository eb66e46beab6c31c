"""What auditors ask of the trail, each answered by plain rows: disclosures, reads, emergencies, changes, failures.

Answers are read from the texts of the trail, whose soundness comes with them; only what is owed at this moment is read
from the tables. Each question is an entry itself, in the same transaction. Nobody can be searched for: one asks about
a referral, a consent, an organisation or a span of time, and there is nothing else to ask by.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from broker.domain.pack import Basis
from broker.schemas.vocabulary import OfferState
from broker.sql.bulk import Connection
from broker.store.asking import Answer, Asking, Question, lines_told, moment_of, note_question
from broker.store.audit_rows import (
    AccountingRow,
    ChangeRow,
    DisclosureRow,
    EmergencyRow,
    FailureRow,
    OverdueRow,
    ReadRow,
)
from broker.store.closing import GIVEN_UP
from broker.store.questions import TrailLine
from broker.trail.entries import Step

# --- the questions ---------------------------------------------------------------------------------------------------


async def disclosures(connection: Connection, asking: Asking, about: str) -> Answer[DisclosureRow]:
    """Who received which groups of a referral, or under a consent, when, and until when (UTC)."""
    consent = not about.startswith("ref-")
    told, altered = await lines_told(connection, asking, _DISCLOSING, referral=None if consent else about)
    if consent:
        named = {line.facts["referral"] for line in told if _rests_on(line.facts, about)}
        told = [line for line in told if line.facts["referral"] in named]
    rows = [row for row in _disclosed(told) if not consent or _of_consent(row.consents, about)]
    await note_question(connection, asking, Question.DISCLOSURES, len(rows), about=about)
    return Answer(rows, altered)


async def accounting(connection: Connection, asking: Asking, org: str) -> Answer[AccountingRow]:
    """What one covered entity disclosed, six years back unless said otherwise (§164.528): of its own referrals to
    providers, and as a provider of what became of others' to their sources.
    """
    since = asking.since or datetime.now(UTC) - ACCOUNTED
    found = await connection.fetch(_CONCERNED, org)
    own = {row["referral_id"] for row in found if row["own"]}
    referrals = [row["referral_id"] for row in found]
    told, altered = await lines_told(connection, asking._replace(since=since), _ACCOUNTED_FOR, referrals=referrals)
    told = [line for line in told if _discloses(line, org, own)]
    names = {row["org_id"]: row["name"] for row in await connection.fetch("SELECT org_id, name FROM organisation")}
    rows = [_accounted(row, names) for row in _disclosed(told)]
    await note_question(connection, asking, Question.ACCOUNTING, len(rows), about=org)
    return Answer(rows, altered)


async def overdue(connection: Connection, asking: Asking) -> Answer[OverdueRow]:
    """Confirmations that are owed and late at this moment, the oldest first; those that were given up among them."""
    found = await connection.fetch(f"{_OVERDUE} UNION ALL {_UNCONFIRMED} {_IN_ORDER}")
    rows = [OverdueRow(**dict(row)) for row in found]
    await note_question(connection, asking, Question.OVERDUE, len(rows))
    return Answer(rows)


async def owed_now(connection: Connection) -> list[OverdueRow]:
    """Those that somebody can still see to, to be counted."""
    return [OverdueRow(**dict(row)) for row in await connection.fetch(f"{_OVERDUE} {_IN_ORDER}")]


async def emergencies(connection: Connection, asking: Asking) -> Answer[EmergencyRow]:
    """The emergencies that began in this time, with what became of each since: approval, review, what is owed."""
    told, altered = await lines_told(connection, asking._replace(until=None), _GLASS)
    begun = [line for line in told if line.kind == Step.GLASS_BROKEN]
    wanted = [line for line in begun if asking.until is None or line.at < asking.until]
    rows = [_emergency(line, [one for one in told if _same_glass(one, line)]) for line in wanted]
    await note_question(connection, asking, Question.EMERGENCIES, len(rows))
    return Answer(rows, altered)


async def reads(connection: Connection, asking: Asking, referral: str | None = None) -> Answer[ReadRow]:
    """Who read what, auditors included; this question is the next one's last row."""
    told, altered = await lines_told(connection, asking, (*_READING, Step.OFFER_MOVED), referral=referral)
    rows = [row for line in told if (row := _read(line)) is not None]
    await note_question(connection, asking, Question.READS, len(rows), about=referral)
    return Answer(rows, altered)


async def policies(connection: Connection, asking: Asking) -> Answer[ChangeRow]:
    """Which rules changed when, by whom, signed by whom, and whether they became looser."""
    told, altered = await lines_told(connection, asking, _CHANGING)
    rows = [_changed(line) for line in told]
    await note_question(connection, asking, Question.POLICIES, len(rows))
    return Answer(rows, altered)


async def failures(connection: Connection, asking: Asking) -> Answer[FailureRow]:
    """To whom how often nothing could be handed over, and why: as the providers' zones reported it, worst first."""
    told, altered = await lines_told(connection, asking, (Step.OFFER_MOVED, Step.WORK_RAISED), saying=_UNDELIVERED)
    counted: dict[tuple[str, str], list[datetime]] = {}
    for line in told:
        if (failed := _failed(line.facts)) is not None:
            counted.setdefault(failed, []).append(moment_of(line))
    rows = [FailureRow(*who, len(when), min(when), max(when)) for who, when in counted.items()]
    await note_question(connection, asking, Question.FAILURES, len(rows))
    return Answer(sorted(rows, key=lambda row: -row.times), altered)


async def audit_lines(connection: Connection, asking: Asking, referral: str | None) -> Answer[TrailLine]:
    """The entries themselves, of a referral or of a time, for an export as FHIR AuditEvents."""
    told, altered = await lines_told(connection, asking, _OPEN_TO_AUDITORS, referral=referral)
    await note_question(connection, asking, Question.AUDIT_EVENTS, len(told), about=referral)
    return Answer(told, altered)


# --- the texts -------------------------------------------------------------------------------------------------------

ACCOUNTED: Final = timedelta(days=6 * 365 + 2)
"""Six years before the request (45 CFR 164.528(a)(1)), leap days counted."""

_DISCLOSING: Final = (
    *(Step.OFFERS_MADE, Step.DISCLOSURE_RELEASED, Step.FEEDBACK_DECIDED),
    *(Step.DISCLOSURE_RECALLED, Step.RECALL_ANSWERED),
)
_RELEASING: Final = (Step.DISCLOSURE_RELEASED, Step.DISCLOSURE_RECALLED, Step.RECALL_ANSWERED)
_ACCOUNTED_FOR: Final = (*_RELEASING, Step.FEEDBACK_DECIDED)
_GLASS: Final = (
    *(Step.GLASS_BROKEN, Step.GLASS_APPROVED, Step.GLASS_VOID),
    *(Step.GLASS_OVERDUE, Step.GLASS_REVIEWED),
)
_READING: Final = (Step.TRAIL_READ, Step.RECORDS_READ, Step.TRAIL_EXPORTED, Step.LIST_MADE)
_READ_AS: Final[dict[str, str]] = {Step.TRAIL_EXPORTED: "EXPORT", Step.LIST_MADE: "SURVIVORS_LIST"}
_OPEN_TO_AUDITORS: Final = tuple(step for step in Step if step is not Step.CONTENT)
"""What exactly was in a disclosure is for its two agencies alone."""
_CHANGING: Final = (Step.POLICY_ACTIVATED, Step.POLICY_CHANGED, Step.ORGANISATION_CHANGED)

_UNDELIVERED: Final = "UNDELIVERED"

_EXEMPT: Final = {
    Basis.TREATMENT.name: "164.528(a)(1)(i): treatment",
    Basis.AUTH_164_508.name: "164.528(a)(1)(iv): authorization",
}

_CONCERNED: Final = """
SELECT referral_id, bool_or(own) AS own FROM (
    SELECT referral_id, true AS own FROM referral WHERE source = $1
    UNION ALL SELECT referral_id, false FROM offer WHERE provider = $1
) AS concerned GROUP BY referral_id
"""
_OVERDUE: Final = f"""
SELECT 'REVOCATION' AS owed, r.referral_id AS referral, o.category AS need, o.provider AS by,
    coalesce(r.due_at, r.changed_at) AS since
FROM recall r JOIN offer o USING (offer_id)
WHERE r.outcome IS NULL AND (r.due_at IS NULL OR r.due_at < now())
    AND NOT {GIVEN_UP.format(name="r.offer_id", since="r.asked_at")}
UNION ALL
SELECT w.reason, w.referral_id, w.category, n.provider, w.raised_at FROM work_item w
JOIN need n USING (referral_id, category)
WHERE w.resolved_at IS NULL AND w.reason IN ('CONTACT_OVERDUE', 'OUTCOME_OVERDUE', 'KEYS_OVERDUE', 'HANDOFF_OVERDUE')
"""  # noqa: S608  names of our own
_UNCONFIRMED: Final = """
SELECT 'REVOCATION_UNCONFIRMED' AS owed, r.referral_id AS referral, o.category AS need, o.provider AS by,
    k.approved_at AS since
FROM recall r JOIN offer o USING (offer_id) JOIN closing k ON k.name = r.offer_id AND k.approved_at > r.asked_at
WHERE r.outcome IS NULL
UNION ALL
SELECT 'EMERGENCY_UNREVIEWED', b.referral_id, b.category, b.source, k.approved_at
FROM break_glass b JOIN closing k ON k.name = b.break_glass_id AND k.approved_at IS NOT NULL WHERE b.outcome IS NULL
"""
"""What two people have agreed to wait for no longer: nobody has to do anything, and it is owed all the same."""
_IN_ORDER: Final = "ORDER BY since, referral"


def _discloses(line: TrailLine, org: str, own: Collection[str]) -> bool:
    """Whether it is a disclosure by this organisation: of its `own` referrals it is their source, in feedback named."""
    if line.kind == Step.FEEDBACK_DECIDED:
        return bool(line.facts.get("discloser") == org)
    return line.facts["referral"] in own


def _rests_on(facts: Mapping[str, Any], consent: str) -> bool:
    decided = [facts, *facts.get("offers", ())]
    return any(_of_consent(one.get("consents", ()), consent) for one in decided)


def _of_consent(named: Iterable[str], consent: str) -> bool:
    return any(one.partition("/")[0] == consent for one in named)


def _disclosed(lines: Sequence[TrailLine]) -> list[DisclosureRow]:
    """Each disclosure in order, with what came of taking it back: the last word that was said after it."""
    after: dict[tuple[str, ...], str] = {}
    rows: list[DisclosureRow] = []
    for line in reversed(lines):
        facts = line.facts
        about = (facts["referral"], facts["need"], facts["recipient"]) if "recipient" in facts else ()
        if line.kind == Step.RECALL_ANSWERED:
            after[about] = f"{facts['outcome']} {facts['at'][:16]}Z"
        elif line.kind == Step.DISCLOSURE_RECALLED:
            after.setdefault(about, f"asked {facts['at'][:16]}Z")
        elif line.kind == Step.OFFERS_MADE:
            rows += [_row(line, "OFFER", offer, offer["letThrough"], None) for offer in reversed(facts["offers"])]
        elif line.kind == Step.DISCLOSURE_RELEASED:
            rows.append(_row(line, "RELEASE", facts, facts["groups"], after.get(about)))
        elif facts["released"]:
            rows.append(_row(line, "FEEDBACK", facts, ["FG25"], None))
    return rows[::-1]


def _row(
    line: TrailLine, phase: str, decided: Mapping[str, Any], groups: Sequence[str], back: str | None
) -> DisclosureRow:
    return DisclosureRow(
        at=moment_of(line),
        referral=line.facts["referral"],
        need=line.facts["need"],
        phase=phase,
        recipient=decided["recipient"],
        groups=tuple(groups),
        until=decided.get("obligations", {}).get("until"),
        basis=decided.get("basis"),
        rules=tuple(decided["rules"]),
        consents=tuple(decided["consents"]),
        withheld=tuple(f"{group}:{reason}" for group, reason in decided.get("withheld", {}).items()),
        taken_back=back,
    )


def _accounted(row: DisclosureRow, names: Mapping[str, str]) -> AccountingRow:
    rests = " ".join([*([] if row.basis is None else [row.basis]), *row.rules, *row.consents])
    return AccountingRow(
        date=row.at,
        recipient=row.recipient,
        recipient_name=names.get(row.recipient),
        what=row.groups,
        purpose=row.need,
        basis=rests,
        exempt=_EXEMPT.get(row.basis or ""),
        referral=row.referral,
    )


def _same_glass(one: TrailLine, other: TrailLine) -> bool:
    return bool(one.facts["breakGlass"] == other.facts["breakGlass"])


def _emergency(begun: TrailLine, lines: Iterable[TrailLine]) -> EmergencyRow:
    """One emergency from its entries; of several reviews the last counts."""
    since = {line.kind: line.facts for line in lines}
    facts, approved, reviewed = begun.facts, since.get(Step.GLASS_APPROVED, {}), since.get(Step.GLASS_REVIEWED, {})
    if reviewed:
        owed = None
    elif Step.GLASS_OVERDUE in since:
        owed = "review, overdue"
    else:
        owed = "review" if approved or Step.GLASS_VOID in since else "approval"
    return EmergencyRow(
        at=moment_of(begun),
        emergency=facts["breakGlass"],
        referral=facts["referral"],
        source=facts["actor"],
        recipient=facts["recipient"],
        groups=tuple(facts["groups"]),
        reason=facts["reason"],
        basis=facts["basis"],
        invoked_by=facts["by"],
        approved_by=approved.get("by"),
        outcome=reviewed.get("outcome"),
        reviewed_by=reviewed.get("by"),
        owed=owed,
    )


def _read(line: TrailLine) -> ReadRow | None:
    facts = line.facts
    if line.kind == Step.OFFER_MOVED:
        if facts["to"] != OfferState.RECEIPTED:
            return None
        return ReadRow(moment_of(line), facts["provider"], "OFFER", facts["referral"], None, None)
    if line.kind == Step.RECORDS_READ:
        return ReadRow(moment_of(line), facts["actor"], facts["what"], facts["referral"], len(facts["referrals"]), None)
    what = _READ_AS.get(line.kind) or facts.get("question", "STORY")
    about = facts.get("about") or facts["referral"]
    return ReadRow(
        moment_of(line), facts["actor"], what, about, facts.get("rows", facts.get("entries")), facts.get("reason")
    )


def _changed(line: TrailLine) -> ChangeRow:
    facts = line.facts
    policy, looser = line.kind != Step.ORGANISATION_CHANGED, facts.get("looser")
    return ChangeRow(
        at=moment_of(line),
        who=facts["actor"],
        what=line.kind if policy else f"{line.kind}: {facts['what']}",
        about=facts["referral"] or facts.get("org"),
        before=facts.get("before"),
        now=facts.get("policy"),
        signers=tuple(facts.get("signers", ())),
        looser=None if looser is None else str(looser),
    )


def _failed(facts: Mapping[str, Any]) -> tuple[str, str] | None:
    """Recipient and code of something that could not be handed over; None for any other entry."""
    if facts.get("reason") != _UNDELIVERED:
        return None
    if "offer" in facts:
        return facts["provider"], facts["why"]
    return facts["actor"], "AFTER_ACCEPTANCE"
