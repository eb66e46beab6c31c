"""The rules of domain.md as Cedar policies: those of the pack, and those that a survivor's own records make.

The principal is the question (`Asking`), the resource a field group or the whole matter. Actions: `tell` a group in the
end, `offer` it before anybody has accepted; on the matter: `rest` (there is something to rest on), `restOffer` (enough
for an offer without identity), `wait` (a no that may become a yes by itself or by asking).
"""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.domain.oracle.law import TIER, Law
from tests.domain.oracle.matter import Held

MATTER = 'Matter::"it"'

_PACK = """
// 0023: asked, she said no. D12: an auditor's codes and counts say nothing about her; feedback is the provider's word.
forbid(principal, action, resource) when
  { principal.victimAgreed == "NO" && principal.phase != "FEEDBACK" && principal.footing.basis != "TRAIL_ONLY" };

// VAWA-05, §3: an excluded recipient is never told.
forbid(principal, action, resource) when { principal.excluded.contains(principal.recipient) };

// §4.5: a named version that has not been seen holds everything that would rest on it.
forbid(principal, action in [Action::"tell", Action::"offer", Action::"rest", Action::"restOffer"], resource) when
  { principal.bound && !principal.seen };

// §7.1: tier 5 never travels, and what is not in the catalogue counts as tier 5 (§4.3, last line).
forbid(principal, action in [Action::"tell", Action::"offer"], resource) when { resource.tier >= 5 };

// §7.4: minimum necessary even with consent. An offer says nothing that identifies (§0 row 5, §7.1).
forbid(principal, action in [Action::"tell", Action::"offer"], resource) unless { resource in principal.column };
forbid(principal, action == Action::"offer", resource) unless { resource in Column::"OFFER" && resource.tier <= 2 };

// §4.3 step 5: where the matrix asks for no release, and none is named.
permit(principal, action in [Action::"tell", Action::"offer", Action::"rest"], resource) when {
  !principal.bound && principal.footing.reach.contains(resource) &&
  (["NONE", "TREATMENT", "STATUTE"].contains(principal.footing.basis) ||
   IF_ASKED.contains(principal.footing.basis) && principal.victimAgreed == "YES") };

// D15, §6.3: nobody could ask her, and her source has written down why it cannot wait.
permit(principal, action in [Action::"tell", Action::"offer", Action::"rest"], resource) when {
  NOTED && principal.footing.reach.contains(resource) &&
  (FREE.contains(resource) || principal.noteGroups.contains(resource) && NOTABLE.contains(resource)) };

// §5: her life is in danger and nobody could ask her: what the law's row and the emergency both name.
permit(principal, action in [Action::"tell", Action::"offer", Action::"rest"], resource) when {
  principal.inEmergency && principal.opened.contains(resource) &&
  (principal.onRelease && !principal.signed && (!principal.bound || principal.seen) ||
   principal.notAsked && !principal.bound && !NOTED && principal.phase == "RELEASE") };

// D1, NOT_ASKED_UNSAFE: an offer without identity; her identity waits until she was asked.
permit(principal, action in [Action::"offer", Action::"restOffer"], resource) when
  { principal.notAsked && !principal.bound && !NOTED && NOT_ASKED.contains(resource) };
permit(principal, action == Action::"wait", resource) when
  { principal.notAsked && !principal.bound && principal.phase == "RELEASE" };

// D12: codes, times, counts; of the rows' lists the intersection (0021).
permit(principal, action in [Action::"tell", Action::"offer", Action::"rest"], resource) when
  { principal.footing.basis == "TRAIL_ONLY" && resource.tier <= 1 && principal.footing.reach.contains(resource) };

// VAWA-12, D14: a provider whom policy lets speak to this source, unless it names a release, which then binds it.
permit(principal, action in [Action::"tell", Action::"rest"], resource) when
  { principal.phase == "FEEDBACK" && principal.speaksFreely && !principal.bound };

// VAWA-01a, D4, §4.5, 0024: what may still come. Feedback is never held.
permit(principal, action == Action::"wait", resource) when
  { principal.bound && !principal.seen || principal.onRelease && !principal.signed };
forbid(principal, action == Action::"wait", resource) when { principal.phase == "FEEDBACK" };
"""

_IF_ASKED = '["SAFEGUARDING_SCH1_P18", "VITAL_INTERESTS", "AGREEMENT"]'

_NOTED = """(
  principal.notAsked && !principal.bound && principal.noteBasis == principal.footing.basis &&
  (principal.noteBasis == "SAFEGUARDING_SCH1_P18" && CRITERIA.contains(principal.noteCriterion) &&
   (principal.noteCriterion != "VISIBLE_HIGH_RISK" || principal.noteTicks >= TICKS) ||
   principal.noteBasis == "VITAL_INTERESTS" && principal.noteWhy == "CANNOT_BE_GIVEN") &&
  principal.noteAt + SKEW <= principal.now && principal.now + SKEW < principal.noteAt + LASTS &&
  principal.noteGroups.containsAny(ONLY_NOTABLE))"""
