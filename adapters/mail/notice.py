"""A notice says that something is waiting, and nothing else: whoever reads over a shoulder learns nothing.

Staff telephones and inboxes are read by abusers, a locked screen shows sender and subject, and a preview shows the
first line (domain.md §13 T2, lessons.md G6). So there is no word of what this is, no link, no picture and no receipt.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import Final

from adapters.transports.transport import Handover
from broker.schemas.offer_reminded import OfferReminded
from broker.schemas.vocabulary import MsgStatus


class Language(StrEnum):
    """In which language a notice is written."""

    ENGLISH = "en"
    SPANISH = "es"


@dataclass(frozen=True, slots=True)
class _Words:
    subject: str
    text: str
    still_subject: str
    still_text: str
    """The same where it has been waiting, and somebody should look now."""
    drill: str


_WORDS: Final[Mapping[Language, _Words]] = {
    Language.ENGLISH: _Words(
        subject="Something is waiting",
        text="Something is waiting. Reference {reference}.\n\n"
        "Please look for this reference where you always do. Replies to this message are not read.\n",
        still_subject="Something is still waiting",
        still_text="Something is still waiting. Reference {reference}.\n\n"
        "Please look for this reference now, where you always do. Replies to this message are not read.\n",
        drill="Exercise: ",
    ),
    Language.SPANISH: _Words(
        subject="Hay algo en espera",
        text="Hay algo en espera. Referencia {reference}.\n\n"
        "Busque esta referencia donde siempre lo hace. Nadie lee las respuestas a este mensaje.\n",
        still_subject="Hay algo que sigue en espera",
        still_text="Hay algo que sigue en espera. Referencia {reference}.\n\n"
        "Busque esta referencia ahora, donde siempre lo hace. Nadie lee las respuestas a este mensaje.\n",
        drill="Simulacro: ",
    ),
}

_TELLS: Final = re.compile(
    "abus|advoca|agres|albergue|assault|batter|clinic|consejer|counsel|crisis|denuncia|domestic|escap|espos[ao]|fiscal"
    "|hogar|hospital|hotline|husband|juzgado|legal|maltrat|marido|mujer|pareja|police|policia|prosecut|protec|proteg"
    "|(?<![a-z])rape|referral|refug|safe.?house|shelter|sheriff|sobreviv|stalk|surviv|terapi|therap|trauma|victim"
    "|violac|violen|wife|women"
)


def tells(text: str) -> bool:
    """Whether a text says what this is about, in English or Spanish, even within a longer word (`havenshelter`)."""
    bare = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    return _TELLS.search(bare.lower()) is not None


def notice(handover: Handover, *, sender: str, to: str, language: Language) -> bytes:
    """The mail for one message, byte by byte the same on every attempt, ASCII with CRLF.

    Its Message-ID is the message's own id, so that a repeat is known as one by mail servers and readers.
    """
    words = _WORDS[language]
    subject, text = words.subject, words.text
    if handover.type == OfferReminded.TYPE:
        subject, text = words.still_subject, words.still_text
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, to
    drill = "" if handover.environment is MsgStatus.ACTUAL else words.drill
    mail["Subject"] = drill + subject
    mail["Date"] = format_datetime(handover.made_at.astimezone(UTC))
    mail["Message-ID"] = f"<{handover.message_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(drill + text.format(reference=handover.reference), charset="us-ascii", cte="7bit")
    return mail.as_bytes()
