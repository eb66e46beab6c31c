"""VAWA-07 at the source: what a release excludes is not sealed, and it cannot exclude what nobody knows."""

import pytest

from broker.agency.errors import EventRefusedBeforeSending
from broker.schemas.refusal import RefusalCode
from tests.client.county import BIRCH, County, asked
from tests.client.test_referrals import GROUPS, granted, opened, sent


async def test_a_field_of_each_child_is_taken_out_before_sealing(county: County) -> None:
    """VAWA-07: also a property of the items of a list, however the path writes the list."""
    scope = {
        "fieldGroups": ["FG01", "FG02", "FG03", "FG04", "FG09"],
        "excludedFields": ["$.FG09.children[].schoolDistrictCode", "children.children.alias"],
        "maxTier": 4,
    }
    child = {"ageYears": 7, "alias": "Wren", "schoolDistrictCode": "SD-12"}
    async with county.client() as client:
        consent = await granted(client, dataScope=scope)
        groups = GROUPS | {"FG09": {"children": [child, {"ageYears": 1}]}}
        referral = await client.request_referral(groups=groups, consent=consent, **asked())
    (request,), (wraps,) = await sent(county)
    found = opened(county, BIRCH, referral.referral_id, request, wraps)["FG09"]
    assert [{name: held for name, held in one.items() if held != []} for one in found["children"]] == [
        {"ageYears": 7}, {"ageYears": 1},
    ]  # fmt: skip


async def test_a_release_that_excludes_what_nobody_knows_does_not_leave(county: County) -> None:
    """VAWA-07: `pronoun` is no property, so nothing would be left out; the client says so with the broker's code."""
    scope = {"fieldGroups": ["FG04"], "excludedFields": ["personHandle.pronoun"], "maxTier": 4}
    async with county.client() as client:
        with pytest.raises(EventRefusedBeforeSending) as refused:
            await granted(client, dataScope=scope)
    assert (refused.value.code, refused.value.field) == (
        RefusalCode.PROPERTY_INVALID, "record.dataScope.excludedFields",
    )  # fmt: skip
