"""How often a process that runs for long looks for garbage: seldom, and never in what it loaded as it began.

Python looks whenever seven hundred objects more have come than gone. A thousand attempts at once are fifty thousand
objects that are all in use: they, and every class that was loaded, were looked through over and over.
"""

import gc

from broker import limits


def collect_seldom() -> None:
    """From now on; call it when everything is loaded and runs. What nothing refers to any more is freed as before."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(limits.garbage_objects_min)
