"""Emergencies in which a referral is opened to one provider"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Emergencies in which a referral is opened to one provider"""
    op.add_column("referral", sa.Column("broken_glass", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    moment, words = sa.DateTime(timezone=True), sa.Text()
    op.create_table(
        "break_glass",
        sa.Column("break_glass_id", words, nullable=False),
        *(sa.Column(name, words, nullable=False) for name in ("referral_id", "category", "source", "recipient")),
        sa.Column("groups", postgresql.JSONB(), nullable=False),
        *(sa.Column(name, words, nullable=False) for name in ("reason", "basis", "invoked_by", "narrative_ref")),
        *(sa.Column(name, moment, nullable=False) for name in ("invoked_at", "expires_at", "approve_by", "review_by")),
        sa.Column("due_at", moment, nullable=True),
        sa.Column("subject_informed", words, nullable=False),
        sa.Column("approved_by", words, nullable=True),
        sa.Column("void", sa.Boolean(), nullable=False),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("outcome", words, nullable=True),
        sa.Column("reviewed_by", words, nullable=True),
        sa.PrimaryKeyConstraint("break_glass_id"),
    )
    op.create_index("break_glass_by_referral", "break_glass", ["referral_id"], unique=False)
    op.create_index(
        "break_glass_due", "break_glass", ["due_at"], unique=False, postgresql_where=sa.text("due_at is not null")
    )
    op.create_index(
        "break_glass_overdue",
        "break_glass",
        ["source"],
        unique=False,
        postgresql_where=sa.text("overdue and outcome is null"),
    )
