"""Offers that did not arrive are found by themselves"""

from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Offers that did not arrive are found by themselves"""
    op.execute("CREATE INDEX offer_undelivered ON offer (changed_at) WHERE reason = 'UNDELIVERED'")
