"""`handoff decide FILE`: what the gate would say to a question in a file; nothing is sent, stored or looked up."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from broker.commands.event_file import FileNotUsable
from broker.commands.explain import answer_lines
from broker.commands.trail import Json
from broker.deciding import EXAMPLE, Answered, WhatIf, answer, read_what_if
from broker.domain.consent import Decision
from broker.handlers.releasing import duties
from broker.rulings import Ruling
from broker.schemas.refusal import ADVICE


def decide(
    file: Annotated[
        Path | None, typer.Argument(help="The question as JSON; `-` reads it from the standard input.")
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Print a question to begin with, and end.")] = False,
    as_json: Json = False,
) -> None:
    """Answer a "what if": who would be told which groups, by which rule, under which consents, at which time.

    The file says phase (OFFER, RELEASE, FEEDBACK), discloser and recipient with their classes, purpose, the groups
    present, what the survivor said, the consent records as they would be published, the policy pack and the time.
    Nothing is sent or stored, and no broker is needed. Exits with 0 whatever the answer; 5 where the file is refused.
    """
    if example:
        typer.echo(json.dumps(EXAMPLE, indent=2))
        return
    if file is None:
        raise FileNotUsable("No file is named.", remedy="`handoff decide --example` prints one to begin with.")
    asked = read_what_if(_content(file))
    answered = answer(asked)
    for line in _as_json(answered) if as_json else _told(asked, answered):
        typer.echo(line)


def _content(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError:
        raise FileNotUsable(f"{file} cannot be read.", remedy="`handoff decide --example` prints one.") from None


def _as_json(answered: Answered) -> Iterator[str]:
    decision = answered.decision
    yield json.dumps(
        {
            "effect": decision.effect,
            "reason": decision.reason,
            "letThrough": sorted(decision.let_through),
            "withheld": dict(sorted(decision.withheld.items())),
            "rules": decision.rules,
            "consents": _versions(decision),
            "expiresAt": decision.expires_at.isoformat() if decision.expires_at else None,
            "againAt": decision.again_at.isoformat() if decision.again_at else None,
            "obligations": duties(decision),
            "policy": answered.policy,
            "refusedConsents": {f"consents.{place}": code for place, code in answered.refused.items()},
        }
    )


def _told(asked: WhatIf, answered: Answered) -> Iterator[str]:
    discloser, recipient = asked.discloser, asked.recipient
    yield f"{discloser.org_id} ({discloser.org_class}) to {recipient.org_id} ({recipient.org_class})"
    decision = answered.decision
    yield from answer_lines(
        Ruling(
            at=asked.time,
            step=None,
            phase=asked.phase,
            recipient=recipient.org_id,
            need=asked.purpose,
            effect=decision.effect,
            reason=decision.reason,
            let_through=tuple(sorted(decision.let_through)),
            withheld=dict(sorted(decision.withheld.items())),
            rules=decision.rules,
            consents=tuple(_versions(decision)),
            policy=answered.policy,
            obligations=duties(decision),
        )
    )
    if decision.again_at is not None:
        yield f"    ask again at {decision.again_at:%Y-%m-%d %H:%M:%S}Z"
    for place, code in answered.refused.items():
        yield f"    consents.{place} counts for nothing: it would be refused: {code}: {ADVICE[code].meaning}"
        yield f"      → {ADVICE[code].remedy}"


def _versions(decision: Decision) -> list[str]:
    return [f"{one.consent_id}/{one.version}" for one in decision.consents]
