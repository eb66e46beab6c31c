"""Reads the files that `handoff publish` takes: an event in short form, a whole CloudEvent, or a list of either.

In a short form these stand for what differs each time: `@org` the publisher; `@uuid` a fresh random id (`@uuid:name`:
the same one throughout the file); `@now`, `@now+14d` a moment (s, m, h, d); `@fill:9000` so many letters; `@deep:300`
so many brackets.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from broker.errors import HandoffError
from broker.schemas.envelope import rfc3339
from broker.schemas.ids import OrgId, new_event_id

_TOKEN: Final = re.compile(
    r"(?<![\w.])@(?:(org)|(now)(?:([+-]\d{1,5})([smhd]))?|uuid(?::(\w+))?|fill:(\d+)|deep:(\d+))(?![\w.])"
)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class FileNotUsable(HandoffError):
    """This file holds no event."""

    exit_code = 2
    remedy = "See docs/examples; `handoff schema show NAME --example` prints the data of an event."


class ShortEvent(BaseModel):
    """An event in short form. What is not given is filled in: ids, the time, the source, the environment."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=False, hide_input_in_errors=True
    )

    type: str
    subject: str | None = None
    id: str | None = None
    time: str | None = None
    expirytime: str | None = None
    consentid: str | None = None
    consentver: int = 1
    data: dict[str, Any] = Field(default_factory=dict)
    seal: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Field groups by code; each is sealed."""
    seal_to: tuple[OrgId, ...] | None = None
    """Whom the keys are wrapped for; everybody whom the release names where it is not given."""

    attributes: dict[str, str | None] = Field(default_factory=dict)
    headers: dict[str, str | list[str | None] | None] = Field(default_factory=dict)
    key: str | None = None
    value: str | None = None
    signature: Literal["own", "none", "broken", "unknown"] = "own"

    @property
    def seals(self) -> bool:
        """Whether it holds something that must not leave unsealed."""
        return bool(self.seal) or self.seal_to is not None

    @property
    def raw_only(self) -> bool:
        """Whether it says something that only `--raw` sends."""
        named = {"attributes", "headers", "key", "value", "signature"}
        return not named.isdisjoint(self.model_fields_set)


@dataclass(frozen=True, slots=True)
class WholeEvent:
    """A CloudEvent as it stands in the file: its exact bytes are sent in structured mode."""

    attributes: Mapping[str, Any]
    value: bytes = field(repr=False)

    @property
    def subject(self) -> str:
        """What it is about, as far as it says so."""
        return str(self.attributes.get("subject", ""))


FileEvent = ShortEvent | WholeEvent


def read_event_file(path: Path, org: OrgId, now: datetime) -> list[FileEvent]:
    """The events of a file, in order. Tokens are filled in for `org` at `now` (UTC).

    Raises:
        FileNotUsable: it is not there, not JSON, or neither form.
    """
    try:
        content = path.read_bytes()
        read = json.loads(content)
    except OSError:
        raise FileNotUsable(f"{path} cannot be read.") from None
    except ValueError:
        raise FileNotUsable(f"{path} is not JSON.", remedy="`--raw` sends any file as it is.") from None
    events = read if isinstance(read, list) else [read]
    if not events or not all(isinstance(event, dict) for event in events):
        raise FileNotUsable(f"{path} holds neither an event nor a list of events.")
    filled = _Filler(org, now)
    return [_event(path, event, content if len(events) == 1 else None, filled) for event in events]


def _event(path: Path, event: dict[str, Any], content: bytes | None, filled: "_Filler") -> FileEvent:
    if "specversion" in event:
        return WholeEvent(event, content or json.dumps(event).encode())
    try:
        return ShortEvent.model_validate(filled(event))
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors(include_input=False)[0]["loc"])
        raise FileNotUsable(f"{path} is not in the short form (at {place}).") from None


class _Filler:
    """Puts ids, times and the publisher's name in the place of their tokens."""

    def __init__(self, org: OrgId, now: datetime) -> None:
        self._org, self._now = org, now
        self._named: dict[str, str] = {}

    def __call__(self, part: Any) -> Any:
        if isinstance(part, str):
            return _TOKEN.sub(self._fill, part)
        if isinstance(part, list):
            return [self(one) for one in part]
        if isinstance(part, dict):
            return {name: self(one) for name, one in part.items()}
        return part

    def _fill(self, token: re.Match[str]) -> str:
        org, now, amount, unit, name, letters, brackets = token.groups()
        if org:
            return self._org
        if now:
            return rfc3339(self._now + timedelta(**{_UNITS[unit]: int(amount)}) if amount else self._now)
        if letters:
            return "x" * int(letters)
        if brackets:
            return "[" * int(brackets) + "]" * int(brackets)
        return self._named.setdefault(name, new_event_id()) if name else new_event_id()


def header_options(options: list[str]) -> Iterator[tuple[str, bytes | None]]:
    """The Kafka headers of `--header NAME=VALUE`: text, `hex:ff00`, or `null`.

    Raises:
        FileNotUsable: an option of another form.
    """
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise FileNotUsable("A header is given as NAME=VALUE.")
        yield name, header_value(None if value == "null" else value)


def header_value(text: str | None) -> bytes | None:
    """A header's bytes: text, `hex:ff00`, or none."""
    if text is None or not text.startswith("hex:"):
        return None if text is None else text.encode()
    try:
        return bytes.fromhex(text.removeprefix("hex:"))
    except ValueError:
        raise FileNotUsable("A header's `hex:` value is not hexadecimal.") from None


def now_utc() -> datetime:
    """The moment that tokens mean."""
    return datetime.now(UTC)
