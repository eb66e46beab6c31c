"""Webhooks: thin, signed by every secret in use, and each answer of a receiver means what the standard says."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import to_json
from standardwebhooks import Webhook as Standard
from standardwebhooks import WebhookVerificationError
from typer.testing import CliRunner

from adapters.guard import Address, Guard
from adapters.standard_webhooks import HmacSecret, read_secret_text, signed_headers, verified
from adapters.transports import transports
from adapters.transports.outgoing import Outgoing, outgoing_of
from adapters.transports.statuses import retry_after
from adapters.transports.transport import Channel, ChannelRefused, Delivered, Handover, Outcome, Refused, TryAgain
from adapters.transports.webhook import Webhook, WebhookSettings, notice
from adapters.transports.webhook_secret_commands import secret_app
from adapters.transports.webhook_secret_making import (
    SecretKind,
    TooManySecrets,
    add_secret,
    list_secrets,
    new_secret,
    retire_secret,
)
from adapters.transports.webhook_secrets import KeptSecrets, read_secrets
from broker import limits
from broker.errors import SettingsInvalid
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event import events
from broker.schemas.ids import EventId, OfferId, OrgId, ReferralId
from broker.schemas.offer_made import OfferMade
from broker.schemas.vocabulary import MsgStatus, Priority
from broker.settings import load_settings
from tests.adapters.receivers.receiver import Behaviour
from tests.adapters.receivers.webhook import WebhookReceiver

ORG = OrgId("org-haven")
MADE_AT = datetime(2026, 3, 4, 2, 11, 8, tzinfo=UTC)


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    """A provider's system."""
    async with WebhookReceiver() as listening:
        yield listening


@pytest.fixture
async def webhook(receiver: WebhookReceiver) -> AsyncIterator[Webhook]:
    """The transport as the courier uses it, with the operator's settings, which allow the receiver."""
    transport = Webhook()
    await transport.start()
    yield transport
    await transport.stop()


@pytest.fixture
def channel(receiver: WebhookReceiver, tmp_path: Path) -> Channel:
    """A channel that reaches the receiver."""
    for name, content in receiver.secrets().items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    tmp_path.chmod(0o700)
    return Channel(ORG, 1, "webhook", WebhookSettings.model_validate(receiver.settings()), tmp_path)


def handover(*, type_: str = OfferMade.TYPE, offer: OfferMade | None = None) -> Handover:
    """A message for one attempt."""
    return Handover(
        message_id=EventId("0b0e5a4e-5f0c-4a55-9a4c-1f8a5f1f3c11"),
        type=type_,
        org=ORG,
        offer_id=OfferId("off-0b0e5a4e-5f0c-4a55-9a4c-1f8a5f1f3c11"),
        referral_id=ReferralId("ref-5f0c5a4e-5f0c-4a55-9a4c-1f8a5f1f3c11"),
        reference="K7QF-2MXD",
        priority=Priority.P1,
        environment=MsgStatus.ACTUAL,
        made_at=MADE_AT,
        stop_at=None,
        attempt=1,
        content=offer.wire() if offer is not None else None,
    )


def example_offer(**more: Any) -> OfferMade:
    """An offer full of what must not travel in a notice."""
    return OfferMade.read(to_json({**OfferMade.EXAMPLE, **more}))


async def answered(
    webhook: Webhook, channel: Channel, receiver: WebhookReceiver, status: int, **headers: str
) -> Outcome:
    """What comes of an attempt that the receiver answers so."""
    receiver.answer_with = (status, headers)
    return await webhook.attempt(channel, handover())


async def test_a_notice_arrives_thin_and_signed(webhook: Webhook, channel: Channel, receiver: WebhookReceiver) -> None:
    """Both signatures hold (the receiver verifies them), and the same id goes with every attempt."""
    await webhook.check(channel)
    assert await webhook.attempt(channel, handover()) == Delivered("HTTP_204")
    assert await webhook.attempt(channel, handover()) == Delivered("HTTP_204")
    assert await receiver.received() == [handover().message_id] * 2
    assert json.loads(receiver.arrived[0].body) == {
        "type": "org.warmhandoff.offer.made.v1",
        "timestamp": "2026-03-04T02:11:08Z",
        "data": {
            "offerId": "off-0b0e5a4e-5f0c-4a55-9a4c-1f8a5f1f3c11",
            "reference": "K7QF-2MXD",
            "environment": "actual",
        },
    }


