"""What the public is told of a quarter is kept as it was told"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """What the public is told of a quarter is kept as it was told"""
    op.create_table(
        "public_report",
        sa.Column("quarter", sa.Text(), primary_key=True),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
    )
