"""`handoff trail anchor`: has the log's newest checkpoint vouched for by others; to be run daily, where the log is."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from broker.settings import load_settings
from broker.trail import anchoring
from broker.trail.anchoring import TimeStampAuthority, Witness, witness_key

LogFolder = Annotated[Path | None, typer.Option("--log", help="The published log; this installation's by default.")]


def anchor(
    witness: Annotated[str | None, typer.Option(help="A witness's address (c2sp.org/tlog-witness).")] = None,
    witness_vkey: Annotated[str | None, typer.Option("--witness-key", help="Its public key: name+id+key.")] = None,
    tsa: Annotated[str | None, typer.Option(help="The address of a time stamp authority (RFC 3161).")] = None,
    tsa_certificate: Annotated[
        Path | None, typer.Option("--tsa-certificate", help="Its root certificate (PEM).", exists=True, dir_okay=False)
    ] = None,
    folder: LogFolder = None,
) -> None:
    """Have the newest checkpoint cosigned by a witness, stamped by an authority, or both; the answers are kept.

    They lie in the log's folder, in `anchors/`, and go into each export. Whoever gives `handoff-verify` its key
    or certificate sees rewriting that even a thief of the log's key could hide from everybody else.
    """
    if (witness is None) != (witness_vkey is None) or (tsa is None) != (tsa_certificate is None):
        raise typer.BadParameter("--witness needs --witness-key, and --tsa needs --tsa-certificate.")
    asked: list[anchoring.Anchor] = []
    if witness is not None and witness_vkey is not None:
        asked.append(Witness(witness.rstrip("/"), witness_key(witness_vkey)))
    if tsa is not None and tsa_certificate is not None:
        asked.append(TimeStampAuthority(tsa, tsa_certificate.read_bytes()))
    if not asked:
        raise typer.BadParameter("Name a --witness, a --tsa, or both.")
    log = folder or load_settings().log
    for one in asked:
        typer.echo(f"Vouched for: {asyncio.run(anchoring.anchor(log, one))}.*")
