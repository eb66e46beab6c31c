"""handoff-verify: check an exported trail alone, offline: this one file, Python's standard library and `cryptography`.

It imports nothing of the broker that it checks, so it may be copied and read by itself. What others have vouched for,
and the page for --report, need handoff_verify_anchors.py and handoff_verify_page.py beside it. Exit codes, which stay:

    0  everything holds                       4  texts are missing that nobody declared erased
    2  it could not be checked                5  the log was shortened or rewritten since a held checkpoint
    3  an entry or a text was altered         6  a checkpoint was not signed by the log's key

Where several are true, the first of 6, 3, 5, 4 is given. Formats: C2SP's tlog-tiles and signed-note, docs/trail.md.
"""

import json
import struct
import sys
from argparse import ArgumentParser, RawTextHelpFormatter
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import merge
from itertools import accumulate, pairwise
from operator import attrgetter
from pathlib import Path
from runpy import run_path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HOLDS, UNCHECKED, ALTERED, MISSING, REWRITTEN, UNSIGNED = 0, 2, 3, 4, 5, 6
TILE, ENTRY, NUMBER_MAX, NAMED_MAX, NEAR = 256, 34, 10, 20, 1 << 20
ERASED, CONTENT, NAMES, NAMES_END = b"texts.erased\0", b"content\0", b'"content":["', b'"]}'
TELLING, TELLING_END, SILENT = b"tc", NAMES_END[-2], b"\0\0"
BEGUN, LEAF, NODE = sha256(), sha256(b"\x00"), sha256(b"\x01")
INNER, OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
INNER_REST, OUTER_REST = b"\0" * 32 + b"warm-handoff/trail/v1\0".translate(INNER), b"\0" * 32
Key = tuple[str, bytes, Ed25519PublicKey]


class NotCheckable(Exception):
    """The bundle, a key or a held checkpoint cannot be read."""


@dataclass
class Found:
    """What was found; `wrong` says what does not hold, by the exit code that stands for it."""

    size: int = 0
    checkpoints: int = 0
    held: int = 0
    since: str = ""
    until: str = ""
    opened: int = 0
    closed: int = 0
    named: dict[bytes, int] = field(default_factory=dict)
    erasures: list[tuple[int, str]] = field(default_factory=list)
    covered: set[int] = field(default_factory=set)
    erased: int = 0
    missing: list[tuple[int, int]] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)
    wrongs: int = 0
    anchors: list[str] = field(default_factory=list)
    latest: list[int] = field(default_factory=lambda: [0, 0, 0])

    def say(self, code: int, words: str) -> None:
        """Something does not hold. Of thousands alike the first are named, the rest counted."""
        self.wrongs += 1
        if sum(known == code for known, _ in self.wrong) < NAMED_MAX:
            self.wrong.append((code, words))

    @property
    def code(self) -> int:
        """The exit code."""
        return next((code for code in (UNSIGNED, ALTERED, REWRITTEN, MISSING) if code in dict(self.wrong)), HOLDS)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, whether a key of the log signed it, how people are told of it, and the code if it does not hold."""

    size: int
    root: bytes
    when: str
    signed: bool
    name: str
    code: int


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


def read_checkpoint(note: bytes, keys: list[Key], name: str, code: int = REWRITTEN) -> Checkpoint:
    """The checkpoint in a note, and whether a key of the log signed it."""
    try:
        text, _, below = note.decode().rpartition("\n\n")
        origin, size, root = (text + "\n").split("\n", 3)[:3]
        when = next((line[5:] for line in text.split("\n") if line.startswith("time ")), "")
        read = int(size), b64decode(root, validate=True)
        lines = [line.split(" ") for line in below.removesuffix("\n").split("\n")]
        signatures = [(by, b64decode(value, validate=True)) for _, by, value in lines]
        if read[0] < 0 or len(read[1]) != BEGUN.digest_size:
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
    return Checkpoint(*read, when, bool(named), name, code)


def read_newest(bundle: Path, keys: list[Key], found: Found) -> Checkpoint:
    """The newest one. Where none can be read, or a forged one says anything, the entries that are there are judged."""
    there = sum(path.stat().st_size for path in (bundle / "tile" / "entries").rglob("*") if path.is_file()) // ENTRY
    try:
        newest = read_checkpoint(needed(bundle / "checkpoint"), keys, "the bundle's newest checkpoint", ALTERED)
        if newest.signed or newest.size <= there + NEAR:
            return newest
    except NotCheckable:
        needed(bundle / "checkpoint")
    found.say(UNSIGNED, "Nobody has signed for this log: the bundle's newest checkpoint is not one of the log's.")
    return Checkpoint(there, b"", "", signed=False, name="", code=ALTERED)


def read_checkpoints(bundle: Path, keys: list[Key], found: Found) -> Iterator[Checkpoint]:
    """Those of the bundle, oldest first, one at a time: a log of years has millions. Each stands after its length."""
    with (bundle / "checkpoints").open("rb") as file:
        while line := file.readline(NUMBER_MAX):
            if not line.rstrip(b"\n").isdigit():
                raise NotCheckable("The file `checkpoints` of the bundle is damaged.")
            name = f"a checkpoint of the bundle (byte {file.tell()})"
            try:
                yield (one := read_checkpoint(file.read(int(line)), keys, name, ALTERED))
                found.checkpoints, found.since = found.checkpoints + 1, found.since or one.when
            except NotCheckable as broken:
                found.say(UNSIGNED, str(broken))


def needed(path: str | Path, otherwise: bytes | None = None) -> bytes:
    """What a file holds. Without some nothing can be said; `otherwise` is what counts where another is not there."""
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  twice for each tile: a Path takes as long again
            return file.readall()
    except OSError:
        if otherwise is None:
            raise NotCheckable(f"{path} cannot be read.") from None
        return otherwise


def place(index: int) -> str:
    """A tile's number as a path: 1234067 is x001/x234/067."""
    *above, last = f"{index:,}".split(",")
    return "/".join([*(f"x{part:0>3}" for part in above), f"{last:0>3}"])


