"""Documents made from a JSON Schema's own shape: most of them fit it, some in one place do not.

It knows the words of the consent record's schema and no more; a word that it does not know is an error, so that the
schema cannot grow past it.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

STRINGS: Mapping[str, tuple[str, ...]] = {
    "uuid": ("c7a6a0d8-2c0e-4c0b-8a75-0f4f3a3f6f10", "C7A6A0D8-2C0E-1C0B-0A75-0F4F3A3F6F10"),
    "date-time": (
        "2026-03-04T02:00:00Z",
        "2026-03-04T02:00:00.5+02:00",
        "2024-02-29T23:59:59.123456789-05:00",
        "0001-01-02T00:00:00Z",
    ),
    "^sub-[0-9a-f-]{36}$": ("sub-1f4cbb0a-77b2-4d8e-9c40-0b1f6f2f7a90", "sub-" + "-" * 36),
    "^[a-z]{2,3}(-[A-Za-z0-9]+)*$": ("es", "zh-Hant-TW", "yue"),
    "^FG[0-9]{2}[a-e]?$": ("FG03", "FG07c", "FG99"),
    "^sha256:[0-9a-f]{64}$": ("sha256:" + "0f" * 32,),
    "": ("", "org-a", "ein Wort", "\u00e9\U0001f33f" * 60),
}
"""By format or pattern: what fits it."""

MISSHAPEN: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.0, 1.5, 2, 6, 10**20, "", [], {}, "1", "true", "permit ", "ACTIVE", "FG3", "FG03f"),
    *("2026-03-04T02:00:00", "2026-03-04", "2026-02-30T02:00:00Z", "2026-03-04T25:00:00Z", "2026-03-04 02:00:00Z"),
    *("c7a6a0d82c0e4c0b8a750f4f3a3f6f10", "sub-", "sha256:0F", "E", "x" * 121, [None], {"orgId": "org-a"}, 1772589600),
)
"""What may stand where something else should."""

_SAID = {"$schema", "$id", "title", "description", "allOf", "default", "additionalProperties"}
"""Words that shape nothing by themselves here; the rules of `allOf` are met or broken as it happens."""


class Maker:
    """Makes documents of one schema. `mistakes` is how likely each single place is to be wrong."""

    def __init__(self, chance: Random, mistakes: float) -> None:
        self._chance = chance
        self._mistakes = mistakes

    def make(self, schema: Mapping[str, Any]) -> Any:
        """A value of this schema, or something else in its place."""
        if self._chance.random() < self._mistakes:
            return self._chance.choice(MISSHAPEN)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self._one(schema["enum"])
        if "oneOf" in schema:
            return self.make(self._one(schema["oneOf"]))
        return getattr(self, f"_{schema['type']}")(schema)

    def _one(self, among: list[Any]) -> Any:
        """Mostly the first, which is the usual one, so that documents that fit are no rarity."""
        return among[0] if self._chance.random() < 0.6 else self._chance.choice(among)

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        _only(schema, "type", "properties", "required")
        required = set(schema["required"])
        made = {
            name: self.make(part)
            for name, part in schema["properties"].items()
            if self._chance.random() < (1 - self._mistakes if name in required else 0.4)
        }
        if self._chance.random() < self._mistakes:
            made[self._chance.choice(("note", "OrgId", "org_id", ""))] = "x"
        return made

    def _array(self, schema: Mapping[str, Any]) -> list[Any]:
        _only(schema, "type", "items", "minItems", "uniqueItems")
        made = [self.make(schema["items"]) for _ in range(self._chance.choice((1, 1, 2, 3)))]
        if schema.get("uniqueItems") and self._chance.random() >= self._mistakes:
            made = [value for place, value in enumerate(made) if value not in made[:place]]
        return made if self._chance.random() >= self._mistakes else []

    def _string(self, schema: Mapping[str, Any]) -> str:
        _only(schema, "type", "format", "pattern", "maxLength")
        return self._chance.choice(STRINGS[schema.get("format", schema.get("pattern", ""))])[: schema.get("maxLength")]

    def _integer(self, schema: Mapping[str, Any]) -> int:
        _only(schema, "type", "minimum", "maximum")
        return self._chance.randint(schema["minimum"], schema.get("maximum", schema["minimum"] + 3))

    def _boolean(self, schema: Mapping[str, Any]) -> bool:
        _only(schema, "type")
        return self._chance.random() < 0.5


def _only(schema: Mapping[str, Any], *words: str) -> None:
    assert schema.keys() <= _SAID.union(words), schema.keys() - _SAID.union(words)
