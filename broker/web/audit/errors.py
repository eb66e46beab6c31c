"""What an auditor's page cannot show: for each there is a page that says so (broker/web/audit/problems.py)."""


class TooMuchAsked(Exception):
    """The question takes too long: nothing was shown, and nothing was entered."""


class NotFound(Exception):
    """There is no such referral, report or place in the log."""
