"""What waits, as the desk shows it: codes in words, ages as a person says them, whose turn it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.called import ladder, urgency
from broker.domain.work_list import Resolution
from broker.handlers.cases import NextAction
from broker.look.language import _
from broker.look.pictures import Rung
from broker.look.words import moment
from broker.schemas.ids import ReferralId
from broker.schemas.reference import reference_of
from broker.schemas.vocabulary import Acknowledgment, NeedState
from broker.store.ticks import NETWORK
from broker.store.work import Concerned, WorkLine, decidable
from broker.web.desk import words


@dataclass(frozen=True, slots=True)
class ItemShown:
    """One thing that waits for a human. `mine` says whether whoever looks at it has claimed it."""

    line: WorkLine
    name: str
    why: words.Why
    kind: str
    urgent: bool
    urgency: str
    age: str
    whose: str | None
    mine: bool

    @property
    def others(self) -> bool:
        """Whether somebody else has claimed it."""
        return self.line.claimed_by is not None and not self.mine


def since(now: datetime) -> int:
    """When a page was shown, as its stream of counts is asked for it: milliseconds since 1970."""
    return int(now.timestamp() * 1000)


def named(referral: str) -> str:
    """What people call a referral: its reference; what concerns all of them is the network's."""
    return _("The network") if referral == NETWORK else reference_of(ReferralId(referral))


def item(line: WorkLine, now: datetime, by: str) -> ItemShown:
    """An item as whoever acts as `by` sees it."""
    return ItemShown(
        line=line,
        name=named(line.referral_id),
        why=words.why(line.reason),
        kind=words.kind(line.category),
        urgent=words.urgent(line.priority),
        urgency=urgency(line.priority),
        age=words.ago(line.raised_at, now),
        whose=_whose(line, by),
        mine=line.claimed_by == by,
    )


def _whose(line: WorkLine, by: str) -> str | None:
    if line.claimed_by == by and line.claimed_until is not None:
        return _("yours until %(time)s") % {"time": f"{line.claimed_until:%H:%M} UTC"}
    if line.claimed_by is not None and line.claimed_until is not None:
        told = {"who": words.actor(line.claimed_by), "time": f"{line.claimed_until:%H:%M} UTC"}
        return _("with %(who)s until %(time)s") % told
    if line.assigned_to is not None:
        return _("given to %(who)s") % {"who": words.actor(line.assigned_to)}
    return None


def facts(line: WorkLine, concerned: Concerned) -> list[tuple[str, str]]:
    """What is known of where the need stands, whom to call, and what happens by itself."""
    told: list[tuple[str, str | None]] = [
        (_("Asked by"), _organisation(concerned.source, concerned.names)),
        (_("With"), _organisation(concerned.provider, concerned.names)),
        (_("Where the need stands"), _state(line.need_state)),
        (_("Next, by itself"), _next(line)),
        (_("Since"), moment(line.raised_at)),
    ]
    return [(label, said) for label, said in told if said]


_RUNGS: Final = {
    NeedState.ENGAGED: Acknowledgment.A4_CONTACT,
    NeedState.IN_SERVICE: Acknowledgment.A5_SERVICE,
    NeedState.COMPLETED: Acknowledgment.A6_OUTCOME,
    NeedState.ENDED_EARLY: Acknowledgment.A6_OUTCOME,
}
_OVER: Final = frozenset(
    {
        *(NeedState.UNREACHABLE, NeedState.SURVIVOR_DECLINED, NeedState.CLOSED_UNMET, NeedState.CANCELLED),
        *(NeedState.REVOKED, NeedState.EXPIRED, NeedState.ENTERED_IN_ERROR, NeedState.INVALID),
    }
)


def rungs(line: WorkLine, concerned: Concerned) -> tuple[Rung, ...]:
    """How far the need has come; none for what is about no need."""
    if line.need_state is None:
        return ()
    state, reached = NeedState(line.need_state), {Acknowledgment.A0_ACCEPTED: ""}
    if concerned.received_at is not None:
        reached[Acknowledgment.A0_ACCEPTED] = moment(concerned.received_at)
    if concerned.rung is not None:
        reached[Acknowledgment(concerned.rung)] = ""
    if state in _RUNGS:
        reached[_RUNGS[state]] = ""
    ended = _(words.STATES[state]) if state in _OVER else None
    return ladder({one: reached[one] for one in sorted(reached)}, ended)


def _organisation(org: str | None, names: Mapping[str, str]) -> str | None:
    return None if org is None else f"{names[org]} ({org})" if org in names else org


def _state(state: str | None) -> str | None:
    return None if state is None else _(words.STATES[NeedState(state)])


def _next(line: WorkLine) -> str | None:
    if line.need_state is None:
        return None
    if line.next_action is None or line.due_at is None:
        return _("nothing")
    what = _(words.THEN[NextAction(line.next_action)])
    return _("%(what)s at %(moment)s") % {"what": what, "moment": moment(line.due_at)}


def decisions(line: WorkLine) -> list[tuple[Resolution, words.Why]]:
    """What can be decided of it now."""
    told = [(one, words.DECISIONS[one]) for one in decidable(line.need_state)]
    return [(one, words.Why(_(said.what), _(said.do))) for one, said in told]
