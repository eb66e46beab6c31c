"""What was taken back, as rows: read before a batch is worked, and deleted at its end with what it is about."""

from collections.abc import Iterable
from typing import Final

from pydantic_core import from_json, to_json

from adapters import tables
from adapters.file import File, OfferKey, RecallOnFile
from adapters.tables import table
from broker.schemas.ids import OfferId, OrgId
from broker.schemas.referral_recalled import RecallReason
from broker.schemas.revocation_acknowledged import RevocationOutcome
from broker.sql.bulk import Connection, insert

_RECALL = ("org_id", "offer_id", "groups", "answer_by", "outcome", "reason", "received_at")

_KNOWN: Final = (
    "SELECT r.* FROM recall r JOIN unnest($1::text[], $2::text[]) AS w(org_id, offer_id) USING (org_id, offer_id)"
    " FOR UPDATE OF r"
)
_LOOKED_AT: Final = (
    "SELECT DISTINCT r.org_id, r.offer_id, g.code FROM reading r"
    " JOIN unnest($1::text[], $2::text[]) AS w(org_id, offer_id) USING (org_id, offer_id)"
    " CROSS JOIN jsonb_array_elements_text(r.groups) AS g(code)"
)


async def load_recalls(connection: Connection, file: File, wanted: Iterable[OfferKey]) -> None:
    """Lay on the file what was asked back of these offers before, and which of their groups somebody has opened.

    Their offers are locked already, so nobody opens one in between (`Opening` shares that lock).
    """
    keys = sorted(wanted)
    named = ([org for org, _ in keys], [offer for _, offer in keys])
    for row in await connection.fetch(_KNOWN, *named):
        file.recalls[(OrgId(row["org_id"]), OfferId(row["offer_id"]))] = RecallOnFile(
            groups=frozenset(from_json(row["groups"])),
            answer_by=row["answer_by"],
            outcome=RevocationOutcome(row["outcome"]) if row["outcome"] else None,
            reason=RecallReason(row["reason"]) if row["reason"] else None,
        )
    for row in await connection.fetch(_LOOKED_AT, *named):
        key = (OrgId(row["org_id"]), OfferId(row["offer_id"]))
        file.looked_at[key] = file.looked_at.get(key, frozenset()) | {row["code"]}


async def take_back(connection: Connection, file: File) -> None:
    """Write down what was taken back, and delete its keys and ciphertexts."""
    recalls = {key: file.recalls[key] for key in sorted(file.taken_back)}
    rows = [
        (*key, to_json(sorted(r.groups)).decode(), r.answer_by, r.outcome, r.reason, file.now)
        for key, r in recalls.items()
    ]
    await insert(connection, table(tables.Recall), _RECALL, rows, "replace")
    parts = [(*key, group) for key, recall in recalls.items() for group in sorted(recall.groups)]
    for name in ("wrapped_part", "sealed_part") if parts else ():
        await connection.execute(
            f"DELETE FROM {name} p USING unnest($1::text[], $2::text[], $3::text[])"  # noqa: S608  our own names
            " AS w(org_id, offer_id, field_group) WHERE p.org_id = w.org_id AND p.offer_id = w.offer_id"
            " AND p.field_group = w.field_group",
            *zip(*parts, strict=True),
        )
