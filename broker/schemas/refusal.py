"""Why an event is refused: one code each, in plain words, with what to do next.

The same table serves the broker, which tells the publisher by `event.refused`, and the client, which refuses before
anything leaves. A refusal names a field of the contract and never a value.
"""

from dataclasses import dataclass

from broker.schemas.code_list import CodeList


class RefusalCode(CodeList):
    """Every reason for which an event is not taken."""

    VALUE_MISSING = "VALUE_MISSING"
    TOO_LARGE = "TOO_LARGE"
    TOO_DEEP = "TOO_DEEP"
    HEADER_NULL = "HEADER_NULL"
    HEADER_NOT_TEXT = "HEADER_NOT_TEXT"
    HEADER_TWICE = "HEADER_TWICE"
    NOT_A_CLOUDEVENT = "NOT_A_CLOUDEVENT"
    ATTRIBUTE_MISSING = "ATTRIBUTE_MISSING"
    ATTRIBUTE_INVALID = "ATTRIBUTE_INVALID"
    ATTRIBUTE_UNKNOWN = "ATTRIBUTE_UNKNOWN"
    KEY_MISMATCH = "KEY_MISMATCH"
    TYPE_UNKNOWN = "TYPE_UNKNOWN"
    TYPE_NOT_YOURS = "TYPE_NOT_YOURS"
    JSON_INVALID = "JSON_INVALID"
    PROPERTY_MISSING = "PROPERTY_MISSING"
    PROPERTY_UNKNOWN = "PROPERTY_UNKNOWN"
    PROPERTY_INVALID = "PROPERTY_INVALID"
    IDENTITY_IN_CLEAR = "IDENTITY_IN_CLEAR"
    NEVER_TRANSIT = "NEVER_TRANSIT"
    SOURCE_NOT_BOUND = "SOURCE_NOT_BOUND"
    SOURCE_UNKNOWN = "SOURCE_UNKNOWN"
    SIGNATURE_MISSING = "SIGNATURE_MISSING"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    KEY_UNKNOWN = "KEY_UNKNOWN"
    WRONG_ENVIRONMENT = "WRONG_ENVIRONMENT"
    EXPIRED = "EXPIRED"
    TIME_IMPLAUSIBLE = "TIME_IMPLAUSIBLE"
    ID_REUSED = "ID_REUSED"
    REFERRAL_UNKNOWN = "REFERRAL_UNKNOWN"
    REFERRAL_EXISTS = "REFERRAL_EXISTS"
    OFFER_UNKNOWN = "OFFER_UNKNOWN"
    INCIDENT_UNKNOWN = "INCIDENT_UNKNOWN"
    CONSENT_UNKNOWN = "CONSENT_UNKNOWN"
    CONSENT_VERSION_CONFLICT = "CONSENT_VERSION_CONFLICT"
    NOT_YOURS = "NOT_YOURS"
    TRANSITION_IMPOSSIBLE = "TRANSITION_IMPOSSIBLE"
    OFFER_TAKEN = "OFFER_TAKEN"
    OFFER_EXPIRED = "OFFER_EXPIRED"
    OFFER_WITHDRAWN = "OFFER_WITHDRAWN"
    OFFER_ALREADY_ANSWERED = "OFFER_ALREADY_ANSWERED"
    SEALED_GROUP_UNKNOWN = "SEALED_GROUP_UNKNOWN"
    SETTING_NOT_PRIVATE = "SETTING_NOT_PRIVATE"
    CONTACT_MISSING = "CONTACT_MISSING"
    NECESSITY_NOT_LAWFUL = "NECESSITY_NOT_LAWFUL"
    BREAK_GLASS_NOT_ALLOWED = "BREAK_GLASS_NOT_ALLOWED"
    BREAK_GLASS_SUSPENDED = "BREAK_GLASS_SUSPENDED"
    BREAK_GLASS_UNKNOWN = "BREAK_GLASS_UNKNOWN"
    BREAK_GLASS_OVER = "BREAK_GLASS_OVER"
    SECOND_PERSON_NEEDED = "SECOND_PERSON_NEEDED"
    NOT_WRITTEN = "NOT_WRITTEN"
    NOT_TIME_LIMITED = "NOT_TIME_LIMITED"
    RECIPIENT_NOT_SPECIFIC = "RECIPIENT_NOT_SPECIFIC"
    MINOR_CONSENT_INCOMPLETE = "MINOR_CONSENT_INCOMPLETE"
    GUARDIAN_MISSING = "GUARDIAN_MISSING"
    GRANTOR_MAY_BE_ABUSER = "GRANTOR_MAY_BE_ABUSER"
    SURVIVOR_DID_NOT_GRANT = "SURVIVOR_DID_NOT_GRANT"
    IDENTITY_NOT_CHECKED = "IDENTITY_NOT_CHECKED"
    NOT_INFORMED = "NOT_INFORMED"
    CONDITIONED_ON_SERVICE = "CONDITIONED_ON_SERVICE"
    DISCLOSER_NOT_YOU = "DISCLOSER_NOT_YOU"
    PART2_NOT_SUPPORTED = "PART2_NOT_SUPPORTED"
    ANSWER_NOT_OFFERED = "ANSWER_NOT_OFFERED"
    BROKER_FAULT = "BROKER_FAULT"


