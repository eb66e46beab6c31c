"""What the pages of every application call kinds of help, urgencies and the steps of the ladder: one place for all."""

from collections.abc import Mapping
from typing import Final

from broker.look.language import _
from broker.look.pictures import Rung, Standing
from broker.schemas.vocabulary import Acknowledgment, Priority, RecipientCategory

KINDS: Final = {
    RecipientCategory.SHELTER: "A safe place to stay",
    RecipientCategory.COUNSELING: "Counselling",
    RecipientCategory.LEGAL_AID: "Legal help",
    RecipientCategory.HEALTHCARE: "Health care",
    RecipientCategory.ADVOCACY: "An advocate",
}
URGENCIES: Final = {
    Priority.P0: "Danger to life now",
    Priority.P1: "Tonight",
    Priority.P2: "Within days",
    Priority.P3: "Not urgent",
}
STEPS: Final = {
    Acknowledgment.A0_ACCEPTED: "The network has the request",
    Acknowledgment.A1_DELIVERED: "It has reached a provider",
    Acknowledgment.A2_RECEIPTED: "Somebody there has opened it",
    Acknowledgment.A3_DECIDED: "The provider has said yes or no",
    Acknowledgment.A4_CONTACT: "Somebody is in touch",
    Acknowledgment.A5_SERVICE: "Help has begun",
    Acknowledgment.A6_OUTCOME: "It is known what it came to",
}
_RUNGS: Final = tuple(Acknowledgment)


def urgency(priority: str) -> str:
    """An urgency with its words: "P0 · Danger to life now"."""
    return f"{priority} · {_(URGENCIES[Priority(priority)])}"


def ladder(reached: Mapping[Acknowledgment, str], ended: str | None = None) -> tuple[Rung, ...]:
    """Done up to the highest step of `reached`, which says what is known of each; `ended`: how it ended there.

    What was passed over is done, and nothing is said of it.
    """
    highest = max(map(_RUNGS.index, reached), default=-1)
    rungs = []
    for index, one in enumerate(_RUNGS):
        told = reached.get(one, "")
        standing = Standing.DONE if index <= highest else Standing.OPEN
        if index == highest and ended is None and one is not Acknowledgment.A6_OUTCOME:
            standing = Standing.NOW
        elif index == highest + 1 and ended is not None:
            standing, told = Standing.ENDED, ended
        rungs.append(Rung(one.value, _(STEPS[one]), standing, told))
    return tuple(rungs)
