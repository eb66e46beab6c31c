"""Why a recipient is asked to give something up, where its source had made a mistake"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Why a recipient is asked to give something up, where its source had made a mistake"""
    op.add_column("recall", sa.Column("reason", sa.Text(), nullable=True))
