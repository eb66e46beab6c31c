"""Matters at random: records in every state, signed by anybody for anybody, and questions that lie close to them.

One number makes one matter, always the same one, so that a difference is found again by its number.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.domain.oracle.law import EVERY_GROUP, law
from tests.domain.oracle.matter import Asked, Held, Matter, Note, Org

_POLICIES: Final = Path(__file__).parents[3] / "broker" / "policies"
PACK_FILE: Final = _POLICIES / "us-federal-vawa.toml"
UK_PACK_FILE: Final = _POLICIES / "uk-dpa-safeguarding.toml"
SIGNED: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUESTIONS: Final = 10
"""Questions for each matter: Cedar reads a matter's policies once for all of them."""

AREA: Final = frozenset({"US-48-113"})
SOURCES: Final = (
    Org("org-police", "LAW_ENFORCEMENT"),
    Org("org-hotline", "HOTLINE_VSP"),
    Org("org-hospital", "HOSPITAL_HIPAA"),
    Org("org-school", "SCHOOL_FERPA"),
    Org("org-court", "COURT"),
    Org("org-self", "SELF"),
)
PROVIDERS: Final = (
    Org("org-shelter", "VSP_SHELTER", "SHELTER", AREA),
    Org("org-other-shelter", "VSP_SHELTER", "SHELTER"),
    Org("org-counselling", "COUNSELING_NON_HIPAA", "COUNSELING", AREA),
    Org("org-therapist", "COUNSELING_HIPAA", "COUNSELING"),
    Org("org-legal-aid", "LEGAL_AID", "LEGAL_AID", AREA),
    Org("org-clinic", "HEALTH_CLINIC_HIPAA", "HEALTHCARE", AREA),
    Org("org-advocates", "VSP_ADVOCACY", "ADVOCACY", AREA),
    Org("org-line", "HOTLINE_NON_VSP", "ADVOCACY", AREA),
)
ODD: Final = (
    Org("org-auditor", "COURT", "AUDITOR"),
    Org("org-children", "CHILD_PROTECTION", "COUNSELING"),
    Org("org-landlord", "HOUSING", "SHELTER", AREA),
    Org("org-nobody", "VSP_SHELTER", None),
)
PURPOSE: Final = {
    "SHELTER": "SHELTER_PLACEMENT",
    "COUNSELING": "COUNSELING",
    "LEGAL_AID": "LEGAL_ADVICE",
    "HEALTHCARE": "MEDICAL_FOLLOW_UP",
    "ADVOCACY": "ADVOCACY_OUTREACH",
    "AUDITOR": "CASE_CONFERENCE",
}
PURPOSES: Final = (*PURPOSE.values(), "TRANSPORT", "STATUS_FEEDBACK")
STANDING: Final = ("active",) * 24 + ("suspended", "suspended", "revoked", "expired", "superseded", "draft")
REGIMES: Final = (
    ["VAWA"],
    ["VAWA", "HIPAA-AUTH", "FERPA"],
    ["VAWA", "HIPAA-AUTH"],
    ["HIPAA-AUTH", "FERPA"],
    ["FERPA"],
    ["POLICY-ONLY"],
    ["POLICY-ONLY"],
    ["STATE-PRIVILEGE", "HIPAA-512C-AGREE"],
)
BREAKABLE: Final = ("FG01", "FG02", "FG03", "FG04", "FG07c", "FG10", "FG17")
NAMED: Final = frozenset({"VAWA", "FVPSA", "VOCA"})
WRITTEN: Final = NAMED | {"PART2", "HIPAA-AUTH"}


@cache
def packs() -> tuple[str, ...]:
    """The packs that ship, several times each, and others that they could have been."""
    shipped = PACK_FILE.read_text()
    rows = 'to = ["*"]\nbasis = "RELEASE"\n'
    changes = (
        ("vspOpaqueOffers = false", "vspOpaqueOffers = true"),
        ("clockSkewSeconds = 2 ", "clockSkewSeconds = 300 "),
        (rows, rows + 'groups = ["FG00", "FG01", "FG02", "FG03", "FG04", "FG10", "FG16", "FG20", "FG24"]\n'),
        ('named = ["VAWA", "FVPSA", "VOCA"]', 'named = ["FVPSA"]'),
    )
    others = [shipped.replace(old, new) for old, new in changes]
    assert shipped not in others
    uk = UK_PACK_FILE.read_text()
    strict = uk.replace(', "ESCALATION", "REPEAT"]', "]")
    strict = strict.replace("withoutConsentTicks = 17", "withoutConsentTicks = 20")
    assert strict != uk
    return (*[shipped] * 4, *others, *[uk] * 3, strict)


