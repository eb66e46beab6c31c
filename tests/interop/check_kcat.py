"""The example of docs/quickstart-kcat.md, run by kcat itself: it publishes, and reads the broker's answer."""

import asyncio
import shutil
from typing import Any

import pytest

from broker.composition import kafka_of
from broker.schemas.ids import new_referral_id
from tests.broker.conftest import served as served
from tests.broker.county import County
from tests.broker.facts import POLICE
from tests.web.conftest import door as door
from tests.web.conftest import session as session
from tests.web.test_example import example as example
from tests.web.test_kcat import PUBLISHED, blocks
from tests.web.test_kcat import defined as defined

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_kcat_does_what_the_page_says(served: County, defined: dict[str, Any]) -> None:
    """Publishes by the line that is printed, and reads the answer by the page's own."""
    assert shutil.which("kcat"), "kcat is not installed: apt-get install kcat"
    referral = new_referral_id()
    content = {key: value for key, value in PUBLISHED.items() if value}
    prefix = served.settings.topic_prefix
    line = defined["command"]("referral.requested", referral, content).replace("-t source.", f"-t {prefix}source.")
    environment = f"KAFKA={kafka_of(served.settings)['bootstrap_servers']} ORG={POLICE}; "
    await _shell(environment + line)
    await served.settled()
    assert (await served.need(referral))["referral_id"] == referral
    read = blocks("sh")[0].replace('"notice.', f'"{prefix}notice.')
    assert referral in await _shell(environment + read)


async def _shell(line: str) -> str:
    done = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    out, wrong = await asyncio.wait_for(done.communicate(), 60)
    assert done.returncode == 0, wrong.decode()
    return out.decode()
