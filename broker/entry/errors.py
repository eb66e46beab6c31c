"""What keeps somebody from coming in: one branch of the exception tree, each with what to do next.

HandoffError
└── EntryError
    ├── LinksNotAllowed
    ├── PasskeyRefused
    └── OpenIdError
        ├── OpenIdAway
        ├── OpenIdRefused
        └── RoleUnknown
"""

from broker.errors import HandoffError


class EntryError(HandoffError):
    """Nobody was signed in."""


class LinksNotAllowed(EntryError):
    """Sign-in links are for exercises: this installation does not take them."""

    remedy = (
        "Give out a link for a passkey instead (`handoff inbox passkey link`, `handoff desk passkey link`), or set up"
        " your organisation's own sign-in; see docs/pages.md."
    )


class PasskeyRefused(EntryError):
    """This passkey does not open these pages."""

    remedy = "Try again. If it was taken out of use, ask for a link for a new one."


class OpenIdError(EntryError):
    """Your organisation's sign-in did not let anybody in."""


class OpenIdAway(OpenIdError):
    """Your organisation's sign-in cannot be reached, or does not answer as it must."""

    remedy = "Try again in some minutes, or use a passkey if you have one."


class OpenIdRefused(OpenIdError):
    """What came back from your organisation's sign-in is not an answer to what was asked."""

    remedy = "Begin again, in one window."


class RoleUnknown(OpenIdError):
    """Your organisation's account has no role on these pages."""

    remedy = "Ask whoever runs your organisation's accounts for the role; nothing was opened."
