"""Judges a county after whatever was done to it: nothing lost, nothing twice, order kept, every refusal told.

It needs only what anybody can see afterwards: what was published, what the organisations received, and the rows. So the
same judgment serves every fault (reliability.md §6: O1, O2, O3, O6).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broker.schemas.disclosure_keyed import DisclosureKeyed
from broker.schemas.disclosure_released import DisclosureReleased
from broker.schemas.event_accepted import EventAccepted
from broker.schemas.event_refused import EventRefused
from broker.schemas.ids import EventId
from broker.schemas.offer_expired import OfferExpired
from broker.schemas.offer_made import OfferMade
from broker.schemas.offer_withdrawn import OfferWithdrawn
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import NeedState
from tests.broker.county import County
from tests.crash.traffic import Published

_TAKEN = {"CONTACT_PENDING", "ENGAGED", "IN_SERVICE", "COMPLETED"}
_UNTAKEN = {"OFFERED", "WAITLISTED", "NO_MATCH", "CONSENT_HOLD", "MATCHING", "SUBMITTED"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How much was judged; a test says how much it wanted to be."""

    accepted: int
    refused: int
    repeats_heard: int
    """Messages that Kafka holds more than once; their receivers drop them by event id."""


async def judged(county: County, published: Sequence[Published]) -> Verdict:
    """Every promise, after `county.settled()`; an `AssertionError` says which one is broken.

    What a clock decided while the network was being stopped is heard, too.
    """
    await county.listen()
    await _everything_is_accepted_or_refused(county, published)
    await _each_effect_is_there_once(county, published)
    await _no_need_is_in_two_minds(county)
    await _each_message_is_there_once(county)
    _order_is_kept(county, published)
    inbox = await county.pool.fetchval("SELECT count(*) FROM inbox")
    refused = await county.pool.fetchval("SELECT count(*) FROM quarantine")
    return Verdict(inbox, refused, len(county.heard) - len({one.envelope.id for one in county.heard}))


async def _everything_is_accepted_or_refused(county: County, published: Sequence[Published]) -> None:
    """O1: the good ones stand in the inbox and are told as accepted, the bad ones lie in quarantine and are told so."""
    inbox = {row["event_id"] for row in await county.pool.fetch("SELECT event_id FROM inbox")}
    rows = await county.pool.fetch("SELECT * FROM quarantine")
    refused = {row["event_id"] for row in rows if row["event_id"] is not None}
    good = {one.letter.event_id for one in published if one.good}
    assert good <= inbox | refused, f"{len(good - inbox - refused)} events are lost"
    assert not [row["code"] for row in rows if row["code"] == RefusalCode.BROKER_FAULT], "a story failed"
    told = Counter(fact.event_id for fact in county.facts(EventAccepted) if not fact.duplicate)
    silent = [event for event in good & inbox if told[event] != 1]
    assert not silent, f"{len(silent)} events were not told as accepted exactly once"
    _refusals_are_told(county, rows)
    bad = sum(not one.good for one in published)
    assert sum(row["event_id"] is None or row["event_id"] not in good for row in rows) >= bad


def _refusals_are_told(county: County, rows: Sequence[Mapping[str, Any]]) -> None:
    """One refusal for each record in quarantine, to the owner of the topic that it came on, with the same code."""
    told = Counter((*_place(fact), fact.code.value, heard.org) for heard, fact in county.events(EventRefused))
    kept = Counter((row["topic"], row["partition"], row["record_offset"], row["code"], row["org_id"]) for row in rows)
    assert told == kept, f"{(kept - told).total()} refusals untold, {(told - kept).total()} told twice"


def _place(fact: EventRefused) -> tuple[Any, ...]:
    assert fact.position is not None
    return fact.position.topic, fact.position.partition, fact.position.offset


