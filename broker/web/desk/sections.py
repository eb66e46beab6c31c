"""What each role goes to from every page of the desk, beside where it arrives."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from broker.web.desk.roles import DeskRole


class Section(NamedTuple):
    """A page that is gone to from everywhere, and for whom it is."""

    path: str
    name: str
    roles: frozenset[DeskRole]


_WORKERS: Final = frozenset(role for role in DeskRole if role.works)

SECTIONS: Final = (
    Section("/worklist", "Work list", _WORKERS),
    Section("/quarantine", "Not taken in", _WORKERS),
    Section("/overdue", "Overdue", _WORKERS),
    Section("/unreached", "Not reached", _WORKERS),
    Section("/audit", "Audit", frozenset({DeskRole.AUDITOR, DeskRole.PRIVACY_OFFICER})),
)


def sections(role: DeskRole) -> Sequence[Section]:
    """Those of a role, in their order."""
    return [section for section in SECTIONS if role in section.roles]
