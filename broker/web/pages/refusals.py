"""Every refusal by its code: the words of the contract and of the door, from the one place where each has its own."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from broker.schemas.refusal import ADVICE, RefusalCode
from broker.web.codes import WORDING, WebCode


@dataclass(frozen=True, slots=True)
class Refusal:
    """One code: what it means, what to do (in English), and the status with which the HTTP door says it."""

    code: str
    meaning: str
    remedy: str
    status: int


@cache
def of_events() -> tuple[Refusal, ...]:
    """Why an event is refused: the same on Kafka, by HTTP and in the client."""
    return tuple(_refusal(code) for code in RefusalCode)


@cache
def of_the_door() -> tuple[Refusal, ...]:
    """What else the HTTP door says of a request."""
    return tuple(_refusal(code) for code in WebCode)


def _refusal(code: StrEnum) -> Refusal:
    advice = ADVICE[code] if isinstance(code, RefusalCode) else WORDING.advice[code]
    return Refusal(code.value, advice.meaning, advice.remedy, WORDING.status.get(code, 400))


_BY_NO_FILE: Final = frozenset(
    {
        RefusalCode.SOURCE_UNKNOWN,
        RefusalCode.OFFER_UNKNOWN,
        RefusalCode.INCIDENT_UNKNOWN,
        RefusalCode.CONSENT_UNKNOWN,
        RefusalCode.NOT_YOURS,
        RefusalCode.TRANSITION_IMPOSSIBLE,
        RefusalCode.OFFER_TAKEN,
        RefusalCode.OFFER_EXPIRED,
        RefusalCode.OFFER_WITHDRAWN,
        RefusalCode.OFFER_ALREADY_ANSWERED,
        RefusalCode.BREAK_GLASS_SUSPENDED,
        RefusalCode.BREAK_GLASS_UNKNOWN,
        RefusalCode.BREAK_GLASS_OVER,
        RefusalCode.SECOND_PERSON_NEEDED,
        RefusalCode.ANSWER_NOT_OFFERED,
        RefusalCode.BROKER_FAULT,
    }
)
"""It takes a story, or a fault, to hear these."""
PROVOKED: Final = tuple(code.value for code in RefusalCode if code not in _BY_NO_FILE)
"""Those of which docs/examples/refused has a file that makes the broker say them; a test holds the two together."""
