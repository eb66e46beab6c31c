"""What identifies the survivor leaves sealed, and only for whom she and the rules allow; who comes later is let in."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.agency.errors import (
    AssociationUnplaced,
    ContentKeysGone,
    EventRefusedBeforeSending,
    NotConfirmed,
    RecipientUnknown,
    ShareDenied,
)
from broker.agency.sending import Place
from broker.client import AgencyClient, MemoryKeeper, Notice, RecipientChosen, ReferralClosed
from broker.domain.consent import Reason
from broker.schemas.consent_revoked import ConsentRevoked
from broker.schemas.event import EventData
from broker.schemas.field_groups import FieldGroup, group_model
from broker.schemas.ids import OrgId, ReferralId, new_event_id, new_referral_id
from broker.schemas.referral_cancelled import CancelReason
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.referral_requested import ReferralRequested
from broker.schemas.referral_sealed import ReferralSealed
from broker.schemas.refusal import RefusalCode
from broker.schemas.vocabulary import RecipientCategory
from tests.client.county import (
    ALIAS,
    BIRCH,
    CEDAR,
    FAR_COUNTY,
    HOTLINE,
    LEGAL_AID,
    POLICE,
    SAFE_CONTACT,
    County,
    asked,
    release,
)
from tests.client.test_publishing import on_topic

GROUPS = {"FG03": SAFE_CONTACT, "FG04": ALIAS}
TOMORROW = {"mode": "VIA_WORKER", "lastConfirmedAt": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
"""A safe contact that nobody can have confirmed yet (NNEDV-07)."""
DANGER = dict(group_model("FG10").EXAMPLE)
COURT = dict(group_model("FG16").EXAMPLE)
LEGAL_NAME = dict(group_model("FG05").EXAMPLE)
BOTH = {"services": ["EMERGENCY_SHELTER", "PROTECTION_ORDER_HELP"]}


async def sent(county: County, org: OrgId = HOTLINE) -> tuple[list[ReferralRequested], list[ReferralSealed]]:
    """The requests and the wrapped keys that the agency has published."""
    requests, wraps = [], []
    for record in await on_topic(county, org):
        kind = dict(record.headers)["ce_type"].decode()
        if kind == ReferralRequested.TYPE:
            requests.append(ReferralRequested.read(record.value or b""))
        elif kind == ReferralSealed.TYPE:
            wraps.append(ReferralSealed.read(record.value or b""))
    return requests, wraps


def opened(
    county: County, org: OrgId, referral: ReferralId, request: ReferralRequested, wraps: ReferralSealed
) -> dict[str, Any]:
    """What a provider finds after opening, by group."""
    mine = [wrap for wrap in wraps.wraps if wrap.recipient == org]
    groups = {wrap.field_group for wrap in mine}
    ring = county.ring(org)
    return {
        one.field_group: json.loads(ring.open(referral, one, mine))
        for one in request.sealed
        if one.field_group in groups
    }


async def granted(client: AgencyClient, *recipients: OrgId, **changes: Any) -> Any:
    """A release that the client has published."""
    record = release(*recipients, **changes)
    await client.grant_consent(record, asked_in_private=True)
    return record


def chosen(referral: ReferralId, recipient: OrgId = BIRCH, *groups: str) -> Notice:
    """The broker's word that a provider has accepted."""
    fact = RecipientChosen.model_validate(
        {**RecipientChosen.EXAMPLE, "recipient": recipient, "keyIds": [], "fieldGroups": groups or ("FG03", "FG04")}
    )
    return notice_of(referral, fact)


def notice_of(referral: ReferralId, fact: EventData) -> Notice:
    """A notice about a referral."""
    return Notice(new_event_id(), referral, datetime.now(UTC), fact)


