"""Finds a secret in files byte by byte, in every form in which software writes a text down without meaning to.

So is shown that what was sealed stands nowhere in the clear: not in Kafka, not in PostgreSQL, not in a log.
"""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

Hidden = str | bytes

_BASE64_BITS: Final = 6
_ZEROS_KEPT: Final = 64
"""UTF-16 ends in a zero byte, and a key may."""


def forms(secret: Hidden) -> frozenset[bytes]:
    """How a secret looks in a file: as it is, in UTF-16 if it is a text, in hexadecimal, and in base64.

    In base64 it looks in three ways, by how many bytes stand before it; what its neighbours share in is cut off.
    """
    plain = secret.encode() if isinstance(secret, str) else secret
    wide = [secret.encode(code) for code in ("utf-16-le", "utf-16-be")] if isinstance(secret, str) else []
    digits = plain.hex().encode()
    return frozenset([plain, *wide, digits, digits.upper(), *_base64(plain)])


def _base64(plain: bytes) -> Iterator[bytes]:
    for before in range(3):
        shifted = bytes(before) + plain
        begin = -(-8 * before // _BASE64_BITS)
        end = 8 * len(shifted) // _BASE64_BITS
        for encoded in (b64encode(shifted), urlsafe_b64encode(shifted)):
            yield encoded[begin:end]


def files_below(folder: Path, *, without: Sequence[str] = ()) -> Iterator[Path]:
    """Every file below a folder, but for what lies in folders of these names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not set(without) & set(path.relative_to(folder).parts):
            yield path


def footprints(files: Iterable[Path], secrets: Sequence[Hidden]) -> list[tuple[Path, int]]:
    """Which file holds which of the secrets, by its place in `secrets`. A file that ends meanwhile holds none."""
    wanted = [(number, form) for number, secret in enumerate(secrets) for form in forms(secret)]
    found: set[tuple[Path, int]] = set()
    for path in files:
        content = _content(path)
        found |= {(path, number) for number, form in wanted if form in content}
    return sorted(found)


def _content(path: Path) -> bytes:
    """The file up to some zeros at its end: Kafka and PostgreSQL lay out files before they fill them."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b""
    return content[: len(content.rstrip(b"\x00")) + _ZEROS_KEPT]
