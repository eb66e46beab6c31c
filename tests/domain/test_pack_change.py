"""What a changed pack would let through is found by asking; whether it is looser decides how many must sign."""

from dataclasses import fields

import pytest

from broker.commands.policy_words import change_lines, pack_lines, unreleased_lines
from broker.domain.pack import PolicyPack
from broker.domain.pack_change import PackChange, change, unreleased
from broker.domain.policy import read_pack
from broker.schemas.vocabulary import OrgClass, Purpose, RecipientCategory
from tests.domain.cast import PACK_FILE, pack

TEXT = PACK_FILE.read_bytes()
BOUNDED = {Purpose.SHELTER_PLACEMENT, Purpose.ADVOCACY_OUTREACH, Purpose.TRANSPORT, Purpose.CASE_CONFERENCE}
PROVIDERS = ("SHELTER", "COUNSELING", "LEGAL_AID", "HEALTHCARE", "ADVOCACY")


def changed(*replacements: tuple[str, str]) -> PackChange:
    """How the usual pack would change."""
    text = TEXT
    for before, after in replacements:
        assert before.encode() in text
        text = text.replace(before.encode(), after.encode())
    return change(pack(), read_pack(text))


def test_the_same_pack_changes_nothing() -> None:
    """Whatever is written about it: a comment is another text and the same policy."""
    nothing = change(pack(), read_pack(TEXT + b"# reviewed\n"))
    assert nothing == PackChange((), (), ())
    assert not nothing.looser
    assert list(change_lines(nothing)) == ["Nothing would be decided otherwise."]


def test_a_group_that_becomes_needed_and_one_that_ceases_to_be() -> None:
    """One cell of the table each way, told with the group's label, to the kind of provider that it is about."""
    found = changed(('FG12 = "- o o o o o x x"', 'FG12 = "- o o o - o x x"'), ('FG09 = "- o o', 'FG09 = "- o -'))
    assert not found.permits
    assert not found.looser
    assert {role for box in found.forbids for role in box.roles} == {
        RecipientCategory.HEALTHCARE,
        RecipientCategory.COUNSELING,
    }
    lines = "\n".join(change_lines(found))
    assert "FG12 Incident in brief" in lines
    assert "FG09 About the children" in lines
    back = change(read_pack(TEXT.replace(b'FG12 = "- o o o o o x x"', b'FG12 = "- o o o - o x x"')), pack())
    assert back.looser
    assert not back.forbids


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('FG14 = "- 1 - 1 x - x x"', 'FG14 = "- o - 1 x - x x"', "for good, not for one check only"),
        ("vspOpaqueOffers = false", "vspOpaqueOffers = true", "in an offer, before anybody has accepted"),
        (
            'VSP_SHELTER = ["VAWA", "FVPSA", "VOCA", "STATE-PRIVILEGE"]',
            'VSP_SHELTER = ["STATE-PRIVILEGE"]',
            "an oral release that names it under",
        ),
        (
            'from = ["VSP_*", "HOTLINE_VSP", "LEGAL_AID", "COUNSELING_*", "HOSPITAL_HIPAA",',
            'from = ["VSP_ADVOCACY", "HOTLINE_VSP", "LEGAL_AID", "COUNSELING_*", "HOSPITAL_HIPAA",',
            "",
        ),
    ],
    ids=["kept for good", "an offer without a release", "a regime that no longer binds", "word to the source"],
)
def test_what_lets_more_through_is_looser(before: str, after: str, says: str) -> None:
    """However it is written in the pack: a cell, a switch, a list of regimes."""
    found = changed((before, after))
    assert found.looser == bool(says)
    assert says in "\n".join(change_lines(found))


