"""Two more calls of the night: an emergency in which nobody can be asked, and a girl who may not sign alone."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from broker.agency.errors import EventRefusedBeforeSending
from broker.client import AgencyClient
from broker.local.demo import county
from broker.schemas.break_glass_vocabulary import (
    BreakGlassBasis,
    BreakGlassReason,
    ReviewOutcome,
    SubjectInformed,
    new_break_glass_id,
)
from broker.schemas.breakglass_approved import BreakGlassApproved
from broker.schemas.breakglass_invoked import BreakGlassInvoked
from broker.schemas.breakglass_reviewed import BreakGlassReviewed
from broker.schemas.consent_record import ConsentRecord
from broker.schemas.consent_vocabulary import AbuserCheck, Capacity, GrantForm, IdentityCheck, SubjectKind
from broker.schemas.field_groups import FieldGroup
from broker.schemas.offer_accepted import AcceptedBy
from broker.schemas.refusal import ADVICE, RefusalCode
from broker.schemas.vocabulary import Priority, RecipientCategory, Service

if TYPE_CHECKING:
    from broker.local.demo.story import Story

GROUPS: dict[str, Any] = {"FG03": county.SAFE_CONTACT, "FG04": {"alias": county.ALIAS}}


async def an_emergency(story: "Story", police: AgencyClient) -> None:
    """Nobody can ask her; one shelter is let in, a second person answers for it, and it is reviewed."""
    story.teller.chapter("10. A call from a neighbour. She does not answer, and he is on his way back.")
    asked = await police.request_referral(
        priority=Priority.P0,
        services=(Service.EMERGENCY_SHELTER,),
        groups=GROUPS,
        **{**county.REQUEST, "victim_agreed": "NOT_ASKED_UNSAFE"},
    )
    story.referral = asked.referral_id
    await police.accepted(asked.requested)
    birch = story.inbox(county.BIRCH)
    offer = await story.offer(county.BIRCH)
    await birch.accept(offer.offer_id)
    story.check("Birch house has said yes, and does not learn who she is", holds=not await story.released(county.BIRCH))
    glass, now = new_break_glass_id(), datetime.now(UTC)
    emergency = BreakGlassInvoked(
        break_glass_id=glass,
        category=RecipientCategory.SHELTER,
        recipient=county.BIRCH,
        field_groups=(FieldGroup("FG03"), FieldGroup("FG04")),
        reason=BreakGlassReason.LIFE_THREAT_IMMINENT,
        basis=BreakGlassBasis.AGENCY_POLICY,
        invoked_by="wrk-7f21",
        narrative_ref="nar-2026-0304-17",
        invoked_at=now,
        expires_at=now + timedelta(hours=2),
        subject_informed=SubjectInformed.NOT_YET,
    )
    await police.accepted(await police.late.break_glass(asked.referral_id, emergency))
    story.teller.aside("The officer breaks the glass, for Birch house alone and two hours; the privacy officer is told")
    await story.until("her sealed envelope reaches Birch house", lambda: story.released(county.BIRCH))
    opened = await birch.open_groups(offer.offer_id, reader=AcceptedBy.STAFF)
    story.check("Birch house can call her, and nobody else can", holds=bool(opened))
    approved = BreakGlassApproved(break_glass_id=glass, approved_by="wrk-0c55")
    await police.accepted(await police.publish(approved, subject=asked.referral_id))
    reviewed = BreakGlassReviewed(
        break_glass_id=glass,
        reviewed_by="wrk-a3d9",
        outcome=ReviewOutcome.JUSTIFIED,
        subject_informed=SubjectInformed.YES,
    )
    await police.accepted(await police.publish(reviewed, subject=asked.referral_id))
    story.check("a second officer stands for it, a third has reviewed it, and she knows", holds=True)


async def a_girl_and_her_mother(story: "Story", hotline: AgencyClient) -> None:
    """She is sixteen: her word alone is no release, hers and her mother's is, and a suspected abuser's never."""
    story.teller.chapter("12. She is sixteen, and her mother is beside her.")
    refused = await _refused(hotline, _release_of_a_minor(Capacity.SELF))
    story.teller.aside(f"She signs alone, and the client says: {ADVICE[refused].meaning if refused else 'nothing'}")
    story.check("nothing has left: her mother has to sign, too", holds=refused is RefusalCode.MINOR_CONSENT_INCOMPLETE)
    stepfather = _release_of_a_minor(Capacity.SELF, Capacity.PARENT, abuser_check=AbuserCheck.SUSPECTED_ABUSER)
    refused = await _refused(hotline, stepfather)
    story.check("her stepfather cannot sign: he may be the one", holds=refused is RefusalCode.GRANTOR_MAY_BE_ABUSER)
    consent = _release_of_a_minor(Capacity.SELF, Capacity.PARENT)
    await hotline.accepted(await hotline.grant_consent(consent, asked_in_private=True))
    asked = await hotline.request_referral(
        priority=Priority.P1,
        services=(Service.EMERGENCY_SHELTER,),
        groups=GROUPS,
        consent=consent,
        **county.FROM_THE_HOTLINE,
    )
    story.referral = asked.referral_id
    await hotline.accepted(asked.requested)
    offer = await story.offer(county.BIRCH)
    await story.inbox(county.BIRCH).accept(offer.offer_id)
    await story.until("signed by both, it reaches Birch house", lambda: story.released(county.BIRCH))
    story.check("a minor's release is hers and her mother's together", holds=True)


def _release_of_a_minor(
    *capacities: Capacity, abuser_check: AbuserCheck = AbuserCheck.CONFIRMED_NOT_ABUSER
) -> ConsentRecord:
    """Her release to Birch house, as the worker fills it in: whether it will do is for the client to say."""
    release = county.release(county.HOTLINE, "VAWA", (county.BIRCH,), ("SHELTER_PLACEMENT",))
    checks = {Capacity.SELF: AbuserCheck.NOT_APPLICABLE_SELF, Capacity.PARENT: abuser_check}
    signed = {"form": GrantForm.WRITTEN_WET, "identity_check": IdentityCheck.IN_PERSON_ID}
    grantors = [
        release.grantors[0].model_copy(update={**signed, "capacity": who, "abuser_check": checks[who]})
        for who in capacities
    ]
    girl = release.subject.model_copy(update={"kind": SubjectKind.UNEMANCIPATED_MINOR})
    return release.model_copy(update={"subject": girl, "grantors": tuple(grantors)})


async def _refused(hotline: AgencyClient, record: ConsentRecord) -> RefusalCode | None:
    """With which code the client refuses a release, before anything leaves."""
    try:
        await hotline.grant_consent(record, asked_in_private=True)
    except EventRefusedBeforeSending as refused:
        return refused.code
    return None