class Refused(Exception):
    """An event cannot be taken. Carries the code and the contract's name of the field, never a value."""

    def __init__(self, code: RefusalCode, field: str | None = None) -> None:
        super().__init__(f"{code.value}{f' at {field}' if field else ''}")
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class Advice:
    """A refusal in plain words (`meaning`) and what the publisher can do about it (`remedy`)."""

    meaning: str
    remedy: str


ADVICE: dict[RefusalCode, Advice] = {
    RefusalCode.VALUE_MISSING: Advice(
        "The Kafka record has no value.", "Send the event's content; deletions are not events here."
    ),
    RefusalCode.TOO_LARGE: Advice(
        "The event is larger than 64 KiB.", "Send coded fields only; files and narratives stay with you."
    ),
    RefusalCode.TOO_DEEP: Advice("The JSON is nested too deeply.", "Send the event in the shape of its schema."),
    RefusalCode.HEADER_NULL: Advice("A Kafka header has no value.", "Leave the header out or give it text."),
    RefusalCode.HEADER_NOT_TEXT: Advice("A Kafka header is not UTF-8 text.", "Send every header as UTF-8 text."),
    RefusalCode.HEADER_TWICE: Advice("A Kafka header occurs twice.", "Send each header once."),
    RefusalCode.NOT_A_CLOUDEVENT: Advice(
        "This is not a CloudEvents 1.0 event, neither binary nor structured.",
        "Send ce_ headers with content-type application/json, or a structured event; see docs/wire-format.md.",
    ),
    RefusalCode.ATTRIBUTE_MISSING: Advice(
        "A required CloudEvents attribute is missing.", "Add the attribute that is named."
    ),
    RefusalCode.ATTRIBUTE_INVALID: Advice(
        "A CloudEvents attribute has the wrong form.", "Compare the attribute that is named with docs/wire-format.md."
    ),
    RefusalCode.ATTRIBUTE_UNKNOWN: Advice(
        "An attribute is not part of the contract.", "Leave it out; attributes are routed and logged."
    ),
    RefusalCode.KEY_MISMATCH: Advice(
        "The record's key is not the event's subject.",
        "Use the subject as Kafka key, so that order within a referral is kept.",
    ),
    RefusalCode.TYPE_UNKNOWN: Advice(
        "The event type is not in the catalogue.", "`handoff schema list` shows the types."
    ),
    RefusalCode.TYPE_NOT_YOURS: Advice(
        "This type may not be published on this topic.", "Sources publish requests, providers publish answers."
    ),
    RefusalCode.JSON_INVALID: Advice("The value is not valid JSON.", "Send UTF-8 JSON."),
    RefusalCode.PROPERTY_MISSING: Advice("A required field is missing.", "Add the field that is named."),
    RefusalCode.PROPERTY_UNKNOWN: Advice(
        "A field is not part of the schema.", "Leave it out; `handoff schema show` prints the allowed fields."
    ),
    RefusalCode.PROPERTY_INVALID: Advice(
        "A field has a value that the schema does not allow.", "Compare the field that is named with its schema."
    ),
    RefusalCode.IDENTITY_IN_CLEAR: Advice(
        "A field that identifies the survivor was sent unsealed.",
        "Seal it: the client does so, or see docs/wire-format.md. Treat the unsealed copy on the topic as a breach.",
    ),
    RefusalCode.NEVER_TRANSIT: Advice(
        "This kind of information never travels through the broker.", "Keep it in your own records."
    ),
    RefusalCode.SOURCE_NOT_BOUND: Advice(
        "The event's source does not belong to this topic.", "Publish on your own organisation's topic."
    ),
    RefusalCode.SOURCE_UNKNOWN: Advice(
        "This organisation is not onboarded or its agreement has ended.", "Ask the network's operator."
    ),
    RefusalCode.SIGNATURE_MISSING: Advice("The event is not signed.", "Sign it with your organisation's key."),
    RefusalCode.SIGNATURE_INVALID: Advice(
        "The signature does not fit the event.", "Sign exactly the bytes that are sent; see docs/wire-format.md."
    ),
    RefusalCode.KEY_UNKNOWN: Advice(
        "The signing key is not registered for this organisation.", "Have the operator register the key's card."
    ),
    RefusalCode.WRONG_ENVIRONMENT: Advice(
        "Drill and live traffic do not mix.", "Publish drills on the exercise network with msgstatus exercise."
    ),
    RefusalCode.EXPIRED: Advice("The event had expired when it arrived.", "Check with the survivor and send it anew."),
    RefusalCode.TIME_IMPLAUSIBLE: Advice(
        "The event's time lies in the future.", "Set the sender's clock; times are UTC with a zone."
    ),
    RefusalCode.ID_REUSED: Advice(
        "This event id was used before with other content.", "Give every new event a new random id."
    ),
    RefusalCode.REFERRAL_UNKNOWN: Advice(
        "No such referral of yours.", "Publish referral.requested first, with the same referral id."
    ),
    RefusalCode.REFERRAL_EXISTS: Advice(
        "A referral with this id exists already.", "Give every new referral a new random id."
    ),
    RefusalCode.OFFER_UNKNOWN: Advice("No such offer to you.", "Answer with the offer id that you received."),
    RefusalCode.INCIDENT_UNKNOWN: Advice(
        "No such incident of yours.", "Publish incident.reported first, or name the referral."
    ),
    RefusalCode.CONSENT_UNKNOWN: Advice("No such consent of yours.", "Publish consent.granted first."),
    RefusalCode.CONSENT_VERSION_CONFLICT: Advice(
        "This version of the consent exists with other content, or an earlier one is missing.",
        "A version never changes; publish the next version number.",
    ),
    RefusalCode.NOT_YOURS: Advice("This belongs to another organisation.", "Act on your own referrals and offers."),
    RefusalCode.TRANSITION_IMPOSSIBLE: Advice(
        "This step is not possible in the present state.", "Look at the referral's present state first."
    ),
    RefusalCode.OFFER_TAKEN: Advice("Another provider was quicker.", "Nothing to do; thank you for answering."),
    RefusalCode.OFFER_EXPIRED: Advice(
        "The offer's deadline had passed.", "If you still have room, call the worker named in the offer."
    ),
    RefusalCode.OFFER_WITHDRAWN: Advice("The offer was taken back.", "Delete what you hold of it."),
    RefusalCode.OFFER_ALREADY_ANSWERED: Advice(
        "You had already answered this offer otherwise.", "Call the worker named in the offer to change it."
    ),
    RefusalCode.SEALED_GROUP_UNKNOWN: Advice(
        "A wrapped key names a group that the referral does not carry.", "Wrap keys of the referral's own groups."
    ),
    RefusalCode.SETTING_NOT_PRIVATE: Advice(
        "The question was not asked in private.",
        "Separate the parties, ask again where nobody else can hear, then send the answer that was given there.",
    ),
    RefusalCode.CONTACT_MISSING: Advice(
        "There is no safe way to reach anyone about this referral.",
        "Add a worker's call-back (FG23) or seal the survivor's safe contact (FG03).",
    ),
    RefusalCode.NECESSITY_NOT_LAWFUL: Advice(
        "A note of necessity cannot stand in for her consent here.",
        "Ask her, or say that nobody could ask her safely; a note counts only where the policy in force knows of it.",
    ),
    RefusalCode.BREAK_GLASS_NOT_ALLOWED: Advice(
        "The policy in force does not let your organisation open this, to this recipient, for this reason.",
        "Call the recipient, or the emergency services; `handoff policy explain in-force` tells what is allowed.",
    ),
    RefusalCode.BREAK_GLASS_SUSPENDED: Advice(
        "Reviews of earlier emergencies of your organisation are overdue, so it can invoke none until they are in.",
        "Publish the reviews (breakglass.reviewed); for this emergency call the recipient.",
    ),
    RefusalCode.BREAK_GLASS_UNKNOWN: Advice(
        "This referral has no such emergency.",
        "Check the id; it is yours only on the referral that you invoked it for.",
    ),
    RefusalCode.BREAK_GLASS_OVER: Advice(
        "The emergency has ended: it ran out, was not approved in time, or is told here too late.",
        "If it goes on, invoke it anew, with a new id.",
    ),
    RefusalCode.SECOND_PERSON_NEEDED: Advice(
        "Who invoked an emergency can neither approve nor review it.", "Have another person of your organisation do so."
    ),
    RefusalCode.NOT_WRITTEN: Advice(
        "This kind of release must be in writing.", "Have the survivor sign, then publish the consent."
    ),
    RefusalCode.NOT_TIME_LIMITED: Advice(
        "The release has no end or runs longer than allowed.", "Agree an end date within the allowed days."
    ),
    RefusalCode.RECIPIENT_NOT_SPECIFIC: Advice(
        "A release of this kind must name each organisation.", "Name the organisations the survivor agreed to."
    ),
    RefusalCode.MINOR_CONSENT_INCOMPLETE: Advice(
        "A minor's release needs the minor and a parent or guardian who is not the abuser.",
        "Obtain both, or record the law under which the minor may consent alone.",
    ),
    RefusalCode.GUARDIAN_MISSING: Advice(
        "A court-appointed guardian must grant this release.",
        "Obtain the guardian's release, or record why it is not needed.",
    ),
    RefusalCode.GRANTOR_MAY_BE_ABUSER: Advice(
        "Whoever granted this may be the abuser or was not checked.",
        "Do not use this release. Check the grantor, or ask another parent or the court.",
    ),
    RefusalCode.SURVIVOR_DID_NOT_GRANT: Advice(
        "Somebody else granted this for a survivor who decides alone.",
        "Ask the survivor, in private. Nobody else's signature stands in for it.",
    ),
    RefusalCode.IDENTITY_NOT_CHECKED: Advice(
        "Nobody checked who signed or spoke: it may have been the abuser.",
        "Check in person, by live video or by the agreed code word, then have it granted again.",
    ),
    RefusalCode.NOT_INFORMED: Advice(
        "Not everything was explained before this was granted.",
        "Explain the risks, what can be done without sharing, that others may pass it on, and how to take it back; use"
        " an interpreter who is not family where one is needed. Then ask again.",
    ),
    RefusalCode.CONDITIONED_ON_SERVICE: Advice(
        "Signing was made a condition of help.", "Explain that help does not depend on it, and ask again."
    ),
    RefusalCode.DISCLOSER_NOT_YOU: Advice(
        "The release names another organisation as discloser.", "Each organisation publishes its own releases."
    ),
    RefusalCode.PART2_NOT_SUPPORTED: Advice(
        "Substance-use programme records are not carried here.", "Leave group FG19 out."
    ),
    RefusalCode.ANSWER_NOT_OFFERED: Advice(
        "Your kind of provider does not give this answer.", "Use one of the answers listed for your kind."
    ),
    RefusalCode.BROKER_FAULT: Advice(
        "The broker failed to work the event; that is not your fault.",
        "Act as if it had not arrived: telephone. The operator has been told and keeps the record.",
    ),
}