async def test_a_named_recipient_opens_what_the_release_lets_it_have_and_nobody_else_does(county: County) -> None:
    """The keys are wrapped for the named shelter alone, though another of its kind is in the network."""
    async with county.client() as client:
        referral = await client.request_referral(groups=GROUPS, consent=await granted(client, BIRCH), **asked())
    (request,), (wraps,) = await sent(county)
    assert {wrap.recipient for wrap in wraps.wraps} == {BIRCH}
    found = opened(county, BIRCH, referral.referral_id, request, wraps)
    assert found["FG04"]["alias"] == ALIAS["alias"]
    assert found["FG03"]["handle"] == SAFE_CONTACT["handle"]
    (share,) = referral.shares
    assert share.groups == {"FG03", "FG04"}
    assert referral.left_out == {}


async def test_who_is_only_where_the_survivor_must_not_go_is_never_asked(county: County) -> None:
    """The areas are sealed; the broker hears whom not to ask, and not why. Nobody there is sealed to, either."""
    avoiding = GROUPS | {"FG08": {"areasToAvoid": [FAR_COUNTY]}}
    async with county.client() as client:
        consent = await granted(client, BIRCH, CEDAR)
        await client.request_referral(groups=avoiding, consent=consent, **asked())
        (request,), (wraps,) = await sent(county)
        await client.request_referral(groups=GROUPS, consent=consent, **asked())
    assert request.excluded_recipients == (CEDAR,)
    assert {wrap.recipient for wrap in wraps.wraps} == {BIRCH}
    assert FAR_COUNTY not in request.wire().decode()
    both, wraps_of_both = await sent(county)
    (other,) = (one for one in both if one != request)
    (wraps_of_other,) = (one for one in wraps_of_both if one != wraps)
    assert other.excluded_recipients == ()
    assert {wrap.recipient for wrap in wraps_of_other.wraps} == {BIRCH, CEDAR}


async def test_the_abusers_tie_to_a_shelter_is_placed_before_anything_leaves(county: County) -> None:
    """Which shelter it is has to be said; a tie to a kind that nobody asks stops nothing."""
    tied = GROUPS | {"FG08": {"abuserAssociations": ["SHELTER_STAFF_RELATIVE"]}}
    elsewhere = GROUPS | {"FG08": {"abuserAssociations": ["COURT_EMPLOYEE", "TRANSPORT_EMPLOYEE"]}}
    async with county.client() as client:
        with pytest.raises(AssociationUnplaced) as unplaced:
            client.plan_referral(groups=tied, **asked())
        placed = client.plan_referral(groups=tied, **asked(), excluded_recipients=[CEDAR])
        stopped_by_nothing = client.plan_referral(groups=elsewhere, **asked())
    assert "name it in excludedRecipients" in unplaced.value.remedy
    assert placed.request.excluded_recipients == (CEDAR,)
    assert stopped_by_nothing.request.excluded_recipients == ()


async def test_nothing_that_was_sealed_leaves_or_shows_in_the_clear(county: County) -> None:
    """Names and numbers are in no byte on the topic and in no repr."""
    async with county.client() as client:
        referral = await client.request_referral(groups=GROUPS, consent=await granted(client), **asked())
        plan = client.plan_referral(groups=GROUPS, **asked())
        kept = await client.kept_keys.recall(referral.referral_id)
        shown = f"{client!r}{client.kept_keys!r}{kept!r}{referral!r}{plan!r}"
    records = await on_topic(county)
    everything = b"".join(part for r in records for part in (r.key or b"", r.value or b"", repr(r.headers).encode()))
    for secret in ("Quillfeather", "+15555550142"):
        assert secret.encode() not in everything
        assert secret not in shown


async def test_a_recipient_that_the_release_does_not_name_is_not_sealed_to(county: County) -> None:
    """Asking for it in `seal_to` does not make up for the survivor's word; the result says why."""
    async with county.client() as client:
        consent = await granted(client, BIRCH)
        referral = await client.request_referral(groups=GROUPS, consent=consent, seal_to=[BIRCH, CEDAR], **asked())
    _, (wraps,) = await sent(county)
    assert {wrap.recipient for wrap in wraps.wraps} == {BIRCH}
    by_org = {share.recipient: share for share in referral.shares}
    assert by_org[CEDAR].reason is Reason.RECIPIENT_NOT_NAMED


