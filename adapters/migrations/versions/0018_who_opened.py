"""Of an opening at the pages a short reference of the account is kept, too"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Two people of one role are told apart."""
    op.add_column("reading", sa.Column("account", sa.Text(), nullable=True))
