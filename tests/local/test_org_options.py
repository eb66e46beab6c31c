"""Whoever onboards an organisation can say the same of its calendar, wherever its zone is."""

import typer.main

from broker.commands.org import app

CALENDAR = {"--holidays", "--time-zone", "--closed-on"}


def test_add_and_host_take_the_same_calendar() -> None:
    """One place for the options: the same names, the same words."""
    group = typer.main.get_command(app)
    told = []
    for name in ("add", "host"):
        options = group.commands[name].params  # type: ignore[attr-defined]
        told.append({one.opts[0]: one.help for one in options if one.opts[0] in CALENDAR})
    assert told[0] == told[1]
    assert told[0].keys() == CALENDAR
