"""A policy pack says what the law says, and one that is broken or looser than it looks is refused."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.pack import Basis, FeedbackAllowance, Necessity, Span
from broker.domain.policy import PolicyBroken, read_pack
from broker.domain.policy_file import COLUMNS, RECIPIENTS
from broker.domain.safeguarding import BASES
from broker.schemas.field_groups import GROUPS, FieldGroup
from broker.schemas.vocabulary import OrgClass, Priority, Purpose
from tests.domain.cast import PACK_FILE, pack

TEXT = PACK_FILE.read_text("utf-8")
DOMAIN_TABLE = Path(__file__).with_name("minimum_necessary.md")

DOMAIN_COLUMNS = ("OFFER", "SHELTER", "COUNSELING", "LEGAL_AID", "HEALTHCARE", "ADVOCACY", "SOURCE_FEEDBACK", "AUDITOR")

SIGNS = {"R": Necessity.REQUIRED, "o": Necessity.OPTIONAL, "1": Necessity.ONCE, "–": Necessity.NOT_NEEDED}
SIGNS |= {"✗": Necessity.NEVER, "a": Necessity.OPTIONAL}
WORDED = {"role only": Necessity.OPTIONAL, "codes only, unlinked to person": Necessity.OPTIONAL}
WORDED |= {"R (P0/P1)": Necessity.OPTIONAL}  # required at two priorities only, which no cell can say


def _domain_cells() -> list[tuple[str, str, Necessity]]:
    """Every cell of domain.md §7.4 as it stands there: group, column, necessity."""
    cells = []
    for line in DOMAIN_TABLE.read_text("utf-8").splitlines()[2:]:
        number, *row = [cell.strip() for cell in line.strip().strip("|").split("|")]
        for code in _codes(number.split()[0]):
            cells += [(code, column, _sign(code, cell)) for column, cell in zip(DOMAIN_COLUMNS, row, strict=True)]
    return cells


def _codes(number: str) -> list[str]:
    return {"07a/b": ["FG07a", "FG07b"], "18/19": ["FG19"]}.get(number, [f"FG{number}"])


def _sign(code: str, cell: str) -> Necessity:
    if code == "FG07b" and "a/b" not in cell:
        return Necessity.NOT_NEEDED
    return WORDED.get(cell) or SIGNS[cell[0]]


@pytest.mark.parametrize(("code", "column", "necessity"), _domain_cells())
def test_every_cell_of_the_minimum_necessary_table_is_the_domains(code: str, column: str, necessity: Necessity) -> None:
    """No cell of §7.4 is mistyped or forgotten."""
    assert pack().necessity[column][FieldGroup(code)] is necessity


def test_the_domains_table_covers_all_groups_but_four() -> None:
    """The groups without a row in §7.4 are the three that never travel, and two that the pack decides on."""
    covered = {code for code, _, _ in _domain_cells()}
    assert GROUPS.keys() - covered == {"FG11", "FG15", "FG18", "FG07e", "FG24"}
    for code in ("FG11", "FG15", "FG18"):
        assert {pack().necessity[column][FieldGroup(code)] for column in COLUMNS} == {Necessity.NEVER}


def test_the_columns_read_from_the_file_are_all_there() -> None:
    """The table has the offer's column and one for each category."""
    assert set(pack().columns) == set(COLUMNS)


def test_the_digest_is_that_of_the_files_bytes() -> None:
    """A decision names the very bytes that it was taken under."""
    assert pack().digest == hashlib.sha256(PACK_FILE.read_bytes()).hexdigest()
    assert pack().reference == f"us-federal-vawa/1.0.1/{pack().digest[:16]}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[defaults]", "[defaults]\nmaxReleaseYears = 3"),
        ("maxReleaseDays = 30", "maxReleaseDays = 0"),
        ("oralTemporaryHours = 72", "oralTemporaryHours = 73"),
        ("part2Enabled = false", "part2Enabled = true"),
        ('basis = "RELEASE"', 'basis = "TRUST_ME"'),
        ('from = ["COURT"]', 'from = ["CUORT"]'),
        ('"FG00", "FG07a", "FG16", "FG23"', '"FG00", "FG07a", "FG16", "FG99"'),
        ('FG03 = "- R R R R R - x"\n', ""),
        ('FG03 = "- R R R R R - x"', 'FG03 = "- R R R R R -"'),
        ('FG03 = "- R R R R R - x"', 'FG03 = "- R R R R R - ?"'),
        ('"SOURCE_FEEDBACK", "AUDITOR"]', '"SOURCE_FEEDBACK", "SHELTER"]'),
        ('receipted = "5m"', 'receipted = "five minutes"'),
        ("[timers.P3]", "[timers.P4]"),
        ('allow = "STATUS"', 'allow = "ALL"'),
        ('named = ["VAWA", "FVPSA", "VOCA"]', 'named = ["VAWA", "FVPSA", "VOCAL"]'),
        ("SHELTER_PLACEMENT = 14", "HOLIDAY = 14"),
        ("[risk.bands]", "[risk.bands"),
    ],
)
def test_a_pack_with_anything_unknown_missing_or_out_of_bounds_is_refused(before: str, after: str) -> None:
    """Fail closed: nothing in a pack is guessed or ignored."""
    assert before in TEXT
    with pytest.raises(PolicyBroken):
        read_pack(TEXT.replace(before, after).encode())


