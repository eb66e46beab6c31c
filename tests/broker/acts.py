"""Each act of the broker, and the entries that it writes; or why it writes none. Whoever adds an act adds its line.

An act is an event that the broker reacts to, a command, a route. `Steps` are proved by doing it (test_every_act.py);
`Says` is an event that the act publishes, whose own entries count; a text is the reason why there is no entry.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from broker.schemas.breakglass_approved import BreakGlassApproved
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.breakglass_reviewed import BreakGlassReviewed
from broker.schemas.capacity_updated import CapacityUpdated
from broker.schemas.consent_granted import ConsentGranted
from broker.schemas.consent_narrowed import ConsentNarrowed
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.contact_attempted import ContactAttempted
from broker.schemas.contact_made import ContactMade
from broker.schemas.contact_unreachable import ContactUnreachable
from broker.schemas.delivery_failed import DeliveryFailed
from broker.schemas.delivery_succeeded import DeliverySucceeded
from broker.schemas.disclosures_listed import DisclosuresListed
from broker.schemas.event import EventData
from broker.schemas.handoff_completed import HandoffCompleted
from broker.schemas.handoff_failed import HandoffFailed
from broker.schemas.handoff_started import HandoffStarted
from broker.schemas.incident_reported import IncidentReported
from broker.schemas.offer_accepted import OfferAccepted
from broker.schemas.offer_declined import OfferDeclined
from broker.schemas.offer_receipted import OfferReceipted
from broker.schemas.offer_waitlisted import OfferWaitlisted
from broker.schemas.referral_cancelled import ReferralCancelled
from broker.schemas.referral_recalled import ReferralRecalled
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.revocation_acknowledged import RevocationAcknowledged
from broker.schemas.risk_screened import RiskScreened
from broker.schemas.service_completed import ServiceCompleted
from broker.schemas.service_ended import ServiceEnded
from broker.schemas.service_started import ServiceStarted
from broker.trail.entries import Step


@dataclass(frozen=True, slots=True)
class Steps:
    """The kinds of entries that the act writes, and the test that does it where it is not done here."""

    kinds: frozenset[Step]
    done_in: str | None = None


@dataclass(frozen=True, slots=True)
class Says:
    """The events that the act publishes."""

    events: tuple[type[EventData], ...]


Entered = Steps | Says | str


def steps(*kinds: Step, done_in: str | None = None) -> Steps:
    """These kinds."""
    return Steps(frozenset(kinds), done_in)


_MOVES: Final = (Step.NEED_MOVED, Step.FEEDBACK_DECIDED)
_RECALLS: Final = (Step.CONTENT, Step.DISCLOSURE_RECALLED, Step.OFFER_MOVED, *_MOVES)

STORIES_ENTER: Final[Mapping[type[EventData], Steps]] = {
    ConsentGranted: steps(Step.CONSENT_RECORDED),
    ConsentNarrowed: steps(Step.CONSENT_RECORDED, *_RECALLS),
    ConsentRevoked: steps(Step.CONSENT_REVOKED),
    IncidentReported: steps(Step.INCIDENT_REPORTED),
    RiskScreened: steps(Step.RISK_SCREENED),
    ReferralRequested: steps(Step.REFERRAL_SUBMITTED, Step.OFFERS_MADE, Step.CONTENT, Step.NEED_MOVED),
    ReferralSealed: steps(Step.KEYS_RECEIVED, Step.DISCLOSURE_RELEASED, Step.CONTENT),
    ReferralCancelled: steps(Step.OFFER_MOVED, Step.CONTENT, Step.NEED_MOVED),
    DeliverySucceeded: steps(Step.OFFER_MOVED),
    DeliveryFailed: steps(Step.OFFER_MOVED, Step.OFFERS_MADE),
    ReferralRecalled: steps(*_RECALLS),
    OfferReceipted: steps(Step.OFFER_MOVED),
    OfferAccepted: steps(Step.OFFER_MOVED, Step.CONTENT, Step.RECIPIENT_NAMED, *_MOVES),
    OfferDeclined: steps(Step.OFFER_MOVED, Step.OFFERS_MADE, *_MOVES),
    OfferWaitlisted: steps(Step.OFFER_MOVED, Step.OFFERS_MADE),
    ContactAttempted: steps(Step.NEED_MOVED),
    ContactMade: steps(*_MOVES),
    ContactUnreachable: steps(*_MOVES, Step.WORK_RAISED),
    HandoffStarted: steps(Step.NEED_MOVED),
    HandoffCompleted: steps(*_MOVES),
    HandoffFailed: steps(Step.NEED_MOVED, Step.RECIPIENT_NAMED),
    ServiceStarted: steps(*_MOVES),
    ServiceCompleted: steps(*_MOVES),
    ServiceEnded: steps(*_MOVES),
    RevocationAcknowledged: steps(Step.RECALL_ANSWERED),
    CapacityUpdated: steps(Step.CAPACITY_UPDATED),
    BreakGlassInvoked: steps(Step.GLASS_BROKEN, Step.WORK_RAISED),
    BreakGlassApproved: steps(Step.GLASS_APPROVED),
    BreakGlassReviewed: steps(Step.GLASS_REVIEWED),
    DisclosuresListed: steps(Step.LIST_MADE),
}
"""What each event's story writes when it is played through (tests/trail/stories_played.py)."""

