"""Checkpoints in others' hands: a witness and an authority vouch for them, and the verifier checks both on its own."""

import os
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from typer.testing import CliRunner

from broker.cli import app
from broker.trail.anchoring import TimeStampAuthority, Witness, anchor
from broker.trail.errors import AnchorRefused, AnchorUnreachable
from broker.trail.handoff_verify import MISSING, REWRITTEN, UNSIGNED, NotCheckable, verify
from broker.trail.handoff_verify_anchors import stamped_at
from tests.trail.authority import Authority, Witnessing, der, open_at
from tests.trail.published import Published, entries


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """A published log of 300 entries, which is its own bundle but for the texts."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    made = Published(tmp_path / "log")
    made.put(entries(300))
    return made


def bundled(log: Published) -> Path:
    """The log as an export has it, without any text."""
    note = (log.folder / "checkpoint").read_bytes()
    (log.folder / "checkpoints").write_bytes(b"%d\n%s" % (len(note), note))
    return log.folder


async def test_a_witness_cosigns_what_grows(log: Published) -> None:
    """Its cosignature is kept below the note, a second time from what it saw last; the verifier names it and when."""
    witness = Witnessing(log.verifier)
    async with open_at("/add-checkpoint", witness) as url:
        await anchor(log.folder, Witness(url, witness.verifier))
        log.put(entries(700))
        await anchor(log.folder, Witness(url, witness.verifier))
    found = verify(bundled(log), [log.verifier.vkey], witnesses=[witness.verifier.vkey])
    assert found.code == MISSING, "no texts were exported here; nothing else is wrong"
    [said] = found.anchors
    assert "witness.example saw the log at 700 entries" in said


async def test_a_thief_of_the_key_is_seen_by_what_the_witness_saw(log: Published, tmp_path: Path) -> None:
    """A8: a second head, made with the key of the log, is refused by the witness; with its word the rewriting shows."""
    witness = Witnessing(log.verifier)
    async with open_at("/add-checkpoint", witness) as url:
        await anchor(log.folder, Witness(url, witness.verifier))
        log.folder.rename(tmp_path / "before")
        thief = Published(log.folder, log.key)
        thief.put([*entries(200), *entries(150, "rewritten")])
        with pytest.raises(AnchorRefused):
            await anchor(thief.folder, Witness(url, witness.verifier))
    vkeys, key = [log.verifier.vkey], witness.verifier.vkey
    assert verify(bundled(thief), vkeys).code == MISSING
    assert verify(thief.folder, vkeys, witnesses=[key]).code == UNSIGNED, "it took the anchors away"
    shutil.copytree(tmp_path / "before" / "anchors", thief.folder / "anchors")
    assert verify(thief.folder, vkeys, witnesses=[key]).code == REWRITTEN


async def test_a_shorter_log_and_another_witness_are_refused(log: Published, tmp_path: Path) -> None:
    """A witness that has seen more is an alarm; a cosignature by another key is none."""
    witness, other = Witnessing(log.verifier), Witnessing(log.verifier)
    async with open_at("/add-checkpoint", witness) as url:
        with pytest.raises(AnchorRefused, match="not its cosignature"):
            await anchor(log.folder, Witness(url, other.verifier))
        log.folder.rename(tmp_path / "before")
        log.put(entries(100))
        with pytest.raises(AnchorRefused, match="longer log"):
            await anchor(log.folder, Witness(url, witness.verifier))
    with pytest.raises(AnchorUnreachable):
        await anchor(log.folder, Witness(url, witness.verifier))
    assert not (log.folder / "anchors").exists()
    with pytest.raises(NotCheckable):
        verify(bundled(log), [log.verifier.vkey], witnesses=[log.verifier.vkey])


@pytest.mark.parametrize("by", ["RSA", "EC"])
async def test_an_authority_stamps_a_checkpoint(log: Published, by: str, tmp_path: Path) -> None:
    """Checked by the library when it comes, and by the verifier's own reading, by the root's certificate or its own."""
    authority = Authority(by_rsa=by == "RSA")
    root, leaf = tmp_path / "root.pem", tmp_path / "leaf.pem"
    root.write_bytes(authority.pem(authority.root))
    leaf.write_bytes(authority.pem(authority.leaf))
    async with open_at("/", authority) as url:
        await anchor(log.folder, TimeStampAuthority(url, root.read_bytes()))
    for certificate in (root, leaf):
        found = verify(bundled(log), [log.verifier.vkey], authorities=[certificate])
        assert (found.code, "saw the log at 300 entries" in found.anchors[0]) == (MISSING, True)
    root.write_bytes(Authority().pem(Authority().root))
    assert verify(log.folder, [log.verifier.vkey], authorities=[root]).code == UNSIGNED


async def test_a_stamp_for_something_else_is_refused(log: Published) -> None:
    """Other bytes, another authority's root, a certificate that is not for stamps: nothing is kept."""
    stranger = Authority()
    for authority, root in (
        (Authority(wrong=True), None),
        (Authority(), stranger.root),
        (Authority(uses=ExtendedKeyUsageOID.SERVER_AUTH), None),
    ):
        async with open_at("/", authority) as url:
            with pytest.raises(AnchorRefused):
                await anchor(log.folder, TimeStampAuthority(url, authority.pem(root or authority.root)))
    assert not (log.folder / "anchors").exists()


def test_the_verifier_reads_a_token_strictly() -> None:
    """Cut anywhere, or with another imprint, serial number or time, it stamps nothing, and nothing breaks."""
    authority, note = Authority(), b"a note"
    algorithm = bytes.fromhex("300d06096086480165030402010500")
    token = authority.stamp(der(0x30, algorithm, der(0x04, sha256(note).digest())), b"")
    assert stamped_at(token, note, authority.root) is not None
    assert stamped_at(token, b"another note", authority.root) is None
    for at in range(len(token)):
        assert stamped_at(token[:at], note, authority.root) is None
    begin = token.index(sha256(note).digest())
    for at in range(begin, begin + 32 + 24):
        changed = token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]
        assert stamped_at(changed, note, authority.root) is None


def test_the_command_says_what_it_needs(tmp_path: Path) -> None:
    """An address needs its key, and one of the two must be named."""
    for arguments in ([], ["--witness", "https://w.example"], ["--tsa", "https://t.example"]):
        said = CliRunner().invoke(app, ["trail", "anchor", "--log", str(tmp_path), *arguments])
        assert said.exit_code == 2