async def test_each_recipient_gets_the_groups_of_its_kind_only(county: County) -> None:
    """Minimum necessary is applied before anything leaves (domain.md §7.4): court orders go to legal aid alone."""
    async with county.client() as client:
        consent = await granted(client, BIRCH, LEGAL_AID)
        groups = GROUPS | {"FG10": DANGER, "FG16": COURT}
        referral = await client.request_referral(groups=groups, consent=consent, **asked(**BOTH, area="US-CA-001"))
    (request,), (wraps,) = await sent(county)
    assert {one.field_group for one in request.sealed} == {"FG03", "FG04", "FG10", "FG16"}
    assert opened(county, BIRCH, referral.referral_id, request, wraps).keys() == {"FG03", "FG04", "FG10"}
    assert "FG16" in opened(county, LEGAL_AID, referral.referral_id, request, wraps)
    by_org = {share.recipient: share for share in referral.shares}
    assert by_org[BIRCH].withheld[FieldGroup("FG16")] is Reason.NOT_NECESSARY


async def test_a_group_that_no_provider_asked_may_have_does_not_leave_at_all(county: County) -> None:
    """Not even its ciphertext travels: a shelter never gets the legal name, nobody what her release leaves out."""
    async with county.client() as client:
        groups = GROUPS | {"FG05": LEGAL_NAME, "FG09": dict(group_model("FG09").EXAMPLE)}
        consent = await granted(client)
        referral = await client.request_referral(groups=groups, consent=consent, **asked())
    assert referral.left_out == {"FG05": Reason.NEVER_FOR_RECIPIENT, "FG09": Reason.OUT_OF_SCOPE}
    (request,), _ = await sent(county)
    assert {one.field_group for one in request.sealed} == {"FG03", "FG04"}


async def test_a_field_that_the_release_excludes_is_taken_out_before_sealing(county: County) -> None:
    """The survivor may keep single fields to herself (domain.md §4.2, excludedFields)."""
    scope = {"fieldGroups": ["FG01", "FG02", "FG03", "FG04"], "excludedFields": ["personHandle.pronouns"], "maxTier": 4}
    async with county.client() as client:
        consent = await granted(client, dataScope=scope)
        groups = GROUPS | {"FG04": {**ALIAS, "pronouns": "SHE"}}
        referral = await client.request_referral(groups=groups, consent=consent, **asked())
    (request,), (wraps,) = await sent(county)
    assert opened(county, BIRCH, referral.referral_id, request, wraps)["FG04"] == ALIAS


async def test_without_a_release_nobody_is_sealed_to_until_somebody_is_chosen(county: County) -> None:
    """The police share by agreement: the shelter that accepts is let in afterwards, and only with what it may have."""
    async with county.client(POLICE) as client:
        groups = GROUPS | {"FG10": DANGER}
        referral = await client.request_referral(groups=groups, **asked())
        assert referral.sealed == []
        await client.seal_chosen(chosen(referral.referral_id, BIRCH))
    (request,), (wraps,) = await sent(county, POLICE)
    found = opened(county, BIRCH, referral.referral_id, request, wraps)
    assert found["FG04"] == ALIAS
    assert found.keys() == {"FG03", "FG04"}