def cut(content: bytes, length: int) -> tuple[bytes, ...]:
    """Its pieces of this length. A call for all of them is what makes this fast, here and wherever it is used."""
    return struct.unpack(f"{length}s" * (len(content) // length), content)


def hashed(contents: Iterable[bytes], begun: Any = BEGUN) -> list[bytes]:
    """SHA-256 of what was begun and each of these. OpenSSL takes longer to set a hash up than to copy one that is."""
    digests, copy = [], begun.copy
    for content in contents:
        one = copy()
        one.update(content)
        digests.append(one.digest())
    return digests


def peaks_of(leaves: Sequence[bytes]) -> list[bytes]:
    """The roots of the complete subtrees over these leaves, the largest first."""
    peaks: list[bytes] = []
    while leaves:
        if len(leaves) % 2:
            peaks.insert(0, leaves[-1])
        leaves = hashed(cut(b"".join(leaves[: len(leaves) // 2 * 2]), 64), NODE)
    return peaks


def root_of(peaks: list[bytes]) -> bytes:
    """The root over complete subtrees."""
    root, *larger = reversed(peaks or [BEGUN.digest()])
    for peak in larger:
        root = sha256(b"\x01" + peak + root).digest()
    return root


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
    newest = read_newest(bundle, keys, found)
    kept = [read_checkpoint(needed(path), keys, f"the held checkpoint {path.name}") for path in held]
    found.size, found.until, found.held = newest.size, newest.when, len(kept)
    if witnesses or authorities:
        reading = read_checkpoint, keys, UNSIGNED, NotCheckable
        kept += beside("anchors")["vouched"](bundle, witnesses, authorities, found, reading)
    by_size = attrgetter("size")
    kept += [newest] if newest.root else []
    marks = merge(read_checkpoints(bundle, keys, found), sorted(kept, key=by_size), key=by_size)
    mark, peaks, last_good = next(marks, None), list[bytes](), 0
    for index in range(-(-newest.size // TILE)):
        begin = index * TILE
        entries = read_entries(bundle, index, min(TILE, newest.size - begin), found)
        leaves = hashed(entries, LEAF)
        check_texts(bundle, index, entries, found)
        while mark is not None and mark.size <= begin + len(leaves):
            last_good, mark = check_mark(mark, begin, peaks, leaves, last_good, found), next(marks, None)
        if len(leaves) == TILE:
            [whole], before = peaks_of(leaves), index
            while before & 1:  # The roots of complete subtrees are all that is kept of a log of any length.
                whole, before = sha256(b"\x01" + peaks.pop() + whole).digest(), before >> 1
            peaks.append(whole)
        if tell is not None:
            tell(begin + len(leaves), newest.size)
    for rest in [] if mark is None else [mark, *marks]:
        check_mark(rest, newest.size, [], [], last_good, found)
    explain(found)
    return found


def beside(name: str) -> dict[str, Any]:
    """A part of this program that not everybody needs, from the file beside this one: what it defines."""
    path = Path(__file__).with_name(f"handoff_verify_{name}.py")
    if not path.is_file():
        raise NotCheckable(f"What was asked needs the file {path.name} beside this one.")
    return run_path(str(path))


def read_entries(bundle: Path, index: int, count: int, found: Found) -> Sequence[bytes]:
    """The commitments of one bundle of entries; where one is missing stand zeros, and it is said."""
    path = place(index) + (f".p/{count}" if count < TILE else "")
    content = needed(f"{bundle}/tile/entries/{path}", b"")
    if len(content) != count * ENTRY or content[::ENTRY] != bytes(count) or content[1::ENTRY] != b" " * count:
        found.say(ALTERED, f"Entries {index * TILE:,} to {index * TILE + count - 1:,} are not in the bundle.")
        return [bytes(32)] * count
    entries = struct.unpack("2x32s" * count, content)
    for at in [at for at, entry in enumerate(entries) if entry == bytes(32)] if bytes(32) in entries else []:
        found.say(ALTERED, f"Entry {index * TILE + at:,} is not in the log any more.")
    return entries


def check_texts(bundle: Path, index: int, entries: Sequence[bytes], found: Found) -> None:
    """Every text opens the entry that it stands for; what it says of others, and who has none, is remembered."""
    begin = index * TILE
    texts = read_texts(needed(f"{bundle}/texts/{place(index)}", b""), begin, entries, found)
    for at, text in enumerate(texts, begin):
        if text is None and found.named.pop(entries[at - begin], None) is not None:
            found.closed += 1  # It was named by a step before, and is opened to two agencies alone.
        elif text is None:
            since, _ = found.missing.pop() if found.missing and found.missing[-1][1] == at else (at, at)
            found.missing.append((since, at + 1))
        elif text[0] in TELLING or text[-2] == TELLING_END:  # At a glance: most texts say nothing of other entries.
            interpret(at, entries[at - begin], text, found)


def read_texts(content: bytes, begin: int, entries: Sequence[bytes], found: Found) -> Sequence[bytes | None]:
    """Each entry's text; None where there is none, and one that says nothing where it is not what was logged."""
    count, content = len(entries), content.ljust(4 * len(entries), b"\0")
    lengths = struct.unpack_from(f">{count}I", content)
    has = [at for at, length in enumerate(lengths) if length] if 0 in lengths else range(count)
    ends = [*accumulate(filter(None, lengths), initial=4 * count + 32 * len(has))]
    if ends[-1] != len(content) or 1 in lengths:
        found.say(ALTERED, f"The texts of entries {begin:,} to {begin + count - 1:,} are damaged.")
        return [None] * count
    texts = [content[at:end] for at, end in pairwise(ends)]
    if (made := commitments(cut(content[4 * count : ends[0]], 32), texts)) != [entries[at] for at in has]:
        for which, at in enumerate(has):
            if made[which] != entries[at]:
                found.say(ALTERED, f"The text of entry {begin + at:,} was altered: it does not fit what was logged.")
                texts[which] = SILENT
    found.opened += len(has)
    each = iter(texts)
    return texts if len(has) == count else [next(each) if length else None for length in lengths]


def interpret(at: int, logged: bytes, text: bytes, found: Found) -> None:
    """What a text says of others: that it is such a content, that texts were erased, that these contents go with it."""
    try:
        if text.startswith(CONTENT):
            found.named.pop(logged, None)
        elif text.startswith(ERASED):
            found.erasures.append((at, text.removeprefix(ERASED).decode()))
            found.covered.update(int(one) for one in json.loads(found.erasures[-1][1])["entries"] if one < at)
        elif text.endswith(NAMES_END) and NAMES in text:
            names = text.partition(NAMES)[2].partition(b'"]')[0].split(b'","')
            found.named.update((b64decode(name), at) for name in names)
    except (ValueError, TypeError, KeyError, RecursionError):
        found.say(ALTERED, f"Entry {at:,} does not say of which other entries it speaks.")


def commitments(salts: Sequence[bytes], texts: Sequence[bytes]) -> list[bytes]:
    """HMAC-SHA256 of each text under its salt. RFC 2104's, written out: OpenSSL's takes longer than all the rest."""
    heads = cut(INNER_REST.join([*salts, b""]).translate(INNER), 32 + len(INNER_REST))
    inner = hashed([head + text for head, text in zip(heads, texts, strict=True)])
    heads = cut(OUTER_REST.join([*salts, b""]).translate(OUTER), 64)
    return hashed([head + made for head, made in zip(heads, inner, strict=True)])


def check_mark(mark: Checkpoint, begin: int, peaks: list[bytes], leaves: list[bytes], good: int, found: Found) -> int:
    """A checkpoint's root is that of the entries it covers; returns up to where the log is known to be as signed."""
    if not mark.signed:
        found.say(UNSIGNED, f"{mark.name} is not signed by the log's key.")
    if mark.size > found.size:
        words = f"The log was shortened to {found.size:,} entries: {mark.name} says {mark.size:,}."
        found.say(REWRITTEN, f"{words} (Unless the bundle was exported before it: then export it anew.)")
        return good
    if mark.code == ALTERED and mark.size not in found.latest:
        found.latest = [*found.latest[-2:], mark.size]
    # Of what lies before this tile the peaks are left: a checkpoint that comes after a newer one fits nothing.
    if mark.size >= begin and root_of([*peaks, *peaks_of(leaves[: mark.size - begin])]) == mark.root:
        return max(good, mark.size)
    words = "The log was rewritten" if mark.code == REWRITTEN else "Entries were changed, removed or put in"
    found.say(mark.code, f"{words} somewhere from entry {good:,} to {mark.size - 1:,}: {mark.name} says another log.")
    return good


def explain(found: Found) -> None:
    """Missing texts are declared erased by a later entry; what steps name is in the log once two checkpoints follow."""
    for at in sorted(at for at in set(found.named.values()) if at < found.latest[0]):
        found.say(ALTERED, f"Entry {at:,} names what exactly was disclosed, and the log has no such entry.")
    for entry in (entry for begin, end in found.missing for entry in range(begin, end)):
        if entry in found.covered:
            found.erased += 1
        else:
            found.say(MISSING, f"The text of entry {entry:,} is missing, and nobody declared it erased.")


def told(found: Found) -> list[str]:
    """The result in plain words, the verdict first."""
    closed = f"{found.closed:,} texts of what exactly was disclosed stay closed to all but the two agencies."
    unheld = "No held checkpoint was given: whether the log was rewritten or shortened is not known."
    return [
        "EVERYTHING HOLDS." if found.code == HOLDS else "NOT EVERYTHING HOLDS.",
        f"{found.size:,} steps were logged{f' up to {found.until}' if found.until else ''}.",
        f"{found.checkpoints:,} signed checkpoints and {found.held:,} held ones were checked.",
        f"{found.opened:,} texts were opened; {found.erased:,} were erased, each by an entry that says so.",
        *([closed] if found.closed else []),
        *found.anchors,
        *(f"- {words}" for _, words in found.wrong),
        *([f"- and {more:,} more of the same kinds."] if (more := found.wrongs - len(found.wrong)) else []),
        *([] if found.held or found.anchors else [unheld]),
        "This cannot show: what was never logged. Compare receipts, and `handoff trail reconcile`, for that.",
    ]


def draw(done: int, size: int) -> None:
    """A bar on a terminal, redrawn every 16,384 entries."""
    if done % (64 * TILE) == 0 or done == size:
        sys.stderr.write(f"\r[{'#' * (30 * done // size):<30}] {done:,} of {size:,} entries" + "\n" * (done == size))
        sys.stderr.flush()


def main() -> None:
    """The command line."""
    parser = ArgumentParser("handoff-verify", description=__doc__, formatter_class=RawTextHelpFormatter)
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
        why = problem if isinstance(problem, NotCheckable) else f"{problem.filename}: {problem.strerror}."
        sys.stderr.write(f"It could not be checked. {why}\n")
        sys.exit(UNCHECKED)
    sys.stdout.write("\n".join(told(found)) + "\n")
    sys.exit(found.code)


if __name__ == "__main__":
    main()
