"""Steps of the ladder, who works on what waits for a human, and how the clocks fare"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Steps of the ladder, who works on what waits for a human, and how the clocks fare"""
    moment, words = sa.DateTime(timezone=True), sa.Text()
    op.create_table(
        "escalation",
        *(sa.Column(name, words, nullable=False) for name in ("referral_id", "category", "offer_id", "level", "owed")),
        sa.Column("due_at", moment, nullable=False),
        sa.Column("taken_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("referral_id", "category", "offer_id", "level", "owed"),
    )
    op.create_index("escalation_by_time", "escalation", ["taken_at"], unique=False)
    for name in ("claimed_by", "assigned_to", "resolved_by", "resolution", "unmet_reason"):
        op.add_column("work_item", sa.Column(name, words, nullable=True))
    op.add_column("work_item", sa.Column("claimed_until", moment, nullable=True))
    op.create_table(
        "clock_tick",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("ticked_at", moment, nullable=True),
        sa.Column("held_at", moment, nullable=True),
        sa.Column("held_step_seconds", sa.Float(), nullable=True),
        sa.Column("released_by", words, nullable=True),
        sa.PrimaryKeyConstraint("one"),
    )
    op.execute("INSERT INTO clock_tick (one) VALUES (1)")
