"""Policy packs bear signatures, and one is in force"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Policy packs bear signatures, and one is in force"""
    op.add_column(
        "policy_text", sa.Column("signatures", sa.LargeBinary(), server_default=sa.text("''"), nullable=False)
    )
    op.create_table(
        "policy_activation",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("activated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.add_column("disclosure", sa.Column("policy", sa.Text(), nullable=True))
