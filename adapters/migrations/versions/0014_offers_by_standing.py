"""What is at hand is found without what is over"""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """What is at hand is found without what is over"""
    op.create_index("offer_by_standing", "offer", ["org_id", "standing"])
    op.drop_index("offer_open", "offer")
