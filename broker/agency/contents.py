"""The text of a field group before it is sealed: checked by its model, without what the survivor keeps to herself."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from broker.agency.errors import EventRefusedBeforeSending
from broker.domain.consent import ConsentTerms
from broker.schemas.envelope import CLOCK_AHEAD_SECONDS_MAX
from broker.schemas.event import refusal_of
from broker.schemas.field_groups import GROUPS, SEALABLE, FieldGroup, group_model, group_refusal
from broker.schemas.group import Group
from broker.schemas.person_groups import SafeContact
from broker.schemas.refusal import RefusalCode

GroupContent = BaseModel | Mapping[str, Any]
"""A field group as its model, as another model of the same shape, or as a mapping by wire or Python names."""


def group_texts(groups: Mapping[str, GroupContent], now: datetime) -> dict[FieldGroup, bytes]:
    """The UTF-8 JSON of each group, checked by its model at `now` (UTC).

    Raises:
        EventRefusedBeforeSending: a group that cannot travel sealed, a property that its schema does not allow, or
            TIME_IMPLAUSIBLE: contact was not confirmed in the future (§2.5), and only here can anybody see it.
    """
    checked = {FieldGroup(code): _checked(code, content) for code, content in groups.items()}
    for code, group in checked.items():
        latest = now + timedelta(seconds=CLOCK_AHEAD_SECONDS_MAX)
        if isinstance(group, SafeContact) and group.last_confirmed_at > latest:
            raise EventRefusedBeforeSending(RefusalCode.TIME_IMPLAUSIBLE, f"seal.{code}.lastConfirmedAt")
    return {code: _text(group) for code, group in checked.items()}


def without_excluded(
    texts: Mapping[FieldGroup, bytes], terms: Sequence[ConsentTerms]
) -> tuple[dict[FieldGroup, bytes], list[FieldGroup]]:
    """The groups without the fields that a release excludes (`legalIdentity.legalFamilyName` or `FG05.…`, VAWA-07).

    Beside them the groups that are excluded whole, and those that their model does not allow without such a field.
    """
    paths = [path for one in terms for path in one.obligations.excluded_fields]
    kept: dict[FieldGroup, bytes] = {}
    left_out: list[FieldGroup] = []
    for group, text in texts.items():
        model = group_model(group)
        if not model.named_in(paths):
            kept[group] = text
            continue
        try:
            kept[group] = _text(model.model_validate(model.left_of(from_json(text), paths)))
        except ValidationError:
            left_out.append(group)
    return kept, left_out


def _checked(code: str, content: GroupContent) -> Group:
    if code not in SEALABLE:
        reason = group_refusal(code) or RefusalCode.PROPERTY_INVALID
        raise EventRefusedBeforeSending(reason, f"seal.{code}" if code in GROUPS else "seal")
    model = group_model(code)
    if isinstance(content, model):
        return content
    try:
        return model.model_validate(content.model_dump() if isinstance(content, BaseModel) else content)
    except ValidationError as error:
        broken = refusal_of(error)
        raise EventRefusedBeforeSending(broken.code, f"seal.{code}.{broken.field}") from None


def _text(group: Group) -> bytes:
    return group.model_dump_json(by_alias=True, exclude_none=True).encode()
