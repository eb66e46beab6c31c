"""`python -m tests.domain.oracle [DECISIONS] [FIRST]`: compares so many decisions, 200,000 unless told, and counts.

`FIRST` is the number of the first matter; another one gives other matters. Ends with 1 where a difference was found.
"""

import sys
import time

from tests.domain.oracle.cases import QUESTIONS
from tests.domain.oracle.comparison import Comparison, compare

DECISIONS = 200_000
FIRST = 1_000_000
"""Beyond the matters of the test suite."""
STEP = 250


def main(arguments: list[str]) -> int:
    """Compare, with one line that moves."""
    decisions = int(arguments[0]) if arguments else DECISIONS
    first = int(arguments[1]) if len(arguments) > 1 else FIRST
    found, started = Comparison(), time.monotonic()
    for start in range(first, first + -(-decisions // QUESTIONS), STEP):
        compare(range(start, min(start + STEP, first + -(-decisions // QUESTIONS))), found)
        sys.stderr.write(f"\r{_line(found, time.monotonic() - started)}")
    sys.stderr.write("\n")
    for difference in found.differences[:10]:
        sys.stdout.write(f"{difference}\n")
    sys.stdout.write(f"effects {dict(found.effects)}\nreasons {dict(found.reasons.most_common())}\n")
    sys.stdout.write(f"permitted on {dict(found.bases.most_common())}\n")
    return 1 if found.differences else 0


def _line(found: Comparison, seconds: float) -> str:
    return f"{found.decisions:,} decisions, {len(found.differences)} differences, {seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
