"""A memory of bounded size: the newest entries stay, the oldest go."""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Remembered(OrderedDict[Key, Value], Generic[Key, Value]):
    """A dictionary of the newest so many entries."""

    def __init__(self, entries_max: int) -> None:
        """Empty."""
        super().__init__()
        self._entries_max = entries_max

    def __setitem__(self, key: Key, value: Value) -> None:
        super().__setitem__(key, value)
        while len(self) > self._entries_max:
            self.popitem(last=False)
