"""Why something is taken back, where its source had made a mistake"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Why something is taken back, where its source had made a mistake"""
    op.add_column("recall", sa.Column("reason", sa.Text(), nullable=True))
