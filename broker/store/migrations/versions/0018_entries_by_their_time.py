"""A receipt is looked for by when its event was decided; entries come in the order of time, so a summary is enough"""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """A receipt is looked for by when its event was decided; entries come in the order of time, so a summary is enough"""
    op.create_index(
        "trail_by_time",
        "trail_entry",
        ["written_at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    )
