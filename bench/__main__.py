"""`make bench`: measures everything once on this machine, prints the ratios, and writes bench/RESULTS.md."""

import argparse
import asyncio
import os
import platform
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from adapters.tables import ZONE
from bench import bulkheads, deliveries, latency, pages, rules, storm, throughput, trail
from bench.throughput import Way
from bench.traffic import new_keys
from broker.local.parts import parts_for
from broker.local.progress import Progress, told_to_person
from broker.settings import Settings, load_settings
from broker.sql.migrate import migrate

RESULTS = Path(__file__).parent / "RESULTS.md"
REFERRALS = 3000
DELIVERED_BY = "webhook"
"""The transport that deliveries are measured with, of `bench.deliveries.WAYS`."""


@asynccontextmanager
async def installation() -> AsyncIterator[tuple[Settings, Path, Progress]]:
    """Kafka and PostgreSQL of this run alone, a folder of its own, and who is told how far it is."""
    with told_to_person() as progress, tempfile.TemporaryDirectory(prefix="warm-handoff-bench-") as folder:
        given = load_settings(home=Path(folder), topic_prefix=f"bench-{secrets.token_hex(3)}.", _env_file=None)
        async with parts_for(given, progress) as settings:
            yield settings, Path(folder), progress


async def run_pages() -> None:
    """Measure the staff's list, and print it."""
    async with installation() as (settings, folder, progress):
        dsn, owner_dsn = deliveries.databases_of(settings)
        await migrate(owner_dsn, ZONE)
        progress.say("Measuring the staff's list")
        figures = await pages.measure(dsn, owner_dsn, folder)
    sys.stdout.write("\n".join((*pages.report(figures), "")))


