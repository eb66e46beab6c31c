"""The ways of handing over to a provider, each one file, found by its being there."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from adapters.transports.transport import Transport


@cache
def transports() -> Mapping[str, type[Transport]]:
    """Every transport by its name."""
    found: dict[str, type[Transport]] = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for value in vars(importlib.import_module(f"{__name__}.{name}")).values():
            if isinstance(value, type) and issubclass(value, Transport) and "NAME" in vars(value):
                found[value.NAME] = value
    return MappingProxyType(found)
