"""The demonstration's links: every role that sees another page has one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.inbox.web.roles import StaffRole
from broker.commands import demo
from broker.settings import load_settings
from broker.web.desk.roles import DeskRole


async def test_a_link_is_printed_for_every_role(monkeypatch: pytest.MonkeyPatch) -> None:
    """Auditors and privacy officers of the network's own among them: whoever tries it out is to see their pages."""

    @asynccontextmanager
    async def no_pool(_settings: Any) -> AsyncIterator[None]:
        yield None

    async def link(*_asked: Any) -> str:
        return "a link"

    monkeypatch.setattr(demo, "broker_pool", no_pool)
    monkeypatch.setattr(demo, "sign_in_link", link)
    monkeypatch.setattr(demo, "link_for", link)
    settings: Any = load_settings(_env_file=None)
    unused: Any = None
    lines = await demo._links(settings, unused)
    told = {(line.split()[0], line.removesuffix("a link").split(maxsplit=1)[1].strip()) for line in lines}
    assert {role.value.lower().replace("_", " ") for role in DeskRole} == {
        role for org, role in told if org == settings.broker_org
    }
    assert {role.value.lower().replace("_", " ") for role in StaffRole} == {
        role for org, role in told if org != settings.broker_org
    }