def test_limits_are_told_with_their_direction() -> None:
    """What no case shows is compared: longer, more, fewer to be without. One that only reminds loosens nothing."""
    found = changed(
        ("maxReleaseDays = 30", "maxReleaseDays = 60"),
        ("TRANSPORT = 3", "TRANSPORT = 2"),
        ("oralTemporaryHours = 72", "oralTemporaryHours = 24"),
        ("clockSkewSeconds = 2", "clockSkewSeconds = 0"),
        ("capacityFreshHours = 4", "capacityFreshHours = 8"),
        ('"IMMIGRATION_ENFORCEMENT", ', ""),
        ('commonLanguages = ["en", "es"]', 'commonLanguages = ["en", "cy"]'),
        ('mayBeMissing = ["FG07b", "FG10"]', 'mayBeMissing = ["FG07b", "FG10", "FG03"]'),
        ('HIGH = "P1"', 'HIGH = "P0"'),
        ("parallelOffers = 3", "parallelOffers = 4"),
        ("contactFreshHours = 24", "contactFreshHours = 12"),
    )
    looser = {limit.words: limit.looser for limit in found.limits}
    assert looser == {
        "longest release": True,
        **{f"longest release for {one}": True for one in Purpose if one not in BOUNDED},
        "longest release for TRANSPORT": False,
        "longest oral release": False,
        "difference of clocks, counted against disclosure": True,
        "a count of free places is fresh for": False,
        "who never receives anything": True,
        "languages that a coarse offer may name": True,
        **{f"groups without which nothing goes ({kind})": True for kind in PROVIDERS},
        "a risk screen of HIGH raises to": False,
        "P0: parallel offers": True,
        "P0: contact fresh hours": False,
        "P1: contact fresh hours": False,
    }
    lines = list(change_lines(found))
    assert "  + longest release: 30 days → 60 days" in lines
    assert "  ~ longest release for TRANSPORT: 3 days → 2 days" in lines


def test_it_knows_whom_it_touches() -> None:
    """A change for the police touches their referrals to those kinds of provider, and nobody else's."""
    found = changed(
        (
            'from = ["LAW_ENFORCEMENT", "PROSECUTION", "PROBATION_PAROLE", "HOTLINE_NON_VSP"]\nto = ["HOSPITAL_HIPAA"',
            'from = ["PROSECUTION", "PROBATION_PAROLE", "HOTLINE_NON_VSP"]\nto = ["HOSPITAL_HIPAA"',
        )
    )
    assert found.touches(OrgClass.LAW_ENFORCEMENT, RecipientCategory.HEALTHCARE)
    assert not found.touches(OrgClass.HOTLINE_VSP, RecipientCategory.HEALTHCARE)


def test_a_pack_that_lets_a_shelter_tell_without_a_release_is_to_be_looked_at_twice() -> None:
    """VAWA-01a, domain.md §2.2; the usual pack does no such thing."""
    assert not list(unreleased_lines(unreleased(pack())))
    loose = TEXT.replace(b'from = ["VSP_*", "HOTLINE_VSP"]\nto = ["*"]', b'from = ["HOTLINE_VSP"]\nto = ["*"]').replace(
        b'from = ["SELF"]', b'from = ["SELF", "VSP_SHELTER"]'
    )
    assert "VSP_SHELTER to" in "\n".join(unreleased_lines(unreleased(read_pack(loose))))


def test_a_pack_is_told_in_words() -> None:
    """Who to whom, on what, by which row; what sources hear; how long."""
    lines = list(pack_lines(pack()))
    assert lines[0].startswith(pack().reference)
    assert any("[D3]" in line and "with a release" in line and "HOTLINE_VSP, VSP_SHELTER" in line for line in lines)
    assert any("receipt and closure alone" in line for line in lines)
    assert "  for TRANSPORT: 3 days" in lines


ASKED = {"regimes", "written_regimes", "named_regimes", "footings", "feedback", "columns", "part2_enabled"} | {
    "vsp_opaque_offers",
    "safeguarding",
    "break_glass",
    "not_asked",
    "opaque_offer",
}
COMPARED = {"environments", "max_release", "release_length", "oral_temporary", "capacity_fresh", "clock_skew"} | {
    "prohibited_recipients",
    "common_languages",
    "without_consent",
    "may_be_missing",
    "timers",
    "ladder",
    "risk",
}


def test_no_part_of_a_pack_is_forgotten_in_the_comparison() -> None:
    """Each is asked about in a case or compared; `necessity` is the table that `columns` are compiled from."""
    parts = {one.name for one in fields(PolicyPack)}
    assert parts == ASKED | COMPARED | {"name", "version", "digest", "necessity"}
