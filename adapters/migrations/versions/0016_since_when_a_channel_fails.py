"""Since when a channel is paused or fails, and until when it has asked for patience"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Since when a channel is paused or fails; of one that is already, since it was last changed, as nobody knows."""
    for name in ("paused_at", "failing_since", "asked_until"):
        op.add_column("channel", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE channel SET paused_at = changed_at WHERE paused IS NOT NULL")
    op.execute("UPDATE channel SET failing_since = clock_timestamp() WHERE failures > 0")
