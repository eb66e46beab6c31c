"""The log by HTTP: anybody reads checkpoints, tiles and proofs; a publisher proves that its own events are in it."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broker import limits
from broker.agency.errors import ReceiptFalse, ReceiptNotYet
from broker.agency.kept_log import FOLDER, RECEIPTS_FILE, VKEYS_FILE, KeptLog
from broker.agency.log_door import LogDoor
from broker.composition import log_keys, zone_folder
from broker.schemas.event import Flow
from broker.schemas.ids import EventId, new_event_id, new_referral_id
from broker.schemas.offer_made import OfferMade
from broker.seal.keys import load_log_keys
from broker.store.receipts import Receipt
from broker.trail.merkle import consistent, leaf_hash, root_of
from broker.trail.notes import Verifier, believed
from broker.trail.proofs import hashes_of
from broker.trail.tiles import unbundled
from tests.adapters.door.own_system import Said
from tests.broker.county import County
from tests.broker.facts import POLICE, accepted, request
from tests.broker.letters import until
from tests.broker.shell import at_home, run
from tests.web.agency import Agency
from tests.web.conftest import DoorOfOwn

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(autouse=True)
def _checkpoints_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sequencer publishes at each turn in which the log has grown."""
    monkeypatch.setattr(limits, "checkpoint_seconds", 0)


def verifiers(county: County) -> list[Verifier]:
    """The log's public keys."""
    held = load_log_keys(log_keys(county.settings), county.settings.broker_org, datetime.now(UTC))
    return [Verifier(county.settings.origin, key.public.public) for key in held]


def kept_by(county: County, door: str, agency: Agency, zone: Path) -> KeptLog:
    """What an agency keeps of the log, in a zone's folder of its own."""
    (zone / FOLDER).mkdir()
    (zone / FOLDER / VKEYS_FILE).write_text("\n".join(one.vkey for one in verifiers(county)))
    return KeptLog(zone, LogDoor(door, lambda: agency.key))


async def got(agency: Agency, path: str) -> Said:
    """Asked by somebody unknown."""
    return await agency.request("GET", path)


async def proved(kept: KeptLog, event: EventId) -> Any:
    """The receipt of an event, once it is published."""

    async def there() -> Any:
        try:
            return await kept.receipt(event)
        except ReceiptNotYet:
            return None

    return await until(there)


async def test_an_event_and_an_answer_have_a_receipt(served: County, door: str, police: Agency, tmp_path: Path) -> None:
    """Publisher and provider are told the place in the log, prove it, and keep it; the text there names the event."""
    referral = new_referral_id()
    asked = await served.say(POLICE, request(), referral)
    await served.settled()
    [(heard, made), *_] = served.events(OfferMade, about=referral)
    answer = await served.say(heard.org, accepted(made.offer_id), referral)
    await served.settled()
    for org, event in ((POLICE, asked), (heard.org, answer)):
        zone = tmp_path / org
        zone.mkdir()
        agency = Agency(police.session, door, served.keys[org])
        receipt = await proved(kept_by(served, door, agency, zone), event)
        found = "SELECT preimage FROM trail_entry JOIN log_entry l ON entry_idx = trail_entry.idx WHERE l.idx = $1"
        text = await served.pool.fetchval(found, receipt.index)
        assert f'"actor":"{org}","cause":"{event}"'.encode() in text
        assert event in (zone / FOLDER / RECEIPTS_FILE).read_text()
    assert (await police.ask(f"/events/{answer}")).status == 404, "another's events are not seen"