_ZONE: Final = "in the provider's own zone, which never writes to the broker's tables; what is said there is an event"
_FILES: Final = "reads and writes files of this machine alone; the network hears of it by another act"
_PUBLISHED: Final = "shows what is published to everybody: commitments, which tell of no referral"
_COUNTS: Final = "shows counts, ages and codes; no referral is named"
_LIES: Final = "shows where a record lies and why it was refused; its content stays where it is"
_OWN: Final = "tells an organisation what became of its own events, and nothing of anybody else's"
_PROCESS: Final = "starts processes; what they do is entered where they do it"

_AUDIT: Final = (
    *("disclosures", "accounting", "overdue", "emergencies", "reads", "policies", "failures", "fhir"),
    *("deliveries", "find"),
)
_ERASING: Final = "tests/trail/test_erasing.py"

_CLOSING: Final = "tests/trail/test_closing.py"

_LETTING_IN: Final = steps(Step.ORGANISATION_CHANGED, done_in="tests/web/desk/test_coming_in.py")

COMMANDS_ENTER: Final[Mapping[str, Entered]] = {
    "agent": Says((ReferralSealed,)),
    **dict.fromkeys((f"audit {question}" for question in ("story", *_AUDIT)), steps(Step.TRAIL_READ)),
    "breakglass invoke": Says((BreakGlassInvoked,)),
    "breakglass approve": Says((BreakGlassApproved,)),
    "breakglass review": Says((BreakGlassReviewed,)),
    "breakglass list": steps(Step.RECORDS_READ),
    **dict.fromkeys(("channel list", "channel test", "channel set", "channel move", "channel remove"), _ZONE),
    **dict.fromkeys(("channel resume", "channel secret new", "channel secret add", "channel secret list"), _ZONE),
    **dict.fromkeys(("channel secret retire",), _ZONE),
    "decide": "asks a question about a file; it reads and changes nothing of the network's",
    **dict.fromkeys(("delivery list", "delivery show", "delivery replay", "delivery stop"), _ZONE),
    "demo": "plays a county of its own, through the same doors as everybody",
    **dict.fromkeys(("desk sign-in-link", "desk passkey link", "desk passkey revoke"), _LETTING_IN),
    "desk passkey list": "shows when passkeys of accounts without names were made and used",
    "doctor": _COUNTS,
    "explain": steps(Step.TRAIL_READ),
    **dict.fromkeys(("inbox providers", "inbox list", "inbox show", "inbox retire-key", "inbox aside"), _ZONE),
    **dict.fromkeys(("inbox give-back", "inbox sign-in-link"), _ZONE),
    **dict.fromkeys(("inbox passkey link", "inbox passkey list", "inbox passkey revoke"), _ZONE),
    **dict.fromkeys(("inbox roster list", "inbox readings", "inbox roster set", "inbox roster clear"), _ZONE),
    **dict.fromkeys(("inbox retention show", "inbox retention set"), _ZONE),
    **dict.fromkeys(("inbox retention run", "inbox retention list"), _ZONE),
    "inbox accept": Says((OfferAccepted,)),
    "inbox decline": Says((OfferDeclined,)),
    "inbox waitlist": Says((OfferWaitlisted,)),
    "inbox contact-confirmed": _ZONE,
    "inbox handoff": Says((HandoffStarted, HandoffCompleted, HandoffFailed)),
    "inbox contact": Says((ContactAttempted, ContactMade, ContactUnreachable)),
    "inbox service": Says((ServiceStarted, ServiceCompleted, ServiceEnded)),
    "inbox capacity": Says((CapacityUpdated,)),
    "inbox play": Says((OfferAccepted, OfferDeclined, OfferWaitlisted, ContactMade, ContactUnreachable)),
    "inbox revocation": Says((RevocationAcknowledged,)),
    **dict.fromkeys(("local status", "local stop", "local reset"), _PROCESS),
    **dict.fromkeys(("keys new", "keys list", "keys card", "keys pin"), _FILES),
    **dict.fromkeys(("schema list", "schema show", "schema write"), "shows the contract, which is the same for all"),
    "migrate": "brings tables up to date before any process may work; which change is in force is in alembic_version",
    "notices": _OWN,
    "org add": steps(Step.ORGANISATION_CHANGED),
    "org host": steps(Step.ORGANISATION_CHANGED),
    "org list": _COUNTS,
    "org suspend": steps(Step.ORGANISATION_CHANGED),
    "org rotate-key": steps(Step.ORGANISATION_CHANGED),
    "org revoke-key": steps(Step.ORGANISATION_CHANGED),
    "org export": "writes the directory, which every organisation has",
    **dict.fromkeys(("policy lint", "policy diff", "policy sign", "policy pin"), _FILES),
    **dict.fromkeys(("policy show", "policy explain", "policy rules"), "shows the rules, which all members know"),
    "policy activate": steps(Step.POLICY_ACTIVATED, done_in="tests/broker/test_policy_change.py"),
    "publish": "publishes any event of the contract; each has its own entries",
    "quarantine list": _COUNTS,
    "quarantine show": _LIES,
    "quarantine release": steps(Step.QUARANTINE_KEPT),
    "quarantine discard": steps(Step.QUARANTINE_DISCARDED),
    "retention show": "shows schedules, which all members know",
    "retention list": "shows erasures: who asked, who approved, how far each is; each was entered in its time",
    "retention set": steps(Step.ORGANISATION_CHANGED),
    "retention run": steps(Step.TEXTS_ERASED, Step.CONSENTS_FORGOTTEN, done_in=_ERASING),
    "retention erase": steps(Step.ERASURE_REQUESTED, done_in=_ERASING),
    "retention approve": steps(Step.ERASURE_APPROVED, done_in=_ERASING),
    "retention scrub": steps(Step.TABLES_SCRUBBED, done_in="tests/crash/test_erased.py"),
    "serve": _PROCESS,
    "status": _COUNTS,
    "survivor-list": Says((DisclosuresListed,)),
    "tail": _OWN,
    "trail status": _COUNTS,
    "trail export": steps(Step.TRAIL_EXPORTED),
    **dict.fromkeys(("trail vkey", "trail checkpoint", "trail proof", "trail consistency", "trail anchor"), _PUBLISHED),
    "trail receipt": "tells the place of an event's entry and the entry itself, which is published; not what it says",
    **dict.fromkeys(("trail watch", "trail prove"), _OWN),
    "trail reconcile": steps(Step.RECORDS_READ),
    "trail show": steps(Step.TRAIL_READ),
    "unanswered list": steps(Step.RECORDS_READ),
    "unanswered close": steps(Step.CLOSING_REQUESTED, done_in=_CLOSING),
    "unanswered approve": steps(Step.CLOSING_APPROVED, Step.WORK_RESOLVED, done_in=_CLOSING),
    "up": _PROCESS,
    "work list": steps(Step.RECORDS_READ),
    "work show": steps(Step.RECORDS_READ),
    "work claim": steps(Step.WORK_CLAIMED),
    "work release": steps(Step.WORK_RELEASED),
    "work assign": steps(Step.WORK_ASSIGNED),
    "work resolve": steps(Step.WORK_RESOLVED),
}