async def test_what_the_rules_withhold_is_not_sealed_late_either(county: County) -> None:
    """A choice of the broker's does not widen what the survivor or the law allows: excluded, revoked, not necessary."""
    async with county.client(POLICE) as client:
        referral = await client.request_referral(groups=GROUPS, **asked(excluded_recipients=[CEDAR]))
        with pytest.raises(ShareDenied) as denied:
            await client.seal_chosen(chosen(referral.referral_id, CEDAR))
        assert denied.value.reason is Reason.RECIPIENT_EXCLUDED
    async with county.client() as client:
        consent = await granted(client, BIRCH)
        referral = await client.request_referral(groups=GROUPS, consent=consent, **asked())
        revoked = ConsentRevoked(version=1, revoked_at=datetime.now(UTC), by="SUBJECT", form="ORAL")
        await client.revoke_consent(consent.consent_id, revoked)
        with pytest.raises(ShareDenied) as denied:
            await client.seal_for(referral.referral_id, BIRCH)
        assert denied.value.reason is Reason.CONSENT_REVOKED


async def test_a_slip_of_the_pen_in_a_revocation_does_not_leave(county: County) -> None:
    """An organisation that neither the release nor the directory names: whoever typed it is told at once."""
    slip = ConsentRevoked(
        version=1,
        revoked_at=datetime.now(UTC),
        by="SUBJECT",
        form="ORAL",
        scope="RECIPIENT",
        scope_values=("org-brich",),
    )
    async with county.client() as client:
        consent = await granted(client, BIRCH)
        with pytest.raises(EventRefusedBeforeSending) as refused:
            await client.revoke_consent(consent.consent_id, slip)
        assert (refused.value.code, refused.value.field) == (RefusalCode.PROPERTY_INVALID, "scopeValues")
        for known in (BIRCH, CEDAR):
            await client.revoke_consent(consent.consent_id, slip.model_copy(update={"scope_values": (known,)}))


async def test_keys_are_wrapped_only_for_keys_of_the_directory(county: County) -> None:
    """Whatever key the choice names: one that the operator has not listed is never sealed to."""
    async with county.client(POLICE) as client:
        referral = await client.request_referral(groups=GROUPS, **asked())
        foreign = RecipientChosen.model_validate({**RecipientChosen.EXAMPLE, "recipient": BIRCH})
        with pytest.raises(RecipientUnknown):
            await client.seal_chosen(notice_of(referral.referral_id, foreign))
        with pytest.raises(RecipientUnknown):
            await client.seal_chosen(chosen(referral.referral_id, OrgId("org-nobody")))


async def test_content_keys_that_are_gone_are_said_to_be_gone(county: County) -> None:
    """Keys that were kept in memory end with their process: another one lets nobody in, and says what to do."""
    async with county.client(POLICE, keeper=MemoryKeeper()) as client:
        referral = await client.request_referral(groups=GROUPS, **asked())
    async with county.client(POLICE) as another:
        with pytest.raises(ContentKeysGone) as gone:
            await another.seal_chosen(chosen(referral.referral_id))
    assert gone.value.remedy


@pytest.mark.parametrize("recalled", [False, True])
async def test_content_keys_are_destroyed_when_every_need_is_closed(served: County, *, recalled: bool) -> None:
    """A key that nobody can need any more is not kept, whether the referral was cancelled or recalled as wrong."""
    async with served.client(POLICE) as client:
        referral = await client.request_referral(groups=GROUPS, **asked(**BOTH))
        assert await client.kept_keys.recall(referral.referral_id) is not None
        if recalled:
            await client.accepted(await client.recall_referral(referral.referral_id, RecallReason.WRONG_PERSON))
        else:
            await client.accepted(await client.cancel_referral(referral.referral_id, CancelReason.SAFE_ELSEWHERE))
        closed: set[RecipientCategory] = set()
        async with asyncio.timeout(30), aclosing(client.notices()) as notices:
            async for notice in notices:
                if closed == {RecipientCategory.SHELTER, RecipientCategory.LEGAL_AID}:
                    break
                if isinstance(notice.fact, ReferralClosed):
                    closed.add(notice.fact.category)
                if len(closed) == 2:
                    # One more event, so that the last closure counts as handled.
                    await client.cancel_referral(new_referral_id(), CancelReason.SOURCE_WITHDREW)
        assert await client.kept_keys.recall(referral.referral_id) is None


