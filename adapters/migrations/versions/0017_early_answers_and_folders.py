"""Answers that came before one that must precede them; attempts say by which channel they were"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Answers wait here until that one has come; an attempt keeps the name of its channel's folder"""
    op.add_column("attempt", sa.Column("folder", sa.Text(), nullable=True))
    op.create_table(
        "early_answer",
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "event_id"),
    )
    op.create_index("early_answer_by_offer", "early_answer", ["org_id", "offer_id"])
