"""A secret is found in a file whatever it was written as; what is not there is not found."""

import json
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

from broker.local.footprints import files_below, footprints, forms

NAME = "Quillfeather"
KEY = bytes(range(200, 232))


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("after", range(4))
def test_a_secret_is_found_in_base64_wherever_it_stands(tmp_path: Path, before: int, after: int) -> None:
    """Base64 looks another way by what stands before it and is blurred at both ends; it is found all the same."""
    for number, encode in enumerate((b64encode, urlsafe_b64encode)):
        for secret in (NAME.encode(), KEY):
            path = tmp_path / f"{number}-{len(secret)}"
            path.write_bytes(encode(b"\xff" * before + secret + b"\xff" * after))
            assert footprints([path], [secret]) == [(path, 0)]


@pytest.mark.parametrize(
    "written",
    [
        NAME.encode(),
        NAME.encode("utf-16"),
        NAME.encode("utf-16-be"),
        NAME.encode().hex().encode(),
        NAME.encode().hex().upper().encode(),
        json.dumps({"alias": NAME}).encode(),
        quote(f"Robin {NAME} & co").encode(),
    ],
)
def test_a_secret_is_found_in_the_forms_that_software_writes(tmp_path: Path, written: bytes) -> None:
    """As it is, in both byte orders of UTF-16, in hexadecimal, in JSON and in an address."""
    path = tmp_path / "deep" / "segment.log"
    path.parent.mkdir()
    path.write_bytes(b"\x00\x01" + written + bytes(4096))
    assert footprints(files_below(tmp_path), ["Wolfsbane", NAME]) == [(path, 1)]


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    """Another text is not it, nor is a part of it; files in folders that are left out are not read."""
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "directory.json").write_text(NAME)
    (tmp_path / "postgres.log").write_text(NAME[:-1] + NAME[1:])
    assert footprints(files_below(tmp_path, without=["zones"]), [NAME, KEY]) == []


def test_no_form_is_so_short_that_it_occurs_by_chance() -> None:
    """Six random bytes may occur anywhere; what stands for a whole secret is longer."""
    assert min(map(len, forms(NAME) | forms(KEY))) >= len(NAME)
