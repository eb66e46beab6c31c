"""Keys come apart from what they open, and each names the release that it belongs to"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Keys come apart from what they open, and each names the release that it belongs to"""
    # What is there already came together: it belongs to one release, whose event nobody has written down.
    for name in ("sealed_part", "wrapped_part"):
        op.add_column(name, sa.Column("release_id", sa.Text(), server_default="", nullable=False))
        op.alter_column(name, "release_id", server_default=None)
    op.add_column(
        "wrapped_part",
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
    )
    op.alter_column("wrapped_part", "received_at", server_default=None)
