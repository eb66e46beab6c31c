"""What holds of the decision for all consents at all times: order, denials, exclusions, revocations, reasons."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain import group_sets
from broker.domain.consent import ConsentRef, ConsentTerms, Decision, Effect, Phase, Question, decide
from broker.domain.obligations import Obligations
from broker.domain.terms import RecipientKindTerms
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.ids import ConsentId, OrgId
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory, Tier, VictimAgreed
from tests.domain.cast import CLINIC, HOSPITAL, HOTLINE, LEGAL_AID, NOW, OTHER_SHELTER, POLICE, SHELTER, pack

DISCLOSERS = (POLICE, HOSPITAL, HOTLINE)
RECIPIENTS = tuple(
    replace(party, areas=frozenset({"US-48-113"})) for party in (SHELTER, OTHER_SHELTER, LEGAL_AID, CLINIC)
)
ORGS = tuple(party.org for party in (*DISCLOSERS, *RECIPIENTS))
PURPOSES = (Purpose.SHELTER_PLACEMENT, Purpose.LEGAL_ADVICE, Purpose.MEDICAL_FOLLOW_UP, Purpose.STATUS_FEEDBACK)
CODES = (*GROUPS, FieldGroup("FG99"))
STATUSES = ("active",) * 14 + ("suspended", "revoked", "expired", "superseded", "draft", "unheard-of")
REGIMES = (frozenset({"VAWA", "HIPAA-AUTH"}), frozenset({"VAWA"}), frozenset({"POLICY-ONLY"}))
KINDS = (
    (),
    (),
    (RecipientKindTerms(RecipientCategory.SHELTER, "US-48-113", 1),),
    (RecipientKindTerms(RecipientCategory.LEGAL_AID, "US-48-999", 2),),
)
DUTIES = (Obligations(), Obligations(redisclosure_prohibited=False, notice_code="VAWA-LOCAL"))

T = TypeVar("T")


class Choices:
    """Choices read off one large number: a case costs a handful of draws, and these tests live from many cases."""

    def __init__(self, number: int) -> None:
        self.number = number

    def below(self, bound: int) -> int:
        """A number from 0, `bound` excluded."""
        self.number, chosen = divmod(self.number, bound)
        return chosen

    def one(self, things: Sequence[T]) -> T:
        """One of these."""
        return things[self.below(len(things))]

    def some(self, things: Sequence[T]) -> frozenset[T]:
        """Any subset of these."""
        bits = self.below(1 << len(things))
        return frozenset(thing for place, thing in enumerate(things) if bits >> place & 1)

    def most(self, things: Sequence[T]) -> frozenset[T]:
        """A subset that has each of these three times in four."""
        return self.some(things) | self.some(things)


numbers = st.integers(0, (1 << 256) - 1)
_serial = count()


def consent_of(number: int, *, permits: bool | None = None, excluding: bool = True) -> ConsentTerms:
    """Any terms of any record, each with an id of its own; most of them bear on the questions below."""
    choose = Choices(number)
    bits = group_sets.mask(choose.most(CODES))
    start, days = choose.below(22) - 2, choose.below(31)
    return ConsentTerms(
        ref=ConsentRef(ConsentId(f"consent-{next(_serial)}"), choose.below(3) + 1),
        status=choose.one(STATUSES),
        permits=choose.one((True, True, True, False)) if permits is None else permits,
        discloser=choose.one((HOTLINE, *DISCLOSERS, SHELTER)).org,
        recipients=choose.most(ORGS),
        kinds=choose.one(KINDS),
        purposes=choose.most(PURPOSES),
        regimes=choose.one(REGIMES),
        scope=bits,
        scope_in_tier=bits & group_sets.UP_TO_TIER[choose.one((Tier.HIGH_HARM, Tier.IDENTIFYING))],
        not_before=NOW - timedelta(days=start),
        not_after=NOW + timedelta(days=days - start),
        ends_on_event=None,
        max_uses=None,
        oral=choose.one((*(False,) * 7, True)),
        obligations=choose.one(DUTIES),
        excluded=choose.one((frozenset(), frozenset(), frozenset(), frozenset({choose.one(ORGS)})))
        if excluding
        else frozenset(),
    )


def question_of(number: int, known: Sequence[ConsentTerms]) -> Question:
    """Any question about these consents; it may cite one of them or none."""
    choose = Choices(number)
    phase = choose.one((Phase.OFFER, Phase.RELEASE, Phase.OFFER, Phase.RELEASE, Phase.FEEDBACK))
    back = phase is Phase.FEEDBACK
    return Question(
        phase=phase,
        discloser=SHELTER if back else choose.one((HOTLINE, *DISCLOSERS)),
        recipient=choose.one(DISCLOSERS if back else RECIPIENTS),
        purpose=Purpose.STATUS_FEEDBACK if back else choose.one(PURPOSES),
        groups=choose.some(CODES) | {FieldGroup("FG25" if back else "FG00")},
        consent=choose.one((None, *(terms.ref for terms in known))),
        victim_agreed=choose.one((*(VictimAgreed.YES,) * 4, *VictimAgreed)),
        excluded=choose.one((frozenset(), frozenset(), frozenset(), frozenset({SHELTER.org}))),
    )


def cases(*, excluding: bool = True) -> st.SearchStrategy[tuple[Question, list[ConsentTerms]]]:
    """A question and the consents that are known."""

    def case(asked: int, records: list[int]) -> tuple[Question, list[ConsentTerms]]:
        known = [consent_of(number, excluding=excluding) for number in records]
        return question_of(asked, known), known

    return st.builds(case, numbers, st.lists(numbers, min_size=1, max_size=5))


def ask(asked: Question, known: list[ConsentTerms]) -> Decision:
    return decide(asked, known, NOW, pack())


def to_everybody(asked: Question) -> list[Question]:
    """The same question about each recipient: four cases for one draw, so that C2 sees 10,000 and more."""
    among = DISCLOSERS if asked.phase is Phase.FEEDBACK else RECIPIENTS
    return [asked._replace(recipient=recipient) for recipient in (*among, asked.recipient)[:4]]


def no_wider(after: Decision, before: Decision) -> bool:
    """Whether `after` lets through nothing that `before` did not."""
    return after.let_through <= before.let_through and not (
        after.effect is Effect.PERMIT and before.effect is not Effect.PERMIT
    )


often = settings(max_examples=1000, deadline=None)


SPOILED: dict[str, Callable[[ConsentTerms], ConsentTerms]] = {
    "run out": lambda terms: replace(terms, not_after=min(terms.not_after, NOW)),
    "not begun": lambda terms: replace(terms, not_before=NOW + timedelta(minutes=1), not_after=NOW + timedelta(days=9)),
    "longer than its purpose may last": lambda terms: replace(terms, not_before=NOW - timedelta(days=31)),
    "revoked": lambda terms: replace(terms, status="revoked"),
    "suspended": lambda terms: replace(terms, status="suspended"),
    "of a status that nobody knows": lambda terms: replace(terms, status="blessed"),
    "used up": lambda terms: replace(terms, max_uses=1).used(1),
    "ended by its event": lambda terms: terms.used(0, ended=True),
    "somebody else's": lambda terms: replace(terms, discloser=OrgId("org-elsewhere")),
    "a draft": lambda terms: replace(terms, status="draft"),
}


@settings(max_examples=500, deadline=None)
@given(cases(), st.lists(st.sampled_from(sorted(SPOILED)), min_size=5, max_size=5))
def test_without_one_sound_release_a_victim_service_provider_tells_nobody(
    case: tuple[Question, list[ConsentTerms]], ways: list[str]
) -> None:
    """C1: nothing known, and each release spoiled in a way of its own: never a permit, in no phase."""
    asked, known = case
    spoiled = [SPOILED[way](terms) for way, terms in zip(ways, known, strict=False)]
    for each in to_everybody(asked._replace(discloser=SHELTER if asked.phase is Phase.FEEDBACK else HOTLINE)):
        assert ask(each, spoiled).effect is not Effect.PERMIT
        assert ask(each, []).effect is not Effect.PERMIT
        assert ask(each, [terms for terms in known if not terms.permits]).effect is not Effect.PERMIT


@often
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_consents_never_matters(case: tuple[Question, list[ConsentTerms]], chance: object) -> None:
    """C2: the same records give the same answer, to the last field, however they lie there."""
    asked, known = case
    shuffled = list(known)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for each in to_everybody(asked):
        assert ask(each, shuffled) == ask(each, known)


@often
@given(cases(), st.data())
def test_a_further_denial_never_widens(case: tuple[Question, list[ConsentTerms]], data: st.DataObject) -> None:
    """C2: whatever a denial says, and whomever its record excludes."""
    asked, known = case
    denial = consent_of(data.draw(numbers), permits=False)
    place = data.draw(st.integers(0, len(known)))
    for each in to_everybody(asked):
        assert no_wider(ask(each, [*known[:place], denial, *known[place:]]), ask(each, known))


@often
@given(cases(excluding=False), st.data())
def test_a_permit_less_never_widens(case: tuple[Question, list[ConsentTerms]], data: st.DataObject) -> None:
    """C2: taking a permit away takes nothing else back that stood against it."""
    asked, known = case
    permits = [terms for terms in known if terms.permits]
    if permits:
        gone = data.draw(st.sampled_from(permits))
        for each in to_everybody(asked):
            assert no_wider(ask(each, [terms for terms in known if terms is not gone]), ask(each, known))


@often
@given(cases(), st.data())
def test_a_permit_revoked_never_widens(case: tuple[Question, list[ConsentTerms]], data: st.DataObject) -> None:
    """C2: revoking, suspending or expiring a permit opens nothing that was closed: its exclusions stand."""
    asked, known = case
    if known:
        place = data.draw(st.integers(0, len(known) - 1))
        status = data.draw(st.sampled_from(["revoked", "suspended", "expired"]))
        if known[place].permits and known[place].status not in ("draft", "superseded", "entered-in-error"):
            changed = [*known]
            changed[place] = replace(known[place], status=status)
            for each in to_everybody(asked):
                assert no_wider(ask(each, changed), ask(each, known))


@often
@given(cases(), st.sampled_from(ORGS))
def test_a_further_exclusion_never_widens(case: tuple[Question, list[ConsentTerms]], org: OrgId) -> None:
    """G13: an exclusion only ever takes away."""
    asked, known = case
    for each in to_everybody(asked):
        assert no_wider(ask(each._replace(excluded=each.excluded | {org}), known), ask(each, known))


@often
@given(cases())
def test_every_group_present_goes_or_has_a_reason(case: tuple[Question, list[ConsentTerms]]) -> None:
    """C5: nothing is dropped silently, nothing goes twice over, nothing that was not there is spoken of."""
    asked, known = case
    decision = ask(asked, known)
    assert decision.let_through | decision.withheld.keys() == asked.groups
    assert not decision.let_through & decision.withheld.keys()
    assert (decision.effect is Effect.PERMIT) == (decision.reason is None)
    assert decision.let_through == frozenset() or decision.effect is Effect.PERMIT


@often
@given(cases())
def test_no_offer_carries_a_group_above_tier_2_and_nothing_carries_tier_5(
    case: tuple[Question, list[ConsentTerms]],
) -> None:
    """design.md §2: no identity before acceptance; what never travels never travels."""
    asked, known = case
    for group in ask(asked, known).let_through:
        assert GROUPS[group].tier <= (Tier.QUASI_IDENTIFYING if asked.phase is Phase.OFFER else Tier.HIGH_HARM)


@often
@given(cases())
def test_an_offer_never_goes_where_the_release_is_refused(case: tuple[Question, list[ConsentTerms]]) -> None:
    """Whoever is offered may receive as well, unless nobody could ask the survivor yet."""
    asked, known = case
    if asked.phase is Phase.FEEDBACK:
        return
    offer = ask(asked._replace(phase=Phase.OFFER), known)
    later = ask(asked._replace(phase=Phase.RELEASE), known)
    if offer.effect is Effect.PERMIT:
        assert later.effect is not Effect.DENY
        assert later.effect is Effect.PERMIT or asked.victim_agreed is VictimAgreed.NOT_ASKED_UNSAFE


@often
@given(cases())
def test_fewer_groups_present_never_let_another_group_through_in_an_offer(
    case: tuple[Question, list[ConsentTerms]],
) -> None:
    """Wherever an offer is made, what it shows does not tell whether a sealed group exists."""
    asked, known = case
    clear = frozenset(g for g in asked.groups if g in GROUPS and GROUPS[g].tier <= Tier.QUASI_IDENTIFYING)
    with_sealed = ask(asked._replace(phase=Phase.OFFER), known)
    without = ask(asked._replace(phase=Phase.OFFER, groups=clear), known)
    if with_sealed.effect is Effect.PERMIT and without.effect is Effect.PERMIT:
        assert with_sealed.let_through == without.let_through


@often
@given(cases(), st.integers(-60, 60))
def test_the_victims_own_word_is_never_overruled(case: tuple[Question, list[ConsentTerms]], days: int) -> None:
    """Her no, at any time, under any records: no permit in either phase."""
    asked, known = case
    if asked.phase is not Phase.FEEDBACK:
        said_no = asked._replace(victim_agreed=VictimAgreed.NO)
        assert decide(said_no, known, NOW + timedelta(days=days), pack()).effect is Effect.DENY


@often
@given(cases(), st.integers(-60, 60))
def test_a_victim_service_provider_never_discloses_without_a_release_in_force(
    case: tuple[Question, list[ConsentTerms]], days: int
) -> None:
    """VAWA-01: whatever else is true, a permit of the hotline's names releases, each its own and in its window."""
    asked, known = case
    now = NOW + timedelta(days=days)
    decision = decide(asked._replace(discloser=HOTLINE), known, now, pack())
    if decision.effect is Effect.PERMIT and decision.let_through - {FieldGroup("FG00"), FieldGroup("FG07a")}:
        assert asked.recipient.org_class is not OrgClass.HOUSING
        by_ref = {terms.ref: terms for terms in known}
        assert decision.consents
        for ref in decision.consents:
            terms = by_ref[ref]
            assert terms.permits
            assert terms.status == "active"
            assert terms.discloser == HOTLINE.org
            assert terms.not_before <= now < terms.not_after
            assert asked.recipient.org in terms.recipients
