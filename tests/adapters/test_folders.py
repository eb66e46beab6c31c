"""An organisation's folder says who it is and whose word it believes; what is missing is told, nothing is guessed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.errors import ProviderFolderIncomplete
from adapters.provider import KEYS_FOLDER, load_providers, write_provider_folder
from broker.errors import HandoffError
from broker.schemas.ids import KeyId, OrgId, ReferralId, new_referral_id
from broker.schemas.reference import normalised, reference_of
from broker.schemas.vocabulary import RecipientCategory
from broker.seal.errors import KeyMissing
from broker.seal.keys import SigningKey
from broker.seal.opening import OpeningKey

NOW = datetime.now(UTC)
ORG = OrgId("org-haven")
BROKERS_CARD = SigningKey.new(KeyId("org-broker#1")).card(NOW)


def _keys(folder: Path) -> None:
    SigningKey.new(KeyId(f"{ORG}#sign")).keep(folder / KEYS_FOLDER, NOW)
    OpeningKey.new(KeyId(f"{ORG}#seal")).keep(folder / KEYS_FOLDER, NOW)


def test_a_whole_folder_is_served(home: Path) -> None:
    """Card, keys and the broker's card: the organisation is there with its kind, and its repr shows no key."""
    write_provider_folder(home / ORG, ORG, RecipientCategory.SHELTER, [BROKERS_CARD])
    _keys(home / ORG)
    providers = load_providers(home)
    assert list(providers) == [ORG]
    assert providers[ORG].kind.POLICY.category is RecipientCategory.SHELTER
    assert set(providers[ORG].broker_keys) == {BROKERS_CARD.key_id}
    assert BROKERS_CARD.public_key not in repr(providers[ORG])


def test_a_folder_without_a_card_is_an_agencys_and_not_served(home: Path) -> None:
    """An installation holds agencies' folders beside providers'."""
    _keys(home / ORG)
    assert load_providers(home) == {}


@pytest.mark.parametrize(
    ("category", "cards", "keys", "error"),
    [
        (RecipientCategory.SHELTER, [], True, ProviderFolderIncomplete),
        (RecipientCategory.AUDITOR, [BROKERS_CARD], True, ProviderFolderIncomplete),
        (RecipientCategory.SHELTER, [BROKERS_CARD], False, KeyMissing),
    ],
)
def test_what_is_missing_is_told(
    home: Path, category: RecipientCategory, cards: list[object], keys: bool, error: type[HandoffError]
) -> None:
    """No card of the broker, no such kind, no keys: each says what to do."""
    write_provider_folder(home / ORG, ORG, category, cards)  # type: ignore[arg-type]
    if keys:
        _keys(home / ORG)
    with pytest.raises(error) as told:
        load_providers(home)
    assert told.value.remedy


def test_a_card_that_is_no_card_is_told(home: Path) -> None:
    """Whatever else is in the file is not repeated."""
    (home / ORG).mkdir(parents=True)
    (home / ORG / "provider.json").write_text('{"orgId": "Quillfeather"}')
    with pytest.raises(ProviderFolderIncomplete) as told:
        load_providers(home)
    assert "Quillfeather" not in str(told.value)


def test_a_reference_is_short_and_read_generously() -> None:
    """Eight letters and digits that cannot be mistaken for each other, the same for everyone who has the referral."""
    referral = ReferralId("ref-8f14e45f-0000-4000-8000-000000000000")
    assert reference_of(referral) == "HWAE-8QR0"
    for typed in ("HWAE-8QR0", " hwae 8qro ", "HWAE8QRo"):
        assert normalised(typed) == "HWAE-8QR0"
    for wrong in ("", "HWAE-8QR", "HWAE-8QRU", "off-8f14e45f-0000-4000-8000-000000000000"):
        assert normalised(wrong) is None
    assert len({reference_of(new_referral_id()) for _ in range(1000)}) == 1000
