"""Texts of the trail are deleted by one function, which deletes only what a sealed entry has announced"""

from alembic import op

revision = "0020"
down_revision = "0019"

_ERASE = """
CREATE FUNCTION erase_texts(announcement bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place bigint;
    told jsonb;
    erased bigint;
BEGIN
    SELECT l.idx, convert_from(e.preimage, 'UTF8')::jsonb INTO place, told
    FROM trail_entry e JOIN log_entry l ON l.entry_idx = e.idx
    WHERE e.idx = announcement AND e.kind = 'texts.erased';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no sealed entry announces this';
    END IF;
    DELETE FROM trail_entry t USING log_entry l, jsonb_array_elements_text(told -> 'entries') AS one (idx)
    WHERE l.idx = one.idx::bigint AND l.idx < place AND t.idx = l.entry_idx AND t.kind <> 'texts.erased';
    GET DIAGNOSTICS erased = ROW_COUNT;
    RETURN erased;
END
$$
"""


def upgrade() -> None:
    """The everyday role may add to the trail and delete nothing; this runs as the owner, and lets it delete this."""
    op.execute(_ERASE)
    op.execute("REVOKE ALL ON FUNCTION erase_texts(bigint) FROM PUBLIC")
