"""What a survivor takes back: deleted at once; answered by itself where nobody had read it, by a person otherwise."""

from datetime import UTC, datetime, timedelta

import pytest

from adapters.errors import NothingToOpen, OfferNotFound
from adapters.inbox.inbox import Inbox
from adapters.zone import ProviderZone
from broker.schemas.disclosure_revoked import EVERY_ACTION, DisclosureRevoked
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import OfferId, OrgId, ReferralId
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.revocation_acknowledged import RevocationAcknowledged, RevocationOutcome
from broker.schemas.vocabulary import WithdrawReason
from tests.adapters.network import GROUPS, Installation, Run, until
from tests.conftest import KafkaForTest

BOTH = ("FG03", "FG04")


async def _held(installation: Installation, zone: ProviderZone, org: OrgId) -> tuple[Inbox, OfferId, ReferralId]:
    """An accepted offer whose sealed groups are here."""
    inbox = zone.inbox(org)
    offer_id, referral = await installation.voice.offer(org)

    async def there() -> bool:
        return any(offer.offer_id == offer_id for offer in await inbox.offers())

    await until(there)
    await inbox.accept(offer_id)
    await installation.voice.release(org, offer_id, referral, {code: GROUPS[code] for code in BOTH})

    async def released() -> bool:
        return (await inbox.find(offer_id)).released

    await until(released)
    return inbox, offer_id, referral


async def _take_back(
    installation: Installation,
    org: OrgId,
    offer_id: OfferId,
    referral: ReferralId,
    *groups: str,
    reason: RecallReason | None = None,
) -> None:
    fact = DisclosureRevoked(
        offer_id=offer_id,
        field_groups=tuple(map(FieldGroup, groups)),
        requested_actions=EVERY_ACTION,
        answer_by=datetime.now(UTC) + timedelta(hours=1),
        reason=reason,
    )
    await installation.voice.say(org, fact, referral)


async def _parts(installation: Installation, offer_id: OfferId) -> set[str]:
    found: set[str] = set()
    for name in ("sealed_part", "wrapped_part"):
        rows = await installation.pool.fetch(f"SELECT field_group FROM {name} WHERE offer_id = $1", offer_id)
        found |= {row["field_group"] for row in rows}
    return found


async def _said(installation: Installation, org: OrgId, count: int) -> list[RevocationOutcome]:
    answers = await installation.voice.answers(org, count=count)
    facts = [answer.event_class.read(answer.data) for answer in answers]
    return [fact.outcome for fact in facts if isinstance(fact, RevocationAcknowledged)]


