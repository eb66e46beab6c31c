"""Why a group or a whole disclosure is not let through: closed codes, each in plain words for an auditor.

Spelled as domain.md §2-§4 spell them. A code never says what a withheld group held, nor whether there was one.
"""

from typing import Final

from broker.schemas.code_list import CodeList


class Reason(CodeList):
    """Every reason for which the gate says no, or not yet."""

    NO_BASIS = "NO_BASIS"
    OUT_OF_BROKER = "OUT_OF_BROKER"
    AGGREGATE_ONLY = "AGGREGATE_ONLY"
    NO_HIPAA_BASIS = "NO_HIPAA_BASIS"
    NO_RELEASE = "NO_RELEASE"
    MAY_IDENTIFY = "MAY_IDENTIFY"
    VICTIM_SAID_NO = "VICTIM_SAID_NO"
    VICTIM_NOT_ASKED = "VICTIM_NOT_ASKED"
    CONSENT_NOT_SEEN = "CONSENT_NOT_SEEN"
    CONSENT_NOT_YET = "CONSENT_NOT_YET"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    CONSENT_REVOKED = "CONSENT_REVOKED"
    CONSENT_NOT_ACTIVE = "CONSENT_NOT_ACTIVE"
    CONSENT_ENDED = "CONSENT_ENDED"
    CONSENT_USED_UP = "CONSENT_USED_UP"
    NOT_WRITTEN = "NOT_WRITTEN"
    RECIPIENT_NOT_NAMED = "RECIPIENT_NOT_NAMED"
    RECIPIENT_NOT_SPECIFIC = "RECIPIENT_NOT_SPECIFIC"
    RECIPIENT_EXCLUDED = "RECIPIENT_EXCLUDED"
    PURPOSE_MISMATCH = "PURPOSE_MISMATCH"
    DENIED_BY_SURVIVOR = "DENIED_BY_SURVIVOR"
    FEEDBACK_NOT_RELEASED = "FEEDBACK_NOT_RELEASED"
    INSUFFICIENT_SCOPE = "INSUFFICIENT_SCOPE"
    NEVER_TRANSIT = "NEVER_TRANSIT"
    PART2_NOT_SUPPORTED = "PART2_NOT_SUPPORTED"
    GROUP_UNKNOWN = "GROUP_UNKNOWN"
    NEVER_FOR_RECIPIENT = "NEVER_FOR_RECIPIENT"
    NOT_NECESSARY = "NOT_NECESSARY"
    AFTER_ACCEPTANCE = "AFTER_ACCEPTANCE"
    TIER_TOO_HIGH = "TIER_TOO_HIGH"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    NOT_IN_NECESSITY_NOTE = "NOT_IN_NECESSITY_NOTE"
    NOT_IN_EMERGENCY = "NOT_IN_EMERGENCY"