async def test_both_sides_have_a_command_for_it(
    served: County, door: str, police: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator tells the place of an event; its publisher proves and keeps it, in its own zone."""
    at_home(served, monkeypatch)
    event, zone = await served.say(POLICE, request(), new_referral_id()), zone_folder(served.settings, POLICE)
    await served.settled()
    await proved(kept_by(served, door, police, zone), event)
    told = json.loads((await run("trail", "receipt", event, "--org", POLICE, "--json")).output)
    mine = json.loads((await run("trail", "prove", event, "--org", POLICE, "--url", door, "--json")).output)
    assert (mine["index"], mine["entry"]) == (told["index"], told["entry"])
    assert (zone / FOLDER / RECEIPTS_FILE).read_text().count(event) == 2
    assert (await run("trail", "receipt", new_event_id(), "--org", POLICE)).exit_code == 1


async def test_a_refusal_has_a_receipt_too(served: County, police: Agency) -> None:
    """That an event came and was refused is entered, and its publisher can show it."""
    letter = served.letter(POLICE, b"{}", new_referral_id(), flow=Flow.SOURCE_TO_BROKER, event=type(request()))
    await served.post(letter)
    await served.settled()

    async def sealed() -> Any:
        return (await police.outcome(letter.event_id))["receipt"]

    receipt = await until(sealed)
    assert (await police.outcome(letter.event_id))["status"] == "REFUSED"
    entered = await served.pool.fetchval("SELECT commitment FROM log_entry WHERE idx = $1", receipt["index"])
    assert b64decode(receipt["entry"]) == entered


async def test_a_receipt_that_is_not_true_is_shouted_about(
    served: County, door: str, police: Agency, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that names another entry's place is found out by the proof."""
    event = await served.say(POLICE, request(), new_referral_id())
    await served.settled()
    kept = kept_by(served, door, police, tmp_path)
    await proved(kept, event)

    async def lied(*_: object) -> Receipt:
        return Receipt(0, "AAAA")

    monkeypatch.setattr("broker.store.outcomes.receipt_of", lied)
    with pytest.raises(ReceiptFalse):
        await kept.receipt(event)
    monkeypatch.undo()
    with pytest.raises(ReceiptNotYet):
        await kept.receipt(new_event_id())


async def test_anybody_reads_the_log(served: County, police: Agency) -> None:
    """Checkpoint, entries, tiles and consistency as published; nothing of them needs a signature."""
    await served.say(POLICE, request(), new_referral_id())
    await served.settled()
    first = believed((await got(police, "/log/checkpoint")).text, verifiers(served))
    await served.say(POLICE, request(), new_referral_id())

    async def grown() -> Any:
        said = believed((await got(police, "/log/checkpoint")).text, verifiers(served))
        return said if said.size > first.size else None

    now = await until(grown)
    way = hashes_of((await got(police, f"/log/consistency/{first.size}/{now.size}")).text)
    assert consistent(first.size, now.size, way, first.root, now.root)
    async with police.session.get(f"{police.base}/log/tile/entries/000.p/{min(now.size, 256)}") as answer:
        assert answer.status in (200, 404)
        if answer.status == 200 and now.size < 256:
            assert root_of([leaf_hash(one) for one in unbundled(await answer.read())]) == now.root
            assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        *("proof/999999999", "proof/-1", "proof/x", "proof/01", "consistency/5/4", "consistency/0/999999999"),
        *("tile/0/x00/000", "tile/..%2Fcheckpoint", "tile/0/999", "tile/0/000.p/999", "tile/entries/%2e%2e/000"),
    ],
)
async def test_what_the_log_does_not_have_is_said_by_code(police: Agency, path: str) -> None:
    """A place, size or tile that is none, however it is written: 404, and no path leads out of the folder."""
    said = await got(police, f"/log/{path}")
    assert (said.status, said.code) == (404, "LOG_ENTRY_UNKNOWN")


async def test_the_log_has_a_rate_of_its_own(
    own_door: DoorOfOwn, police: Agency, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks too much of the log is asked to wait, and the agencies' events still get through."""
    monkeypatch.setattr(limits, "log_rate_burst", 3.0)
    async with own_door(ticks=lambda: 0.0) as base:
        asking = Agency(police.session, base, police.key)
        answers = [await got(asking, "/log/checkpoint") for _ in range(4)]
        assert [said.status for said in answers[-1:]] == [429]
        assert (await asking.ask(f"/events/{new_event_id()}")).status == 404
