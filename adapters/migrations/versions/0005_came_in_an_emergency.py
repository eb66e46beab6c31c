"""In which emergency something was handed over"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """In which emergency something was handed over"""
    op.add_column("disclosure", sa.Column("break_glass_id", sa.Text(), nullable=True))