async def run_trail(referrals: int, entries: int) -> None:
    """Measure what the trail costs, and print it: with a small log it takes a minute."""
    async with installation() as (settings, folder, progress):
        keys = new_keys(settings.broker_org)
        await throughput.onboarded(settings, keys)
        progress.say("Measuring the pipeline with its trail and without")
        costs = await throughput.with_and_without_trail(settings, keys, referrals)
        progress.say("Measuring the trail: commit to seal, and offline verification")
        trails = await trail.measure(settings, folder / "bundles", (entries // 5, entries))
    kept = median(without / with_trail for with_trail, without in costs)
    spent = ", ".join(f"{1e6 * one:,.0f} and {1e6 * other:,.0f}" for one, other in costs)
    lines = [
        (
            f"With its trail the pipeline does {kept:.2f} of what it does without one, by the time on a processor for "
            f"each event (broker and PostgreSQL; µs with and without, by round: {spent})."
        ),
        "",
        *trail.report(trails),
        "",
    ]
    sys.stdout.write("\n".join(lines))


async def run(referrals: int, *, write: bool) -> None:
    """Measure, print, and keep the results."""
    async with installation() as (settings, folder, progress):
        keys = new_keys(settings.broker_org)
        await throughput.onboarded(settings, keys)
        progress.say("Measuring throughput: the bare loop, the naive way, the pipeline without and with signatures")
        rounds, reconciled = await throughput.measure(settings, keys, referrals)
        progress.say("Measuring latency at a fifth of that")
        capacity = median(one.pipeline[Way(1, signed=True)][0] for one in rounds)
        waits = await latency.measure(settings, keys, capacity)
        progress.say("Measuring the trail: commit to seal, and offline verification")
        trails = await trail.measure(settings, folder / "bundles")
        progress.say("Measuring deliveries to providers' own systems")
        provider_dsn, provider_owner_dsn = deliveries.databases_of(settings)
        figures = await deliveries.measure(provider_dsn, provider_owner_dsn, folder, DELIVERED_BY)
        progress.say("Measuring what others feel of a recipient that hangs, and a storm of answers")
        hanging = await bulkheads.measure(provider_dsn, folder, DELIVERED_BY)
        stormed = await storm.measure(provider_dsn, folder)
        progress.say("Measuring the staff's list")
        listed = await pages.measure(provider_dsn, provider_owner_dsn, folder)
        progress.say("Measuring single decisions and seals")
        single = rules.measure()
        ours, cedars = rules.against_cedar()
    text = report(rounds, reconciled, waits, trails, single, (ours, cedars), referrals) + "\n".join(
        (
            *deliveries.report(figures, DELIVERED_BY),
            *bulkheads.report(hanging),
            *storm.report(stormed),
            *pages.report(listed),
            "",
        )
    )
    sys.stdout.write(text)
    if write:
        RESULTS.write_text(text)


def report(
    rounds: Sequence[throughput.Round],
    reconciled: throughput.Reconciled,
    waits: latency.Latencies,
    trails: trail.Figures,
    single: dict[str, float],
    decisions: tuple[float, float],
    referrals: int,
) -> str:
    """The results as a page. `decisions` are microseconds: ours and Cedar's."""
    ours, cedars = decisions
    lines = [
        "# Results",
        "",
        (
            f"`make bench` on {datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {platform.machine()}, "
            f"CPython {platform.python_version()}; Kafka, PostgreSQL and the client on the same cores; "
            f"{referrals} referrals a round, half of them under a consent of their own, and the answers to the offers."
        ),
        (
            "Absolute figures depend on the machine and its neighbours; the ratios are what is held, each taken within "
            f"a round, and of {throughput.ROUNDS} rounds the median."
        ),
        "",
        "| Events in per second, durable | ev/s | to the bare loop | to the naive way |",
        "|---|---:|---:|---:|",
    ]
    for name, rates in _named(rounds):
        to_bare = median(rate / one.bare for rate, one in zip(rates, rounds, strict=True))
        to_naive = median(rate / one.naive for rate, one in zip(rates, rounds, strict=True))
        lines.append(f"| {name} | {median(rates):,.0f} | {to_bare:.2f} | {to_naive:.1f} × |")
    with_trail, without = (Way(1, signed=False, trailed=trailed) for trailed in (True, False))
    kept = median(one.spent[without] / one.spent[with_trail] for one in rounds)
    by_the_clock = median(one.pipeline[with_trail][2] / one.pipeline[without][2] for one in rounds)
    lines += [
        "",
        (
            f"With its trail the pipeline does {kept:.2f} of what it does without one, by the time on a processor for "
            f"each event (broker and PostgreSQL; 1 process, without signatures); by the clock {by_the_clock:.2f}."
        ),
        "",
        (
            f"After that load, tables against trail: {reconciled.referrals:,} referrals reconciled, "
            f"{reconciled.differences:,} differences."
        ),
        "",
        (
            f"Publish → provider's topic at {latency.LOAD:.0%} load, signed: "
            f"p50 {waits.p50:.0f} ms, p95 {waits.p95:.0f} ms."
        ),
        "",
        (
            f"Revocation → the broker's receipt, after which nothing more goes, at {latency.REVOKING_LOAD:.0%} load, "
            f"signed: p99 {waits.revoked_p99:.0f} ms."
        ),
        "",
        *trail.report(trails),
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


def _named(rounds: Sequence[throughput.Round]) -> list[tuple[str, list[float]]]:
    """Each row's name, and its rate in each round."""
    named = [
        ("bare aiokafka + pydantic loop, nothing stored", [one.bare for one in rounds]),
        ("naive: FastStream decorators, SQLModel session per event", [one.naive for one in rounds]),
    ]
    for way in throughput.WAYS:
        how = "signatures checked and made" if way.signed else "without signatures"
        how += "" if way.trailed else " and trail"
        processes = f"{way.processes} process{'es' if way.processes > 1 else ''}"
        asked, answered, both = ([one.pipeline[way][place] for one in rounds] for place in range(3))
        named.append((f"this pipeline, {how}, {processes}", both))
        named.append(("· of that, consents and referrals", asked))
        named.append(("· of that, answers", answered))
    return named


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--referrals", type=int, default=REFERRALS, help="how many referrals to measure with a round")
    parser.add_argument("--dry", action="store_true", help="print only, leave RESULTS.md as it is")
    parser.add_argument("--trail", action="store_true", help="the trail alone, printed only")
    parser.add_argument("--entries", type=int, default=max(trail.SIZES), help="with --trail: of how long a log")
    parser.add_argument("--pages", action="store_true", help="the staff's list alone, printed only")
    given = parser.parse_args()
    if given.pages:
        asyncio.run(run_pages())
    elif given.trail:
        asyncio.run(run_trail(given.referrals, given.entries))
    else:
        asyncio.run(run(given.referrals, write=not given.dry))


if __name__ == "__main__":
    main()
