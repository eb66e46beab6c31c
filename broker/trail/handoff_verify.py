"""handoff-verify: check an exported trail alone, offline: this one file, Python's standard library and `cryptography`.

It imports nothing of the broker that it checks, so it may be copied and read by itself. What others have vouched for,
and the page for --report, need handoff_verify_anchors.py and handoff_verify_page.py beside it. Exit codes, which stay:

    0  everything holds                       4  texts are missing that nobody declared erased
    2  it could not be checked                5  the log was shortened or rewritten since a held checkpoint
    3  an entry or a text was altered         6  a checkpoint was not signed by the log's key

Where several are true, the first of 6, 3, 5, 4 is given. Formats: C2SP's tlog-tiles and signed-note, docs/trail.md.
"""

import argparse
import json
import struct
import sys
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from runpy import run_path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HOLDS, UNCHECKED, ALTERED, MISSING, REWRITTEN, UNSIGNED = 0, 2, 3, 4, 5, 6
TILE, ENTRY = 256, 34
ERASED, CONTENT, NAMES, NAMES_END = b"texts.erased\0", b"content\0", b'"content":["', b'"]}'
TEXT_HEAD = struct.Struct(">Q32sI")
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
INNER_REST, OUTER_REST = b"\x36" * 32 + b"warm-handoff/trail/v1\0", b"\x5c" * 32
LEAF, NODE = sha256(b"\x00"), sha256(b"\x01")
NAMED_MAX = 20
Key = tuple[str, bytes, Ed25519PublicKey]


class NotCheckable(Exception):
    """The bundle, a key or a held checkpoint cannot be read."""


@dataclass
class Found:
    """What was found; `worst` first says what does not hold, by the exit code that stands for it."""

    size: int = 0
    checkpoints: int = 0
    held: int = 0
    since: str = ""
    until: str = ""
    opened: int = 0
    closed: int = 0
    named: dict[bytes, int] = field(default_factory=dict)
    erasures: list[tuple[int, str]] = field(default_factory=list)
    erased: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)
    wrongs: int = 0
    anchors: list[str] = field(default_factory=list)

    def say(self, code: int, words: str) -> None:
        """Something does not hold. Of thousands alike the first are named, the rest counted."""
        self.wrongs += 1
        if sum(known == code for known, _ in self.wrong) < NAMED_MAX:
            self.wrong.append((code, words))

    @property
    def code(self) -> int:
        """The exit code."""
        codes = {code for code, _ in self.wrong}
        return next((code for code in (UNSIGNED, ALTERED, REWRITTEN, MISSING) if code in codes), HOLDS)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, and whether it was signed by a key of the log; `name` is how people are told of it."""

    size: int
    root: bytes
    when: str
    signed: bool
    name: str


def read_vkey(text: str) -> Key:
    """Name, id and key of a verifier key: `name+id+base64`."""
    try:
        name, key_id, encoded = text.strip().split("+", 2)
        raw = b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw[1:])
        made = sha256(name.encode() + b"\n" + raw).digest()[:4]
        if raw[:1] != b"\x01" or made.hex() != key_id:
            raise ValueError
    except ValueError:
        raise NotCheckable("A --vkey is not a key of a log: name+id+key, as `handoff trail vkey` prints it.") from None
    return name, made, key


def read_checkpoint(note: bytes, keys: list[Key], name: str) -> Checkpoint:
    """The checkpoint in a note, and whether a key of the log signed it."""
    try:
        text, _, below = note.decode().rpartition("\n\n")
        origin, size, root = (text + "\n").split("\n", 3)[:3]
        when = next((line[5:] for line in text.split("\n") if line.startswith("time ")), "")
        read = int(size), b64decode(root, validate=True)
        lines = [line.split(" ") for line in below.removesuffix("\n").split("\n")]
        signatures = [(by, b64decode(value, validate=True)) for _, by, value in lines]
        if read[0] < 0 or len(read[1]) != len(sha256().digest()):
            raise ValueError
    except ValueError:
        raise NotCheckable(f"{name} is not a signed checkpoint.") from None
    known = {(by, key_id): key for by, key_id, key in keys if by == origin}
    named = [(known[by, value[:4]], value[4:]) for by, value in signatures if (by, value[:4]) in known]
    try:
        for key, signature in named:
            key.verify(signature, (text + "\n").encode())
    except InvalidSignature:
        named = []
    return Checkpoint(*read, when, bool(named), name)


def read_all_checkpoints(bundle: Path, keys: list[Key]) -> Iterator[Checkpoint]:
    """Those of the bundle, oldest first: the file has each after a line with its length in bytes; the newest last."""
    content = needed(bundle / "checkpoints")
    at = 0
    while at < len(content):
        end = content.find(b"\n", at)
        length = content[at : max(at, end)]
        if not length.isdigit():
            raise NotCheckable("The file `checkpoints` of the bundle is damaged.")
        at = end + 1 + int(length)
        yield read_checkpoint(content[end + 1 : at], keys, f"a checkpoint of the bundle (byte {end + 1})")
    yield read_checkpoint(needed(bundle / "checkpoint"), keys, "the bundle's newest checkpoint")


def needed(path: Path, otherwise: bytes | None = None) -> bytes:
    """What a file holds. Without some nothing can be said; `otherwise` is what counts where another is not there."""
    try:
        return path.read_bytes()
    except OSError:
        if otherwise is None:
            raise NotCheckable(f"{path} cannot be read.") from None
        return otherwise


def place(index: int) -> str:
    """A tile's number as a path: 1234067 is x001/x234/067."""
    parts = [f"{index % 1000:03d}"]
    while index := index // 1000:
        parts.insert(0, f"x{index % 1000:03d}")
    return "/".join(parts)