WORDS: Final[dict[Reason, str]] = {
    Reason.NO_BASIS: "No law or policy lets this kind of organisation share with that kind.",
    Reason.OUT_OF_BROKER: "Reports of this kind go their own way and never through referrals.",
    Reason.AGGREGATE_ONLY: "An auditor sees codes, times and counts, nothing about a person.",
    Reason.NO_HIPAA_BASIS: "A health provider needs the survivor's HIPAA authorization for this.",
    Reason.NO_RELEASE: "The survivor has signed no release that this sharing could rest on.",
    Reason.MAY_IDENTIFY: "Even without a name this might tell who she is, and there is no release.",
    Reason.VICTIM_SAID_NO: "The survivor was asked and said no.",
    Reason.VICTIM_NOT_ASKED: "It was not safe to ask the survivor; identity waits until she has agreed.",
    Reason.CONSENT_NOT_SEEN: "The release that is named, in that version, has not arrived yet.",
    Reason.CONSENT_NOT_YET: "The release is not in force yet.",
    Reason.CONSENT_EXPIRED: "The release has run out.",
    Reason.CONSENT_REVOKED: "The survivor has taken the release back, or it is suspended or replaced.",
    Reason.CONSENT_NOT_ACTIVE: "The record is a draft or was entered in error.",
    Reason.CONSENT_ENDED: "The release ended with an event that has come to pass.",
    Reason.CONSENT_USED_UP: "The release has been used as often as it allows.",
    Reason.NOT_WRITTEN: "This organisation's releases must be in writing, and this one is oral.",
    Reason.RECIPIENT_NOT_NAMED: "The release does not name this organisation.",
    Reason.RECIPIENT_NOT_SPECIFIC: "The release names a kind of organisation where each must be named.",
    Reason.RECIPIENT_EXCLUDED: "The survivor asked that this organisation never be told.",
    Reason.PURPOSE_MISMATCH: "The release is for another purpose.",
    Reason.DENIED_BY_SURVIVOR: "A record of the survivor's forbids this.",
    Reason.FEEDBACK_NOT_RELEASED: "The survivor has not released what became of it to this source.",
    Reason.INSUFFICIENT_SCOPE: "What this provider cannot work without is not released, so nothing is sent.",
    Reason.NEVER_TRANSIT: "This never travels through the broker.",
    Reason.PART2_NOT_SUPPORTED: "Substance-use programme records are not carried here.",
    Reason.GROUP_UNKNOWN: "This group is not in the catalogue.",
    Reason.NEVER_FOR_RECIPIENT: "This kind of recipient never gets this group.",
    Reason.NOT_NECESSARY: "This kind of recipient does not need this group.",
    Reason.AFTER_ACCEPTANCE: "Not in an offer: only after this provider has accepted.",
    Reason.TIER_TOO_HIGH: "The release stops below this sensitivity.",
    Reason.OUT_OF_SCOPE: "The survivor's release or agreement does not cover this group.",
    Reason.NOT_IN_EMERGENCY: "The emergency was not invoked for this group, or the policy opens it to nobody.",
    Reason.NOT_IN_NECESSITY_NOTE: "She could not be asked, and the note on record does not make this group necessary.",
}

RULE: Final[dict[Reason, str]] = {
    Reason.NO_BASIS: "§4.3",
    Reason.OUT_OF_BROKER: "D11",
    Reason.AGGREGATE_ONLY: "VAWA-15",
    Reason.NO_HIPAA_BASIS: "HIPAA-01",
    Reason.NO_RELEASE: "VAWA-01a",
    Reason.MAY_IDENTIFY: "VAWA-01b",
    Reason.VICTIM_SAID_NO: "D1",
    Reason.VICTIM_NOT_ASKED: "D1",
    Reason.CONSENT_NOT_SEEN: "§4.5",
    Reason.CONSENT_NOT_YET: "VAWA-04",
    Reason.CONSENT_EXPIRED: "VAWA-04",
    Reason.CONSENT_REVOKED: "VAWA-16",
    Reason.CONSENT_NOT_ACTIVE: "§4.3",
    Reason.CONSENT_ENDED: "§4.2",
    Reason.CONSENT_USED_UP: "§4.2",
    Reason.NOT_WRITTEN: "VAWA-02",
    Reason.RECIPIENT_NOT_NAMED: "VAWA-05",
    Reason.RECIPIENT_NOT_SPECIFIC: "VAWA-06",
    Reason.RECIPIENT_EXCLUDED: "VAWA-05",
    Reason.PURPOSE_MISMATCH: "VAWA-08",
    Reason.DENIED_BY_SURVIVOR: "§4.3",
    Reason.FEEDBACK_NOT_RELEASED: "VAWA-12",
    Reason.INSUFFICIENT_SCOPE: "§4.3",
    Reason.NEVER_TRANSIT: "§7.1",
    Reason.PART2_NOT_SUPPORTED: "P2-01",
    Reason.GROUP_UNKNOWN: "§4.3",
    Reason.NEVER_FOR_RECIPIENT: "§7.4",
    Reason.NOT_NECESSARY: "§7.4",
    Reason.AFTER_ACCEPTANCE: "§7.4",
    Reason.TIER_TOO_HIGH: "VAWA-07",
    Reason.OUT_OF_SCOPE: "VAWA-07",
    Reason.NOT_IN_NECESSITY_NOTE: "D15",
    Reason.NOT_IN_EMERGENCY: "§5",
}
"""The rule of domain.md that a reason stems from: a rule id of §2, a row of §3, or the section."""
