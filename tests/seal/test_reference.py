"""The second implementation is sound, and the library's HPKE is RFC 9180: both are held against published values."""

from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from tests.seal.reference import Hpke

# RFC 9180, appendix A.1.1: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM, base mode, first encryption.
INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
EPHEMERAL = bytes.fromhex("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736")
ENC = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
RECIPIENT = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
RECIPIENT_PUBLIC = bytes.fromhex("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d")
SHARED = bytes.fromhex("fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc")
KEY = bytes.fromhex("4531685d41d65f03dc48f6b8302c05b0")
BASE_NONCE = bytes.fromhex("56d890e5accaaf011cff4b7d")
TEXT = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
AAD = bytes.fromhex("436f756e742d30")
SEALED = bytes.fromhex("f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a")

AES_128 = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
AES_256 = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def test_the_reference_gives_the_published_values() -> None:
    """RFC 9180 A.1.1 step by step: encapsulation, key schedule, encryption."""
    hpke = Hpke(aead_id=1)
    assert hpke.encapsulate(EPHEMERAL, RECIPIENT_PUBLIC) == (SHARED, ENC)
    assert hpke.schedule(SHARED, INFO) == (KEY, BASE_NONCE)
    assert hpke.seal(EPHEMERAL, RECIPIENT_PUBLIC, INFO, TEXT, AAD) == ENC + SEALED
    assert hpke.open(RECIPIENT, INFO, ENC + SEALED, AAD) == TEXT


def test_the_library_opens_the_published_ciphertext() -> None:
    """RFC 9180 A.1.1 has associated data, which the library takes by its test-only door."""
    private = X25519PrivateKey.from_private_bytes(RECIPIENT)
    assert openssl.hpke._decrypt_with_aad(AES_128, ENC + SEALED, private, INFO, AAD) == TEXT


@given(recipient=st.binary(min_size=32, max_size=32), info=st.binary(max_size=300), text=st.binary(max_size=300))
def test_library_and_reference_open_each_others_ciphertexts(recipient: bytes, info: bytes, text: bytes) -> None:
    """With AES-256-GCM, which the project uses: either seals what the other opens, for any info and text."""
    private = X25519PrivateKey.from_private_bytes(recipient)
    public = private.public_key().public_bytes_raw()
    assert Hpke(2).open(recipient, info, AES_256.encrypt(text, private.public_key(), info=info)) == text
    sealed = Hpke(2).seal(EPHEMERAL, public, info, text)
    assert AES_256.decrypt(sealed, private, info=info) == text
    assert X25519PublicKey.from_public_bytes(sealed[:32]).public_bytes_raw() == ENC
