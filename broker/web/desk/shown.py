"""What waits, as the desk shows it: codes in words, ages as a person says them, whose turn it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.domain.work_list import Resolution
from broker.handlers.cases import NextAction
from broker.look.language import _
from broker.look.words import moment
from broker.schemas.ids import ReferralId
from broker.schemas.reference import reference_of
from broker.schemas.vocabulary import NeedState
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