"""D15: a note holds on the basis that it names, while it is fresh, above the threshold, about something notable."""

_PART2 = """
// P2-01.
forbid(principal, action in [Action::"tell", Action::"offer"], resource == Group::"FG19");
"""

_OPAQUE = """
// VAWA-01b: where the pack allows it, a victim service provider's opaque offer without any release.
permit(principal, action in [Action::"offer", Action::"restOffer"], resource) when {
  principal.victimService && principal.footing.basis == "RELEASE" && principal.onRelease && !principal.signed &&
  OPAQUE.contains(resource) };
"""


def groups_of(names: Iterable[str]) -> str:
    """A Cedar set of groups, the matter itself among them."""
    return "[" + ", ".join([MATTER, *(f'Group::"{name}"' for name in sorted(names))]) + "]"


def micros(moment: datetime) -> int:
    """Microseconds since 1970, UTC: Cedar's numbers are whole."""
    return round(moment.timestamp() * 1_000_000)


def pack_policies(law: Law) -> str:
    """What holds for every survivor under this pack."""
    notable = law.toml.get("safeguarding", {}).get("groups", ())
    text = _PACK.replace("NOTED", _noted(law)).replace("IF_ASKED", _IF_ASKED)
    text = text.replace("NOT_ASKED.contains", groups_of(law.listed("notAsked")) + ".contains")
    text = text.replace("FREE", groups_of(law.listed("withoutConsent"))).replace("NOTABLE", groups_of(notable))
    if not law.toml["part2Enabled"]:
        text += _PART2
    if law.toml["vspOpaqueOffers"]:
        text += _OPAQUE.replace("OPAQUE.contains", groups_of(law.listed("opaqueOffer")) + ".contains")
    return text


