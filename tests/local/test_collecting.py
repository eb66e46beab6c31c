"""A process that runs for long looks for garbage seldom, and what it loaded is not looked through again."""

import subprocess
import sys

from broker import limits

_SCRIPT = """
import gc, weakref
import broker.limits
from broker.collecting import collect_seldom

class Ring: pass

collect_seldom()
assert gc.isenabled()
print(gc.get_freeze_count(), gc.get_threshold()[0])
ring = Ring()
ring.itself, seen = ring, weakref.ref(ring)
del ring
kept = [[] for _ in range(2 * gc.get_threshold()[0])]
print(seen() is None)
"""


def test_what_was_loaded_is_set_apart_and_cycles_still_end() -> None:
    """Memory that only a cycle holds is freed by itself, when enough has come together."""
    told = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True).stdout.split()
    assert int(told[0]) > 1_000
    assert told[1:] == [str(limits.garbage_objects_min), "True"]
