"""Who comes in at the desk"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False, primary_key: bool = False) -> "sa.Column[object]":
    return sa.Column(name, sa.Text(), nullable=nullable, primary_key=primary_key)


def _hash() -> "sa.Column[object]":
    return sa.Column("token_hash", sa.LargeBinary(), primary_key=True)


def upgrade() -> None:
    """Who comes in at the desk"""
    op.create_table(
        "desk_link",
        *(_hash(), _text("org_id"), _text("role"), _text("purpose")),
        *(_moment("expires_at"), _moment("used_at", nullable=True)),
    )
    op.create_table(
        "desk_session",
        *(_hash(), _text("org_id"), _text("role"), _text("account_id"), _text("passkey_id", nullable=True)),
        *(_text("language"), _moment("began_at"), _moment("seen_at"), _moment("ended_at", nullable=True)),
    )
    op.create_index("ix_desk_session_passkey_id", "desk_session", ["passkey_id"])
    op.create_table(
        "desk_passkey",
        _text("passkey_id", primary_key=True),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False, unique=True),
        *(_text("org_id"), _text("role"), _text("account_id")),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        *(_moment("made_at"), _moment("used_at", nullable=True), _moment("revoked_at", nullable=True)),
    )
    op.create_index("ix_desk_passkey_org_id", "desk_passkey", ["org_id"])
    op.create_table(
        "desk_ceremony",
        *(_hash(), _text("kind"), sa.Column("kept", postgresql.JSONB(), nullable=False), _moment("expires_at")),
    )
    op.create_table("desk_form", _text("form_key", primary_key=True), _moment("sent_at"))
    op.create_index("desk_form_by_age", "desk_form", ["sent_at"])
