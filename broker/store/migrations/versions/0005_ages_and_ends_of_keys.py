"""A public key has an age, and can be revoked"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A public key has an age, and can be revoked"""
    # Of the keys that are there already nobody has written down when they were made: they count from now.
    op.add_column(
        "public_key",
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.add_column("public_key", sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
