"""A record that was not taken in, as the desk shows it: where it lies and why, never what it says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.judging_again import Judged, Judgement
from broker.look.language import _
from broker.look.words import moment
from broker.schemas.refusal import ADVICE
from broker.store.quarantine import DiscardReason, Quarantined, ReleaseReason, Settled
from broker.web.desk import words

OPENS: Final = (Judged.TAKEN_IN, Judged.KNOWN_ALREADY)
"""What must come of it for its release to be of any use."""


@dataclass(frozen=True, slots=True)
class RecordShown:
    """One record on a list, and at the head of its own pages."""

    path: str
    place: str
    code: str
    at: str
    owner: str
    age: str
    overdue: bool


def line(one: Quarantined, broker_org: str, now: datetime) -> RecordShown:
    """A record as it stands at `now` (UTC)."""
    return RecordShown(
        path=f"/quarantine/{one.place}",
        place=str(one.place),
        code=one.code.value,
        at=one.field or "",
        owner=one.owner(broker_org),
        age=words.ago(one.quarantined_at, now),
        overdue=one.is_overdue(now),
    )


def facts(one: Quarantined, *, kept: bool | None) -> list[tuple[str, str]]:
    """Where it came from and what has become of it."""
    told: list[tuple[str, str | None]] = [
        (_("Publisher"), one.org or _("nobody: it came on no organisation's topic")),
        (_("Since"), moment(one.quarantined_at)),
        (_("Event"), one.event_id or _("its id could not be read")),
        (_("Size"), _("%(number)s bytes") % {"number": one.size_bytes}),
        (_("In Kafka"), _(_KEPT[kept])),
        (_("Judged again"), None if one.judged_at is None else _refused_again(one.judged_at)),
        (_("Settled"), _settled(one)),
    ]
    return [(label, said) for label, said in told if said]


_KEPT: Final = {
    True: "yes",
    False: "no: its topic does not keep it any more",
    None: "cannot be told at this moment",
}


def _refused_again(when: datetime) -> str:
    return _("%(moment)s, and refused again") % {"moment": moment(when)}


def _settled(one: Quarantined) -> str | None:
    if one.settled is None or one.settled_at is None or one.reason is None:
        return None
    if one.settled is Settled.RELEASED:
        what, why = _("taken in"), words.RELEASES[ReleaseReason(one.reason)]
    else:
        what, why = _("given up"), words.DISCARDS[DiscardReason(one.reason)]
    return f"{what}, {moment(one.settled_at)}. {_(why)}."


def judged(judgement: Judgement) -> str:
    """What would come of it, in a sentence."""
    match judgement.judged:
        case Judged.TAKEN_IN:
            return _("Judged now, it would be taken in.")
        case Judged.KNOWN_ALREADY:
            return _("The same event was taken in by another record: this one would be settled, and do nothing.")
        case Judged.SETTLED_MEANWHILE:
            return _("Somebody has settled it meanwhile.")
        case Judged.GONE:
            return _("Kafka does not keep it any more: ask its publisher to send it anew.")
        case Judged.REFUSED:
            assert judgement.code is not None
            at = f", {judgement.field}" if judgement.field else ""
            told = {"code": f"{judgement.code.value}{at}", "meaning": _(ADVICE[judgement.code].meaning)}
            return _("Judged now, it would be refused again: %(code)s. %(meaning)s") % told
