"""What `handoff doctor` reports: a thing, how it stands, what was found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a thing stands."""

    OK = "ok"
    IDLE = "idle"
    """Not needed now; nothing is wrong."""
    WARNING = "warning"
    """It works, and somebody should look at it before it does not."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: the thing, its state, what was found, and what to do where something is missing."""

    thing: str
    state: State
    found: str
    remedy: str = ""