async def _each_effect_is_there_once(county: County, published: Iterable[Published]) -> None:
    """O2: one row per referral and consent, one entry for its taking in, whatever was repeated or tried again."""
    inbox = {row["event_id"] for row in await county.pool.fetch("SELECT event_id FROM inbox")}
    asked = {
        (one.letter.key or b"").decode()
        for one in published
        if one.good and one.letter.event_id in inbox and (one.letter.key or b"").startswith(b"ref-")
    }
    stored = {row["referral_id"] for row in await county.pool.fetch("SELECT referral_id FROM referral")}
    assert asked == stored, f"{len(asked - stored)} referrals without a row"
    submitted = await county.pool.fetch(
        "SELECT referral_id FROM trail_entry WHERE kind = 'referral.submitted' GROUP BY 1 HAVING count(*) <> 1"
    )
    assert not submitted, "a referral was taken on twice"
    entries = await county.pool.fetchval("SELECT count(*) FROM trail_entry WHERE kind = 'referral.submitted'")
    assert entries == len(stored), "a referral has no entry of its own"


async def _no_need_is_in_two_minds(county: County) -> None:
    """At most one accepted offer, and the need says the same; nobody waits without a next action (never idle)."""
    needs = await county.pool.fetch("SELECT * FROM need")
    accepted: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in await county.pool.fetch("SELECT * FROM offer WHERE state = 'ACCEPTED'"):
        accepted[(row["referral_id"], row["category"])].append(row["offer_id"])
    work = {row["referral_id"] for row in await county.pool.fetch("SELECT referral_id FROM work_item")}
    for need in needs:
        offers = accepted[(need["referral_id"], need["category"])]
        if need["state"] in _TAKEN:
            assert offers == [need["offer_id"]], "a need that is taken has the one offer that was accepted"
        elif need["state"] in _UNTAKEN:
            assert not offers, "a need that nobody has taken has no accepted offer"
            assert need["due_at"] is not None or need["referral_id"] in work, "a need waits for nothing"
        else:
            assert NeedState(need["state"]) is not NeedState.ACCEPTED, "a state to pass through is no state to rest in"


async def _each_message_is_there_once(county: County) -> None:
    """O2: each offer, each release and each end is one message; what was taken back may never have left."""
    offers = {row["offer_id"]: row["state"] for row in await county.pool.fetch("SELECT offer_id, state FROM offer")}
    made = Counter(fact.offer_id for fact in county.facts(OfferMade))
    assert set(made) <= set(offers), "an offer was heard that does not exist"
    assert set(made.values()) <= {1}, "an offer was made twice"
    unheard = Counter(state for offer, state in offers.items() if state != "WITHDRAWN" and offer not in made)
    assert not unheard, f"offers never arrived: {dict(unheard)}"
    ended = Counter(fact.offer_id for fact in county.facts(OfferWithdrawn))
    ended.update(fact.offer_id for fact in county.facts(OfferExpired))
    assert set(ended.values()) <= {1}, "an offer was taken back twice"
    missing = [offer for offer, state in offers.items() if state == "EXPIRED" and not ended[offer]]
    assert not missing, f"{len(missing)} providers were not told that their offer is over"
    released = Counter(fact.offer_id for fact in county.facts(DisclosureReleased))
    assert set(released.values()) <= {1}, "groups were released twice"
    keyed = Counter(fact.offer_id for fact in county.facts(DisclosureKeyed))
    assert keyed.items() <= released.items(), "keys without a release, or twice"


def _order_is_kept(county: County, published: Sequence[Published]) -> None:
    """Of a referral sources hear in the order of publishing, and providers of an offer before its end."""
    places = {one.letter.event_id: number for number, one in reversed(list(enumerate(published))) if one.good}
    last: dict[str, int] = {}
    made: set[str] = set()
    over: set[str] = set()
    seen: set[EventId] = set()
    for one in county.heard:
        if one.envelope.id in seen:
            continue
        seen.add(one.envelope.id)
        fact = one.fact
        if isinstance(fact, EventAccepted) and not fact.duplicate and fact.event_id in places:
            number = places[fact.event_id]
            assert last.get(one.envelope.subject, -1) < number, "a source heard of its events in another order"
            last[one.envelope.subject] = number
        elif isinstance(fact, OfferMade):
            assert fact.offer_id not in over, "an offer came after its end"
            made.add(fact.offer_id)
        elif isinstance(fact, DisclosureReleased):
            assert fact.offer_id in made, "groups came before the offer"
        elif isinstance(fact, OfferWithdrawn | OfferExpired):
            over.add(fact.offer_id)
