"""What was handed over, and what was asked back of it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """What was handed over, and what was asked back of it"""
    op.create_table(
        "disclosure",
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("field_group", sa.Text(), nullable=False),
        sa.Column("referral_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("consent_id", sa.Text(), nullable=True),
        sa.Column("consent_version", sa.Integer(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("offer_id", "field_group"),
    )
    op.create_index("disclosure_by_referral", "disclosure", ["referral_id"], unique=False)
    op.create_table(
        "recall",
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("referral_id", sa.Text(), nullable=False),
        sa.Column("groups", postgresql.JSONB(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("offer_id"),
    )
    op.create_index("recall_by_referral", "recall", ["referral_id"], unique=False)
    op.create_index("recall_due", "recall", ["due_at"], unique=False, postgresql_where=sa.text("due_at is not null"))