class Chance(Random):
    """Choices for one matter."""

    def most(self, things: Sequence[Any], share: float = 0.75) -> list[Any]:
        """These, each with this probability, and at least one."""
        return [thing for thing in things if self.random() < share] or [self.choice(things)]

    def rarely(self, chances: int = 8) -> bool:
        """True once in so many times."""
        return self.randrange(chances) == 0


def matter(number: int) -> Matter:
    """The matter of this number."""
    chance = Chance(number)
    text = chance.choice(packs())
    source = chance.choice((*SOURCES[:3], *SOURCES, *SOURCES, *PROVIDERS))
    serial = count(1)
    held: list[Held] = []
    for _ in range(chance.choice((0, 1, 2, 2, 3, 4, 6))):
        held += _record(chance, source, next(serial))
    chance.shuffle(held)
    asked = tuple(_asked(chance, source, held, text) for _ in range(QUESTIONS))
    return Matter(text, tuple(held), asked)


def _record(chance: Chance, source: Org, serial: int) -> list[Held]:
    """One record, in one version or two."""
    first = _version(chance, source, serial, chance.choice((1, 1, 1, 2)))
    return [first, _version(chance, source, serial, first.version + 1)] if chance.rarely(5) else [first]


def _version(chance: Chance, source: Org, serial: int, version: int) -> Held:
    permit = not chance.rarely(4)
    regimes = chance.choice(REGIMES)
    document = _document(chance, source, permit, regimes)
    document |= {"consentId": f"c7a6a0d8-2c0e-4c0b-8a75-{serial:012d}", "version": version}
    return Held(document, chance.choice(STANDING), chance.choice((0, 0, 0, 1, 2)), chance.rarely(16))


def _document(chance: Chance, source: Org, permit: bool, regimes: list[str]) -> dict[str, Any]:
    """A record as somebody signed it; only what the record's own schema takes."""
    discloser = (chance.choice((*PROVIDERS, *SOURCES)) if chance.rarely(6) else source).org
    oral = chance.rarely(3) and not (permit and WRITTEN.intersection(regimes))
    start = SIGNED + timedelta(minutes=chance.randrange(-3 * 1440, 3 * 1440))
    length = timedelta(days=chance.choice((1, 3, 14, 14, 30, 60)))
    zone = timezone(timedelta(hours=chance.choice((0, 0, -5, 2))))
    validity: dict[str, Any] = {
        "notBefore": start.astimezone(zone).isoformat(),
        "notAfter": (start + length).astimezone(zone).isoformat(),
    }
    if chance.rarely(4):
        validity["maxUses"] = chance.choice((1, 2))
    return {
        "schemaVersion": "1.0",
        "status": "active",
        "decision": "permit" if permit else "deny",
        "regimes": regimes,
        "subject": {"subjectRef": "sub-1f4cbb0a-77b2-4d8e-9c40-0b1f6f2f7a90", "kind": "ADULT"},
        "grantors": [
            {
                "capacity": "SELF",
                "form": "ORAL_TEMPORARY" if oral else "WRITTEN_WET",
                "givenAt": SIGNED.isoformat(),
                "identityCheck": "IN_PERSON_KNOWN",
                "abuserCheck": "NOT_APPLICABLE_SELF",
            }
        ],
        "capturedBy": {"orgId": discloser, "workerRef": "wrk-1", "setting": "IN_PERSON_PRIVATE"},
        "informed": {
            "risksExplained": True,
            "alternativesExplained": True,
            "redisclosureRiskExplained": True,
            "revocationExplained": True,
            "notConditionOfService": True,
        },
        "discloser": {"orgId": discloser},
        "recipients": _recipients(chance, one=oral and not chance.rarely(4), named=permit and NAMED & set(regimes)),
        "excludedRecipients": [chance.choice((*PROVIDERS, *SOURCES)).org] if chance.rarely(10) else [],
        "purposes": chance.most(PURPOSES, 0.9),
        "dataScope": {
            "fieldGroups": chance.most(sorted(EVERY_GROUP), chance.choice((0.15, 0.9, 0.97, 1, 1)))
            + ([] if permit or not chance.rarely(3) else ["FG07"]),
            "maxTier": chance.choice((4, 4, 4, 3, 2)),
        },
        "validity": validity,
        "redisclosure": {"prohibited": True, "notice": "VAWA-LOCAL"},
        "evidence": {"heldBy": discloser, "documentDigest": "sha256:" + "0" * 64},
        "createdAt": SIGNED.isoformat(),
    }


def _recipients(chance: Chance, *, one: bool, named: Any) -> list[dict[str, Any]]:
    everybody = (*PROVIDERS, *SOURCES, *ODD)
    if one:
        return [{"kind": "ORG", "orgId": chance.choice(PROVIDERS).org}]
    to: list[dict[str, Any]] = [{"kind": "ORG", "orgId": org.org} for org in chance.most(everybody, 0.85)]
    if not named and chance.rarely(3):
        kind = {"kind": "CATEGORY", "category": chance.choice(PROVIDERS).category, "maxConcurrentOffers": 2}
        to = [*to[: chance.choice((0, 2))], kind | {"serviceArea": chance.choice(("US-48-113", "US-48-113", "US-06"))}]
    return to


