"""Limits of the auditor's pages (broker/web/audit), each with its unit and its reason."""

from typing import Final

audit_seconds_max: Final = 10.0
"""How long one question of an auditor may take: whoever asks of years is told to ask of months, and holds nobody up."""

audit_rows_shown_max: Final = 500
"""Rows on one page: what is longer nobody reads on a screen, and the download has all of it."""

audit_found_max: Final = 100
"""Referrals that one search shows, the newest first."""

audit_days: Final = 30
"""Of how many days the pages ask unless told otherwise."""

audit_checkpoints_shown: Final = 10
"""Checkpoints on the page of the log: the last two minutes of a busy network, the last night of a quiet one."""

bundle_entries_max: Final = 50_000
"""Entries of a bundle that a page makes: some 40 MB, twice while it is packed, in a folder that may be memory.
A larger one is written by `handoff trail export`."""

audit_form_bytes_max: Final = 8 * 1024
"""The largest form of an auditor: a checkpoint with sixteen signatures has three thousand bytes."""

entries_missing_max: Final = 1 << 20
"""How many entries more than are there a checkpoint may say in a bundle; beyond it the checkpoint was forged."""
