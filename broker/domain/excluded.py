"""What a release excludes (VAWA-07, domain.md §2.2): left out of an offer's clear groups, or the sealed group stays."""

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from pydantic import ValidationError
from pydantic_core import to_json

from broker.domain import group_sets
from broker.schemas.clear_groups import (
    AccessNeeds,
    CountyOrPostalArea,
    Jurisdiction,
    NeedSummary,
    OfferedNeed,
    WorkerContact,
)
from broker.schemas.field_groups import SEALABLE, FieldGroup, fields_named
from broker.schemas.group import Group
from broker.schemas.offer_made import OfferMade

Shown = TypeVar("Shown", bound=Group)

_SEALED: Final = group_sets.mask([*SEALABLE, FieldGroup("FG25")])
"""What `exposed` is about: clear groups lose their properties in the offer; FG25 is no group of properties."""


def without_excluded(offer: OfferMade, paths: Sequence[str]) -> OfferMade:
    """The offer without the properties that `paths` name (`accessNeeds.petTypes`, `FG02.petTypes`, or a whole group).

    A group that cannot be without such a property is left out whole: less is told, never more.
    """
    return offer.model_copy(
        update={
            "need_summary": _kept(offer.need_summary, NeedSummary, OfferedNeed, paths),
            "access_needs": _kept(offer.access_needs, AccessNeeds, AccessNeeds, paths),
            "jurisdiction_code": None if Jurisdiction.named_in(paths) else offer.jurisdiction_code,
            "area": None if CountyOrPostalArea.named_in(paths) else offer.area,
            "worker_contact": _kept(offer.worker_contact, WorkerContact, WorkerContact, paths),
        }
    )


def exposed(paths: Iterable[str], sealed_without: Iterable[str]) -> int:
    """The bits of the groups that were sealed with something in them which `paths` exclude.

    `sealed_without` are the paths that were excluded then, so that what they name was left out. Nobody but a recipient
    can take anything out of a sealed group: it stays whole where it is. A group that is excluded as a whole stays there
    in any case, whoever sealed it.
    """
    left_out = {named for path in sealed_without for named in fields_named(path)}
    found = 0
    for path in paths:
        for group, steps in fields_named(path):
            ways = ((group, steps[:length]) for length in range(len(steps) + 1))
            if not steps or left_out.isdisjoint(ways):
                found |= group_sets.mask([group])
    return found & _SEALED


def _kept(group: Group | None, model: type[Group], shown: type[Shown], paths: Sequence[str]) -> Shown | None:
    if group is None:
        return None
    told = model.left_of(group.model_dump(mode="json", by_alias=True, exclude_none=True), paths)
    try:
        return shown.model_validate_json(to_json(told))
    except ValidationError:
        return None
