"""The roles of a provider's people at the inbox's pages; never who somebody is."""

from enum import StrEnum


class StaffRole(StrEnum):
    """What somebody who is signed in is here for; never who."""

    STAFF = "STAFF"
    SUPERVISOR = "SUPERVISOR"
    PRIVACY_OFFICER = "PRIVACY_OFFICER"

    @property
    def decides(self) -> bool:
        """Whether it answers offers and opens what was released."""
        return self is not StaffRole.PRIVACY_OFFICER

    @property
    def oversees(self) -> bool:
        """Whether it sees who has opened what."""
        return self is not StaffRole.STAFF
