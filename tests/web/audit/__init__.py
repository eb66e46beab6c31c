"""The auditor's pages: of a trail that the broker's own stories wrote, sealed and published."""
