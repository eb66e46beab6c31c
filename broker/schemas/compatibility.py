"""Says what one peer may write that another would refuse: the test of whether a changed event may keep its version.

An event that the broker reads may come from agencies that still speak yesterday's schema, so it must not be narrowed;
an event that others read must not be widened, because they refuse what they do not know. Whatever cannot be compared
counts as refused.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from broker.schemas.event import TO_BROKER

Schema = Mapping[str, Any]

_FLOORS: Final = ("minimum", "minLength", "minItems")
_CEILINGS: Final = ("maximum", "maxLength", "maxItems")
_SAME: Final = ("pattern", "format", "additionalProperties", "allOf", "anyOf", "if", "then", "else", "not", "contains")
_TO_BROKER: Final = frozenset(flow.value for flow in TO_BROKER)


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """Why `new` may not replace `old` under the same version; empty where it may. Each line is a path and a reason.

    A field group, which has no flow, is written by sources and read by providers: neither narrowed nor widened.
    """
    flows = set(old.get("x-flows", ()))
    if flows != set(new.get("x-flows", ())):
        return ["(event): it would travel in other flows"]
    found = []
    if not flows or flows & _TO_BROKER:
        found += [f"{where} (an older sender)" for where in refusals(writer=old, reader=new)]
    if not flows or flows - _TO_BROKER:
        found += [f"{where} (an older reader)" for where in refusals(writer=new, reader=old)]
    return found


def refusals(writer: Schema, reader: Schema) -> list[str]:
    """Where a document that `writer` allows may be refused by `reader`."""
    return list(_refusals(writer, reader, _Definitions(writer), _Definitions(reader), ""))


class _Definitions:
    """Resolves the `$ref`s of one schema."""

    def __init__(self, schema: Schema) -> None:
        self._named = schema.get("$defs", {})

    def resolved(self, part: Schema) -> Schema:
        while "$ref" in part:
            part = {key: value for key, value in part.items() if key != "$ref"} | dict(
                self._named[part["$ref"].rsplit("/", 1)[-1]]
            )
        return part


def _refusals(writer: Schema, reader: Schema, written: _Definitions, read: _Definitions, path: str) -> Iterator[str]:
    writer, reader = written.resolved(writer), read.resolved(reader)
    where = path or "(event)"
    if writer.get("type") != reader.get("type"):
        yield f"{where}: another type"
        return
    yield from _values(writer, reader, where)
    yield from _bounds(writer, reader, where)
    yield from _properties(writer, reader, written, read, path)
    if "items" in writer and "items" in reader:
        yield from _refusals(writer["items"], reader["items"], written, read, f"{path}[]")
    yield from _alternatives(writer, reader, written, read, path)


def _values(writer: Schema, reader: Schema, where: str) -> Iterator[str]:
    allowed = _enumerated(reader)
    if allowed is None:
        return
    may_write = _enumerated(writer)
    if may_write is None:
        yield f"{where}: only listed values are read"
        return
    for value in may_write:
        if value not in allowed:
            yield f"{where}: the value {value} is not read"


def _enumerated(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return list(values) if values is not None else None


def _bounds(writer: Schema, reader: Schema, where: str) -> Iterator[str]:
    for floor in _FLOORS:
        if floor in reader and writer.get(floor, float("-inf")) < reader[floor]:
            yield f"{where}: {floor} {reader[floor]}"
    for ceiling in _CEILINGS:
        if ceiling in reader and writer.get(ceiling, float("inf")) > reader[ceiling]:
            yield f"{where}: {ceiling} {reader[ceiling]}"
    if reader.get("uniqueItems") and not writer.get("uniqueItems"):
        yield f"{where}: uniqueItems"
    for keyword in _SAME:
        if keyword in reader and reader[keyword] != writer.get(keyword):
            yield f"{where}: another {keyword}"


def _properties(writer: Schema, reader: Schema, written: _Definitions, read: _Definitions, path: str) -> Iterator[str]:
    theirs, ours = writer.get("properties", {}), reader.get("properties", {})
    for name in theirs:
        below = f"{path}.{name}" if path else name
        if name in ours:
            yield from _refusals(theirs[name], ours[name], written, read, below)
        elif reader.get("additionalProperties") is False:
            yield f"{below}: this property is not read"
    for name in reader.get("required", ()):
        if name not in writer.get("required", ()):
            yield f"{path}.{name}: this property is required".removeprefix(".")


def _alternatives(
    writer: Schema, reader: Schema, written: _Definitions, read: _Definitions, path: str
) -> Iterator[str]:
    """Of `oneOf`, each alternative that may be written is read by some alternative."""
    readable = reader.get("oneOf", ())
    for place, alternative in enumerate(writer.get("oneOf", ())):
        if all(list(_refusals(alternative, one, written, read, path)) for one in readable):
            yield f"{path or '(event)'}: alternative {place} is not read"
