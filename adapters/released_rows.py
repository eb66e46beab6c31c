"""What was released, as rows: sealed parts and the keys that open them, apart, and destroyed when the offer ends."""

from adapters import tables
from adapters.file import File
from adapters.tables import table
from broker.sql.bulk import Connection, insert

_DISCLOSURE = (
    "org_id", "offer_id", "consent_id", "consent_version", "expires_at", "redisclosure_prohibited", "notice_code",
    "contact_fresh_hours", "break_glass_id", "released_at",
)  # fmt: skip
_SEALED = ("org_id", "offer_id", "field_group", "release_id", "suite", "ciphertext")
_WRAPPED = ("org_id", "offer_id", "field_group", "key_id", "release_id", "wrapped", "received_at")


async def save_released(connection: Connection, file: File) -> None:
    """A later release of the same offer adds groups, or brings a group anew."""
    last, sealed = {}, {}
    for key, release_id, fact in file.released:
        consent = fact.consent
        named = (consent.consent_id, consent.version, consent.expires_at) if consent else (None, None, None)
        duties = (fact.redisclosure_prohibited, fact.notice_code, fact.contact_fresh_hours, fact.break_glass_id)
        last[key] = (*key, *named, *duties, file.now)
        for part in fact.sealed:
            sealed[(*key, part.field_group)] = (*key, part.field_group, release_id, part.suite, part.ciphertext)
    await insert(connection, table(tables.Disclosure), _DISCLOSURE, last.values(), "replace")
    await insert(connection, table(tables.SealedPart), _SEALED, sealed.values(), "replace")


async def save_keyed(connection: Connection, file: File) -> None:
    """Keys wait beside their release, whichever of the two came first; those of an older one are replaced."""
    wrapped = {}
    for key, fact in file.keyed:
        for wrap in fact.wraps:
            one = (*key, wrap.field_group, wrap.key_id)
            wrapped[one] = (*one, fact.released, wrap.wrapped, file.now)
    await insert(connection, table(tables.WrappedPart), _WRAPPED, wrapped.values(), "replace")


async def destroy(connection: Connection, file: File) -> None:
    """Delete keys and ciphertexts of offers that the broker has ended; that they were released stays on file."""
    if file.destroyed:
        keys = sorted(file.destroyed)
        for name in ("wrapped_part", "sealed_part"):
            await connection.execute(
                f"DELETE FROM {name} p USING unnest($1::text[], $2::text[]) AS w(org_id, offer_id)"  # noqa: S608
                " WHERE p.org_id = w.org_id AND p.offer_id = w.offer_id",
                [org for org, _ in keys],
                [offer for _, offer in keys],
            )
