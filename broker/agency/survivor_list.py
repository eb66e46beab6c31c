"""Who received what about one survivor, and until when: from the agency's own ledger, for her to see.

It is made from what this agency sealed for whom, and from what it may hear. Which of several named organisations said
yes, the agency is not told without her release (domain.md §0.2): then the list says that only one of them receives it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from broker.agency.errors import LedgerEmpty, RecipientUnknown
from broker.agency.ledger import Ledger, Line, Shared
from broker.schemas.field_groups import FieldGroup
from broker.schemas.ids import ConsentId, OrgId
from broker.zone import NetworkDirectory


class Standing(StrEnum):
    """Where one recipient stands."""

    RECEIVED = "RECEIVED"
    MAY_RECEIVE = "MAY_RECEIVE"
    """It was named, and can open it if it says yes."""
    ENDED = "ENDED"
    TAKEN_BACK = "TAKEN_BACK"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One organisation, by the name that people know it by; times are UTC, `until` is None where no end was set."""

    org: OrgId
    name: str
    groups: tuple[FieldGroup, ...]
    since: datetime
    until: datetime | None
    standing: Standing
    taken_back_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SurvivorList:
    """The list of one or more referrals of one survivor. It has nothing in it by which she could be known."""

    agency: str
    made_at: datetime
    referrals: tuple[str, ...]
    recipients: tuple[Recipient, ...]


def survivor_list(
    ledger: Ledger, directory: NetworkDirectory, agency: OrgId, about: str, now: datetime
) -> SurvivorList:
    """The list of a referral, or of every referral under a consent.

    Raises:
        LedgerEmpty: nothing of it is noted here.
    """
    by_referral = {name: ledger.of(name) for name in ([about] if about.startswith("ref-") else ledger.referrals())}
    if not about.startswith("ref-"):
        by_referral = {name: lines for name, lines in by_referral.items() if _under(lines, about)}
    if not any(line.said is Shared.REQUESTED for lines in by_referral.values() for line in lines):
        raise LedgerEmpty  # Published elsewhere, it was shared by ways of which nothing is known here.
    found: list[Recipient] = []
    for lines in by_referral.values():
        consents = {line.consent_id: ledger.of(line.consent_id) for line in lines if line.consent_id is not None}
        found += _recipients(lines, consents, directory, now)
    return SurvivorList(_name(directory, agency), now, tuple(by_referral), tuple(found))


def _under(lines: Iterable[Line], consent: str) -> bool:
    return any(line.consent_id == consent for line in lines)


def _recipients(
    lines: Sequence[Line], consents: Mapping[ConsentId, Sequence[Line]], directory: NetworkDirectory, now: datetime
) -> list[Recipient]:
    """Each organisation once, or twice where a part of what it had was taken back."""
    chosen = {line.recipient for line in lines if line.said is Shared.CHOSEN}
    sealed = [line for line in lines if line.said is Shared.SEALED]
    found = []
    for org in dict.fromkeys(line.recipient for line in sealed if line.recipient is not None):
        own = [line for line in sealed if line.recipient == org]
        until = _until(own, consents)
        revocations = [*_of_the_whole(lines), *_revocations(own, consents)]
        ways = {org, *_purposes(lines, directory, org)}
        for back, groups in _by_end(own, revocations, ways).items():
            found.append(
                Recipient(
                    org=org,
                    name=_name(directory, org),
                    groups=groups,
                    since=min(line.at for line in own),
                    until=until,
                    standing=_standing(until, back, now, chosen=org in chosen),
                    taken_back_at=back,
                )
            )
    return found


def _standing(until: datetime | None, back: datetime | None, now: datetime, *, chosen: bool) -> Standing:
    if back is not None:
        return Standing.TAKEN_BACK
    if until is not None and until <= now:
        return Standing.ENDED
    return Standing.RECEIVED if chosen else Standing.MAY_RECEIVE


def _until(own: Iterable[Line], consents: Mapping[ConsentId, Sequence[Line]]) -> datetime | None:
    """The end of the consents by which it was sealed; a later version has taken an earlier one's place."""
    ends = [
        said.until
        for line in own
        if line.consent_id is not None
        for said in [one for one in consents[line.consent_id] if one.said is Shared.CONSENT][-1:]
    ]
    return min((end for end in ends if end is not None), default=None)


def _of_the_whole(lines: Iterable[Line]) -> list[Line]:
    return [line for line in lines if line.said is Shared.TAKEN_BACK]


def _revocations(own: Iterable[Line], consents: Mapping[ConsentId, Sequence[Line]]) -> list[Line]:
    names = {line.consent_id for line in own if line.consent_id is not None}
    return [line for name in sorted(names) for line in consents[name] if line.said is Shared.REVOKED]


def _by_end(
    own: Iterable[Line], revocations: Iterable[Line], ways: Collection[str]
) -> dict[datetime | None, tuple[FieldGroup, ...]]:
    """The groups by when each was taken back first: as a whole, by way of its recipient or purpose, or as a group."""
    found: dict[datetime | None, list[FieldGroup]] = {}
    for group in sorted({group for line in own for group in line.groups}):
        reaching = {group, group[:4], *ways}
        ends = [line.at for line in revocations if not line.parts or not reaching.isdisjoint(line.parts)]
        found.setdefault(min(ends, default=None), []).append(group)
    return {back: tuple(groups) for back, groups in found.items()}


def _purposes(lines: Iterable[Line], directory: NetworkDirectory, org: OrgId) -> list[str]:
    """For which purpose this kind of organisation was asked; none is known of one that has left the network."""
    try:
        kind = directory.entry(org).category
    except RecipientUnknown:
        return []
    named = (part.partition(":") for line in lines if line.said is Shared.REQUESTED for part in line.parts)
    return [purpose for category, _, purpose in named if category == kind]


def _name(directory: NetworkDirectory, org: OrgId) -> str:
    """What people call it; its id where it has left the network since."""
    try:
        return directory.entry(org).name
    except RecipientUnknown:
        return org
