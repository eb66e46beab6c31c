"""What can be wrong with the log; no message holds anything that it commits to.

HandoffError
└── TrailError
    ├── CheckpointBroken
    ├── CheckpointForged
    ├── NotInLog
    ├── SequencerFenced
    ├── LogShrunk
    ├── LogAltered
    ├── ErasureUnknown
    ├── ErasureTooEarly
    ├── ErasureNotShared
    ├── ClosingUnknown
    ├── ClosingTooEarly
    ├── ClosingNotShared
    ├── AnchorUnreachable
    └── AnchorRefused
"""

from broker.errors import HandoffError


class TrailError(HandoffError):
    """The trail could not be sealed, proved or read."""


class CheckpointBroken(TrailError):
    """This is not a signed checkpoint."""


class CheckpointForged(TrailError):
    """The checkpoint was not signed by a key of the log."""

    exit_code = 6


class NotInLog(TrailError):
    """The published log has no such entry, or not so many entries."""

    remedy = "`handoff trail status` tells how many entries there are; new ones are published within ten seconds."


class SequencerFenced(TrailError):
    """Another sequencer has taken over; this one has written nothing since."""


class LogShrunk(TrailError):
    """The database has fewer entries in its log than this machine has published: an older copy was restored."""

    exit_code = 6
    remedy = (
        "Nothing is sealed until somebody decides. docs/trail.md, 'After a restore', says what to do and whom to tell."
    )


class LogAltered(TrailError):
    """The log in the database is not as it was published: entries were changed."""

    exit_code = 6
    remedy = "Keep the database and the log folder as they are, and have the auditor verify both (docs/trail.md)."


class ErasureUnknown(TrailError):
    """No such erasure waits for approval."""

    remedy = "`handoff retention list` has them."


class ErasureTooEarly(TrailError):
    """This referral cannot be erased yet: something of it is still open, or a copy has not been taken back."""

    remedy = (
        "Its source takes it back first (`referral.cancelled`, `referral.recalled`): every recipient is told and"
        " confirms. `handoff audit overdue` has what is owed."
    )


class ErasureNotShared(TrailError):
    """Who asked for an erasure cannot approve it."""

    exit_code = 2
    remedy = "Somebody in another role approves it: --by role:privacy-officer."


class ClosingUnknown(TrailError):
    """Nothing of this name waits for agreement, or its answer has come."""

    remedy = "`handoff unanswered list` has what is waited for."


class ClosingTooEarly(TrailError):
    """No answer of this name is overdue: it may still come in time."""

    remedy = "`handoff unanswered list` has what is waited for after its last deadline."


class ClosingNotShared(TrailError):
    """Who asked to wait no longer cannot agree to it."""

    exit_code = 2
    remedy = "Somebody in another role agrees to it: --by role:privacy-officer."


class AnchorUnreachable(TrailError):
    """A witness or time stamp authority does not answer."""

    exit_code = 3
    remedy = "Check its address; the log goes on without it, and the next run asks again."


class AnchorRefused(TrailError):
    """A witness or time stamp authority does not vouch for the checkpoint."""

    remedy = "Ask whoever runs it. A witness that has seen another log is an alarm: tell the auditor (docs/trail.md)."
