"""The trail of the tests of the log, for those who are not beside them."""

from tests.trail.conftest import migrated, trail

__all__ = ["migrated", "trail"]
