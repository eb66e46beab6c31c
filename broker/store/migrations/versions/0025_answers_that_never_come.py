"""Answers that are waited for no longer"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Two people have agreed that a recall or a review is waited for no longer"""
    op.create_table(
        "closing",
        sa.Column("closing_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owed", sa.Text(), nullable=False),
        sa.Column("referral_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("closing_id"),
    )
    op.create_index("closing_by_name", "closing", ["name"])
    op.create_index("closing_asked", "closing", ["name"], unique=True, postgresql_where=sa.text("approved_at is null"))
    op.create_index("closing_by_referral", "closing", ["referral_id"])
