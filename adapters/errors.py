"""What can stop a person at a provider's desk: one branch of the exception tree, each with what to do next.

HandoffError
├── TlsNotOffered
└── InboxError
    ├── NoSuchProvider
    ├── ProviderFolderIncomplete
    ├── OfferNotFound
    ├── ReferenceAmbiguous
    ├── AnswerNotPossible
    │   └── ContactNotAgreed
    │       ├── NotAnAgreedHour
    │       ├── ContactTooOld
    │       └── ContactOver
    ├── NotPractice
    ├── KeyStillNeeded
    ├── NoSuchChannel
    ├── DeliveryNotFound
    ├── ReplayRefused
    ├── NotStopped
    ├── OutgoingFailed
    ├── ChannelRefused
    │   ├── GuardRefused
    │   ├── NameUnknown
    │   ├── SecretsMissing
    │   ├── SecretsNotUsable
    │   ├── TooManySecrets
    │   └── NoSuchSecret
    └── NothingToOpen
        └── KeysNotHere
"""

from broker.errors import HandoffError
from broker.schemas.refusal import ADVICE, RefusalCode


class InboxError(HandoffError):
    """The inbox could not do what was asked."""


class NoSuchProvider(InboxError):
    """This installation does not answer for that organisation."""

    remedy = "Name one of its organisations with `--org`; `handoff inbox providers` lists them."


class ProviderFolderIncomplete(InboxError):
    """The organisation's folder lacks something that the inbox needs."""


class NotPractice(InboxError):
    """This is not the practice network: whoever answers an offer here is a person."""

    exit_code = 2
    remedy = "Play providers where `HANDOFF_ENVIRONMENT=exercise` is set."


class OfferNotFound(InboxError):
    """No offer with this reference is in your inbox."""

    remedy = "`handoff inbox list --all` shows every reference that you hold."


class ReferenceAmbiguous(InboxError):
    """Several offers of your inbox have this reference."""

    remedy = "Name the offer by its id (`off-…`) as `handoff inbox list --json` shows it."


class AnswerNotPossible(InboxError):
    """This answer cannot be given to this offer now."""

    def __init__(self, code: RefusalCode, message: str | None = None) -> None:
        super().__init__(message or ADVICE[code].meaning, remedy=ADVICE[code].remedy)
        self.code = code


class ContactNotAgreed(AnswerNotPossible):
    """Contact is not agreed now: an attempt is neither made nor noted."""

    advice = "Open what was released: it says when and how contact is safe."

    def __init__(self) -> None:
        super().__init__(RefusalCode.TRANSITION_IMPOSSIBLE, self.default_message())
        self.remedy = self.advice


class NotAnAgreedHour(ContactNotAgreed):
    """Contact was agreed for other hours: an attempt at this one is neither made nor noted."""


class ContactTooOld(ContactNotAgreed):
    """It was confirmed too long ago that contact is safe: an attempt is neither made nor noted."""

    advice = "Ask the worker named in the offer whether it still holds, say that you did, and then try."


class ContactOver(ContactNotAgreed):
    """The way of contact was taken back, or its release has ended: an attempt is neither made nor noted."""

    advice = "Do not use what was read of it. Ask the worker named in the offer how to go on."


class KeyStillNeeded(InboxError):
    """This opening key cannot be destroyed yet."""

    remedy = (
        "Make a newer one (`handoff keys new`) and have the operator register it. If this one was stolen, have it"
        " revoked (`handoff org revoke-key`) and say so here with `--revoked`."
    )


class NoSuchChannel(InboxError):
    """No channel is at this place."""

    remedy = "`handoff channel list` shows the places that are taken."


class DeliveryNotFound(InboxError):
    """No delivery of yours has this number."""

    remedy = "`handoff delivery list` shows the latest ones."


class ReplayRefused(InboxError):
    """This cannot be sent again."""

    remedy = "`handoff delivery show` tells what became of it."


class NotStopped(InboxError):
    """It has ended already: nothing tries it any more."""

    remedy = "`handoff delivery show` tells how it ended."


class NothingToOpen(InboxError):
    """There is nothing for you to open: it has not been released, or the release has ended."""

    remedy = (
        "Sealed groups arrive after you have accepted and open until the release ends; `handoff inbox show` says when."
    )


class KeysNotHere(NothingToOpen):
    """The sealed groups are here, and no keys to them: those come on a way of their own, or have opened all once."""

    remedy = (
        "Keys follow within seconds. If your system was away for days, they are gone: call the worker named in the"
        " offer."
    )
