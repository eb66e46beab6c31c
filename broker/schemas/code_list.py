"""What every closed list of codes on the wire and in the trail is: an enumeration of texts."""

from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING


class CodeList(StrEnum):
    """A closed list of codes. A code is the text that is written down."""

    if not TYPE_CHECKING:
        # `Enum.value` is looked up in Python each time, and pydantic and orjson ask for each code they write.
        value = property(attrgetter("_value_"))
