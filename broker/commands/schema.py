"""`handoff schema`: the contract, readable at a glance and by machines.

Everything shown is made from the classes of `broker/schemas`; nothing is kept by hand.
"""

import difflib
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from broker.schemas import asyncapi, catalogue
from broker.schemas.compatibility import incompatibilities
from broker.schemas.event import EventData
from broker.schemas.json_schema import all_schemas
from broker.schemas.refusal import ADVICE, RefusalCode

app = typer.Typer(help="The contract: events, field groups, refusal codes.", no_args_is_help=True)

ASYNCAPI_FILE: Final = Path(__file__).parents[2] / "docs" / "asyncapi.json"
WIDTH: Final = 100

Name = Annotated[
    str | None, typer.Argument(help="An event (referral.requested), a field group (FG03) or a refusal code.")
]


@app.command("list")
def list_entries() -> None:
    """Every event and field group: which way it travels, its highest tier in the clear, what it is."""
    rows = [("NAME", "TRAVELS", "TIER", "WHAT IT IS")]
    rows += [(entry.name, entry.flows, _tier(entry), entry.promise) for entry in catalogue.entries()]
    for line in aligned(rows):
        typer.echo(line)


@app.command()
def show(
    name: Name = None,
    example: Annotated[bool, typer.Option("--example", help="A valid example, with invented values.")] = False,
    json_schema: Annotated[bool, typer.Option("--json-schema", help="JSON Schema, draft 2020-12.")] = False,
    as_asyncapi: Annotated[bool, typer.Option("--asyncapi", help="AsyncAPI 3; without a name, all of it.")] = False,
) -> None:
    """One event, field group or refusal code in words, or as a document for a machine."""
    if name is None:
        if not as_asyncapi:
            raise typer.BadParameter("Name what to show; `handoff schema list` has the names.")
        typer.echo(catalogue.pretty(asyncapi.document()), nl=False)
    elif name in RefusalCode.__members__:
        _show_refusal(RefusalCode(name))
    else:
        typer.echo(_shown(name, example=example, json_schema=json_schema, as_asyncapi=as_asyncapi), nl=False)


@app.command(hidden=True)
def write(
    incompatible: Annotated[
        bool, typer.Option("--incompatible", help="Also where an older peer could not read it: only before a release.")
    ] = False,
) -> None:
    """Write the checked-in copies (broker/schemas/golden, docs/asyncapi.json) anew from the classes."""
    broken = list(_broken_promises())
    if broken and not incompatible:
        for line in broken:
            typer.echo(line, err=True)
        typer.echo(
            "A changed event gets a new version in a file of its own (style.md §3). Nothing was written.", err=True
        )
        raise typer.Exit(1)
    _write_golden(catalogue.GOLDEN_FOLDER, catalogue.golden_texts())
    ASYNCAPI_FILE.write_text(catalogue.pretty(asyncapi.document()), encoding="utf-8")


def aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows as lines, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _tier(entry: catalogue.Entry) -> str:
    return f"{entry.tier} sealed" if entry.sealed else str(entry.tier)


def _show_refusal(code: RefusalCode) -> None:
    typer.echo(f"{code.value}\n  {ADVICE[code].meaning}\n  What to do: {ADVICE[code].remedy}")


def _shown(name: str, *, example: bool, json_schema: bool, as_asyncapi: bool) -> str:
    schema, invented = catalogue.schema_named(name), catalogue.example_named(name)
    if schema is None or invented is None:
        raise typer.BadParameter(_unknown(name))
    event = catalogue.event_named(name)
    if example:
        return catalogue.pretty(invented)
    if json_schema:
        return catalogue.pretty(schema)
    if as_asyncapi:
        if event is None:
            raise typer.BadParameter("A field group travels inside an event; AsyncAPI describes the events.")
        return catalogue.pretty(asyncapi.message_of(event))
    return "\n".join([*_headline(event, schema), "", *_properties(schema), ""])


def _unknown(name: str) -> str:
    names = [entry.name for entry in catalogue.entries()] + list(RefusalCode.__members__)
    near = difflib.get_close_matches(name, names, n=3)
    guess = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"Nothing is called that.{guess} `handoff schema list` has the names."


def _headline(event: type[EventData] | None, schema: Mapping[str, Any]) -> Iterator[str]:
    yield str(schema["title"])
    if event is not None:
        yield f"travels {' and '.join(words for flow, words in catalogue.FLOW_WORDS.items() if flow in event.FLOWS)}"
        yield f"is about a {event.SUBJECT.value}: the event's subject and the Kafka key"
    for paragraph in str(schema.get("description", "")).split("\n\n"):
        yield ""
        yield textwrap.fill(" ".join(paragraph.split()), WIDTH)


def _properties(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    rows = [("PROPERTY", "", "TIER", "FORM", "BELONGS TO")]
    for name, part in schema["properties"].items():
        tier = "sealed" if part.get("x-sealed") else str(part.get("x-tier", schema.get("x-tier", "")))
        rows.append(
            (
                name,
                "required" if name in required else "",
                tier,
                catalogue.form_of(part, schema),
                part.get("x-label", ""),
            )
        )
    yield from aligned(rows)


def _broken_promises() -> Iterator[str]:
    """What the classes say now that a peer with the checked-in schemas could not follow."""
    now = all_schemas()
    for file in sorted(catalogue.GOLDEN_FOLDER.glob("*.json")):
        old = json.loads(file.read_text(encoding="utf-8"))
        found = incompatibilities(old, now[file.stem]) if file.stem in now else ["it is gone"]
        yield from (f"{file.stem}: {line}" for line in found)


def _write_golden(folder: Path, texts: Mapping[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.json"):
        if file.name not in texts:
            file.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
