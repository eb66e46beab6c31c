"""The codes of ended offers go by a schedule, through one function that writes down how much went"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_ERASE = """
CREATE FUNCTION erase_codes(whose text, after_days integer, by_rule text, most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    before timestamptz := clock_timestamp() - make_interval(days => greatest(after_days, 1));
    -- Longer than Kafka keeps what they came from, so that nothing is taken in twice.
    heard timestamptz := least(before, clock_timestamp() - interval '30 days');
    ended text[];
    carried bigint[];
    readings_gone bigint;
    attempts_gone bigint;
    answers_gone bigint;
BEGIN
    SELECT coalesce(array_agg(offer_id), '{}') INTO ended FROM (
        SELECT offer_id FROM offer o
        WHERE o.org_id = whose AND o.changed_at < before AND o.content IS NULL AND o.standing NOT IN
            ('WAITING', 'WAITLISTED', 'ACCEPTED', 'HANDOFF', 'CONTACT_PENDING', 'ENGAGED', 'IN_SERVICE')
            AND NOT EXISTS (SELECT FROM sealed_part p WHERE p.org_id = whose AND p.offer_id = o.offer_id)
            AND NOT EXISTS (SELECT FROM wrapped_part p WHERE p.org_id = whose AND p.offer_id = o.offer_id)
            AND NOT EXISTS (SELECT FROM recall r
                WHERE r.org_id = whose AND r.offer_id = o.offer_id AND r.outcome IS NULL)
            AND NOT EXISTS (SELECT FROM answer a
                WHERE a.org_id = whose AND a.offer_id = o.offer_id AND a.sent_at IS NULL)
            AND NOT EXISTS (SELECT FROM delivery d
                WHERE d.org_id = whose AND d.offer_id = o.offer_id AND d.ended_at IS NULL)
            AND NOT EXISTS (SELECT FROM disclosure d
                WHERE d.org_id = whose AND d.offer_id = o.offer_id AND d.expires_at > clock_timestamp())
        ORDER BY o.changed_at LIMIT most FOR UPDATE OF o SKIP LOCKED
    ) AS found;
    SELECT coalesce(array_agg(delivery_id), '{}') INTO carried FROM delivery
    WHERE org_id = whose AND offer_id = ANY(ended);
    DELETE FROM reading WHERE org_id = whose AND offer_id = ANY(ended);
    GET DIAGNOSTICS readings_gone = ROW_COUNT;
    DELETE FROM attempt WHERE delivery_id = ANY(carried);
    GET DIAGNOSTICS attempts_gone = ROW_COUNT;
    DELETE FROM delivery_act WHERE delivery_id = ANY(carried);
    DELETE FROM delivery WHERE delivery_id = ANY(carried);
    DELETE FROM answer WHERE org_id = whose AND sent_at IS NOT NULL
        AND (offer_id = ANY(ended) OR offer_id IS NULL AND made_at < heard);
    GET DIAGNOSTICS answers_gone = ROW_COUNT;
    DELETE FROM late_answer WHERE org_id = whose AND offer_id = ANY(ended);
    DELETE FROM draft WHERE org_id = whose AND offer_id = ANY(ended);
    DELETE FROM contact_confirmed WHERE org_id = whose AND offer_id = ANY(ended);
    DELETE FROM recall WHERE org_id = whose AND offer_id = ANY(ended);
    DELETE FROM disclosure WHERE org_id = whose AND offer_id = ANY(ended);
    DELETE FROM offer WHERE org_id = whose AND offer_id = ANY(ended);
    DELETE FROM received WHERE org_id = whose AND received_at < heard;
    DELETE FROM set_aside WHERE org_id = whose AND set_aside_at < heard;
    IF cardinality(ended) + answers_gone > 0 THEN
        INSERT INTO erasure (org_id, rule, days, offers, answers, readings, attempts, erased_at)
        VALUES (whose, by_rule, greatest(after_days, 1), cardinality(ended), answers_gone, readings_gone,
            attempts_gone, clock_timestamp());
    END IF;
    RETURN cardinality(ended);
END
$$
"""


def upgrade() -> None:
    """The everyday role may take nothing away of who read what; this runs as the owner, and what is under way stays."""
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("offers", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("erasure_id"),
    )
    op.create_index("ix_erasure_org_id", "erasure", ["org_id"])
    op.create_table(
        "retention_rule",
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("org_id"),
    )
    op.execute(_ERASE)
    op.execute("REVOKE ALL ON FUNCTION erase_codes(text, integer, text, integer) FROM PUBLIC")
