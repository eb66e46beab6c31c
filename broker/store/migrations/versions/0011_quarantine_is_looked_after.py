"""Quarantined records are judged again or given up"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Quarantined records are judged again or given up"""
    op.add_column("quarantine", sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("quarantine", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("quarantine", sa.Column("settled", sa.Text(), nullable=True))
    op.add_column("quarantine", sa.Column("settled_reason", sa.Text(), nullable=True))
    op.create_index("quarantine_open", "quarantine", ["quarantined_at"], postgresql_where=sa.text("settled_at is null"))
    op.create_index(
        "quarantine_settled", "quarantine", ["settled_at"], postgresql_where=sa.text("settled_at is not null")
    )
