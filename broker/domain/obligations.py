"""What goes along with a disclosure and binds whoever sends or receives it (domain.md §4.3 step 8)."""

from typing import Final, NamedTuple

from broker.schemas.field_groups import FieldGroup


class Obligations(NamedTuple):
    """The duties on one disclosure. Without a release redisclosure is prohibited all the same."""

    redisclosure_prohibited: bool = True
    notice_code: str = "NONE"
    single_use: frozenset[FieldGroup] = frozenset()
    """Groups for one check, to be deleted after it (§7.4)."""
    excluded_fields: tuple[str, ...] = ()
    """Paths of fields that the release excludes: the sender leaves them out of groups it can read."""
    coarse: bool = False
    """Only the coarse form of VAWA-01b may go: counts capped at 5, language only if common there."""
    max_concurrent_offers: int | None = None
    """Where the release names a kind of recipient: to how many at once."""


NO_RELEASE: Final = Obligations()
"""The duties where no release says anything of its own."""

_NOTICES: Final = ("NONE", "HIPAA-MAY-BE-REDISCLOSED", "VAWA-LOCAL", "PART2-2.32-SHORT", "PART2-2.32-A1")
"""From the mildest notice to the strictest."""

_OF_PART2: Final = frozenset({"PART2-2.32-SHORT", "PART2-2.32-A1"})
_PART2_GROUP: Final = FieldGroup("FG19")
_INSTEAD: Final = "VAWA-LOCAL"
"""The strictest notice that does not say what kind of record there is."""


def unrevealing(duties: Obligations, let_through: frozenset[FieldGroup]) -> Obligations:
    """The same duties; where no Part 2 record goes, its notice does not either: it would tell that there is one."""
    if duties.notice_code in _OF_PART2 and _PART2_GROUP not in let_through:
        return duties._replace(notice_code=_INSTEAD)
    return duties


def strictest(duties: list[Obligations]) -> Obligations:
    """Of several releases together the strictest word of each counts."""
    first = duties[0]
    if duties.count(first) == len(duties):
        return first
    return Obligations(
        redisclosure_prohibited=any(duty.redisclosure_prohibited for duty in duties),
        notice_code=max((duty.notice_code for duty in duties), key=_NOTICES.index),
        excluded_fields=tuple(sorted({path for duty in duties for path in duty.excluded_fields})),
    )
