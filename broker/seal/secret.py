"""A secret that cannot show itself: its repr, text, format and pickle say what it is and nothing of what it holds."""

from typing import NoReturn


class Secret:
    """What private halves and content keys have in common. Subclasses hold their bytes in slots."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("secrets are not serialised")
