"""What exactly was disclosed stays closed in an auditor's bundle, opens in its agency's, and hides no tampering."""

import asyncio
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

from broker.store.questions import add_entry
from broker.trail.entries import Entry, Step, entry, fresh_salt
from broker.trail.exporting import export
from broker.trail.handoff_verify import ALTERED, HOLDS, MISSING, Found, told, verify
from tests.trail.conftest import Trail

POLICE, SHELTER, CLINIC = "org-police", "org-shelter", "org-clinic"


def disclosed(to: str) -> tuple[Entry, Entry]:
    """A step and what exactly left, as the pipeline writes them."""
    facts = {"message": "msg-1", "from": POLICE, "to": to, "groups": ["FG03"], "sha256": "00" * 32}
    content = entry(Step.CONTENT, "ref-1", facts, fresh_salt())
    named = {"at": datetime.now(UTC), "content": [b64encode(content.commitment).decode()]}
    return entry(Step.DISCLOSURE_RELEASED, "ref-1", named, fresh_salt()), content


async def disclose(trail: Trail, *recipients: str, without: Step | None = None) -> None:
    """Two entries for each recipient, sealed among others; `without` one kind that a cheat has left out."""
    for to in recipients:
        for one in disclosed(to):
            if one.kind is not without:
                await add_entry(trail.connection, one)
        await trail.write(1)
    await trail.seal(2)


async def checked(trail: Trail, name: str, party: str | None = None) -> Found:
    """What the verifier finds in an export for this agency, or for an auditor."""
    folder: Path = trail.home / name
    await export(trail.connection, folder, lambda *_: None, party)
    return await asyncio.to_thread(verify, folder, trail.vkeys)


async def test_contents_open_to_their_two_agencies_alone(trail: Trail) -> None:
    """Everything holds for each of them, and each is told how much stays closed; no bundle has another's text."""
    await disclose(trail, SHELTER, CLINIC)
    for party, opened, closed in ((None, 6, 2), (SHELTER, 7, 1), (CLINIC, 7, 1), (POLICE, 8, 0), ("org-other", 6, 2)):
        found = await checked(trail, str(party), party)
        assert (found.code, found.opened, found.closed) == (HOLDS, opened, closed)
        assert ("stay closed" in "".join(told(found))) == bool(closed)
        texts = b"".join(path.read_bytes() for path in (trail.home / str(party) / "texts").rglob("*") if path.is_file())
        mine = {b'"to":"org-shelter"': (SHELTER, POLICE), b'"to":"org-clinic"': (CLINIC, POLICE)}
        assert all((text in texts) == (party in parties) for text, parties in mine.items())


async def test_a_missing_text_does_not_pass_for_a_closed_one(trail: Trail) -> None:
    """Closed is only what a step names that is opened: without the step both are missing."""
    await disclose(trail, SHELTER)
    await trail.as_superuser("DELETE FROM trail_entry WHERE kind = 'disclosure.released'")
    found = await checked(trail, "bundle")
    assert (found.code, found.closed, len(found.wrong)) == (MISSING, 0, 2)


async def test_a_step_whose_content_never_came_is_found(trail: Trail) -> None:
    """Not at once, because a checkpoint may fall between the two; once two more cover the step, it is said."""
    await disclose(trail, SHELTER, without=Step.CONTENT)
    assert (await checked(trail, "early")).code == HOLDS
    await trail.seal(1)
    await trail.seal(1)
    found = await checked(trail, "late")
    assert (found.code, "names what exactly was disclosed" in found.wrong[0][1]) == (ALTERED, True)


async def test_step_and_content_are_erased_together(trail: Trail) -> None:
    """Both declared: nothing is unexplained, whoever's the bundle is. A content alone may go before its step."""
    await disclose(trail, SHELTER)
    await trail.as_superuser("DELETE FROM trail_entry WHERE kind = 'content'")
    assert (await checked(trail, "content", SHELTER)).code == HOLDS
    facts = {"entries": [0, 1], "basis": "retention", "approver": "role:privacy-officer"}
    await add_entry(trail.connection, entry(Step.TEXTS_ERASED, None, facts, fresh_salt()))
    await trail.seal()
    await trail.as_superuser("DELETE FROM trail_entry WHERE kind = 'disclosure.released'")
    found = await checked(trail, "both", SHELTER)
    assert (found.code, found.erased) == (HOLDS, 2)
