"""Revocations are kept beside the version that they cover, and make none"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Revocations are kept beside the version that they cover, and make none"""
    op.add_column(
        "consent",
        sa.Column("revocations", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
    )
    # What had been revoked as a whole, and revocations that had come before their consent.
    op.execute(
        "UPDATE consent SET revocations = jsonb_build_array(jsonb_build_array(version, 'ALL', '[]'::jsonb))"
        " WHERE status = 'revoked'"
    )
    op.execute("UPDATE consent SET version = 0, status = 'revoked-first' WHERE record = '{}'::jsonb")
