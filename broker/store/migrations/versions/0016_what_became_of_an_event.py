"""What became of an event is asked by whoever published it"""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """What became of an event is asked by whoever published it"""
    op.create_index("quarantine_by_event", "quarantine", ["org_id", "event_id"])