async def test_nothing_of_what_is_offered_is_in_a_request(
    webhook: Webhook, channel: Channel, receiver: WebhookReceiver
) -> None:
    """Neither in its URL, its headers nor its body: not a coarse value, not a callback, not the referral's id."""
    offer = example_offer(
        workerContact={"role": "ADVOCATE_ON_CALL", "callback": "+15555550177"},
        accessNeeds={"preferredLanguage": "qu", "interpreter": True},
    )
    assert isinstance(await webhook.attempt(channel, handover(offer=offer)), Delivered)
    [arrived] = receiver.arrived
    said = f"{arrived.path} {dict(arrived.headers)} {arrived.body.decode()}"
    for secret in ("+15555550177", '"qu"', "ADVOCATE", "US-CA", "SHELTER", "VAWA", "P1", handover().referral_id):
        assert secret not in said


def test_a_notice_is_the_same_whatever_was_withheld() -> None:
    """Byte for byte: with everything, with the least that an offer may say, and of an offer that is over."""
    least = {"needSummary", "accessNeeds", "jurisdictionCode", "area", "workerContact", "noticeCode"}
    small = OfferMade.read(to_json({k: v for k, v in OfferMade.EXAMPLE.items() if k not in least}))
    assert notice(handover(offer=example_offer())) == notice(handover(offer=small)) == notice(handover())


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Delivered("HTTP_200")),
        (202, Delivered("HTTP_202")),
        (301, Refused("HTTP_301")),
        (308, Refused("HTTP_308")),
        (400, Refused("HTTP_400")),
        (401, Refused("HTTP_401", pause=True)),
        (403, Refused("HTTP_403", pause=True)),
        (404, TryAgain("HTTP_404")),
        (408, TryAgain("HTTP_408")),
        (410, Refused("HTTP_410", pause=True)),
        (422, Refused("HTTP_422")),
        (425, TryAgain("HTTP_425")),
        (429, TryAgain("HTTP_429")),
        (500, TryAgain("HTTP_500")),
        (503, TryAgain("HTTP_503")),
    ],
)
async def test_each_status_means_one_thing(
    status: int, outcome: Outcome, webhook: Webhook, channel: Channel, receiver: WebhookReceiver
) -> None:
    """F15: gone and not let in pause the channel, a redirect is not followed, what may pass is tried again."""
    assert await answered(webhook, channel, receiver, status, Location="https://localhost/") == outcome


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30),
        ("0", 0),
        ("999999", limits.retry_after_seconds_max),
        ("9" * 30, limits.retry_after_seconds_max),
        ("Wed, 04 Mar 2026 02:12:08 GMT", 60),
        ("Wed, 04 Mar 2026 02:00:00 GMT", 0),
        ("Wed, 04 Mar 2099 02:00:00 GMT", limits.retry_after_seconds_max),
        ("-5", None),
        ("soon", None),
        ("٣٠", None),
        ("9" * 4000, None),
        ("Wed, 99 Mar 2026 99:00:00 GMT", None),
        (None, None),
    ],
)
def test_what_a_receiver_asks_to_wait_is_bounded(said: str | None, seconds: float | None) -> None:
    """Seconds or a date; what is neither counts for nothing."""
    found = retry_after(said, MADE_AT.timestamp())
    assert found == (None if seconds is None else timedelta(seconds=seconds))


async def test_a_receiver_that_asks_to_wait_is_heard(
    webhook: Webhook, channel: Channel, receiver: WebhookReceiver
) -> None:
    """With 429 and with 503."""
    for status in (429, 503):
        outcome = await answered(webhook, channel, receiver, status, **{"Retry-After": "40"})
        assert outcome == TryAgain(f"HTTP_{status}", after=timedelta(seconds=40))


async def test_a_receiver_that_is_away_is_tried_again(
    webhook: Webhook, channel: Channel, receiver: WebhookReceiver
) -> None:
    """And found again on the same address."""
    await receiver.behave(Behaviour.AWAY)
    assert await webhook.attempt(channel, handover()) == TryAgain("NOT_REACHED")
    await receiver.behave(Behaviour.TAKE)
    assert await webhook.attempt(channel, handover()) == Delivered("HTTP_204")


