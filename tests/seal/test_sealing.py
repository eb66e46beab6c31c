"""A sealed group opens for its recipient, in its place, unchanged; and in no other way."""

import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import KeyId, OrgId
from broker.schemas.sealed import GROUP_BYTES_CLASSES, GROUP_BYTES_MAX, SealedGroup, WrappedKey
from broker.seal import base64url
from broker.seal.errors import (
    GroupDoesNotOpen,
    GroupTooLarge,
    KeyDoesNotOpen,
    NotForThisKey,
    PaddingBroken,
    PublicKeyRefused,
    SealBroken,
    SealError,
)
from broker.seal.keys import PublicSealingKey, PublicSigningKey, SigningKey
from broker.seal.opening import KeyRing, OpeningKey, open_group
from broker.seal.padding import pad, unpad
from broker.seal.sealing import ContentKey, seal_group, wrap_key
from tests.seal.kit import OPENING, OTHER_REFERRAL, PERSON, REFERRAL, SAFE_CONTACT, SHELTER, SIGNING, handed

TEXTS = st.one_of(st.binary(max_size=600), st.sampled_from([b"x" * (size - 1) for size in GROUP_BYTES_CLASSES]))


@given(text=TEXTS)
def test_what_is_sealed_opens_as_it_was(text: bytes) -> None:
    """Any text up to the largest class, also one that ends in padding's own bytes."""
    for content in (text, text[:-1] + b"\x80", text[:-1] + b"\0"):
        given_to = handed(content)
        assert open_group(REFERRAL, given_to.sealed, given_to.wrapped, OPENING) == content


@given(length=st.integers(0, GROUP_BYTES_MAX))
def test_a_ciphertext_tells_its_size_class_and_no_more(length: int) -> None:
    """domain.md §13 T6: payload sizes are the classes."""
    sealed, _ = seal_group(REFERRAL, SAFE_CONTACT, b"x" * length)
    size = len(base64url.decode(sealed.ciphertext)) - 12 - 16
    assert size == next(one for one in GROUP_BYTES_CLASSES if one > length)


def test_a_group_too_long_is_refused_and_not_cut() -> None:
    """One byte more than the largest class holds, and nothing is sealed."""
    seal_group(REFERRAL, SAFE_CONTACT, b"x" * GROUP_BYTES_MAX)
    with pytest.raises(GroupTooLarge):
        seal_group(REFERRAL, SAFE_CONTACT, b"x" * (GROUP_BYTES_MAX + 1))


def test_the_same_text_never_looks_the_same_twice() -> None:
    """Key and nonce are fresh each time, so nobody sees that two referrals say the same."""
    texts = {handed(b"same").sealed.ciphertext for _ in range(50)}
    wraps = {handed(b"same").wrapped.wrapped for _ in range(50)}
    assert len(texts) == len(wraps) == 50


@pytest.mark.parametrize(
    "padded",
    [b"", bytes(256), b"x" * 256, b"text\x80" + bytes(250), b"text\x80" + bytes(252), b"text\x80" + bytes(250) + b"x"],
    ids=["empty", "no mark", "full", "class missed by one below", "by one above", "bytes after the mark"],
)
def test_wrong_padding_is_refused(padded: bytes) -> None:
    """Only a size class with mark and zeros is a padded text."""
    with pytest.raises(PaddingBroken):
        unpad(padded)


def test_a_sender_may_take_a_larger_class_than_needed() -> None:
    """Whoever wishes to hide more of the length pads further."""
    assert unpad(b"text\x80".ljust(4096, b"\0")) == b"text"
    assert unpad(pad(b"text")) == b"text"