async def test_what_nobody_had_read_is_deleted_and_the_answer_given_at_once(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """Receipt, acceptance, and by itself: complied. Asked again, the same is said again."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox, offer_id, referral = await _held(installation, zone, haven)
        await _take_back(installation, haven, offer_id, referral, *BOTH)
        assert await _said(installation, haven, 3) == [RevocationOutcome.COMPLIED]
        assert await _parts(installation, offer_id) == set()
        assert not any(offer.taken_back for offer in await inbox.offers(everything=True))
        await _take_back(installation, haven, offer_id, referral, *BOTH)
        assert await _said(installation, haven, 4) == [RevocationOutcome.COMPLIED] * 2


async def test_what_somebody_had_read_waits_for_a_person_on_top_of_the_list(
    installation: Installation, kafka: KafkaForTest
) -> None:
    """The offer was withdrawn with its consent; it stays in sight until somebody has said what became of it."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox, offer_id, referral = await _held(installation, zone, haven)
        await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        withdrawn = OfferWithdrawn(offer_id=offer_id, reason=WithdrawReason.CONSENT_ENDED)
        await installation.voice.say(haven, withdrawn, referral)
        await _take_back(installation, haven, offer_id, referral, *BOTH)

        async def asked() -> bool:
            return bool((await inbox.find(offer_id)).taken_back)

        await until(asked)
        assert await _parts(installation, offer_id) == set()
        with pytest.raises(NothingToOpen):
            await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        await installation.voice.offer(haven)

        async def two() -> bool:
            return len(await inbox.offers()) == 2

        await until(two)
        first, *_ = await inbox.offers()
        assert (first.offer_id, set(first.taken_back)) == (offer_id, set(BOTH))
        await inbox.revocation_acknowledged(offer_id, RevocationOutcome.RETAINED_OWN_CLIENT_RECORD)
        assert await _said(installation, haven, 4) == [RevocationOutcome.RETAINED_OWN_CLIENT_RECORD]
        assert [offer.offer_id for offer in await inbox.offers()] != [offer_id]


async def test_a_part_that_is_taken_back_leaves_the_rest(installation: Installation, kafka: KafkaForTest) -> None:
    """The name goes, the safe contact stays and opens."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox, offer_id, referral = await _held(installation, zone, haven)
        await _take_back(installation, haven, offer_id, referral, "FG04")
        assert await _said(installation, haven, 3) == [RevocationOutcome.COMPLIED]
        opened = await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
    assert [group.field_group for group in opened] == ["FG03"]


async def test_the_shell_says_what_is_asked_and_takes_the_answer(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """The list has it first with its deadline, `show` says what to do, and the answer is a command of its own."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox, offer_id, referral = await _held(installation, zone, haven)
        reference = (await inbox.find(offer_id)).reference
        await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        await _take_back(installation, haven, offer_id, referral, "FG04")

        async def asked() -> bool:
            return bool((await inbox.find(offer_id)).taken_back)

        await until(asked)
        listed, shown = await run("list"), await run("show", reference)
        answered = await run("revocation", reference, "--outcome", "complied")
        after = await run("list")
    assert "consent taken back: answer" in listed.output
    assert "CONSENT TAKEN BACK: first name or alias." in shown.output
    assert f"handoff inbox revocation {reference} --outcome COMPLIED" in shown.output
    assert "It has reached the network." in answered.output
    assert "taken back" not in after.output


async def test_what_its_source_recalls_is_told_with_the_reason_and_asked_anew_of_who_had_kept_it(
    installation: Installation, kafka: KafkaForTest, run: Run
) -> None:
    """Retained after a revocation, then recalled as wrong: the list says so, and yesterday's answer is not repeated."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox, offer_id, referral = await _held(installation, zone, haven)
        reference = (await inbox.find(offer_id)).reference
        await inbox.open_groups(offer_id, reader=AcceptedBy.STAFF)
        await _take_back(installation, haven, offer_id, referral, *BOTH)

        async def asked() -> bool:
            return bool((await inbox.find(offer_id)).taken_back)

        await until(asked)
        await inbox.revocation_acknowledged(offer_id, RevocationOutcome.RETAINED_LEGAL_DUTY)
        assert not (await inbox.find(offer_id)).taken_back
        await _take_back(installation, haven, offer_id, referral, *BOTH, reason=RecallReason.WRONG_PERSON)
        await until(asked)
        assert (await inbox.find(offer_id)).taken_back_reason is RecallReason.WRONG_PERSON
        listed, shown, machine = await run("list"), await run("show", reference), await run("list", "--json")
        await inbox.revocation_acknowledged(offer_id, RevocationOutcome.COMPLIED)
        said = await _said(installation, haven, 4)
    assert "recalled: answer within" in listed.output
    assert "RECALLED BY ITS SOURCE: it is about somebody else, or takes one person for the other." in shown.output
    assert '"takenBackReason": "WRONG_PERSON"' in machine.output
    assert said == [RevocationOutcome.RETAINED_LEGAL_DUTY, RevocationOutcome.COMPLIED]


async def test_nobody_answers_for_what_was_not_taken_back(installation: Installation, kafka: KafkaForTest) -> None:
    """There is nothing to say, and it is said so."""
    haven = await installation.serve(kafka.org("haven"))
    async with installation.running() as zone:
        inbox, offer_id, _ = await _held(installation, zone, haven)
        with pytest.raises(OfferNotFound):
            await inbox.revocation_acknowledged(offer_id, RevocationOutcome.COMPLIED)
