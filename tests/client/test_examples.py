"""Every file of docs/examples does what it says: the good are taken, each bad one is refused with its name's code."""

from pathlib import Path

import pytest

from broker.commands.event_file import ShortEvent, now_utc, read_event_file
from broker.errors import HandoffError
from broker.schemas.refusal import ADVICE, RefusalCode
from tests.client.county import HOTLINE, POLICE, County
from tests.client.shell import EXAMPLES, handoff, in_environment, told
from tests.client.test_publishing import on_topic

GOOD = sorted(EXAMPLES.glob("*.json"))
REFUSED = sorted((EXAMPLES / "refused").glob("*.json"))
AFTER_ANOTHER = {"CONSENT_VERSION_CONFLICT", "REFERRAL_EXISTS", "REFERRAL_UNKNOWN", "SEALED_GROUP_UNKNOWN"}
"""What only the broker's registry can see."""


@pytest.fixture
def environ(whole_county: County, monkeypatch: pytest.MonkeyPatch) -> County:
    """The county, its settings in the environment."""
    in_environment(whole_county, monkeypatch)
    return whole_county


@pytest.fixture
def unheard(county: County, monkeypatch: pytest.MonkeyPatch) -> County:
    """A county whose broker is not there, its settings in the environment: for what sends nothing."""
    in_environment(county, monkeypatch)
    return county


async def test_each_good_example_is_accepted(environ: County) -> None:
    """`handoff publish FILE --wait` exits 0 for every example that an agency can start from."""
    async with environ.broker():
        for file in GOOD:
            org = HOTLINE if file.stem in ("hotline-referral", "revocation") else POLICE
            result = await handoff("publish", file, "--wait", "--org", org)
            assert result.exit_code == 0, f"{file.name}: {told(result)}"
            assert "accepted" in result.output


async def test_each_bad_example_is_refused_with_its_code_and_what_to_do(environ: County) -> None:
    """`handoff publish FILE --raw --wait` exits 1 and prints the code that is the file's name, meaning and remedy."""
    wrong = []
    async with environ.broker():
        for file in REFUSED:
            result = await handoff("publish", file, "--raw", "--wait", "--org", HOTLINE)
            code = RefusalCode(file.stem)
            said = f"refused: {code}" in result.output and ADVICE[code].remedy in result.output
            if result.exit_code != 1 or not said:
                wrong.append(f"{file.stem}: exit {result.exit_code}: {told(result)}")
    assert wrong == []


async def test_what_the_client_can_see_is_refused_before_it_leaves_with_the_same_code(unheard: County) -> None:
    """The client asks the rules that the broker asks: the same code, and nothing on the topic."""
    checked = 0
    for file in REFUSED:
        events = read_event_file(file, HOTLINE, now_utc())
        raw_only = any(isinstance(event, ShortEvent) and event.raw_only for event in events)
        if raw_only or file.stem in AFTER_ANOTHER or file.stem == RefusalCode.ID_REUSED:
            continue
        result = await handoff("publish", file, "--org", HOTLINE)
        assert isinstance(result.exception, HandoffError), f"{file.stem}: {told(result)}"
        assert file.stem in str(result.exception)
        assert result.exception.remedy == ADVICE[RefusalCode(file.stem)].remedy
        checked += 1
    assert checked >= 15
    assert not await on_topic(unheard)


def test_every_refusal_that_a_source_can_cause_has_its_example() -> None:
    """A new code needs an example, or a reason why a source cannot cause it."""
    not_by_a_source = {
        *("OFFER_UNKNOWN", "OFFER_TAKEN", "OFFER_EXPIRED", "OFFER_WITHDRAWN", "OFFER_ALREADY_ANSWERED"),
        "ANSWER_NOT_OFFERED",
    }
    needs_somebody_else = {"SOURCE_UNKNOWN", "INCIDENT_UNKNOWN", "CONSENT_UNKNOWN", "NOT_YOURS"} | {
        *("BREAK_GLASS_SUSPENDED", "BREAK_GLASS_UNKNOWN", "BREAK_GLASS_OVER", "SECOND_PERSON_NEEDED"),
    }
    never_on_purpose = {"BROKER_FAULT", "TRANSITION_IMPOSSIBLE"}
    missing = set(RefusalCode) - {file.stem for file in REFUSED}
    assert missing == not_by_a_source | needs_somebody_else | never_on_purpose


