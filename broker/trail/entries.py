"""One step of the trail: a salted commitment and the text that opens it (reliability.md §3.1).

The text says who, what, under which rule, consent and policy version, and which groups by code. It has no free text
and nothing about a person, so it may be read by an auditor; without its salt the commitment says nothing at all.
"""

import hmac
from collections.abc import Mapping
from typing import Final, NamedTuple

import orjson

from broker.schemas.code_list import CodeList
from broker.schemas.fresh import fresh16

COMMITMENT_CONTEXT: Final = b"warm-handoff/trail/v1"


def fresh_salt() -> bytes:
    """Thirty-two random bytes, to be used for one entry."""
    return fresh16() + fresh16()


_TIMES: Final = orjson.OPT_UTC_Z
"""Moments are RFC 3339 in UTC, with `Z`."""


class Step(CodeList):
    """Every kind of step. The kind is chosen by the code that acts, never by a request (lessons.md §3, 16)."""

    EVENT_ACCEPTED = "event.accepted"
    EVENT_REFUSED = "event.refused"
    CONSENT_RECORDED = "consent.recorded"
    CONSENT_REVOKED = "consent.revoked"
    INCIDENT_REPORTED = "incident.reported"
    RISK_SCREENED = "risk.screened"
    PRIORITY_RAISED = "priority.raised"
    REFERRAL_SUBMITTED = "referral.submitted"
    REFERRAL_HELD = "referral.held"
    KEYS_RECEIVED = "keys.received"
    OFFERS_MADE = "offers.made"
    OFFER_MOVED = "offer.moved"
    NEED_MOVED = "need.moved"
    CONTENT = "content"
    """What exactly left for whom: the second entry of a disclosure, opened to its two agencies alone."""
    DISCLOSURE_DENIED = "disclosure.denied"
    DISCLOSURE_RELEASED = "disclosure.released"
    DISCLOSURE_RECALLED = "disclosure.recalled"
    RECALL_ANSWERED = "recall.answered"
    FEEDBACK_DECIDED = "feedback.decided"
    RECIPIENT_NAMED = "recipient.named"
    SEND_STOPPED = "send.stopped"
    SEND_REPEATED = "send.repeated"
    DEADLINE_PASSED = "deadline.passed"
    NEED_ESCALATED = "need.escalated"
    WORK_RAISED = "work.raised"
    WORK_CLAIMED = "work.claimed"
    WORK_RELEASED = "work.released"
    WORK_ASSIGNED = "work.assigned"
    WORK_RESOLVED = "work.resolved"
    CLOCK_HELD = "clock.held"
    CLOCK_RELEASED = "clock.released"
    KEYS_HELD = "keys.held"
    PAYLOAD_SHREDDED = "payload.shredded"
    CAPACITY_UPDATED = "capacity.updated"
    TRAIL_READ = "trail.read"
    RECORDS_READ = "records.read"
    """Somebody was shown referrals outside their story: the work list, the emergencies, a reconciliation."""
    TRAIL_EXPORTED = "trail.exported"
    TEXTS_ERASED = "texts.erased"
    """Announces that texts go: `entries` are their places in the log, with `basis` and `approver` (docs/trail.md)."""
    ERASURE_REQUESTED = "erasure.requested"
    ERASURE_APPROVED = "erasure.approved"
    CLOSING_REQUESTED = "closing.requested"
    CLOSING_APPROVED = "closing.approved"
    """An answer that never came (to a recall, of an emergency's review) is waited for no longer; two roles agreed."""
    TABLES_SCRUBBED = "tables.scrubbed"
    CONSENTS_FORGOTTEN = "consents.forgotten"
    LIST_MADE = "list.made"
    ORGANISATION_CHANGED = "organisation.changed"
    GLASS_BROKEN = "breakglass.invoked"
    GLASS_APPROVED = "breakglass.approved"
    GLASS_VOID = "breakglass.void"
    GLASS_OVERDUE = "breakglass.overdue"
    GLASS_REVIEWED = "breakglass.reviewed"
    POLICY_ACTIVATED = "policy.activated"
    POLICY_CHANGED = "policy.changed"
    QUARANTINE_RELEASED = "quarantine.released"
    QUARANTINE_KEPT = "quarantine.kept"
    QUARANTINE_DISCARDED = "quarantine.discarded"


class Entry(NamedTuple):
    """One step, ready to be written: `preimage` is the exact text that `commitment` commits to.

    The commitment is made where it is sealed (broker/trail/sequencer.py): in the transaction of a step it would cost as
    much as writing the text, and could not be checked against anything yet.
    """

    kind: Step
    referral_id: str | None
    salt: bytes
    preimage: bytes

    @property
    def commitment(self) -> bytes:
        """What the log holds of it."""
        return commitment(self.kind, self.preimage, self.salt)


def entry(kind: Step, referral_id: str | None, facts: Mapping[str, object], salt: bytes) -> Entry:
    """The entry for one step; `facts` are codes, ids and times only, `salt` is 32 random bytes used once."""
    preimage = orjson.dumps({"kind": kind, "referral": referral_id, **facts}, option=_TIMES)
    return Entry(kind, referral_id, salt, preimage)


def commitment(kind: str, preimage: bytes, salt: bytes) -> bytes:
    """HMAC-SHA256 under the salt over context, kind and text, each closed by a zero byte: 32 bytes."""
    return hmac.digest(salt, COMMITMENT_CONTEXT + b"\x00" + kind.encode() + b"\x00" + preimage, "sha256")
