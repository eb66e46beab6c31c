"""The result of handoff-verify as one page to print, for somebody who is not technical.

Beside handoff_verify.py, which loads it for `--report`. It has no script, and everything in it is escaped.
"""

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.trail.handoff_verify import Found

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Trail verification</title><style>
body{{font:16px/1.5 Georgia,serif;max-width:42em;margin:3em auto;padding:0 1em;color:#111}}h1{{font-size:1.6em}}
.v{{border:3px solid {colour};padding:.6em 1em;font-size:1.2em}}table{{border-collapse:collapse;width:100%}}
td,th{{text-align:left;border-bottom:1px solid #bbb;padding:.3em .5em;vertical-align:top}}
@media print{{body{{margin:0}}}}
</style><h1>Was the trail altered?</h1><p class="v"><strong>{verdict}</strong></p>
<p>Checked on {now} with handoff-verify, which needs nothing from the operator but this copy of the trail and the key of
the log. Every step that the broker takes is entered into a log that can only grow. This page says whether the
copy that was handed over is that log.</p><table>{rows}</table>{wrong}{erasures}
<h2>What this does not show</h2><ul>{limits}</ul></html>
"""


def page(found: "Found", told: list[str]) -> str:
    """The page; `told` is the result in plain words, the verdict first."""
    holds = found.code == 0
    rows = [
        ("Steps in the log", f"{found.size:,}"),
        ("First and last checkpoint", f"{found.since or '-'} / {found.until or '-'}"),
        (
            "Signed checkpoints, all in agreement" if holds else "Signed checkpoints",
            f"{found.checkpoints:,}",
        ),
        ("Checkpoints that somebody else had kept", f"{found.held:,}"),
        ("Texts that were opened", f"{found.opened:,}"),
        ("Texts that only the two agencies may open", f"{found.closed:,}"),
        ("Texts erased, each on record", f"{found.erased:,}"),
        *(("Vouched for by others", words) for words in found.anchors),
        ("Things that do not hold", f"{found.wrongs:,}"),
    ]
    limits = [line for line in told if line.startswith(("No held", "This cannot"))]
    verdict = told[0] + (" No step was changed or removed." if holds else " See below.")
    return PAGE.format(
        colour="#176b2c" if holds else "#a40000",
        verdict=escape(verdict),
        now=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        rows="".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows),
        wrong=listed("What does not hold", [words for _, words in found.wrong]),
        erasures=listed("Erased, and by whom approved", [f"Entry {at:,}: {text}" for at, text in found.erasures]),
        limits="".join(f"<li>{escape(one)}</li>" for one in limits),
    )


def listed(title: str, lines: list[str]) -> str:
    """A heading with a list, where there is something to list."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<h2>{escape(title)}</h2><ul>{items}</ul>" if lines else ""
