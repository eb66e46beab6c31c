"""`make bench`: measures everything once on this machine, prints the ratios, and writes bench/RESULTS.md."""

import argparse
import asyncio
import os
import platform
import secrets
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench import latency, rules, throughput
from bench.throughput import Way
from bench.traffic import new_keys
from broker.local.parts import parts_for
from broker.local.progress import told_to_person
from broker.settings import load_settings

RESULTS = Path(__file__).parent / "RESULTS.md"
REFERRALS = 6000


async def run(referrals: int, *, write: bool) -> None:
    """Measure, print, and keep the results."""
    with told_to_person() as progress, tempfile.TemporaryDirectory(prefix="warm-handoff-bench-") as folder:
        given = load_settings(home=Path(folder), topic_prefix=f"bench-{secrets.token_hex(3)}.", _env_file=None)
        async with parts_for(given, progress) as settings:
            keys = new_keys(settings.broker_org)
            await throughput.onboarded(settings, keys)
            progress.say("Measuring throughput: the bare loop, the naive way, the pipeline without and with signatures")
            rates = await throughput.measure(settings, keys, referrals)
            progress.say("Measuring latency at a fifth of that")
            p50, p95 = await latency.measure(settings, keys, rates.pipeline[Way(1, signed=True)][2] * latency.LOAD)
        progress.say("Measuring single decisions and seals")
        single = rules.measure()
        ours, cedars = rules.against_cedar()
    text = report(rates, (p50, p95), single, (ours, cedars), referrals)
    sys.stdout.write(text)
    if write:
        RESULTS.write_text(text)


def report(
    rates: throughput.Rates,
    waits: tuple[float, float],
    single: dict[str, float],
    decisions: tuple[float, float],
    referrals: int,
) -> str:
    """The results as a page. `waits` are p50 and p95 in milliseconds, `decisions` microseconds: ours and Cedar's."""
    (p50, p95), (ours, cedars) = waits, decisions
    lines = [
        "# Results",
        "",
        (
            f"`make bench` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {platform.machine()}, "
            f"CPython {platform.python_version()}; Kafka, PostgreSQL and the client on the same cores; "
            f"{referrals} referrals, half of them under a consent of their own, and the answers to their offers."
        ),
        "Absolute figures depend on the machine and its neighbours; the ratios are what is held.",
        "",
        "| Events in per second, durable | ev/s | to the bare loop | to the naive way |",
        "|---|---:|---:|---:|",
    ]
    for name, rate in _named(rates):
        lines.append(f"| {name} | {rate:,.0f} | {rate / rates.bare:.2f} | {rate / rates.naive:.1f} × |")
    lines += [
        "",
        f"Publish → provider's topic at {latency.LOAD:.0%} load, signed: p50 {p50:.0f} ms, p95 {p95:.0f} ms.",
        "",
        (
            f"A decision on the oracle's cases: {ours:.1f} µs; Cedar (cedarpy), asked the same, {cedars:,.0f} µs: "
            f"{cedars / ours:.0f} × faster."
        ),
        "",
        f"| One of | µs, median, the quietest of {rules.ROUNDS} rounds |",
        "|---|---:|",
        *(f"| {name} | {micros:.1f} |" for name, micros in single.items()),
        "",
    ]
    return "\n".join(lines)


def _named(rates: throughput.Rates) -> list[tuple[str, float]]:
    named = [
        ("bare aiokafka + pydantic loop, nothing stored", rates.bare),
        ("naive: FastStream decorators, SQLModel session per event", rates.naive),
    ]
    for way, (asked, answered, both) in rates.pipeline.items():
        how = "signatures checked and made" if way.signed else "without signatures"
        named.append((f"this pipeline, {how}, {way.processes} process{'es' if way.processes > 1 else ''}", both))
        named.append(("· of that, consents and referrals", asked))
        named.append(("· of that, answers", answered))
    return named


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--referrals", type=int, default=REFERRALS, help="how many referrals to measure with")
    parser.add_argument("--dry", action="store_true", help="print only, leave RESULTS.md as it is")
    given = parser.parse_args()
    asyncio.run(run(given.referrals, write=not given.dry))


if __name__ == "__main__":
    main()