def hashed(contents: Iterable[bytes], begun: Any) -> list[bytes]:
    """SHA-256 of what was begun and each of these. OpenSSL takes longer to set a hash up than to copy one that is."""
    digests, copy = [], begun.copy
    for content in contents:
        one = copy()
        one.update(content)
        digests.append(one.digest())
    return digests


def peaks_of(leaves: list[bytes]) -> list[bytes]:
    """The roots of the complete subtrees over these leaves, the largest first."""
    peaks: list[bytes] = []
    while leaves:
        if len(leaves) % 2:
            peaks.insert(0, leaves[-1])
        pairs = iter(leaves)
        leaves = hashed([left + right for left, right in zip(pairs, pairs, strict=False)], NODE)
    return peaks


def root_of(peaks: list[bytes]) -> bytes:
    """The root over complete subtrees."""
    root = peaks[-1] if peaks else sha256().digest()
    for peak in reversed(peaks[:-1]):
        root = sha256(b"\x01" + peak + root).digest()
    return root


def add_tile(peaks: list[bytes], tile: bytes, before: int) -> None:
    """One more full tile after so many: the roots of complete subtrees are all that is kept of a log of any length."""
    while before & 1:
        tile, before = sha256(b"\x01" + peaks.pop() + tile).digest(), before >> 1
    peaks.append(tile)


