"""When an offer was reminded of"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """When an offer was reminded of"""
    op.add_column("offer", sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True))
