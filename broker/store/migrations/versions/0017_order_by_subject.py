"""What is sent keeps its order by subject, not by referral alone"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """What is sent keeps its order by subject, not by referral alone"""
    op.add_column("outbox", sa.Column("subject", sa.Text(), nullable=True))
    op.execute("UPDATE outbox SET subject = attributes->>'subject'")
    op.alter_column("outbox", "subject", nullable=False)
    op.create_index("outbox_by_subject", "outbox", ["subject"])
