"""What cannot be done at the desk, beside what is of the project: one branch of the exception tree.

HandoffError
└── RecordSettled
"""

from broker.errors import HandoffError


class RecordSettled(HandoffError):
    """Somebody has settled this record meanwhile."""
