"""The policy pack as its author wrote it, read by the oracle's own eyes: rows, lists and lengths of time, no tables."""

import tomllib
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

STRICTNESS = (
    "NONE",
    "TREATMENT",
    "STATUTE",
    "SAFEGUARDING_SCH1_P18",
    "VITAL_INTERESTS",
    "AGREEMENT",
    "RELEASE",
    "FERPA_CONSENT",
    "AUTH_164_508",
    "TRAIL_ONLY",
    "PROHIBITED",
)
"""docs/decisions/0021: of the rows that fit a pair the strictest basis counts."""

TIER = {
    "FG00": 1, "FG01": 2, "FG02": 2, "FG03": 3, "FG04": 3, "FG05": 3, "FG06": 3,
    "FG07a": 1, "FG07b": 2, "FG07c": 4, "FG07d": 4, "FG07e": 4, "FG08": 4, "FG09": 4,
    "FG10": 4, "FG11": 5, "FG12": 4, "FG13": 4, "FG14": 4, "FG15": 5, "FG16": 4, "FG17": 4,
    "FG18": 5, "FG19": 4, "FG20": 3, "FG21": 3, "FG22": 4, "FG23": 2, "FG24": 2, "FG25": 3,
}  # fmt: skip
"""domain.md §7.2; FG18 as everywhere in this version, FG06 by its stricter half."""

EVERY_GROUP = frozenset(TIER)


@dataclass(frozen=True, slots=True)
class Footing:
    """The basis that a pair of organisations needs, and the groups that its rows list, all of them together."""

    basis: str
    reach: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """A pack's TOML; one text is one object, so that what was looked up once is remembered."""

    toml: dict[str, Any]

    @lru_cache(maxsize=4096)  # noqa: B019 - a pack lives as long as the process
    def footing(self, discloser: str, recipient: str) -> Footing | None:
        """What the disclosure matrix asks for; None where no row fits the pair."""
        rows = [row for row in self.toml["basis"] if _fits(row, discloser, recipient)]
        if not rows:
            return None
        reach = EVERY_GROUP.intersection(*(row.get("groups", EVERY_GROUP) for row in rows))
        return Footing(max((row["basis"] for row in rows), key=STRICTNESS.index), reach)

    @lru_cache(maxsize=4096)  # noqa: B019 - a pack lives as long as the process
    def speaks_freely(self, provider: str, source: str) -> bool:
        """Whether a provider of this class may tell such a source what became of it by policy alone (VAWA-12)."""
        rows = [row["allow"] for row in self.toml["feedback"] if _fits(row, provider, source)]
        return bool(rows) and set(rows) == {"STATUS"}

    @lru_cache(maxsize=4096)  # noqa: B019 - a pack lives as long as the process
    def regimes(self, org_class: str) -> frozenset[str]:
        """What an organisation of this class is held to, whatever its records name."""
        return frozenset(self.toml["regimesBySourceClass"].get(org_class, ()))

    def asks_for(self, kind: str, regimes: frozenset[str]) -> bool:
        """Whether these regimes want writing (`written`), or named organisations (`named`)."""
        return not regimes.isdisjoint(self.toml["regimes"][kind])

    @lru_cache(maxsize=4096)  # noqa: B019 - a pack lives as long as the process
    def column(self, name: str, *signs: str) -> frozenset[str]:
        """The groups that have one of these signs in a column of §7.4; an unknown column is empty."""
        table = self.toml["minimumNecessary"]
        if name not in table["columns"]:
            return frozenset()
        place = table["columns"].index(name)
        return frozenset(group for group, row in table["rows"].items() if row.split()[place] in signs)

    @lru_cache(maxsize=4096)  # noqa: B019 - a pack lives as long as the process
    def listed(self, name: str) -> frozenset[str]:
        """A list of groups in the pack's `scope`."""
        return frozenset(self.toml["scope"][name])

    @lru_cache(maxsize=4096)  # noqa: B019 - a pack lives as long as the process
    def breakable(self, source: str, recipient: str) -> frozenset[str] | None:
        """What a source of this class may open to such a recipient in an emergency (§5); None where it may not."""
        rows = [row["groups"] for row in self.toml["breakGlass"]["rows"] if _fits(row, source, recipient)]
        assert len(rows) <= 1, "the packs have one row for a pair"
        return frozenset(rows[0]) if rows else None

    @lru_cache(maxsize=4096)  # noqa: B019 - a pack lives as long as the process
    def longest(self, purpose: str) -> timedelta:
        """How long a release may carry anything for this purpose (§4.2)."""
        overall = self.toml["defaults"]["maxReleaseDays"]
        return timedelta(days=min(overall, self.toml["maxReleaseDaysByPurpose"].get(purpose, overall)))

    def longest_oral(self) -> timedelta:
        """How long an oral release may carry anything (§4.2)."""
        return timedelta(hours=self.toml["defaults"]["oralTemporaryHours"])

    def skew(self) -> timedelta:
        """By how much clocks may differ (§4.4)."""
        return timedelta(seconds=self.toml["defaults"]["clockSkewSeconds"])


def _fits(row: dict[str, Any], one: str, other: str) -> bool:
    return any(fnmatchcase(one, name) for name in row["from"]) and any(fnmatchcase(other, name) for name in row["to"])


@lru_cache(maxsize=16)
def law(pack_text: str) -> Law:
    """The law that this pack's text says."""
    return Law(tomllib.loads(pack_text))
