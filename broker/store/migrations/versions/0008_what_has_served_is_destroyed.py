"""What has served is destroyed: when to look at a referral's sealed groups, and for which key each was handed over"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """What has served is destroyed: when to look at a referral's sealed groups, and for which key it was handed over"""
    # What is there already is looked at at once; what comes from now on, a day after it came.
    op.add_column(
        "referral",
        sa.Column("shred_look_at", sa.DateTime(timezone=True), nullable=True, server_default=sa.text("now()")),
    )
    op.alter_column("referral", "shred_look_at", server_default=sa.text("now() + interval '24 hours'"))
    op.create_index(
        "referral_to_shred",
        "referral",
        ["shred_look_at"],
        unique=False,
        postgresql_where=sa.text("shred_look_at is not null"),
    )
    op.add_column("disclosure", sa.Column("key_id", sa.Text(), nullable=True))
    op.execute(
        "UPDATE disclosure d SET key_id = w.key_id FROM wrapped_key w WHERE w.referral_id = d.referral_id"
        " AND w.field_group = d.field_group AND w.recipient = d.recipient"
    )
