"""What was erased before its quarter was told is counted in it, by numbers alone"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """What was erased before its quarter was told is counted in it, by numbers alone"""
    op.create_table(
        "erased_count",
        sa.Column("quarter", sa.Text(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("cell", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("quarter", "figure", "cell"),
    )
