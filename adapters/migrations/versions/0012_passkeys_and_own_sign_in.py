"""Passkeys, and an organisation's own sign-in"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Passkeys, and an organisation's own sign-in"""
    # Whoever is signed in signs in again: a session from before belongs to no account.
    op.execute("DELETE FROM staff_session")
    op.execute("DELETE FROM sign_in_link")
    op.add_column("sign_in_link", sa.Column("purpose", sa.Text(), nullable=False))
    op.add_column("staff_session", sa.Column("account_id", sa.Text(), nullable=False))
    op.add_column("staff_session", sa.Column("passkey_id", sa.Text(), nullable=True))
    op.create_index("ix_staff_session_passkey_id", "staff_session", ["passkey_id"])
    op.create_table(
        "staff_passkey",
        sa.Column("passkey_id", sa.Text(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("passkey_id"),
        sa.UniqueConstraint("credential_id"),
    )
    op.create_index("ix_staff_passkey_org_id", "staff_passkey", ["org_id"])
    op.create_table(
        "sign_in_ceremony",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("kept", postgresql.JSONB(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
