"""Another policy pack is in force: what is still open is decided under it from now on, and asked again (§2.6).

What was decided stays as it was: nothing that was handed over is asked back because a pack has changed.
"""

from broker.handlers.cases import Referral
from broker.handlers.consent_recorded import TAKEN
from broker.handlers.deadline_passed import FAILED, guarded
from broker.handlers.desk import Desk
from broker.handlers.seeking import SEEKING, reconsider
from broker.trail.entries import Step


def work(referral: Referral, desk: Desk) -> None:
    """Bring a referral under the pack in force; where that fails, it is under it and a human is told."""

    def give_up() -> None:
        _freeze(referral, desk)
        for need in referral.needs.values():
            desk.raise_work(need, FAILED)

    guarded(desk, lambda: handle(referral, desk), give_up)


def handle(referral: Referral, desk: Desk) -> None:
    """Freeze the pack in force on the referral, take back what it does not permit and go on with what it does."""
    if referral.policy == desk.pack.reference:
        return
    _freeze(referral, desk)
    for need in referral.needs.values():
        if need.state in SEEKING or need.state in TAKEN:
            reconsider(desk, referral, need)


def _freeze(referral: Referral, desk: Desk) -> None:
    before = referral.policy
    desk.change(referral, policy=desk.pack.reference)
    desk.record(Step.POLICY_CHANGED, referral.referral_id, {"policy": referral.policy, "before": before})
