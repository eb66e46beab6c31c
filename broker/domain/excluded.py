"""Leaves out of an offer's clear groups what a release excludes (VAWA-07, domain.md §2.2)."""

from collections.abc import Sequence
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import to_json

from broker.schemas.clear_groups import (
    AccessNeeds,
    CountyOrPostalArea,
    Jurisdiction,
    NeedSummary,
    OfferedNeed,
    WorkerContact,
)
from broker.schemas.group import Group
from broker.schemas.offer_made import OfferMade

Shown = TypeVar("Shown", bound=Group)


def without_excluded(offer: OfferMade, paths: Sequence[str]) -> OfferMade:
    """The offer without the properties that `paths` name (`accessNeeds.petTypes`, `FG02.petTypes`, or a whole group).

    A group that cannot be without such a property is left out whole: less is told, never more.
    """
    return offer.model_copy(
        update={
            "need_summary": _kept(offer.need_summary, OfferedNeed, NeedSummary.named_in(paths)),
            "access_needs": _kept(offer.access_needs, AccessNeeds, AccessNeeds.named_in(paths)),
            "jurisdiction_code": None if Jurisdiction.named_in(paths) else offer.jurisdiction_code,
            "area": None if CountyOrPostalArea.named_in(paths) else offer.area,
            "worker_contact": _kept(offer.worker_contact, WorkerContact, WorkerContact.named_in(paths)),
        }
    )


def _kept(group: Group | None, shown: type[Shown], names: frozenset[str]) -> Shown | None:
    if group is None or Group.WHOLE in names:
        return None
    held = group.model_dump(mode="json", by_alias=True, exclude_none=True)
    told = {name: value for name, value in held.items() if name not in names}
    try:
        return shown.model_validate_json(to_json(told))
    except ValidationError:
        return None