async def test_a_name_that_dns_does_not_know_is_tried_again(channel: Channel, receiver: WebhookReceiver) -> None:
    """DNS may be away; when the channel is saved it is said."""

    async def nothing(host: str, port: int) -> Sequence[Address]:
        raise OSError

    webhook = Webhook(lambda: Outgoing(Guard(resolve=nothing), receiver.authority.client()))
    unknown = Channel(ORG, 1, "webhook", WebhookSettings(url="https://nowhere.example/in"), channel.secrets)
    assert await webhook.attempt(unknown, handover()) == TryAgain("NAME_UNKNOWN")
    with pytest.raises(ChannelRefused) as refused:
        await webhook.check(unknown)
    assert refused.value.code == "NAME_UNKNOWN"
    await webhook.stop()


async def test_one_that_says_nothing_may_have_taken_it(channel: Channel, receiver: WebhookReceiver) -> None:
    """The outcome says that nobody knows."""
    port = int(str(receiver.settings()["url"]).split(":")[2].split("/")[0])
    guard = Guard(frozenset({("localhost", port)}))
    impatient = Webhook(lambda: Outgoing(guard, receiver.authority.client(), seconds_max=0.5))
    await receiver.behave(Behaviour.HANG)
    assert await impatient.attempt(channel, handover()) == TryAgain("TIMED_OUT", unknown=True)
    await impatient.stop()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://provider.example/in", "NOT_HTTPS"),
        ("https://169.254.169.254/latest", "HOST_NOT_A_NAME"),
        ("https://user:pw@provider.example/in", "USER_IN_URL"),
        ("https://provider.example:9000/in", "PORT_NOT_ALLOWED"),
    ],
)
async def test_a_bad_address_is_refused_alike_when_saved_and_when_sent(
    url: str, code: str, webhook: Webhook, channel: Channel
) -> None:
    """By the same rule, with its code; one attempt and no more."""
    bad = Channel(ORG, 1, "webhook", WebhookSettings(url=url), channel.secrets)
    with pytest.raises(ChannelRefused) as refused:
        await webhook.check(bad)
    assert refused.value.code == code
    assert await webhook.attempt(bad, handover()) == Refused(code)


