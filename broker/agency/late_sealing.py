"""Whoever was chosen is let in by the keys that are kept, once, and only with what the agency itself finds lawful.

The broker's word is not enough: the recipient stands in the operator's signed directory, with that key; its groups are
those that this agency's own rules, releases and the table of what is necessary give it (design.md §3).
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

from broker.agency.consents import KnownConsents
from broker.agency.errors import ContentKeysGone, EventRefusedBeforeSending, RecipientUnknown, ShareDenied
from broker.agency.keeping import KeptReferral, KeyKeeper
from broker.agency.notices import Notice
from broker.agency.planning import Known, ceiling_share, late_share
from broker.agency.publishing import About, Published, Publishing
from broker.agency.records import Record
from broker.agency.sealing import wrap
from broker.domain.acceptance import refuse_needless
from broker.domain.consent import Reason
from broker.domain.question import Emergency
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import EventId, KeyId, OrgId, ReferralId
from broker.schemas.recipient_chosen import RecipientChosen
from broker.schemas.referral_closed import ReferralClosed
from broker.schemas.referral_held import ReferralHeld
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.referral_status import ReferralStatus
from broker.schemas.refusal import Refused
from broker.schemas.sealed import WrappedKey


class LateSealing:
    """Lets chosen providers in, for one agency, and keeps what that needs no longer than it is needed."""

    def __init__(self, publishing: Publishing, consents: KnownConsents, keeper: KeyKeeper) -> None:
        """`keeper` keeps the content keys."""
        self._publishing = publishing
        self._consents = consents
        self._keeper = keeper

    async def seal_for(
        self,
        referral_id: ReferralId,
        recipient: OrgId,
        groups: Iterable[FieldGroup] | None = None,
        key_ids: Iterable[KeyId] = (),
    ) -> Published:
        """Wrap the kept content keys for one organisation and publish them."""
        kept = await self._recalled(referral_id)
        record = self._drafted(kept, self._wraps(kept, recipient, groups, key_ids))
        return await self._publishing.send(self._publishing.remember(record))

    async def break_glass(self, referral_id: ReferralId, fact: BreakGlassInvoked) -> Published:
        """Open a referral to one provider in an emergency: publish it, and wrap the kept content keys for it at once.

        Asked of the same rules as the broker's, before anything leaves (domain.md §5). A second person approves it
        (`breakglass.approved`) and it is reviewed (`breakglass.reviewed`), both by `publish`.

        Raises:
            EventRefusedBeforeSending: the policy lets this agency open no such thing.
            ContentKeysGone, ShareDenied, RecipientUnknown, NotConfirmed, NotOnboarded: as `seal_for`.
        """
        kept = await self._recalled(referral_id)
        zone, now = self._publishing.desk.zone, datetime.now(UTC)
        entry = zone.directory.entry(fact.recipient)
        try:
            refuse_needless(fact, zone.party.org_class, entry.party, zone.pack, now)
        except Refused as refused:
            raise EventRefusedBeforeSending(refused.code, refused.field) from None
        emergency = Emergency(fact.break_glass_id, frozenset(fact.field_groups))
        terms = self._consents.terms_for(kept.consent)
        share = late_share(kept.request, entry, Known(zone, kept.consent, terms, now, emergency))
        granted = share.groups & emergency.groups
        wraps = wrap(kept.referral_id, kept.request.sealed, kept.content_keys, entry, granted, now)
        if not wraps:
            raise ShareDenied(share.reason or next(iter(share.withheld.values()), Reason.NOT_NECESSARY))
        publishing = self._publishing
        invoked = publishing.remember(publishing.drafted(fact, About(referral_id)))
        keys = publishing.remember(self._drafted(kept, wraps), after=invoked)
        published = await publishing.send(invoked)
        await publishing.send(keys)
        return published

    async def seal_chosen(self, choice: EventId, referral_id: ReferralId, chosen: RecipientChosen) -> Published:
        """Answer a choice. The answer is kept before it leaves: the same choice heard again is answered alike.

        A choice of an organisation that the directory does not have (yet) waits for `seal_waiting`.
        """
        async with self._keeper.alone():
            kept = await self._recalled(referral_id)
            record = kept.answered.get(choice)
            if record is None:
                record = await self._answer(kept, choice, chosen)
        return await self._publishing.send(self._publishing.remember(record))

    async def waiting(self) -> list[tuple[EventId, ReferralId, RecipientChosen]]:
        """The choices that wait for a directory with the organisation's key."""
        everything = await self._keeper.everything()
        return [(choice, kept.referral_id, one) for kept in everything for choice, one in kept.waiting.items()]

    async def follow(self, notice: Notice) -> None:
        """Keep content keys as long as a need of their referral is open, and no longer."""
        if not isinstance(notice.fact, ReferralClosed | ReferralStatus | ReferralHeld | RecipientChosen):
            return
        async with self._keeper.alone():
            kept = await self._keeper.recall(ReferralId(notice.subject))
            if kept is None:
                return
            category = frozenset({notice.fact.category})
            closed = isinstance(notice.fact, ReferralClosed)
            still_open = kept.open_needs - category if closed else kept.open_needs | category
            if not still_open:
                await self._keeper.forget(kept.referral_id)
            elif still_open != kept.open_needs:
                await self._keeper.keep(replace(kept, open_needs=still_open))

    async def consents_change(self, note: Callable[[], None]) -> None:
        """Have `note` make a release or a revocation known, here and to whoever reads what is kept afterwards."""
        async with self._keeper.alone():
            everything = await self._keeper.everything()
            for kept in everything:
                self._learn(kept)
            note()
            for kept in everything:
                renewed = replace(
                    kept,
                    releases=self._consents.releases_for(kept.consent),
                    revocations=self._consents.revocations_for(kept.consent),
                )
                if renewed != kept:
                    await self._keeper.keep(renewed)

    async def _answer(self, kept: KeptReferral, choice: EventId, chosen: RecipientChosen) -> Record:
        others = {one: waiting for one, waiting in kept.waiting.items() if not _same_offer(waiting, chosen)}
        try:
            if self._publishing.desk.zone.directory.entry(chosen.recipient).category is not chosen.category:
                raise ShareDenied(Reason.NOT_NECESSARY)
            wraps = self._wraps(kept, chosen.recipient, chosen.field_groups, chosen.key_ids)
        except RecipientUnknown:
            await self._keeper.keep(replace(kept, waiting={**others, choice: chosen}))
            raise
        except ShareDenied:
            if others != kept.waiting:
                await self._keeper.keep(replace(kept, waiting=others))
            raise
        record = self._drafted(kept, wraps)
        await self._keeper.keep(replace(kept, waiting=others, answered={**kept.answered, choice: record}))
        return record

    def _wraps(
        self,
        kept: KeptReferral,
        recipient: OrgId,
        groups: Iterable[FieldGroup] | None,
        key_ids: Iterable[KeyId],
    ) -> list[WrappedKey]:
        """What this organisation may have of these groups, wrapped for its newest key among these.

        Raises:
            ShareDenied: nothing of it.
            RecipientUnknown: the directory does not have it, or no such key.
        """
        zone, now = self._publishing.desk.zone, datetime.now(UTC)
        entry = zone.directory.entry(recipient)
        known = Known(zone, kept.consent, self._consents.terms_for(kept.consent), now)
        if kept.consent is None or self._consents.knows(kept.consent):
            share = late_share(kept.request, entry, known)
        elif self._consents.taken_back(kept.consent):
            raise ShareDenied(Reason.CONSENT_REVOKED)
        else:
            share = ceiling_share(kept.request, entry, known)
        granted = share.groups if groups is None else share.groups & frozenset(groups)
        wraps = wrap(kept.referral_id, kept.request.sealed, kept.content_keys, entry, granted, now, key_ids)
        if not wraps:
            raise ShareDenied(share.reason or next(iter(share.withheld.values()), Reason.NOT_NECESSARY))
        return wraps

    def _drafted(self, kept: KeptReferral, wraps: list[WrappedKey]) -> Record:
        return self._publishing.drafted(ReferralSealed(wraps=tuple(wraps)), About(kept.referral_id, kept.consent))

    async def _recalled(self, referral_id: ReferralId) -> KeptReferral:
        kept = await self._keeper.recall(referral_id)
        if kept is None:
            raise ContentKeysGone
        self._learn(kept)
        return kept

    def _learn(self, kept: KeptReferral) -> None:
        for record in kept.releases:
            self._consents.note(record)
        for consent_id, revoked in kept.revocations:
            self._consents.learn_revoked(consent_id, revoked)


def _same_offer(one: RecipientChosen, other: RecipientChosen) -> bool:
    """Whether a later choice takes the place of an earlier one: asked anew, as a rule for another key."""
    return (one.offer_id, one.recipient) == (other.offer_id, other.recipient)
