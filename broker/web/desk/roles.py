"""The roles of the network's own people at the desk; never who somebody is."""

from enum import StrEnum


class DeskRole(StrEnum):
    """What somebody who is signed in is here for."""

    COORDINATOR = "COORDINATOR"
    """Sees to it that nobody is forgotten: works what waits for a human (L3, domain.md §10.4)."""
    OPERATOR = "OPERATOR"
    """Keeps the network at work: does the same, and looks after what was not taken in."""
    AUDITOR = "AUDITOR"
    PRIVACY_OFFICER = "PRIVACY_OFFICER"

    @property
    def works(self) -> bool:
        """Whether it works what waits for a human."""
        return self in (DeskRole.COORDINATOR, DeskRole.OPERATOR)

    @property
    def settles(self) -> bool:
        """Whether it says what becomes of records that were not taken in."""
        return self is DeskRole.OPERATOR
