"""Who must never learn of the referral is worked out at the source; the broker gets organisations, and no reason why.

Areas to avoid and the abuser's associations are sealed (FG08), so the broker cannot match by them. The client reads
them before it seals: a provider that serves nowhere but there is added to `excludedRecipients` (domain.md §11), and
where the abuser is tied to a kind of provider, the officer has to say which one it is (domain.md §13, T1).
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from broker.agency.errors import AssociationUnplaced
from broker.schemas.danger_groups import AvoidAreas
from broker.schemas.field_groups import FieldGroup
from broker.schemas.group_vocabulary import AbuserAssociation
from broker.schemas.ids import OrgId
from broker.schemas.vocabulary import OrgClass
from broker.zone import DirectoryEntry

AVOID: Final = FieldGroup(AvoidAreas.CODE)

_WITHIN: Final[Mapping[AbuserAssociation, frozenset[OrgClass]]] = {
    AbuserAssociation.LAW_ENFORCEMENT_EMPLOYEE: frozenset({OrgClass.LAW_ENFORCEMENT}),
    AbuserAssociation.COURT_EMPLOYEE: frozenset({OrgClass.COURT}),
    AbuserAssociation.HOSPITAL_EMPLOYEE: frozenset({OrgClass.HOSPITAL_HIPAA, OrgClass.HEALTH_CLINIC_HIPAA}),
    AbuserAssociation.SHELTER_STAFF_RELATIVE: frozenset({OrgClass.VSP_SHELTER}),
    AbuserAssociation.SHELTER_RESIDENT_RELATIVE: frozenset({OrgClass.VSP_SHELTER}),
    AbuserAssociation.SCHOOL_EMPLOYEE: frozenset({OrgClass.SCHOOL_FERPA}),
}
"""Which classes an association is with. The other associations are with nobody whom this network could ask."""


def to_avoid(
    named: Collection[OrgId], texts: Mapping[FieldGroup, bytes], candidates: Collection[DirectoryEntry]
) -> list[OrgId]:
    """The `candidates`, the providers that could be asked, that lie where the survivor must not go.

    `named` are those whom the officer has excluded; they are not told again.

    Raises:
        AssociationUnplaced: the abuser is tied to a kind of candidate, and none of that kind is excluded.
    """
    if AVOID not in texts:
        return []
    avoid = AvoidAreas.model_validate_json(texts[AVOID])
    for association in avoid.abuser_associations:
        _check_placed(association, candidates, named)
    areas = frozenset(avoid.areas_to_avoid)
    return [entry.org_id for entry in candidates if entry.org_id not in named and _only_within(entry, areas)]


def _check_placed(
    association: AbuserAssociation, entries: Collection[DirectoryEntry], named: Collection[OrgId]
) -> None:
    tied = {entry.org_id for entry in entries if entry.org_class in _WITHIN.get(association, ())}
    if tied and tied.isdisjoint(named):
        raise AssociationUnplaced


def _only_within(entry: DirectoryEntry, avoided: frozenset[str]) -> bool:
    """Whether every area that it serves is one of these or lies in one; who serves anywhere lies in none."""
    areas = entry.profile.areas
    return bool(areas) and all(not avoided.isdisjoint(_around(area)) for area in areas)


def _around(area: str) -> Iterator[str]:
    """An area and what contains it: US-CA-013, US-CA, US."""
    parts = area.split("-")
    return ("-".join(parts[:length]) for length in range(1, len(parts) + 1))
