"""The pages show whether what they say is what was sealed: they name what was altered, and prove what was not."""

import re
import zipfile
from pathlib import Path

from playwright.async_api import expect

from broker.trail.entries import commitment
from broker.trail.handoff_verify import HOLDS, verify
from broker.trail.merkle import included, leaf_hash
from broker.trail.notes import believed
from broker.trail.proofs import read_inclusion
from broker.web.desk.roles import DeskRole
from tests.web.audit.conftest import Audited
from tests.web.audit.test_asking import newest, sent

_OF_STEP = "SELECT e.idx FROM trail_entry e WHERE e.referral_id = $1 AND e.kind = $2 ORDER BY e.idx LIMIT 1"


async def entry_of(audited: Audited, referral: str, kind: str = "disclosure.released") -> int:
    """The number of an entry of a referral."""
    return int(await audited.office.pool.fetchval(_OF_STEP, referral, kind))


async def test_an_honest_story_is_proved(audited: Audited) -> None:
    """Each entry against its commitment, each commitment against the signed root; who signed is checked."""
    async with audited.office.person(DeskRole.AUDITOR) as page:
        await page.goto(f"/audit/referrals/{audited.told.served}")
        proof = page.locator("section", has=page.locator("#proof"))
        await expect(proof).to_contain_text("This is what was sealed")
        await expect(proof).to_contain_text("The log's key signed that.")
        told = await proof.inner_text()
        [(proved, of)] = re.findall(r"(\d+) of (\d+) entries are proved", told)
        sealed = "SELECT count(*) FROM trail_entry JOIN log_entry ON entry_idx = trail_entry.idx WHERE referral_id = $1"
        wanted = await audited.office.pool.fetchval(f"{sealed} AND kind <> 'content'", audited.told.served)
        assert (int(proved), int(of) >= wanted >= 15) == (wanted, True)
        await expect(page.locator(".altered")).to_have_count(0)


async def test_an_altered_text_is_named_and_not_shown(tampered: Audited) -> None:
    """By the story, by the ledger, and where nothing of it can be read any more."""
    referral = tampered.told.recalled
    number, torn = await entry_of(tampered, referral), await entry_of(tampered, referral, "need.moved")
    await tampered.trail.as_superuser(
        "UPDATE trail_entry SET preimage = convert_to(replace(convert_from(preimage, 'UTF8'), 'FG03', 'FG99'), 'UTF8')"
        f" WHERE idx = {number}",
        f"UPDATE trail_entry SET preimage = 'torn'::bytea WHERE idx = {torn}",
    )
    async with tampered.office.person(DeskRole.AUDITOR) as page:
        await page.goto(f"/audit/referrals/{referral}?view=full")
        await expect(page.get_by_role("alert")).to_contain_text("This is not what was sealed")
        await expect(page.get_by_role("alert")).to_contain_text(f"entry {torn}, {number}")
        await expect(page.locator(".entry.altered")).to_have_count(2)
        assert "FG99" not in await page.content()
        await page.goto(f"/audit/referrals/{referral}/disclosures")
        await expect(page.get_by_role("alert")).to_contain_text(str(number))
        assert "FG99" not in await page.content()


async def test_a_text_that_was_altered_with_its_commitment_is_not_in_the_log(tampered: Audited) -> None:
    """What only the published log can tell: the database agrees with itself, and not with what was signed."""
    referral = tampered.told.served
    number = await entry_of(tampered, referral)
    place = await tampered.office.pool.fetchval("SELECT idx FROM log_entry WHERE entry_idx = $1", number)
    row = await tampered.office.pool.fetchrow("SELECT kind, preimage, salt FROM trail_entry WHERE idx = $1", number)
    assert row is not None
    text = row["preimage"].replace(b"FG03", b"FG99")
    fits = commitment(row["kind"], text, row["salt"]).hex()
    await tampered.trail.as_superuser(
        f"UPDATE trail_entry SET preimage = '\\x{text.hex()}' WHERE idx = {number}",
        f"UPDATE log_entry SET commitment = '\\x{fits}' WHERE idx = {place}",
    )
    async with tampered.office.person(DeskRole.AUDITOR) as page:
        await page.goto(f"/audit/referrals/{referral}")
        await expect(page.get_by_role("alert")).to_contain_text(f"place {place}")
        await page.goto("/audit/log")
        await page.get_by_label("A place in the log, counted from 0").fill(str(place))
        await page.get_by_role("button", name="Prove it").click()
        await expect(page.get_by_role("status").first).to_contain_text("is not what was published")