def _noted(law: Law) -> str:
    """When a note of necessity holds under this pack, as a condition; never where the pack knows none."""
    rules = law.toml.get("safeguarding")
    if rules is None:
        return "false"
    numbers = {
        "CRITERIA": json.dumps(rules["criteria"]),
        "TICKS": str(rules["withoutConsentTicks"]),
        "SKEW": str(law.skew() // timedelta(microseconds=1)),
        "LASTS": str(timedelta(hours=rules["noteHours"]) // timedelta(microseconds=1)),
        "ONLY_NOTABLE": "[" + ", ".join(f'Group::"{name}"' for name in sorted(rules["groups"])) + "]",
    }
    text = _NOTED
    for name, told in numbers.items():
        text = text.replace(name, told)
    return text


def newest(held: Iterable[Held]) -> list[Held]:
    """§4.5: of several versions of one record the newest speaks, and alone."""
    last: dict[str, Held] = {}
    for version in sorted(held, key=lambda version: version.version):
        last[version.consent_id] = version
    return list(last.values())


def record_policies(version: Held, law: Law) -> str:
    """What one record in force permits, forbids and excludes."""
    text = _exclusions(version)
    if version.document["decision"] == "deny":
        return text + _denial(version, law)
    return text + _release(version, law)


def _orgs(names: Iterable[str]) -> str:
    return "[" + ", ".join(f"Org::{json.dumps(name)}" for name in names) + "]"


def _exclusions(version: Held) -> str:
    """0023: she took back a permission, not her fear; only what never was or was replaced says nothing."""
    excluded = version.document.get("excludedRecipients", ())
    if not excluded or version.status in ("draft", "entered-in-error", "superseded"):
        return ""
    return f"forbid(principal, action, resource) when {{ {_orgs(excluded)}.contains(principal.recipient) }};\n"


def _named(version: Held) -> str:
    return _orgs(to["orgId"] for to in version.document["recipients"] if to["kind"] == "ORG")


def _about(version: Held) -> str:
    """Whose record it is and for which purposes."""
    document = version.document
    discloser = _orgs([document["discloser"]["orgId"]])
    return (
        f"{discloser}.contains(principal.discloser) && {json.dumps(document['purposes'])}.contains(principal.purpose)"
    )


def _moment(version: Held, name: str) -> datetime:
    return datetime.fromisoformat(version.document["validity"][name])


def _denial(version: Held, law: Law) -> str:
    """§4.2, §4.3 step 3, 0023: doubt about the clock counts for the denial; a suspended one still denies."""
    if version.status not in ("active", "suspended"):
        return ""
    start = micros(_moment(version, "notBefore") - law.skew())
    end = micros(_moment(version, "notAfter") + law.skew())
    kinds = json.dumps([to["category"] for to in version.document["recipients"] if to["kind"] == "CATEGORY"])
    said = version.document["dataScope"]["fieldGroups"]
    groups = groups_of({*said, *(part for part in TIER if "FG07" in said and part.startswith("FG07"))} - {"FG07"})
    return (
        'forbid(principal, action in [Action::"tell", Action::"offer"], resource) when {\n'
        f"  {_about(version)} && ({_named(version)}.contains(principal.recipient) ||\n"
        f"  {kinds}.contains(principal.category)) && principal.now >= {start} && principal.now < {end} &&\n"
        f"  {groups}.contains(resource) }};\n"
    )


def _release(version: Held, law: Law) -> str:
    """§4.3 steps 5 and 6: what a release in force lets through, and what it will once its time has come."""
    if not _stands(version) or not _lawfully_formed(version, law):
        return ""
    scope = version.document["dataScope"]
    groups = [group for group in scope["fieldGroups"] if TIER[group] <= scope["maxTier"]]
    fits = (
        f"principal.onRelease && {_about(version)} && {_to_whom(version, law)} && {_under(version)} && {_oral(version)}"
    )
    start, end = _window(version, law)
    in_force = f"{fits} && {start} && {end}"
    free = groups_of(law.listed("withoutConsent"))
    listed = f"{groups_of(groups)}.contains(resource) && {_WITHIN_THE_ROWS}"
    reach = f"({listed} || {free}.contains(resource))"
    waiting = f"principal.notAsked && {groups_of(law.listed('notAsked'))}.contains(resource)"
    return (
        'permit(principal, action in [Action::"tell", Action::"offer", Action::"rest"], resource) when {\n'
        f"  {in_force} && !principal.notAsked && {reach} }};\n"
        'permit(principal, action in [Action::"offer", Action::"restOffer"], resource) when {\n'
        f"  {in_force} && {waiting} && {reach} }};\n"
        'permit(principal, action in [Action::"tell", Action::"offer", Action::"rest"], resource) when {\n'
        f'  {in_force} && principal.notAsked && principal.phase == "RELEASE" && principal.inEmergency &&\n'
        "  principal.opened.contains(resource) };\n"
        'permit(principal, action == Action::"wait", resource) when {\n'
        f'  {end} && {fits} && (!({start}) || principal.notAsked && principal.phase == "RELEASE") }};\n'
    )


_WITHIN_THE_ROWS = (
    '(!["RELEASE", "FERPA_CONSENT", "AUTH_164_508"].contains(principal.footing.basis) ||'
    " principal.footing.reach.contains(resource))"
)
"""0021: where the matrix itself asks for a release, the groups that its rows list bound the release too."""


def _stands(version: Held) -> bool:
    """VAWA-16, §4.2: active, not ended by its event, not used up."""
    uses_max = version.document["validity"].get("maxUses")
    return version.status == "active" and not version.event_passed and (uses_max is None or version.uses < uses_max)


def _is_oral(version: Held) -> bool:
    return any(grantor["form"] == "ORAL_TEMPORARY" for grantor in version.document["grantors"])


def _lawfully_formed(version: Held, law: Law) -> bool:
    """§4.2: an oral permit serves no regime that wants writing and reaches one organisation."""
    to = version.document["recipients"]
    one = len(to) == 1 and to[0]["kind"] == "ORG"
    return not _is_oral(version) or (one and not law.asks_for("written", frozenset(version.document["regimes"])))


def _oral(version: Held) -> str:
    """VAWA-02: nor does it serve a discloser whose own regime wants writing."""
    return "!principal.writtenOnly" if _is_oral(version) else "true"


def _to_whom(version: Held, law: Law) -> str:
    """VAWA-05, VAWA-06: a named organisation, or a kind of them in its area where no regime wants a name."""
    named = f"{_named(version)}.contains(principal.recipient)"
    if law.asks_for("named", frozenset(version.document["regimes"])):
        return named
    kinds = [
        f"principal.category == {json.dumps(to['category'])} &&"
        f" principal.areas.contains({json.dumps(to['serviceArea'])})"
        for to in version.document["recipients"]
        if to["kind"] == "CATEGORY"
    ]
    return f"({named}" + "".join(f" || !principal.namedOnly && {kind}" for kind in kinds) + ")"


def _under(version: Held) -> str:
    """HIPAA-01, FERPA: where the basis is an authorization, the record must be one."""
    wanted = {"HIPAA-AUTH": "AUTH_164_508", "FERPA": "FERPA_CONSENT"}
    lacking = [basis for regime, basis in wanted.items() if regime not in version.document["regimes"]]
    return f"!{json.dumps(lacking)}.contains(principal.footing.basis)"


def _window(version: Held, law: Law) -> tuple[str, str]:
    """VAWA-04, 0024: from the start on, before the first of its ends, doubt about the clock against disclosure."""
    start, end = _moment(version, "notBefore"), _moment(version, "notAfter")
    if _is_oral(version):
        end = min(end, start + law.longest_oral())
    skew = round(law.skew() / timedelta(microseconds=1))
    return (
        f"principal.now - {skew} >= {micros(start)}",
        f"principal.now + {skew} < {micros(end)} && principal.now + {skew} - {micros(start)} < principal.longest",
    )