_ANSWERS: Final = Says(
    (
        *(OfferReceipted, OfferAccepted, OfferDeclined, OfferWaitlisted, ContactAttempted, ContactMade),
        *(ContactUnreachable, HandoffStarted, HandoffCompleted, HandoffFailed, ServiceStarted, ServiceCompleted),
        *(ServiceEnded, RevocationAcknowledged, CapacityUpdated),
    )
)
_SESSION: Final = "a screen of the provider's own: who signed in is in its zone"

_COMING_IN: Final = (
    *("GET /sign-in", "GET /sign-in/{link}", "POST /sign-in", "GET /signed-out", "GET /exit", "POST /sign-out"),
    *("POST /stay", "POST /language", "GET /static/{name}", "GET /organisation", "GET /organisation/back"),
    *("POST /sign-in/passkey", "POST /sign-in/passkey/options", "POST /sign-in/first", "POST /sign-in/first/options"),
    *("GET /passkeys", "POST /passkeys", "POST /passkeys/options", "POST /passkeys/revoke"),
)
"""What every application that one signs in at has (broker/entry)."""
_PASSKEY_CHANGES: Final = ("POST /sign-in/first", "POST /passkeys", "POST /passkeys/revoke")
_AT_WORK: Final = "tests/web/desk/test_stories.py"
_RECORD: Final = "/quarantine/{topic}/{partition}/{offset}"
_AT_THE_DESK: Final = "shows nothing yet: who may come in is an entry of its own, and so is what they read"

_NETWORK: Final = (
    *("/", "/rules.toml", "/events", "/events/{event}", "/groups/{code}", "/schemas/{name}.json", "/asyncapi.json"),
    *("/errors", "/start", "/practice", "/exit", "/static/{name}"),
)