async def test_an_entry_that_was_taken_out_of_the_log_is_missed(tampered: Audited) -> None:
    """Below the horizon none may lack, whatever the database says of being sealed soon."""
    number = await entry_of(tampered, tampered.told.served, "referral.submitted")
    await tampered.trail.as_superuser(f"DELETE FROM log_entry WHERE entry_idx = {number}")
    async with tampered.office.person(DeskRole.AUDITOR) as page:
        await page.goto(f"/audit/referrals/{tampered.told.served}")
        await expect(page.get_by_role("alert")).to_contain_text(f"Taken out of the log: entry {number}")


async def test_a_held_checkpoint_is_asked_of_the_log_of_now(audited: Audited) -> None:
    """An older one that it grew from holds; one of another log does not, and one that nobody signed is told apart."""
    audited.office.allowed.append("400")
    notes = await audited.office.pool.fetch("SELECT note FROM log_checkpoint ORDER BY seq")
    older = notes[0]["note"]
    async with audited.office.person(DeskRole.AUDITOR) as page:
        await page.goto("/audit/log")
        await page.get_by_label("A checkpoint that you hold").fill(older.rstrip("\n"))
        await page.get_by_role("button", name="Has the log grown from it?").click()
        held = page.get_by_role("status").first
        await expect(held).to_contain_text("begins with the 5 entries that you have seen")
        await expect(held).to_contain_text("The log's key signed yours.")
        origin, size, _, *rest = older.split("\n")
        forged = "\n".join([origin, size, "A" * 43 + "=", *rest])
        answer = await sent(page, "/audit/log/held", checkpoint=forged)
        assert "does not begin with the 5 entries" in answer.text
        assert "did not sign yours" in answer.text
        assert (await sent(page, "/audit/log/held", checkpoint="nothing of the kind")).status == 400


async def test_the_log_page_gives_a_proof_that_others_can_check(audited: Audited) -> None:
    """What it prints is a .tlog-proof: with the log's key it leads from the entry to the signed root."""
    async with audited.office.person(DeskRole.AUDITOR) as page:
        await page.goto("/audit/log")
        await page.get_by_label("A place in the log, counted from 0").fill("7")
        await page.get_by_role("button", name="Prove it").click()
        await expect(page.get_by_role("status").first).to_contain_text("It is in the log")
        printed = await page.locator("section", has=page.locator("#included")).locator("pre").inner_text()
    proof = read_inclusion(printed if printed.endswith("\n") else printed + "\n")
    newest_one = believed(proof.note, audited.trail.signers())
    held = await audited.office.pool.fetchval("SELECT commitment FROM log_entry WHERE idx = 7")
    assert included(leaf_hash(held), 7, newest_one.size, proof.hashes, newest_one.root)


async def test_a_log_that_shrank_or_lost_its_signature_says_so(tampered: Audited) -> None:
    """Each checkpoint is held against the one before it, and against the keys that are published beside it."""
    await tampered.trail.as_superuser(
        "UPDATE log_checkpoint SET note = replace(note, E'\\n5\\n', E'\\n6\\n') WHERE size = 5",
    )
    async with tampered.office.person(DeskRole.AUDITOR) as page:
        await page.goto("/audit/log")
        rows = await page.locator("section", has=page.locator("#grew")).locator("tbody tr").all_inner_texts()
        newer, older = (row.lower().split()[-2:] for row in rows)
        assert (newer, older) == (["yes", "no"], ["no", "—"])
        (tampered.trail.home / "log" / "vkeys").unlink()
        await page.goto("/audit/log")
        await expect(page.get_by_text("does not have the log's public key")).to_be_visible()
        (tampered.trail.home / "log" / "checkpoint").unlink()
        await page.goto("/audit/log")
        await expect(page.get_by_text("No log is published here.")).to_be_visible()
        await page.goto(f"/audit/referrals/{tampered.told.served}")
        await expect(page.get_by_text("held against the database alone")).to_be_visible()


async def test_the_bundle_is_verified_elsewhere_and_taking_it_is_an_entry(audited: Audited, tmp_path: Path) -> None:
    """A file named by its number of entries; `handoff-verify` finds that everything holds; nothing of it stays here."""
    async with audited.office.person(DeskRole.AUDITOR) as page:
        await page.goto("/audit/log")
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="Take the bundle").click()
        download = await downloading.value
        await download.save_as(tmp_path / "taken")
    taken = await newest(audited)
    assert (taken["kind"], taken["actor"][:13], taken["for"]) == ("trail.exported", "role:auditor-", None)
    size = await audited.office.pool.fetchval("SELECT size FROM log_state")
    assert download.suggested_filename == f"trail-{size}.zip"
    zipfile.ZipFile(tmp_path / "taken").extractall(tmp_path / "bundle")
    held = tmp_path / "held"
    held.write_text(await audited.office.pool.fetchval("SELECT note FROM log_checkpoint ORDER BY seq LIMIT 1"))
    found = verify(tmp_path / "bundle", audited.trail.vkeys, [held])
    assert (found.code, found.size) == (HOLDS, size)
