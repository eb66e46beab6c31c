"""What the model of every field group is: a part of the contract that knows its code and has an example.

The properties of a sealed group are what a recipient finds after opening it; the broker never sees them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, get_args

from pydantic import BaseModel, StringConstraints

from broker.schemas.event import Contract

Steps = tuple[str, ...]
"""The way from a group to one of its properties, by wire names; none leads to the group itself."""


def steps_of(path: str) -> Steps:
    """The steps of a path as a release writes it: `$.` before it and `[]` or `[*]` behind a list change nothing."""
    steps = path.removeprefix("$.").split(".")
    return tuple(step.removesuffix("[]").removesuffix("[*]") for step in steps)


class Group(Contract):
    """The properties of one field group (domain.md §7.2)."""

    CODE: ClassVar[str]
    """The group's code, with a part's letter where the group has parts."""
    EXAMPLE: ClassVar[Mapping[str, Any]]
    """A valid example with invented values, as it stands on the wire."""

    @classmethod
    def named_in(cls, paths: Iterable[str]) -> frozenset[Steps]:
        """What of this group the paths name; what is no property of it they do not.

        A release says `personHandle.alias` or `FG04.alias`, `children.children[].alias` of each child, or
        `personHandle` alone for all of it; `FG07` is the group of each of its parts.
        """
        owners = (cls.CODE, cls.CODE[:4], cls.__name__[0].lower() + cls.__name__[1:])
        parted = map(steps_of, paths)
        return frozenset(steps[1:] for steps in parted if steps[0] in owners and _leads(cls, steps[1:]))

    @classmethod
    def left_of(cls, held: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any] | None:
        """These properties of the group without those that the paths name; None where they name the group itself."""
        named = cls.named_in(paths)
        if () in named:
            return None
        left: dict[str, Any] = dict(held)
        for steps in named:
            left = _without(left, steps)
        return left


def _leads(model: type[BaseModel], steps: Sequence[str]) -> bool:
    if not steps:
        return True
    fields = (field for field in model.model_fields.values() if field.alias == steps[0])
    return any(len(steps) == 1 or _leads_on(field.annotation, steps[1:]) for field in fields)


def _leads_on(annotation: object, steps: Sequence[str]) -> bool:
    return any(_leads(model, steps) for model in _models_in(annotation))


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """The parts of the contract that a property may hold, itself or in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _without(held: Any, steps: Sequence[str]) -> Any:
    if isinstance(held, list):
        return [_without(one, steps) for one in held]
    if not isinstance(held, dict):
        return held
    first, *rest = steps
    kept = {name: part for name, part in held.items() if rest or name != first}
    return {name: _without(part, rest) if name == first else part for name, part in kept.items()}


Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f<>]{1,80}$")]
"""A person's name or alias: the only free text of the contract, and only inside what is sealed."""

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._/#-]{1,64}$")]
"""A pointer into somebody's own records."""