def _asked(chance: Chance, source: Org, held: list[Held], text: str) -> Asked:
    phase = chance.choice(("OFFER", "RELEASE", "RELEASE", "FEEDBACK") if source in PROVIDERS else ("OFFER", "RELEASE"))
    feedback = phase == "FEEDBACK"
    recipient = _recipient(chance, held, SOURCES if feedback else PROVIDERS)
    uk = "safeguarding" in law(text).toml
    purpose = "STATUS_FEEDBACK" if feedback else PURPOSE.get(recipient.category or "", "TRANSPORT")
    return Asked(
        phase=phase,
        discloser=source,
        recipient=recipient,
        purpose=chance.choice(PURPOSES) if chance.rarely(10) else purpose,
        groups=_present(chance, feedback=feedback),
        cited=_cited(chance, held),
        victim_agreed=chance.choice(("YES",) * 8 + ("NOT_ASKED_UNSAFE",) * (8 if uk else 2) + ("NO",)),
        excluded=frozenset({chance.choice((*PROVIDERS, *SOURCES)).org}) if chance.rarely(12) else frozenset(),
        now=(now := _now(chance, held, text)),
        note=_note(chance, now, text) if uk and not chance.rarely(3) else None,
        emergency=frozenset(chance.most(BREAKABLE)) if chance.rarely(2) else None,
    )


def _note(chance: Chance, now: datetime, text: str) -> Note:
    """A note that mostly holds, or nearly does: often one of the hour, sometimes one at the very end of its time."""
    rules = law(text)
    lasts = timedelta(hours=rules.toml["safeguarding"]["noteHours"])
    age = chance.choice((timedelta(hours=1), timedelta(hours=1), rules.skew(), lasts - rules.skew(), lasts))
    return Note(
        basis=chance.choice(("SAFEGUARDING_SCH1_P18", "SAFEGUARDING_SCH1_P18", "VITAL_INTERESTS")),
        why=chance.choice(("CANNOT_BE_GIVEN", "CANNOT_BE_GIVEN", "CANNOT_REASONABLY_BE_OBTAINED")),
        criterion=chance.choice(("VISIBLE_HIGH_RISK", "PROFESSIONAL_JUDGEMENT", "ESCALATION", "REPEAT")),
        ticks=chance.choice((None, 14, 16, 17, 19, 20, 24)),
        groups=frozenset(chance.most(sorted(EVERY_GROUP), chance.choice((0.1, 0.9, 1)))),
        recorded_at=now - age + timedelta(microseconds=chance.choice((-1, 0, 1))),
    )


def _recipient(chance: Chance, held: list[Held], among: tuple[Org, ...]) -> Org:
    """Often somebody whom a record names and hardly anybody else; now and then somebody odd."""
    if held and chance.rarely(3):
        to = chance.choice(chance.choice(held).document["recipients"])
        named = [org for org in among if org.org == to.get("orgId")]
        return named[0] if named else chance.choice(among)
    return chance.choice(ODD if chance.rarely(16) else among)


def _present(chance: Chance, *, feedback: bool) -> tuple[str, ...]:
    """A handful of groups, as messages have; now and then one that nobody knows."""
    always = {"FG25"} if feedback else {"FG00"}
    usual = chance.most(("FG01", "FG02", "FG03", "FG04", "FG07a", "FG10", "FG23", "FG24"), 0.5)
    others = chance.most((*sorted(EVERY_GROUP), "FG99"), chance.choice((0.02, 0.05, 0.2)))
    return tuple(sorted(always | set(usual) | set(others)))


def _cited(chance: Chance, held: list[Held]) -> tuple[str, int] | None:
    if not held or chance.rarely(3):
        return None
    version = chance.choice(held)
    return version.consent_id, version.version + chance.rarely(12)


def _now(chance: Chance, held: list[Held], text: str) -> datetime:
    """A moment within the days concerned, often at the very edge of a record's time, on either side."""
    if not held or not chance.rarely(3):
        return SIGNED + timedelta(minutes=chance.randrange(5 * 1440))
    validity = chance.choice(held).document["validity"]
    rules = law(text)
    lasting = (timedelta(0), rules.longest_oral(), *map(rules.longest, PURPOSES))
    edge = chance.choice(
        (
            datetime.fromisoformat(validity["notAfter"]),
            *(datetime.fromisoformat(validity["notBefore"]) + after for after in lasting),
        )
    )
    near = chance.choice((timedelta(0), rules.skew(), -rules.skew()))
    return edge + near + timedelta(microseconds=chance.choice((-1, 0, 1)))