async def test_a_dry_run_shows_what_would_leave_and_never_what_is_sealed(
    unheard: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code, label, size class, for whom, what is withheld and why; without Kafka, and nothing is sent."""
    monkeypatch.delenv("HANDOFF_KAFKA_BOOTSTRAP")
    result = await handoff("publish", EXAMPLES / "hotline-referral.json", "--dry-run", "--org", HOTLINE)
    assert result.exit_code == 0, told(result)
    lines = [line.split() for line in result.output.splitlines()]
    assert ["FG04", "First", "name", "or", "alias", "256", "bytes,", "for", "org-shelter-birch"] in lines
    assert "withheld from org-shelter-birch" in result.output
    assert '"adults": 1' in result.output
    for secret in ("+15555550142", "Robin", "STRANGULATION"):
        assert secret not in result.output
    assert result.output.endswith("Nothing was sent.\n")
    assert not await on_topic(unheard)


async def test_a_dry_run_says_when_nobody_is_sealed_to_yet(unheard: County) -> None:
    """Where the basis is an agreement, whoever is chosen is let in later, by a client that stays."""
    result = await handoff("publish", EXAMPLES / "police-referral.json", "--dry-run", "--org", POLICE)
    assert "for nobody yet" in result.output
    assert "--follow" in result.output


async def test_notices_are_printed_in_words_and_as_json(environ: County) -> None:
    """What the broker has said can be read by people and by programs, again and again."""
    async with environ.broker():
        await handoff("publish", EXAMPLES / "hotline-referral.json", "--wait", "--org", HOTLINE)
        await handoff("publish", EXAMPLES / "refused" / "EXPIRED.json", "--raw", "--wait", "--org", HOTLINE)
    for _ in range(2):
        words = await handoff("notices", "--org", HOTLINE)
        assert "the broker has taken event" in words.output
        assert f"EXPIRED at expirytime: {ADVICE[RefusalCode.EXPIRED].meaning}" in words.output
    as_json = await handoff("notices", "--org", HOTLINE, "--json")
    assert '"type": "org.warmhandoff.event.refused.v1"' in as_json.output
    assert '"remedy"' in as_json.output


async def test_any_bytes_with_any_headers_can_be_sent_raw(environ: County, tmp_path: Path) -> None:
    """A file that is no JSON is sent as it is; a header can be binary or null; the broker says what it makes of it."""
    file = tmp_path / "anything"
    file.write_bytes(b"\xff\xfe not JSON")
    async with environ.broker():
        for header, code in (("ce_id=hex:ff", "HEADER_NOT_TEXT"), ("ce_id=null", "HEADER_NULL"), ("x=y", "NOT_A_CLO")):
            result = await handoff("publish", file, "--raw", "--wait", "--header", header, "--org", HOTLINE)
            assert result.exit_code == 1
            assert f"refused: {code}" in result.output


@pytest.mark.parametrize(
    ("content", "args", "says"),
    [
        ("[]", (), "neither an event nor a list"),
        ('{"type": 7}', (), "not in the short form (at type)"),
        ('{"type": "incident.reported", "colour": "blue"}', (), "not in the short form (at colour)"),
        ('{"type": "no.such"}', (), "TYPE_UNKNOWN"),
        ("not JSON", (), "is not JSON"),
        ('{"type": "incident.reported", "seal": {"FG04": {"alias": "x"}}}', (), "seals what is no request"),
        ('{"type": "referral.requested", "seal": {"FG04": {"alias": "x"}}}', ("--raw",), "nothing is sealed"),
        ('{"type": "incident.reported", "signature": "none"}', (), "would not make"),
        ('{"type": "incident.reported"}', ("--raw", "--header", "x"), "NAME=VALUE"),
        ('{"type": "incident.reported"}', ("--raw", "--header", "x=hex:zz"), "not hexadecimal"),
    ],
)
async def test_a_file_that_cannot_be_used_is_said_so(
    unheard: County, tmp_path: Path, content: str, args: tuple[str, ...], says: str
) -> None:
    """One clear line, and nothing was sent."""
    file = tmp_path / "event.json"
    file.write_text(content)
    result = await handoff("publish", file, *args, "--org", HOTLINE)
    assert isinstance(result.exception, HandoffError)
    assert says in str(result.exception)
    assert not await on_topic(unheard)


async def test_several_zones_ask_for_a_name(unheard: County) -> None:
    """Nobody publishes for the wrong agency by accident."""
    result = await handoff("publish", EXAMPLES / "police-referral.json")
    assert isinstance(result.exception, HandoffError)
    assert POLICE in result.exception.remedy
