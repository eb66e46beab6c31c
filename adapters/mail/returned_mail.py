"""What a mail that came back is, by its form alone: reading never raises, and costs little whatever was sent.

Told apart are reports of mail servers (RFC 3464) and automatic replies of mailboxes (RFC 3834). What a person writes is
not read: nothing in a mail, and no sign that one was opened, ever counts as an answer.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from email.policy import compat32
from enum import StrEnum
from typing import Final

from broker import limits


class Kind(StrEnum):
    """What a mail that came back is."""

    BOUNCED = "BOUNCED"
    """A mail server's report that the notice will not arrive."""
    DELAYED = "DELAYED"
    """A mail server's report that the notice has not arrived yet, and is tried again."""
    REPORTED = "REPORTED"
    """A report of anything else: delivered, relayed, or shown to somebody (RFC 8098)."""
    AUTOMATIC_REPLY = "AUTOMATIC_REPLY"
    """A machine's reply: out of office, ticket opened."""
    OTHER = "OTHER"
    """Anything else, a person's reply among it."""
    UNREADABLE = "UNREADABLE"
    """Too large, too deep, or in no form that a mail has."""


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """A mail that came back. `status` is an enhanced status code such as 5.1.1 (RFC 3463) where the report has one."""

    kind: Kind
    status: str | None = None


_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_NESTING: Final = re.compile(rb"boundary|message/", re.IGNORECASE)
_MALFORMED: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError)
"""What Python's parser is known to raise for headers in no form at all."""
_BULK: Final = frozenset({"bulk", "junk", "list", "auto_reply"})
_REPLY_HEADERS: Final = ("X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-Suppress", "X-Vacation")
_REPORT_PARTS_MAX: Final = 8
"""A report has three: an explanation, the status, and what it is about."""


def read_returned(raw: bytes) -> ReturnedMail:
    """What this mail is, headers and all as it came."""
    if not _bounded(raw):
        return ReturnedMail(Kind.UNREADABLE)
    try:
        mail = BytesParser(policy=compat32).parsebytes(raw)
        return _report(mail) or ReturnedMail(Kind.AUTOMATIC_REPLY if _automatic(mail) else Kind.OTHER)
    except _MALFORMED:
        return ReturnedMail(Kind.UNREADABLE)


def _bounded(raw: bytes) -> bool:
    """Whether parsing ends soon: its time goes with lines times nesting, and its depth with nesting."""
    if (
        len(raw) > limits.returned_mail_bytes_max
        or raw.count(b"\n") + raw.count(b"\r") > limits.returned_mail_lines_max
    ):
        return False
    return sum(1 for _ in _NESTING.finditer(raw)) <= limits.returned_mail_nesting_max


def _report(mail: Message) -> ReturnedMail | None:
    """What a report says; None for a mail that is none. It stands at the top: one that was sent on is not ours."""
    if mail.get_content_type() != "multipart/report":
        return None
    recipients = list(_recipients(mail))
    actions = {_word(recipient, "Action"): recipient for recipient in reversed(recipients)}
    for action, kind in (("failed", Kind.BOUNCED), ("delayed", Kind.DELAYED)):
        if action in actions:
            return ReturnedMail(kind, _status(actions[action]))
    return ReturnedMail(Kind.REPORTED)


def _recipients(report: Message) -> Iterator[Message]:
    """The fields of a report that are about one recipient each; those about the message come before them."""
    parts = report.get_payload()
    for part in parts[:_REPORT_PARTS_MAX] if isinstance(parts, list) else ():
        if isinstance(part, Message) and part.get_content_type() == "message/delivery-status":
            blocks = part.get_payload()
            yield from (block for block in blocks if isinstance(block, Message)) if isinstance(blocks, list) else ()


def _status(recipient: Message) -> str | None:
    found = _STATUS.match(_word(recipient, "Status"))
    return found[0] if found is not None else None


def _automatic(mail: Message) -> bool:
    """RFC 3834, and what was used before it: better one reply of a person too many taken for a machine's."""
    if _word(mail, "Auto-Submitted") not in ("", "no"):
        return True
    return _word(mail, "Precedence") in _BULK or any(header in mail for header in _REPLY_HEADERS)


def _word(fields: Message, name: str) -> str:
    """The first word of a field in small letters, without parameters and comments; empty where there is none."""
    words = re.split(r"[\s;(]+", str(fields.get(name, "")).strip().lower(), maxsplit=1)
    return words[0]
