"""How long a safe contact may be relied on, and when it was confirmed anew"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """How long a safe contact may be relied on, and when it was confirmed anew"""
    op.add_column("disclosure", sa.Column("contact_fresh_hours", sa.Integer(), server_default="24", nullable=False))
    op.alter_column("disclosure", "contact_fresh_hours", server_default=None)
    op.create_table(
        "contact_confirmed",
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("offer_id", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "offer_id"),
    )
