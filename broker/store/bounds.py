"""The uses and ends of releases that have such bounds, read under a lock of their own; hardly any batch has one.

Deciders share a consent's lock, so two could each make the last use. Whoever decides under a number of uses takes
these locks too, alone, in order, and after all others.
"""

from collections.abc import Iterable

from broker.domain.consent import ConsentRef
from broker.handlers.bounds import is_bounded
from broker.handlers.cases import Use
from broker.handlers.desk import Desk
from broker.schemas.ids import ConsentId, OrgId, ReferralId
from broker.schemas.vocabulary import NeedState, RecipientCategory
from broker.sql.bulk import Connection


async def load_bounds(connection: Connection, desk: Desk) -> None:
    """Lay on the desk what was done under the releases there that allow so many uses or end with an event."""
    known = [version.terms for version in desk.consents.values() if version.terms and is_bounded(version.terms)]
    counted = sorted(terms.ref.consent_id for terms in known if terms.max_uses is not None)
    ending = [terms.ref.consent_id for terms in known if terms.ends_on_event is not None]
    if counted:
        await _lock(connection, counted)
        await _load_uses(connection, desk, counted)
    if ending:
        await _load_needs(connection, desk, ending)


async def _lock(connection: Connection, consents: Iterable[str]) -> None:
    """A statement of its own: only what begins after the lock is taken sees what others have committed before."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('uses of ' || consent_id, 0)) FROM unnest($1::text[])"
        " WITH ORDINALITY AS counted(consent_id, place)",
        list(consents),
    )


async def _load_uses(connection: Connection, desk: Desk, consents: list[ConsentId]) -> None:
    rows = await connection.fetch("SELECT * FROM consent_use WHERE consent_id = ANY($1::text[])", consents)
    for row in rows:
        ref = ConsentRef(ConsentId(row["consent_id"]), row["version"])
        use = Use(ReferralId(row["referral_id"]), RecipientCategory(row["category"]), OrgId(row["recipient"]))
        desk.uses[ref] = desk.uses.get(ref, frozenset()) | {use}


async def _load_needs(connection: Connection, desk: Desk, consents: list[ConsentId]) -> None:
    rows = await connection.fetch(
        "SELECT r.consent_id, n.referral_id, n.category, n.state FROM referral r JOIN need n USING (referral_id)"
        " WHERE r.consent_id = ANY($1::text[])",
        consents,
    )
    for row in rows:
        key = (ReferralId(row["referral_id"]), RecipientCategory(row["category"]))
        desk.needs_under.setdefault(ConsentId(row["consent_id"]), {})[key] = NeedState(row["state"])
