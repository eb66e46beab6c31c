"""`handoff survivor-list`: from the source's zone, who received what about one survivor, and until when."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from broker.agency.survivor_list import SurvivorList, survivor_list
from broker.agency.survivor_page import as_page, as_text
from broker.client import AgencyClient
from broker.commands.agency import Org, client_of
from broker.local.parts import attached
from broker.look.language import LANGUAGES
from broker.schemas.disclosures_listed import DisclosuresListed, ListForm
from broker.seal.key_files import FILE_MODE
from broker.settings import load_settings


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise typer.BadParameter(f"one of: {', '.join(LANGUAGES)}")
    return text


def survivor_list_command(
    about: Annotated[str, typer.Argument(help="The referral (ref-…) or the consent, by your own records' reference.")],
    language: Annotated[str, typer.Option(help="en or es.", callback=_language)] = "en",
    html: Annotated[
        Path | None, typer.Option(help="Write a page to print here, in place of text on the screen.")
    ] = None,
    org: Org = None,
) -> None:
    """Show a survivor who received what about her, and until when, in plain words.

    It is made in your own zone, from what you shared and what you may hear; nobody can be searched for. That it was
    made is an entry of the trail, with how many it names and nothing else; no copy goes to the broker.
    """
    told = asyncio.run(_made(about, ListForm.TEXT if html is None else ListForm.PAGE, org))
    if html is None:
        typer.echo(as_text(told, language), nl=False)
        return
    html.touch(mode=FILE_MODE)
    html.write_text(as_page(told, language), "utf-8")
    typer.echo(f"Wrote {html}. Print it, hand it over, and delete it.")


async def _made(about: str, form: ListForm, org: str | None) -> SurvivorList:
    """The list, after Kafka holds the event that says that it was made."""
    client: AgencyClient = client_of(attached(load_settings(), "kafka_bootstrap"), org)
    told = survivor_list(client.ledger, client.zone.directory, client.org, about, datetime.now(UTC))
    async with client:
        for referral in told.referrals:
            fact = DisclosuresListed(recipients=len(told.recipients), form=form)
            await client.publish(fact, subject=referral)
    return told
