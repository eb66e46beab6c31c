"""What a county publishes in a bad night: consents, referrals, denials, revocations, repeats, garbage; from a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from broker.schemas.ids import ReferralId, new_referral_id
from broker.schemas.referral_cancelled import ReferralCancelled
from tests.broker.county import County
from tests.broker.facts import HOTLINE, LEGAL_AID, POLICE, SHERIFF, consent_of, granted, read, release, request, revoked
from tests.broker.letters import Letter

DENIED_SHARE: Final = 0.1
REVOKED_SHARE: Final = 0.05
CANCELLED_SHARE: Final = 0.03
REPEATED_SHARE: Final = 0.02
GARBAGE_SHARE: Final = 0.01
"""Of the source's records; half a hundredth of all events."""


@dataclass(frozen=True, slots=True)
class Published:
    """One record and what must become of it: an effect, or a refusal of which its publisher hears."""

    letter: Letter
    good: bool = True


def night(county: County, referrals: int, *, seed: int = 7) -> Iterator[Published]:
    """The records of so many referrals, in the order in which they are published."""
    drawn = random.Random(seed)
    for number in range(referrals):
        for published in _case(county, drawn, number):
            yield published
            if drawn.random() < REPEATED_SHARE:
                yield published
        if drawn.random() < GARBAGE_SHARE:
            yield Published(_garbage(county, drawn), good=False)


def _case(county: County, drawn: random.Random, number: int) -> Iterator[Published]:
    """One referral with the consent that it rests on, and what its source says of it afterwards."""
    referral = new_referral_id()
    priority = drawn.choice(("P1", "P2", "P2", "P3"))
    if number % 2:
        org = drawn.choice((POLICE, SHERIFF))
        yield Published(county.letter(org, request(priority=priority), referral))
    else:
        org = HOTLINE
        yield from _with_consent(county, drawn, referral, priority)
    if drawn.random() < CANCELLED_SHARE:
        taken_back = read(ReferralCancelled, dict(ReferralCancelled.EXAMPLE))
        yield Published(county.letter(org, taken_back, referral))


def _with_consent(county: County, drawn: random.Random, referral: ReferralId, priority: str) -> Iterator[Published]:
    """A denied one names somebody who gives no shelter, so that nobody may be asked."""
    record = release(*([LEGAL_AID] if drawn.random() < DENIED_SHARE else []))
    asked = county.letter(HOTLINE, request(priority=priority), referral, consent=consent_of(record))
    allowed = county.letter(HOTLINE, granted(record), record.consent_id)
    # Another partition may be read first: which of the two comes first is not ours to say.
    yield from map(Published, (allowed, asked) if drawn.random() < 0.8 else (asked, allowed))
    if drawn.random() < REVOKED_SHARE:
        yield Published(county.letter(HOTLINE, revoked(), record.consent_id))


def _garbage(county: County, drawn: random.Random) -> Letter:
    """A record that no parser likes, each of another kind; some cannot even say whose they are."""
    whole = county.letter(drawn.choice((POLICE, SHERIFF)), request(), new_referral_id())
    return drawn.choice(
        (
            whole.header("ce_correlationid", b"\xff\xfe\x00"),
            whole.header("ce_correlationid", None),
            replace(whole, value=None),
            replace(whole, value=b"\x00" * 40),
            replace(whole, headers=[]),
            replace(whole, key=b"\xff"),
        )
    )


async def post(county: County, published: Sequence[Published]) -> None:
    """Publish in order, as fast as Kafka takes them; returns when it has them all."""
    for one in published:
        await county.hand_over(one.letter)
    await county.producer.flush()