_AUDITED: Final = (
    *("POST /audit/found", "POST /audit/reports/{name}", "GET /audit/referrals/{referral}"),
    *("GET /audit/referrals/{referral}/{name}", "POST /audit/referrals/{referral}/story"),
)
_READ_AT_THE_DESK: Final = steps(Step.TRAIL_READ, done_in="tests/web/audit/test_asking.py")

ROUTES_ENTER: Final[Mapping[str, Entered]] = {
    "agencies POST /events": "an event as from Kafka: its own entries, when the broker takes it in",
    **dict.fromkeys(("agencies GET /events/{event_id}", "agencies GET /notices"), _OWN),
    **dict.fromkeys(("agencies GET /log/checkpoint", "agencies GET /log/tile/{path:path}"), _PUBLISHED),
    **dict.fromkeys(("agencies GET /log/proof/{index}", "agencies GET /log/consistency/{old}/{new}"), _PUBLISHED),
    "providers GET /offers/{offer_id}": _ZONE,
    "providers POST /offers/{offer_id}/conflict-check": _ZONE,
    "providers POST /answers": _ANSWERS,
    **dict.fromkeys(("inbox GET /", "inbox GET /offers/{offer_id}", "inbox POST /offers/{offer_id}/opened"), _ZONE),
    **dict.fromkeys(("inbox POST /offers/{offer_id}/answer", "inbox POST /offers/{offer_id}/progress"), _ANSWERS),
    "inbox POST /offers/{offer_id}/confirmed": _ZONE,
    "inbox POST /offers/{offer_id}/revocation": Says((RevocationAcknowledged,)),
    **dict.fromkeys((f"inbox {route}" for route in _COMING_IN), _SESSION),
    "inbox GET /counts": "numbers alone, of an organisation's own list",
    **dict.fromkeys(("inbox GET /capacity", "inbox GET /roster", "inbox GET /readings", "inbox POST /roster"), _ZONE),
    **dict.fromkeys(("inbox POST /roster/clear", "inbox POST /offers/{offer_id}/draft"), _ZONE),
    "inbox GET /offers/{offer_id}/handoff": _ZONE,
    "inbox POST /offers/{offer_id}/handoff": Says((HandoffStarted, HandoffCompleted, HandoffFailed)),
    "inbox POST /capacity": Says((CapacityUpdated,)),
    **dict.fromkeys((f"desk {route}" for route in _AUDITED), _READ_AT_THE_DESK),
    **dict.fromkeys(
        ("desk GET /audit", "desk GET /audit/reports/{name}"), "forms: nothing is read before they are sent"
    ),
    **dict.fromkeys(("desk GET /audit/log", "desk POST /audit/log/entry", "desk POST /audit/log/held"), _PUBLISHED),
    "desk POST /audit/bundle": steps(Step.TRAIL_EXPORTED, done_in="tests/web/audit/test_proving.py"),
    **dict.fromkeys((f"desk {route}" for route in _COMING_IN), _AT_THE_DESK),
    **dict.fromkeys((f"desk {route}" for route in _PASSKEY_CHANGES), _LETTING_IN),
    **dict.fromkeys((f"desk {route}" for route in ("GET /", "GET /worklist/decided/{resolution}")), _COUNTS),
    **dict.fromkeys(("desk GET /worklist", "desk GET /worklist/{work_id}"), steps(Step.RECORDS_READ, done_in=_AT_WORK)),
    "desk POST /worklist/{work_id}/claim": steps(Step.WORK_CLAIMED, done_in=_AT_WORK),
    "desk POST /worklist/{work_id}/release": steps(Step.WORK_RELEASED, done_in=_AT_WORK),
    "desk POST /worklist/{work_id}/assign": steps(Step.WORK_ASSIGNED, done_in=_AT_WORK),
    "desk POST /worklist/{work_id}/resolve": steps(Step.WORK_RESOLVED, done_in=_AT_WORK),
    **dict.fromkeys(("desk GET /quarantine", "desk GET /quarantine/codes/{code}", f"desk GET {_RECORD}"), _LIES),
    **dict.fromkeys((f"desk GET {_RECORD}/release", f"desk GET {_RECORD}/discard"), _LIES),
    f"desk POST {_RECORD}/release": steps(Step.QUARANTINE_RELEASED, done_in=_AT_WORK),
    f"desk POST {_RECORD}/discard": steps(Step.QUARANTINE_DISCARDED, done_in=_AT_WORK),
    **dict.fromkeys(("desk GET /overdue", "desk GET /unreached"), steps(Step.TRAIL_READ, done_in=_AT_WORK)),
    "desk GET /counts": "numbers alone, of the network's one list",
    **dict.fromkeys((f"network GET {path}" for path in _NETWORK), "documentation, and counts without small ones"),
}
