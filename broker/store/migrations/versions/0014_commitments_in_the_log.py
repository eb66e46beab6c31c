"""Commitments are made where they are sealed"""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Commitments are made where they are sealed"""
    op.drop_column("trail_entry", "commitment")
