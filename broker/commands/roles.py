"""Who acts by the command line: a role, a desk or a worker's reference, never a name."""

import re
from typing import Annotated, Final

import typer

_ROLE: Final = re.compile(r"^(role:|desk:|wrk-)[a-z0-9-]{1,40}$")


def role(text: str | None) -> str | None:
    """This text, if it is one of them."""
    if text is not None and not _ROLE.match(text):
        raise typer.BadParameter("a role, a desk or a worker's reference, never a name: role:…, desk:… or wrk-…")
    return text


By = Annotated[
    str, typer.Option(help="Who does it: role:coordinator, desk:night, wrk-7f21; never a name.", callback=role)
]
