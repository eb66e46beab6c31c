"""Checkpoints are C2SP's signed notes: others' examples are read as they are meant, and no altered one is believed."""

from base64 import b64decode
from datetime import UTC, datetime
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.trail.errors import CheckpointBroken, CheckpointForged
from broker.trail.notes import Checkpoint, Note, Verifier, believed

C2SP_EXAMPLE: Final = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore"
    " NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
"""The example of c2sp.org/signed-note."""
GO_EXAMPLE: Final = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
GO_VKEY: Final = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
"""The example of Go's sumdb/note."""

KEY: Final = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VERIFIER: Final = Verifier("log.example/county", KEY.public_key().public_bytes_raw())
MADE: Final = Checkpoint.at("log.example/county", 70_000, bytes(range(32)), datetime(2026, 3, 4, 1, 2, 3, tzinfo=UTC))
NOTE: Final = MADE.signed({VERIFIER: KEY})


def test_the_example_of_c2sp_is_taken_apart_as_it_says() -> None:
    """The text may hold an empty line; of the signature the first four bytes are the key's id."""
    note = Note.read(C2SP_EXAMPLE)
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    [(name, key_id, signature)] = note.signatures
    assert (name, key_id.hex(), len(signature)) == ("quasimodo.example/salvatore", "367ba04b", 64)


def test_the_example_of_go_is_verified() -> None:
    """The same key id, the same vkey, and the signature holds."""
    verifier = Verifier("PeterNeumann", b64decode(GO_VKEY.rpartition("+")[2])[1:])
    assert verifier.vkey == GO_VKEY
    assert Note.read(GO_EXAMPLE).signed_by([verifier]) == [verifier]
    with pytest.raises(CheckpointForged):
        Note.read(GO_EXAMPLE.replace("think", "thing")).signed_by([verifier])


def test_a_checkpoint_says_what_was_signed() -> None:
    """Name, size, root and the moment; read again it is the same."""
    assert MADE.text == (
        "log.example/county\n70000\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\ntime 2026-03-04T01:02:03Z\n"
    )
    assert believed(NOTE, [VERIFIER]) == MADE


def test_two_keys_may_sign_and_a_foreign_one_is_passed_over() -> None:
    """While keys overlap either is enough; a witness's line does no harm and is no signature of the log."""
    other = Ed25519PrivateKey.generate()
    newer = Verifier(VERIFIER.name, other.public_key().public_bytes_raw())
    witness = Verifier("witness.example/w1", other.public_key().public_bytes_raw())
    both = MADE.signed({newer: other, VERIFIER: KEY, witness: other})
    assert believed(both, [VERIFIER]) == believed(both, [newer]) == MADE
    with pytest.raises(CheckpointForged):
        believed(both, [witness])


@pytest.mark.parametrize(
    "broken",
    [
        "",
        MADE.text,
        MADE.text + "\n",
        NOTE.removesuffix("\n"),
        NOTE.replace("— ", "- "),
        NOTE + "— a+b AAAAAAA=\n",
        NOTE + "— name AAAA\n",
        NOTE + "— name A=A\n",
        NOTE.replace("county\n", "county\r\n"),
        MADE.text + "\n" + "— log.example/county AAAAAAAA\n" * 17,
    ],
)
def test_what_is_no_signed_note_is_refused(broken: str) -> None:
    """No signature, a line of another form, a control character, too many of them."""
    with pytest.raises(CheckpointBroken):
        Note.read(broken)


@pytest.mark.parametrize("size", ["", "-1", "07", "1e3", "70000 ", "9" * 20])
def test_a_size_is_a_plain_number(size: str) -> None:
    """No sign, no zero before it, no end of days."""
    with pytest.raises(CheckpointBroken):
        Checkpoint.read(MADE.text.replace("70000", size))


@pytest.mark.parametrize(
    ("old", "new"), [("70000", "70001"), ("AAEC", "AAED"), ("01:02", "01:03"), ("county\n7", "x\n7")]
)
def test_no_altered_checkpoint_is_believed(old: str, new: str) -> None:
    """Another size, root, moment or name."""
    with pytest.raises(CheckpointForged):
        believed(NOTE.replace(old, new), [VERIFIER])