async def test_content_keys_are_destroyed_when_they_are_too_old(county: County) -> None:
    """What is kept longer than any referral lasts is forgotten."""
    keeper = MemoryKeeper()
    async with county.client(POLICE, keeper=keeper) as client:
        referral = await client.request_referral(groups=GROUPS, **asked())
        kept = await keeper.recall(referral.referral_id)
        assert kept is not None
        await keeper.keep(replace(kept, kept_at=datetime.now(UTC) - timedelta(days=22)))
        await client.request_referral(groups=GROUPS, **asked())
    assert await keeper.recall(referral.referral_id) is None
    assert len(keeper) == 1


@pytest.mark.parametrize(
    ("groups", "fields", "code", "field"),
    [
        ({"FG11": {}}, {}, RefusalCode.NEVER_TRANSIT, "seal.FG11"),
        ({"FG19": {}}, {}, RefusalCode.PART2_NOT_SUPPORTED, "seal.FG19"),
        ({"FG01": {"adults": 1}}, {}, RefusalCode.PROPERTY_INVALID, "seal.FG01"),
        ({"not a group": {}}, {}, RefusalCode.PROPERTY_INVALID, "seal"),
        ({"FG04": {}}, {}, RefusalCode.PROPERTY_MISSING, "seal.FG04.alias"),
        ({"FG04": ALIAS | {"ssn": "x"}}, {}, RefusalCode.NEVER_TRANSIT, "seal.FG04.ssn"),
        ({"FG03": TOMORROW}, {}, RefusalCode.TIME_IMPLAUSIBLE, "seal.FG03.lastConfirmedAt"),
        ({}, {"worker_contact": None}, RefusalCode.CONTACT_MISSING, None),
        ({}, {"services": ["A_BED"]}, RefusalCode.PROPERTY_INVALID, "services.0"),
        ({}, {"clientName": "x"}, RefusalCode.PROPERTY_UNKNOWN, "(unknown property)"),
        ({}, {"needSummary": {"adults": 1, "shelterAddress": "x"}}, RefusalCode.NEVER_TRANSIT, None),
    ],
)
async def test_what_may_not_travel_is_refused_before_anything_leaves(
    county: County, groups: dict[str, Any], fields: dict[str, Any], code: RefusalCode, field: str | None
) -> None:
    """The code and the place are told, and the topic stays empty."""
    request = {name: value for name, value in asked(**fields).items() if value is not None}
    if "needSummary" in fields:
        del request["need_summary"]
    async with county.client(POLICE) as client:
        with pytest.raises(EventRefusedBeforeSending) as refused:
            await client.request_referral(groups=groups, **request)
    assert refused.value.code is code
    assert field is None or refused.value.field == field
    assert not await on_topic(county, POLICE)


async def test_a_referral_that_was_not_confirmed_is_sent_again_with_the_same_bytes(
    county: County, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an outage the same ciphertexts leave under the same ids, and the wrapped keys after them."""
    async with county.client() as client:
        consent = await granted(client)
        sender = client.publishing._sender
        reached, fails = sender.send, True

        async def cut_off(record: Any) -> Place:
            place = await reached(record)
            if fails:
                raise NotConfirmed
            return place

        monkeypatch.setattr(sender, "send", cut_off)
        with pytest.raises(NotConfirmed) as unknown:
            await client.request_referral(groups=GROUPS, consent=consent, **asked())
        fails = False
        assert unknown.value.event_id is not None
        await client.publish_again(unknown.value.event_id)
    requests, (wraps,) = await sent(county)
    assert len(requests) == 2
    assert requests[0] == requests[1]
    (key,) = {record.key for record in await on_topic(county) if record.key and record.key.startswith(b"ref-")}
    referral = ReferralId(key.decode())
    assert opened(county, BIRCH, referral, requests[0], wraps)["FG04"] == ALIAS