async def test_without_a_usable_secret_nothing_is_sent(
    webhook: Webhook, channel: Channel, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    """None at all; one that others can read; one that is no secret."""
    for name in receiver.secrets():
        (tmp_path / name).unlink()
    assert await webhook.attempt(channel, handover()) == Refused("SECRET_MISSING")
    held = tmp_path / "held.secret"
    for content, mode in ((HmacSecret.new().text(), 0o644), ("whsec_AAAA", 0o600), ("password", 0o600)):
        held.write_text(content)
        held.chmod(mode)
        with pytest.raises(ChannelRefused, match="secrets is no secret"):
            read_secrets(tmp_path)
        held.unlink()
    assert receiver.arrived == []


async def test_a_new_secret_signs_beside_the_old_one_until_that_is_retired(
    webhook: Webhook, channel: Channel, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    """S11: whichever of the two the receiver knows, no delivery fails meanwhile."""
    fresh = new_secret(tmp_path, SecretKind.HMAC, MADE_AT)
    assert isinstance(await webhook.attempt(channel, handover()), Delivered), "the old ones still sign"
    receiver.hmac = fresh.for_other_side
    assert isinstance(await webhook.attempt(channel, handover()), Delivered), "the new one does, too"
    retire_secret(tmp_path, "hmac")
    assert isinstance(await webhook.attempt(channel, handover()), Delivered)
    assert len(receiver.arrived[-1].headers["webhook-signature"].split()) == 2


def test_a_stolen_secret_signs_for_nobody_else() -> None:
    """S11: what one channel's secret signs, no other's receiver believes."""
    ours, stolen = HmacSecret.new(), HmacSecret.new()
    headers = signed_headers("msg-1", int(datetime.now(UTC).timestamp()), b"{}", [stolen])
    with pytest.raises(WebhookVerificationError):
        Standard(ours.text()).verify(b"{}", headers)
    Standard(stolen.text()).verify(b"{}", headers)


def test_the_standard_s_own_example_is_signed_alike() -> None:
    """domain.md §9.11."""
    body = b'{"type":"referral.offered","timestamp":"2026-03-04T02:11:08Z","data":{"offerId":"off-3f0d"}}'
    secret = read_secret_text("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
    assert isinstance(secret, HmacSecret)
    headers = signed_headers("msg_2Zk0J1testonly", 1772590268, body, [secret])
    assert headers["webhook-signature"] == "v1,BHlmvsJ/SXEB/mIvBHniGjb+IwnTXMnU9y7wuVqOdq4="


@pytest.mark.parametrize("header", ["", "v1", "v1,", "v1,***", "v2,AAAA", ", , ,", "v1a,AAAA", "v1," + "A" * 9000])
def test_a_malformed_signature_counts_for_nothing(header: str) -> None:
    """And does no harm."""
    assert not verified(header, b"content", [HmacSecret.new()])


def test_secrets_are_kept_private_and_shown_to_nobody(tmp_path: Path) -> None:
    """Files of mode 0600; a list shows names, versions and public halves; a repr shows nothing."""
    folder = tmp_path / "channel"
    ed25519 = new_secret(folder, SecretKind.ED25519, MADE_AT)
    hmac = new_secret(folder, SecretKind.HMAC, MADE_AT + timedelta(seconds=1))
    assert [path.stat().st_mode & 0o777 for path in folder.iterdir()] == [0o600, 0o600]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [(one.name, one.version, one.public) for one in list_secrets(folder)] == [
        (ed25519.name, "v1a", ed25519.for_other_side),
        (hmac.name, "v1", None),
    ]
    assert ed25519.for_other_side.startswith("whpk_")
    secret = base64.b64encode(b"\x01" * 32).decode()
    assert secret not in f"{hmac!r}{read_secret_text('whsec_' + secret)!r}"
    assert hmac.for_other_side not in repr(hmac)


def test_only_so_many_secrets_at_once(tmp_path: Path) -> None:
    """Each is a part of every header."""
    folder = tmp_path / "channel"
    for _ in range(limits.signing_secrets_max):
        new_secret(folder, SecretKind.HMAC, MADE_AT)
    with pytest.raises(TooManySecrets):
        new_secret(folder, SecretKind.HMAC, MADE_AT)
    with pytest.raises(TooManySecrets):
        add_secret(folder, HmacSecret.new().text(), MADE_AT)


def test_a_changed_folder_is_noticed_and_an_unchanged_one_not_read_again(tmp_path: Path) -> None:
    """A retired secret signs for some seconds at most, even where the file system tells no change."""
    now = [0.0]
    kept = KeptSecrets(lambda: now[0])
    folder = tmp_path / "channel"
    assert kept.of(folder) == ()
    first = new_secret(folder, SecretKind.HMAC, MADE_AT)
    held = kept.of(folder)
    assert len(held) == 1
    assert kept.of(folder) is held
    retire_secret(folder, first.name)
    now[0] += limits.secrets_kept_seconds
    assert kept.of(folder) == ()


def test_secrets_are_made_listed_and_retired_by_command(tmp_path: Path) -> None:
    """What is to be told to the other side is printed once; what is only ours, never."""
    asked: list[tuple[str, int | None]] = []

    def folder_of(org: str, place: int | None) -> Path:
        asked.append((org, place))
        return tmp_path / "channel"

    run = CliRunner()
    app = secret_app(folder_of)
    made = run.invoke(app, ["new", "--org", ORG, "--place", "2"])
    assert made.exit_code == 0, made.output
    assert "whpk_" in made.output
    assert "whsk_" not in made.output
    [seen] = json.loads(run.invoke(app, ["list", "--org", ORG, "--place", "2", "--json"]).output)
    assert seen["version"] == "v1a"
    assert seen["name"] in run.invoke(app, ["list", "--org", ORG, "--place", "2"]).output
    assert run.invoke(app, ["retire", seen["name"], "--org", ORG, "--place", "2"]).exit_code == 0
    assert list_secrets(tmp_path / "channel") == []
    believed = run.invoke(app, ["add", "--org", ORG, "--door"], input=HmacSecret.new().text() + "\n")
    assert believed.exit_code == 0, believed.output
    assert set(asked) == {(ORG, 2), (ORG, None)}
    assert run.invoke(app, ["new", "--org", ORG]).exit_code == 2, "a channel or the door"


def test_certificates_that_cannot_be_read_are_a_bad_setting(tmp_path: Path) -> None:
    """And are not silently left out."""
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(SettingsInvalid, match="HANDOFF_OUTGOING_CA_FILE"):
        outgoing_of(load_settings(outgoing_ca_file=tmp_path / "ca.pem", _env_file=None))


def test_it_is_found_by_its_being_there() -> None:
    """And carries the broker's events alone that name an offer."""
    assert transports()["webhook"] is Webhook
    assert DisclosureReleased in Webhook.CARRIES
    assert all("offer_id" in one.model_fields for one in Webhook.CARRIES)
    assert set(events().values()) >= Webhook.CARRIES
