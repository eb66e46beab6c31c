"""What can stop an agency's event, one branch of the exception tree; no message holds a field's value.

HandoffError
└── AgencyError
    ├── ZoneIncomplete
    │   └── DirectoryTooOld
    ├── NotOnboarded
    ├── RecipientUnknown
    ├── ContentKeysGone
    ├── KeptUnreadable
    ├── LedgerBroken
    ├── LedgerEmpty
    ├── ShareDenied
    ├── AssociationUnplaced
    ├── NotConfirmed
    ├── NoAnswerYet
    ├── DoorRefused
    ├── BrokerUnreachable
    ├── ReceiptNotYet
    ├── LogSilent
    ├── LogContradicted
    │   ├── LogShorter
    │   ├── LogForked
    │   └── ReceiptFalse
    └── CodedRefusal
        ├── EventRefusedBeforeSending
        └── NotAccepted
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from broker.domain.reasons import WORDS, Reason
from broker.errors import HandoffError
from broker.schemas.ids import EventId
from broker.schemas.refusal import ADVICE, Advice, RefusalCode, Refused


class AgencyError(HandoffError):
    """The agency's client could not do what was asked."""


class ZoneIncomplete(AgencyError):
    """The zone's folder lacks something that the client needs."""

    exit_code: ClassVar[int] = 2
    remedy = "Ask the network's operator for the zone's files; docs/quickstart-client.md lists them."


class DirectoryTooOld(ZoneIncomplete):
    """The directory is older than one that was believed here before: it may list a key that was stolen since."""

    remedy = "Get the newest one from the network's operator (`handoff org export`)."


class NotOnboarded(AgencyError):
    """The organisation's topics are not there."""

    remedy = "Check the environment and the organisation's id; the network's operator makes its topics."


class RecipientUnknown(AgencyError):
    """The network's directory has no such organisation, or no key of it that can be sealed to."""

    remedy = "Get the directory anew from the network's operator, and check the organisation's id."


class ContentKeysGone(AgencyError):
    """The content keys of this referral are not kept here, so nobody else can be let in."""

    remedy = "They are kept by the client that asked for the referral, until it ends. Publish the referral anew."


class KeptUnreadable(AgencyError):
    """What is kept of a referral does not open with this zone's keeping key, or was changed."""

    remedy = "Restore keys/keeping.key beside it, or publish the referral anew; what cannot be read lets nobody in."


class LedgerBroken(AgencyError):
    """A file of the zone's ledger holds something that is not a line of it."""

    remedy = "Find out who has written into the zone's folder `ledger`; every line there is one JSON object."


class LedgerEmpty(AgencyError):
    """Nothing is noted in this zone about such a referral or consent."""

    remedy = "Use the reference in your own records: ref-…, or the consent's id. Lists are made where it was published."


class ShareDenied(AgencyError):
    """The rules let this organisation have nothing of this referral."""

    def __init__(self, reason: Reason) -> None:
        """`reason` is the gate's, told in its plain words."""
        self.reason = reason
        super().__init__(f"{self.default_message()} {reason.value}: {WORDS[reason]}")


class AssociationUnplaced(AgencyError):
    """The abuser is tied to a kind of organisation that would be asked (FG08), and none of that kind is excluded."""

    exit_code: ClassVar[int] = 5
    remedy = (
        "Ask the survivor which organisation it is and name it in excludedRecipients; if she does not know, speak with"
        " an advocate before anything is sent."
    )


class NotConfirmed(AgencyError):
    """Kafka has not confirmed the event in time: it may have arrived or not."""

    remedy = "Publish the same bytes again (`publish_again`): they take effect once, however often they arrive."

    def __init__(self, event_id: EventId | None = None) -> None:
        """`event_id` is the event's, for `publish_again`; None for a raw record."""
        self.event_id = event_id
        super().__init__()


class NoAnswerYet(AgencyError):
    """The broker has not said yet what became of the event."""

    remedy = "It is not lost: the answer comes on your notice topic. If it is urgent, telephone."


class DoorRefused(AgencyError):
    """The network's door tells this agency nothing."""

    exit_code: ClassVar[int] = 5


class BrokerUnreachable(AgencyError):
    """The broker's door does not answer, or not with what was asked."""

    exit_code: ClassVar[int] = 3
    remedy = (
        "Check its address (HANDOFF_BROKER_URL), and ask the network's operator; nothing that was published is lost."
    )


class ReceiptNotYet(AgencyError):
    """The event is not in the published log yet."""

    remedy = "Ask again in some seconds. If nothing has come after a minute, ask the network's operator."


class LogSilent(AgencyError):
    """The log's newest checkpoint is older than it may be: the log has stopped, or an old one is shown here."""

    remedy = "Ask the network's operator, and compare checkpoints with another agency."


class LogContradicted(AgencyError):
    """The log is not the one that was seen here before: it was cut short or rewritten."""

    exit_code: ClassVar[int] = 6
    remedy = (
        "Keep the zone's folder `log` as it is: both signed checkpoints in it are the evidence. Tell the auditor and"
        " the other agencies, by telephone (docs/trail.md, 'What agencies keep')."
    )


class LogShorter(LogContradicted):
    """The log has fewer entries than it had when it was seen here before."""


class LogForked(LogContradicted):
    """The log does not begin with the entries that it had when it was seen here before."""


class ReceiptFalse(LogContradicted):
    """The broker named a place in the log for an event, and the proof does not lead there."""


class CodedRefusal(AgencyError):
    """An event is refused."""

    exit_code: ClassVar[int] = 5

    def __init__(self, code: RefusalCode, field: str | None = None) -> None:
        """`field` is the contract's name of the property or attribute, never a value."""
        self.code = code
        self.field = field
        where = f" at {field}" if field else ""
        super().__init__(f"{code.value}{where}: {ADVICE[code].meaning}", remedy=ADVICE[code].remedy)

    @property
    def advice(self) -> Advice:
        """The refusal in plain words, and what can be done."""
        return ADVICE[self.code]


class EventRefusedBeforeSending(CodedRefusal):
    """The broker would refuse this event, so it has not left."""


class NotAccepted(CodedRefusal):
    """The broker has refused the event."""


@contextmanager
def refused_here() -> Iterator[None]:
    """What the contract refuses inside the block is told as refused before sending."""
    try:
        yield
    except Refused as refused:
        raise EventRefusedBeforeSending(refused.code, refused.field) from None