MOVES: dict[str, Callable[[SealedGroup, WrappedKey], tuple[SealedGroup, WrappedKey]]] = {
    "group renamed": lambda sealed, wrapped: (
        sealed.model_copy(update={"field_group": PERSON}),
        wrapped.model_copy(update={"field_group": PERSON}),
    ),
    "group of the ciphertext only": lambda sealed, wrapped: (
        sealed.model_copy(update={"field_group": PERSON}),
        wrapped,
    ),
    "group of the key only": lambda sealed, wrapped: (sealed, wrapped.model_copy(update={"field_group": PERSON})),
    "recipient renamed": lambda sealed, wrapped: (
        sealed,
        wrapped.model_copy(update={"recipient": OrgId("org-shelter-c")}),
    ),
    "key renamed": lambda sealed, wrapped: (
        sealed,
        wrapped.model_copy(update={"key_id": KeyId(f"{SHELTER}#2026-02")}),
    ),
    "another ciphertext of the same group": lambda sealed, wrapped: (handed(b"forged").sealed, wrapped),
    "another key of the same group": lambda sealed, wrapped: (sealed, handed(b"forged").wrapped),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_nothing_moved_opens(move: Callable[[SealedGroup, WrappedKey], tuple[SealedGroup, WrappedKey]]) -> None:
    """Group, recipient, key and ciphertext are bound in; a renamed label is not enough."""
    given_to = handed(b"text")
    with pytest.raises(SealBroken):
        open_group(REFERRAL, *move(given_to.sealed, given_to.wrapped), OPENING)


def test_a_group_moved_to_another_referral_does_not_open() -> None:
    """Ciphertext and key together, untouched, under another referral."""
    given_to = handed(b"text")
    with pytest.raises(KeyDoesNotOpen):
        open_group(OTHER_REFERRAL, given_to.sealed, given_to.wrapped, OPENING)


def test_a_key_under_a_borrowed_name_does_not_open() -> None:
    """Another private key that claims the id, and the same private key under another id: neither opens."""
    given_to = handed(b"text")
    with pytest.raises(KeyDoesNotOpen):
        open_group(REFERRAL, given_to.sealed, given_to.wrapped, OpeningKey.new(OPENING.key_id))
    for borrowed in (KeyId(f"{SHELTER}#2026-02"), KeyId("org-shelter-c#2026-01")):
        key = OpeningKey(borrowed, OPENING.x25519.private_bytes_raw())
        renamed = given_to.wrapped.model_copy(update={"key_id": borrowed, "recipient": key.org})
        with pytest.raises(KeyDoesNotOpen):
            open_group(REFERRAL, given_to.sealed, renamed, key)


GIVEN_TO = handed(b'{"handle":"+15555550142"}')


@given(bit=st.integers(0, (12 + 256 + 16) * 8 - 1))
def test_a_flipped_bit_of_a_ciphertext_is_seen(bit: int) -> None:
    """Whichever bit of nonce, text or tag."""
    changed = GIVEN_TO.sealed.model_copy(update={"ciphertext": _flipped(GIVEN_TO.sealed.ciphertext, bit)})
    with pytest.raises(KeyDoesNotOpen):
        open_group(REFERRAL, changed, GIVEN_TO.wrapped, OPENING)


@given(bit=st.integers(0, 80 * 8 - 1))
def test_a_flipped_bit_of_a_wrapped_key_is_seen(bit: int) -> None:
    """Whichever bit, the highest of the point too: X25519 ignores it (RFC 7748 §5), HPKE binds it."""
    changed = GIVEN_TO.wrapped.model_copy(update={"wrapped": _flipped(GIVEN_TO.wrapped.wrapped, bit)})
    with pytest.raises(KeyDoesNotOpen):
        open_group(REFERRAL, GIVEN_TO.sealed, changed, OPENING)


@given(place=st.integers(0, 378), letter=st.sampled_from("ABCwxyz0189-_"))
def test_a_changed_letter_of_the_text_form_is_seen(place: int, letter: str) -> None:
    """The unused bits of the last letter too: there is one text for each sequence of bytes."""
    text = GIVEN_TO.sealed.ciphertext
    if text[place] == letter:
        return
    changed = GIVEN_TO.sealed.model_copy(update={"ciphertext": text[:place] + letter + text[place + 1 :]})
    with pytest.raises(SealBroken):
        open_group(REFERRAL, changed, GIVEN_TO.wrapped, OPENING)


@given(ciphertext=st.text(max_size=40), wrapped=st.text(max_size=120))
def test_garbage_is_a_broken_seal_and_nothing_else(ciphertext: str, wrapped: str) -> None:
    """What the schema would have refused raises no stranger error if it comes all the same."""
    sealed = GIVEN_TO.sealed.model_copy(update={"ciphertext": ciphertext})
    key = GIVEN_TO.wrapped.model_copy(update={"wrapped": wrapped})
    for group, its_key in ((sealed, GIVEN_TO.wrapped), (GIVEN_TO.sealed, key), (sealed, key)):
        with pytest.raises(SealBroken):
            open_group(REFERRAL, group, its_key, OPENING)


def test_a_content_key_that_does_not_fit_opens_nothing() -> None:
    """A source that wraps the wrong key is told by the error that it is the group that does not open."""
    sealed, _ = seal_group(REFERRAL, SAFE_CONTACT, b"text")
    wrapped = wrap_key(REFERRAL, sealed, ContentKey.new(), OPENING.public)
    with pytest.raises(GroupDoesNotOpen):
        open_group(REFERRAL, sealed, wrapped, OPENING)


def test_one_content_key_serves_several_recipients_each_with_its_own_wrap() -> None:
    """A named release to two shelters; neither opens with the other's wrapped key."""
    second = OpeningKey.new(KeyId("org-shelter-c#2026-01"))
    sealed, key = seal_group(REFERRAL, SAFE_CONTACT, b"text")
    first_wrap, second_wrap = (wrap_key(REFERRAL, sealed, key, one.public) for one in (OPENING, second))
    assert open_group(REFERRAL, sealed, first_wrap, OPENING) == open_group(REFERRAL, sealed, second_wrap, second)
    with pytest.raises(NotForThisKey):
        open_group(REFERRAL, sealed, second_wrap, OPENING)


def test_a_ring_opens_with_whichever_key_fits() -> None:
    """After a rotation, what was sealed to the old key opens; a broken wrap does not stand in the way."""
    old, new = OPENING, OpeningKey.new(KeyId(f"{SHELTER}#2026-02"))
    ring = KeyRing(SHELTER, [old, new])
    sealed, key = seal_group(REFERRAL, SAFE_CONTACT, b"text")
    to_old, to_new = (wrap_key(REFERRAL, sealed, key, one.public) for one in (old, new))
    broken = to_new.model_copy(update={"wrapped": handed(b"x").wrapped.wrapped})
    assert ring.open(REFERRAL, sealed, [to_old]) == ring.open(REFERRAL, sealed, [to_new]) == b"text"
    assert ring.open(REFERRAL, sealed, [broken, to_old]) == b"text"
    with pytest.raises(KeyDoesNotOpen):
        ring.open(REFERRAL, sealed, [broken])
    for stranger in ([], [wrap_key(REFERRAL, sealed, key, OpeningKey.new(KeyId("org-other#1")).public)]):
        with pytest.raises(NotForThisKey):
            ring.open(REFERRAL, sealed, stranger)


def test_a_public_key_that_makes_no_secret_is_refused() -> None:
    """Low-order points (RFC 7748 §6.1) and keys of a wrong length."""
    sealed, key = seal_group(REFERRAL, SAFE_CONTACT, b"text")
    with pytest.raises(PublicKeyRefused):
        wrap_key(REFERRAL, sealed, key, PublicSealingKey(OPENING.key_id, bytes(32)))
    with pytest.raises(PublicKeyRefused):
        PublicSealingKey(OPENING.key_id, bytes(31))
    with pytest.raises(PublicKeyRefused):
        PublicSigningKey(SIGNING.key_id, bytes(31))


@pytest.mark.parametrize("text", ["A" * 378, "A" * 380, "=" * 379, "A" * 378 + "+", "A" * 378 + "\n", ""])
def test_the_schema_refuses_what_no_size_class_gives(text: str) -> None:
    """A ciphertext that was not padded does not reach anybody, so its length tells nothing."""
    with pytest.raises(ValueError):
        SealedGroup(field_group=FieldGroup("FG03"), ciphertext=text)


@pytest.mark.parametrize("secret", [SIGNING, OPENING, ContentKey(b"\x01" * 32)], ids=["signing", "opening", "content"])
def test_a_secret_does_not_show_itself(secret: SigningKey | OpeningKey | ContentKey) -> None:
    """Not by repr, text or format, not inside a container, not by pickle, not by its attributes' dictionary."""
    held = (
        secret.reveal()
        if isinstance(secret, ContentKey)
        else (secret._private if isinstance(secret, SigningKey) else secret.x25519).private_bytes_raw()
    )
    shown = " ".join([repr(secret), str(secret), f"{secret}", f"{secret!s:>60}", repr([secret]), repr({"key": secret})])
    for form in (held.hex(), base64url.encode(held), repr(held)[2:-1], base64url.encode(held[:9])):
        assert form not in shown
    assert not hasattr(secret, "__dict__")
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_no_error_of_ours_holds_a_value() -> None:
    """Messages say which check failed, in general words."""
    given_to = handed(b"CANARY-TEXT")
    for referral, key in ((OTHER_REFERRAL, OPENING), (REFERRAL, OpeningKey.new(OPENING.key_id))):
        with pytest.raises(SealError) as caught:
            open_group(referral, given_to.sealed, given_to.wrapped, key)
        shown = f"{caught.value!r} {caught.value} {caught.value.__cause__} {caught.value.remedy}"
        for value in ("CANARY", REFERRAL, OTHER_REFERRAL, given_to.sealed.ciphertext, given_to.wrapped.wrapped):
            assert value not in shown


def _flipped(text: str, bit: int) -> str:
    content = bytearray(base64url.decode(text))
    content[bit // 8] ^= 1 << bit % 8
    return base64url.encode(bytes(content))