def test_a_pack_that_is_not_text_is_refused() -> None:
    """Bytes that are not UTF-8 are no pack."""
    with pytest.raises(PolicyBroken, match="UTF-8"):
        read_pack(b"\xff\xfe")


@pytest.mark.parametrize(
    ("discloser", "recipient", "basis", "rule"),
    [
        (OrgClass.LAW_ENFORCEMENT, OrgClass.VSP_SHELTER, Basis.AGREEMENT, "D1"),
        (OrgClass.VSP_SHELTER, OrgClass.LAW_ENFORCEMENT, Basis.RELEASE, "D3"),
        (OrgClass.HOTLINE_VSP, OrgClass.VSP_SHELTER, Basis.RELEASE, "D3"),
        (OrgClass.HOSPITAL_HIPAA, OrgClass.VSP_SHELTER, Basis.AUTH_164_508, "D4"),
        (OrgClass.HOSPITAL_HIPAA, OrgClass.LEGAL_AID, Basis.AUTH_164_508, "D4"),
        (OrgClass.HOSPITAL_HIPAA, OrgClass.LAW_ENFORCEMENT, Basis.PROHIBITED, "D5"),
        (OrgClass.HOSPITAL_HIPAA, OrgClass.HEALTH_CLINIC_HIPAA, Basis.TREATMENT, "D6"),
        (OrgClass.LAW_ENFORCEMENT, OrgClass.HEALTH_CLINIC_HIPAA, Basis.AGREEMENT, "D6"),
        (OrgClass.COURT, OrgClass.VSP_SHELTER, Basis.STATUTE, "D7"),
        (OrgClass.COURT, OrgClass.LEGAL_AID, Basis.AGREEMENT, "D8"),
        (OrgClass.LEGAL_AID, OrgClass.VSP_SHELTER, Basis.RELEASE, "D9"),
        (OrgClass.VSP_ADVOCACY, OrgClass.CHILD_PROTECTION, Basis.PROHIBITED, "D11"),
        (OrgClass.LAW_ENFORCEMENT, OrgClass.CHILD_PROTECTION, Basis.PROHIBITED, "D11"),
        (OrgClass.SELF, OrgClass.VSP_SHELTER, Basis.NONE, "D14"),
    ],
)
def test_each_row_of_the_disclosure_matrix_has_its_basis(
    discloser: OrgClass, recipient: OrgClass, basis: Basis, rule: str
) -> None:
    """domain.md §3, the rows between organisations."""
    footing = pack().footing(discloser, recipient, None)
    assert footing is not None
    assert footing.basis is basis
    assert rule in footing.rules


@pytest.mark.parametrize("provider", list(OrgClass))
def test_no_victim_service_provider_lawyer_or_health_provider_tells_a_source_more_than_a_receipt(
    provider: OrgClass,
) -> None:
    """D2, D9, VAWA-12: without a release, whatever the source is."""
    guarded = provider.value.startswith(("VSP_", "HOSPITAL", "HEALTH", "COUNSELING")) or provider in (
        OrgClass.HOTLINE_VSP,
        OrgClass.LEGAL_AID,
        OrgClass.EMS,
    )
    for source in OrgClass:
        rule = pack().feedback_rule(provider, source)
        if guarded:
            assert rule is not None
            assert rule.allowance is FeedbackAllowance.RECEIPT_ONLY


NOTES = """
[safeguarding]
groups = ["FG00"]
noteHours = 24
criteria = ["REPEAT"]
withoutConsentTicks = 17
"""
_BASES = st.sampled_from([basis.name for basis in Basis if basis is not Basis.BREAK_GLASS])
_CLASSES = st.sampled_from([*RECIPIENTS, "*", "VSP_*", "COUNSELING_*"])


@settings(max_examples=60, deadline=None)
@given(discloser=_CLASSES.filter(lambda name: name != "AUDITOR"), recipient=_CLASSES, basis=_BASES)
def test_a_further_row_never_loosens(discloser: str, recipient: str, basis: str) -> None:
    """Whatever row is added, no pair that had a basis gets a looser one or more groups."""
    row = f'[[basis]]\nrule = "X"\nfrom = ["{discloser}"]\nto = ["{recipient}"]\nbasis = "{basis}"\n\n[[feedback]]'
    added = read_pack((TEXT.replace("[[feedback]]", row, 1) + NOTES * (Basis[basis] in BASES)).encode())
    for source, row_of in pack().footings.items():
        for to, footing in row_of.items():
            assert added.footings[source][to].basis >= footing.basis
            assert added.footings[source][to].ceiling & ~footing.ceiling == 0


def test_the_timers_are_those_of_the_domain() -> None:
    """domain.md §10.3, a sample of each kind."""
    timers = pack().timers
    assert timers[Priority.P0].decided == Span(seconds=15 * 60)
    assert timers[Priority.P3].decided == Span(business_days=2)
    assert [timers[priority].parallel_offers for priority in Priority] == [3, 2, 1, 1]


def test_release_lengths_are_those_of_the_domain() -> None:
    """domain.md §4.2: days per purpose, thirty where it says nothing else."""
    days = {purpose: length.days for purpose, length in pack().release_length.items()}
    assert days.keys() == set(Purpose)
    assert days[Purpose.SHELTER_PLACEMENT] == 14
    assert days[Purpose.TRANSPORT] == 3
    assert days[Purpose.COUNSELING] == days[Purpose.STATUS_FEEDBACK] == 30