def verify(
    bundle: Path,
    vkeys: Iterable[str],
    held: Iterable[Path] = (),
    tell: Callable[[int, int], None] | None = None,
    witnesses: Sequence[str] = (),
    authorities: Sequence[Path] = (),
) -> Found:
    """Check a bundle with the log's keys, and checkpoints that were kept elsewhere or that others have vouched for."""
    found, keys = Found(), [read_vkey(vkey) for vkey in vkeys]
    checkpoints = list(read_all_checkpoints(bundle, keys))
    kept = [read_checkpoint(needed(path), keys, f"the held checkpoint {path.name}") for path in held]
    newest, found.held = checkpoints[-1], len(kept)
    kept += read_anchors(bundle, keys, (witnesses, authorities), found)
    found.size, found.checkpoints = newest.size, len(checkpoints) - 1
    found.since, found.until = checkpoints[0].when, newest.when
    for one in [*checkpoints, *kept]:
        if not one.signed:
            found.say(UNSIGNED, f"{one.name} is not signed by the log's key.")
        if one.size > newest.size:
            words = f"The log was shortened to {newest.size:,} entries: {one.name} says {one.size:,}."
            found.say(REWRITTEN, f"{words} (Unless the bundle was exported before it: then export it anew.)")
    marks = [(one.size, code, one) for code, group in ((ALTERED, checkpoints), (REWRITTEN, kept)) for one in group]
    marks.sort(key=lambda mark: mark[0], reverse=True)
    peaks, last_good = list[bytes](), 0
    for index in range(-(-newest.size // TILE)):
        begin = index * TILE
        entries = read_entries(bundle, index, min(TILE, newest.size - begin), found)
        leaves = hashed(entries, LEAF)
        check_texts(bundle, index, entries, found)
        while marks and marks[-1][0] <= begin + len(leaves):
            last_good = check_mark(marks.pop(), begin, peaks, leaves, last_good, found)
        if len(leaves) == TILE:
            [whole] = peaks_of(leaves)
            add_tile(peaks, whole, index)
        if tell is not None:
            tell(begin + len(leaves), newest.size)
    for mark in (mark for mark in marks if mark[0] == 0):
        check_mark(mark, 0, [], [], 0, found)
    explain(found, sorted({one.size for one in checkpoints})[:-2])
    return found


def beside(name: str) -> dict[str, Any]:
    """A part of this program that not everybody needs, from the file beside this one: what it defines."""
    path = Path(__file__).with_name(f"handoff_verify_{name}.py")
    if not path.is_file():
        raise NotCheckable(f"What was asked needs the file {path.name} beside this one.")
    return run_path(str(path))


def read_anchors(bundle: Path, keys: list[Key], asked: tuple[Any, Any], found: Found) -> Iterator[Checkpoint]:
    """The newest checkpoint that each witness and authority has vouched for; where one has for none, it is said."""
    try:
        seen = beside("anchors")["newest"](bundle, *asked) if any(asked) else []
    except ValueError:
        raise NotCheckable("A --witness is not a witness's key, or a --tsa not a certificate (PEM).") from None
    for who, anchor in seen:
        if anchor is None:
            found.say(UNSIGNED, f"{who} has vouched for no checkpoint of the bundle.")
            continue
        yield (checkpoint := read_checkpoint(anchor.note, keys, f"the checkpoint that {who} saw"))
        found.anchors.append(f"{who} saw the log at {checkpoint.size:,} entries on {anchor.when}.")


def read_entries(bundle: Path, index: int, count: int, found: Found) -> list[bytes]:
    """The commitments of one bundle of entries; where one is missing stand zeros, and it is said."""
    path = bundle / f"tile/entries/{place(index)}"
    if count < TILE:
        path = path.with_name(f"{path.name}.p") / str(count)
    content = needed(path, b"")
    if len(content) != count * ENTRY or content[::ENTRY] != bytes(count) or content[1::ENTRY] != b" " * count:
        found.say(ALTERED, f"Entries {index * TILE:,} to {index * TILE + count - 1:,} are not in the bundle.")
        return [bytes(32)] * count
    entries = [content[at : at + 32] for at in range(2, len(content), ENTRY)]
    for at in [at for at, entry in enumerate(entries) if entry == bytes(32)] if bytes(32) in entries else []:
        found.say(ALTERED, f"Entry {index * TILE + at:,} is not in the log any more.")
    return entries


def check_texts(bundle: Path, index: int, entries: list[bytes], found: Found) -> None:
    """Every text opens the entry that it stands for; entries without a text are remembered. HMAC is RFC 2104's, written
    out: to set OpenSSL's up takes longer than all the rest.
    """
    content, begin, at, due = needed(bundle / f"texts/{place(index)}", b""), index * TILE, 0, index * TILE
    size, end, unpack, opened = len(content), begin + len(entries), TEXT_HEAD.unpack_from, found.opened
    try:
        while at < size:
            entry, salt, length = unpack(content, at)
            at += 44 + length
            text = content[at - length : at]
            if entry != due:
                if not due < entry < end:
                    raise ValueError
                absent(due, entry, begin, entries, found)
            due = entry + 1
            inner = sha256(salt.translate(INNER) + INNER_REST + text).digest()
            if sha256(salt.translate(OUTER) + OUTER_REST + inner).digest() != entries[entry - begin] or at > size:
                found.say(ALTERED, f"The text of entry {entry:,} was altered: it does not fit what was logged.")
            elif text.endswith(NAMES_END) and NAMES in text:
                names, _, _ = text.partition(NAMES)[2].partition(b'"]')
                found.named.update((b64decode(name), entry) for name in names.split(b'","'))
            elif text.startswith(CONTENT):
                found.named.pop(entries[entry - begin], None)
            elif text.startswith(ERASED):
                found.erasures.append((entry, text.removeprefix(ERASED).decode()))
            opened += 1
    except (ValueError, IndexError, struct.error):
        found.say(ALTERED, f"The texts from entry {due:,} on are damaged.")
    found.opened = opened
    absent(due, end, begin, entries, found)


def absent(due: int, until: int, begin: int, entries: list[bytes], found: Found) -> None:
    """Entries without a text: what an earlier step names is closed to all but two agencies, the rest is missing."""
    for entry in range(due, until):
        if found.named.pop(entries[entry - begin], None) is not None:
            found.closed += 1
        elif found.missing and found.missing[-1][1] == entry:
            found.missing[-1] = (found.missing[-1][0], entry + 1)
        else:
            found.missing.append((entry, entry + 1))


def check_mark(
    mark: tuple[int, int, Checkpoint], begin: int, peaks: list[bytes], leaves: list[bytes], good: int, found: Found
) -> int:
    """A checkpoint's root is that of the entries it covers; returns up to where the log is known to be as signed."""
    size, code, checkpoint = mark
    if root_of([*peaks, *peaks_of(leaves[: size - begin])]) == checkpoint.root:
        return max(good, size)
    words = "The log was rewritten" if code == REWRITTEN else "Entries were changed, removed or put in"
    found.say(code, f"{words} somewhere from entry {good:,} to {size - 1:,}: {checkpoint.name} says another log.")
    return good


def explain(found: Found, settled: list[int]) -> None:
    """Missing texts are covered by a later entry that declares them erased, or they are not explained; and what steps
    name as disclosed is in the log, unless only the two newest checkpoints (after the `settled`) cover the step.
    """
    for at in sorted(at for at in set(found.named.values()) if settled and at < settled[-1]):
        found.say(ALTERED, f"Entry {at:,} names what exactly was disclosed, and the log has no such entry.")
    covered: dict[int, int] = {}
    for at, text in found.erasures:
        try:
            for entry in json.loads(text)["entries"]:
                covered |= {int(entry): at} if entry < at else {}
        except (ValueError, TypeError, KeyError):
            found.say(ALTERED, f"Entry {at:,} declares texts erased, but does not say which.")
    for begin, end in found.missing:
        for entry in range(begin, end):
            if entry in covered:
                found.erased += 1
            else:
                found.say(MISSING, f"The text of entry {entry:,} is missing, and nobody declared it erased.")


def told(found: Found) -> list[str]:
    """The result in plain words, the verdict first."""
    lines = ["EVERYTHING HOLDS." if found.code == HOLDS else "NOT EVERYTHING HOLDS."]
    lines.append(f"{found.size:,} steps were logged{f' up to {found.until}' if found.until else ''}.")
    lines.append(f"{found.checkpoints:,} signed checkpoints and {found.held:,} held ones were checked.")
    lines.append(f"{found.opened:,} texts were opened; {found.erased:,} were erased, each by an entry that says so.")
    if found.closed:
        lines.append(f"{found.closed:,} texts of what exactly was disclosed stay closed to all but the two agencies.")
    lines += found.anchors
    lines += [f"- {words}" for _, words in found.wrong]
    lines += [f"- and {more:,} more of the same kinds." for more in [found.wrongs - len(found.wrong)] if more]
    if not (found.held or found.anchors):
        lines.append("No held checkpoint was given: whether the log was rewritten or shortened is not known.")
    lines.append("This cannot show: what was never logged. Compare receipts, and `handoff trail reconcile`, for that.")
    return lines


def draw(done: int, size: int) -> None:
    """A bar on a terminal, redrawn every 16,384 entries."""
    if done % (64 * TILE) == 0 or done == size:
        sys.stderr.write(f"\r[{'#' * (30 * done // size):<30}] {done:,} of {size:,} entries" + "\n" * (done == size))
        sys.stderr.flush()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="handoff-verify",
        description="Check an exported trail, offline. Exit codes: 0 everything holds, 2 could not be checked, "
        "3 altered, 4 texts missing, 5 shortened or rewritten since a held checkpoint, 6 not signed by the log's key.",
    )
    parser.add_argument("bundle", type=Path, help="the folder that `handoff trail export` wrote")
    parser.add_argument("--vkey", action="append", required=True, help="the log's public key, from somebody you trust")
    parser.add_argument("--held", action="append", type=Path, default=[], help="a checkpoint that you or others kept")
    parser.add_argument("--report", type=Path, help="write the result as a page to print (HTML)")
    parser.add_argument("--witness", action="append", default=[], help="the key of a witness that cosigns checkpoints")
    parser.add_argument("--tsa", action="append", type=Path, default=[], help="a time stamp authority's certificate")
    given = parser.parse_args()
    try:
        tell = draw if sys.stderr.isatty() else None
        found = verify(given.bundle, given.vkey, given.held, tell, given.witness, given.tsa)
        if given.report is not None:
            given.report.write_text(beside("page")["page"](found, told(found)), encoding="utf-8")
    except (NotCheckable, OSError) as problem:
        why = problem if isinstance(problem, NotCheckable) else problem.strerror
        sys.stderr.write(f"It could not be checked. {why}\n")
        sys.exit(UNCHECKED)
    sys.stdout.write("\n".join(told(found)) + "\n")
    sys.exit(found.code)


if __name__ == "__main__":
    main()
