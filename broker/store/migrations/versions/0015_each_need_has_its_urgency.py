"""Each need has an urgency and an end of its own"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Each need has an urgency and an end of its own; what is open keeps its referral's."""
    op.add_column("need", sa.Column("priority", sa.Text(), nullable=True))
    op.add_column("need", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE need SET priority = r.priority, expires_at = r.expires_at"
        " FROM referral r WHERE r.referral_id = need.referral_id"
    )
    op.alter_column("need", "priority", nullable=False)
    op.alter_column("need", "expires_at", nullable=False)
    op.drop_column("referral", "expires_at")
