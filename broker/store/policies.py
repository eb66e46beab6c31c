"""Policy packs as they rest here: exact text and signatures, verified whenever they are read; and which is in force.

A pack is believed if this release ships it, byte for byte, or a pinned key of a privacy officer has signed it. Every
pack that was ever in force is kept, so that what was decided under it can be explained for ever (docs/policies.md).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from broker.domain import lifecycle
from broker.domain.policy import PolicyPack
from broker.errors import HandoffError
from broker.policies import DEFAULT_PACK, SHIPPED, read, shipped_text
from broker.schemas.ids import KeyId, ReferralId
from broker.schemas.vocabulary import NeedState, OrgClass, RecipientCategory
from broker.seal.errors import PolicyNotVerified
from broker.seal.keys import PublicSigningKey
from broker.seal.signature_line import POLICY
from broker.sql.bulk import Connection
from broker.store.directory import changed
from broker.store.questions import add_entry
from broker.trail.entries import Step, entry

SIGNERS_OF_LOOSER: Final = 2
"""How many officers a pack needs that lets through what the one in force does not (domain.md §2.6)."""

CLOSED_STATES: Final = [state.value for state in NeedState if lifecycle.is_terminal(lifecycle.NEED, state)]
"""Where a need has ended: it stays under the pack under which it was decided."""

_UNDER_ANOTHER: Final = (
    "SELECT referral_id FROM referral r WHERE policy <> $1 AND EXISTS ("
    " SELECT 1 FROM need n WHERE n.referral_id = r.referral_id AND n.state <> ALL($2::text[]))"
)
"""Open referrals that are decided under another pack than $1; $2 are `CLOSED_STATES`."""


class PolicyNotActivated(HandoffError):
    """The policy pack was not put in force."""

    exit_code = 2
    remedy = (
        "Raise its version, have it signed anew, and read the difference again: `handoff policy diff in-force PACK`."
    )


Pinned = Mapping[KeyId, PublicSigningKey]


@dataclass(frozen=True, slots=True)
class SignedPack:
    """A pack with its exact text, the lines of its signature file, and which of the pinned keys signed it."""

    pack: PolicyPack
    text: bytes
    signatures: bytes
    signers: frozenset[KeyId]


def verified(text: bytes, signatures: bytes, pinned: Pinned) -> SignedPack:
    """The pack, once it is known whose it is: its text is not even read before.

    Raises:
        PolicyNotVerified: it neither ships nor bears the signature of a pinned key.
        PolicyUnusable: it cannot be used.
    """
    signers = POLICY.signers(signatures.splitlines(), text, pinned)
    if not signers and sha256(text).hexdigest() not in SHIPPED:
        raise PolicyNotVerified
    return SignedPack(read(text), text, signatures, signers)


class Packs(Mapping[str, PolicyPack]):
    """The packs that this process has verified, by reference. Shared by all that runs in it.

    `pinned` is asked whenever one is read, so that an officer who is pinned meanwhile counts without a restart.
    """

    def __init__(self, pinned: Callable[[], Pinned]) -> None:
        self._pinned = pinned
        self._known: dict[str, PolicyPack] = {}

    def __getitem__(self, reference: str) -> PolicyPack:
        return self._known[reference]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    async def learn(self, connection: Connection, references: Iterable[str]) -> None:
        """Read and verify those of these packs that are not known yet; no query where all are.

        Raises:
            PolicyNotVerified, PolicyUnusable: the process must not go on: it would decide under somebody else's rules.
        """
        unknown = set(references) - self._known.keys()
        if not unknown:
            return
        rows = await connection.fetch("SELECT * FROM policy_text WHERE reference = ANY($1::text[])", list(unknown))
        for row in rows:
            pack = verified(row["content"], row["signatures"], self._pinned()).pack
            if pack.reference != row["reference"]:
                raise PolicyNotVerified(f"The policy pack that is kept as {row['reference']} is another one.")
            self._known[pack.reference] = pack
        if missing := unknown - self._known.keys():
            raise PolicyNotVerified(f"The policy pack {min(missing)} is not in the store.")


async def in_force(connection: Connection) -> str | None:
    """The reference of the pack in force; None before any process of the broker has run here."""
    found = await connection.fetchval("SELECT reference FROM policy_activation ORDER BY seq DESC LIMIT 1")
    return None if found is None else str(found)


async def text_in_force(connection: Connection) -> str | None:
    """The exact text of the pack in force, for those outside; None before any process of the broker has run here."""
    found = await connection.fetchval(
        "SELECT content FROM policy_text WHERE reference = $1", await in_force(connection)
    )
    return None if found is None else bytes(found).decode()


async def begin(connection: Connection, salt: bytes, name: str = DEFAULT_PACK) -> str:
    """The reference of the pack in force; where none ever was, the one of this name that ships is from now on."""
    async with connection.transaction():
        await connection.execute("LOCK TABLE policy_activation IN SHARE ROW EXCLUSIVE MODE")
        reference = await in_force(connection)
        if reference is None:
            shipped = verified(shipped_text(name), b"", {})
            reference = shipped.pack.reference
            await put_in_force(connection, shipped, None, salt, looser=False)
    return reference


async def put_in_force(
    connection: Connection, signed: SignedPack, before: str | None, salt: bytes, *, looser: bool
) -> None:
    """Have everything be decided under this pack from now on: running processes notice, a clock reconsiders what waits.

    In the caller's transaction; the trail says who vouched for it. `before` is the pack that was in force.
    """
    reference = signed.pack.reference
    await connection.execute(
        "INSERT INTO policy_text (reference, content, signatures) VALUES ($1, $2, $3)"
        " ON CONFLICT (reference) DO UPDATE SET signatures = excluded.signatures",
        reference,
        signed.text,
        signed.signatures,
    )
    await connection.execute("INSERT INTO policy_activation (reference) VALUES ($1)", reference)
    facts = {
        "at": await connection.fetchval("SELECT now()"),
        "actor": "role:operator",
        "policy": reference,
        "before": before,
        "signers": sorted(signed.signers),
        "looser": looser,
    }
    await add_entry(connection, entry(Step.POLICY_ACTIVATED, None, facts, salt))
    await changed(connection)


async def unsettled(connection: Connection, reference: str, count_max: int) -> list[ReferralId]:
    """Open referrals that are decided under another pack than this one; nobody else has them while this lasts."""
    rows = await connection.fetch(
        f"{_UNDER_ANOTHER} ORDER BY referral_id LIMIT $3 FOR UPDATE OF r SKIP LOCKED",
        reference,
        CLOSED_STATES,
        count_max,
    )
    return [ReferralId(row["referral_id"]) for row in rows]


async def settle(connection: Connection, reference: str, activation: int, seen_at: datetime) -> None:
    """Note that all that is open is decided under this pack, unless something is not, or might still be brought.

    `seen_at` (UTC) is when this process first saw the change: what began later saw it too. Whether anything from before
    still runs is asked first, and what is open in a statement of its own after that: what ended between the two has
    been seen by the second. It reads rows that others have locked too, which `unsettled` passes over.
    """
    if await connection.fetchval(
        "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
        " AND usename = current_user AND pid <> pg_backend_pid() AND xact_start < $1)",
        seen_at,
    ):
        return
    if await connection.fetchval(f"SELECT EXISTS ({_UNDER_ANOTHER})", reference, CLOSED_STATES):
        return
    settled = await connection.fetchval(
        "UPDATE policy_activation SET settled_at = clock_timestamp() WHERE seq <= $1 AND settled_at IS NULL"
        " RETURNING seq",
        activation,
    )
    if settled is not None:
        await changed(connection)


async def activate(
    connection: Connection, signed: SignedPack, before: str | None, salt: bytes, *, looser: bool
) -> None:
    """Put a pack in force in the place of `before`, in the caller's transaction.

    Raises:
        PolicyNotActivated: another one has been put in force meanwhile, or its version was used for another text.
    """
    await connection.execute("LOCK TABLE policy_activation IN SHARE ROW EXCLUSIVE MODE")
    if await in_force(connection) != before:
        raise PolicyNotActivated("Another policy pack has been put in force meanwhile.")
    pack = signed.pack
    taken = await connection.fetchval(
        "SELECT reference FROM policy_text WHERE starts_with(reference, $1) AND reference <> $2",
        f"{pack.name}/{pack.version}/",
        pack.reference,
    )
    if taken is not None:
        raise PolicyNotActivated(f"Version {pack.version} of {pack.name} was in force here with another text.")
    await put_in_force(connection, signed, before, salt, looser=looser)


async def how_settled(connection: Connection) -> int | None:
    """How many open referrals are not decided under the pack in force yet; None once that is over."""
    row = await connection.fetchrow("SELECT * FROM policy_activation ORDER BY seq DESC LIMIT 1")
    if row is None or row["settled_at"] is not None:
        return None
    counted = f"SELECT count(*) FROM ({_UNDER_ANOTHER}) AS open"  # noqa: S608  no value is part of it
    return int(await connection.fetchval(counted, row["reference"], CLOSED_STATES))


async def open_needs(connection: Connection) -> list[tuple[OrgClass, RecipientCategory, int]]:
    """What waits or runs: the class of the source, the kind of provider, and how many."""
    rows = await connection.fetch(
        "SELECT o.org_class, n.category, count(*) AS count FROM need n JOIN referral r USING (referral_id)"
        " JOIN organisation o ON o.org_id = r.source WHERE n.state <> ALL($1::text[]) GROUP BY 1, 2",
        CLOSED_STATES,
    )
    return [(OrgClass(row["org_class"]), RecipientCategory(row["category"]), row["count"]) for row in rows]
