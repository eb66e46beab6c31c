"""What the model of every field group is: a part of the contract that knows its code and has an example.

The properties of a sealed group are what a recipient finds after opening it; the broker never sees them.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from broker.schemas.event import Contract


class Group(Contract):
    """The properties of one field group (domain.md §7.2)."""

    CODE: ClassVar[str]
    """The group's code, with a part's letter where the group has parts."""
    EXAMPLE: ClassVar[Mapping[str, Any]]
    """A valid example with invented values, as it stands on the wire."""
    WHOLE: ClassVar[str] = ""
    """What `named_in` gives where a path names the group itself."""

    @classmethod
    def named_in(cls, paths: Iterable[str]) -> frozenset[str]:
        """The wire names of this group's properties that paths name.

        A release says `personHandle.alias` or `FG03.alias`, or `personHandle` alone for all of it.
        """
        owners = (cls.CODE, cls.__name__[0].lower() + cls.__name__[1:])
        parted = (path.partition(".") for path in paths)
        return frozenset(name for owner, _, name in parted if owner in owners)


Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f<>]{1,80}$")]
"""A person's name or alias: the only free text of the contract, and only inside what is sealed."""

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:._/#-]{1,64}$")]
"""A pointer into somebody's own records."""
