# SPDX-License-Identifier: Apache-2.0
"""The tables of a run in Markdown: a row a contender, ratios to Sidestream from the same round, what ran where.

Figures only; what they mean stands in docs/rivals.md. Called by race.py.
"""

import os
import platform
from datetime import datetime, timezone
from statistics import median


def markdown(options, chosen, results, load, server_version):
    parts = [speed(options, chosen, results)]
    if not options.no_kill:
        parts.append(kills(chosen, results))
    parts.append(notes(options, chosen, results, load, server_version))
    return "\n".join(parts)


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def speed(options, chosen, results):
    """Medians over the rounds; what was judged is the worst of them."""
    base = results["sidestream"].rounds
    rows = []
    for contender in chosen:
        rounds = results[contender.key].rounds
        ratios = [here.rate / there.rate for here, there in zip(rounds, base)]
        worst = {name: max(r.verdict[name] for r in rounds) for name in rounds[0].verdict}
        rows.append([
            contender.name,
            f"{median(r.rate for r in rounds):,.0f}",
            f"{median(r.steady for r in rounds):,.0f}",
            f"{median(ratios):.3f}",
            f"{median(r.first for r in rounds):.2f} s",
            f"{median(r.cpu for r in rounds):.1f} s",
            f"{median(r.peak for r in rounds) / 1024:.0f} MiB",
            *(f"{worst[name]:,}" for name in ("missing", "wrong", "doubled", "disorder", "disorder_user")),
        ])
    head = ["", "events/s", "events/s after the first output", "ratio to Sidestream", "first output after", "its CPU",
            "peak memory", "missing", "wrong lessons", "doubled", "out of input order", "out of order within a user"]
    return table(head, rows)


def kills(chosen, results):
    rows = []
    for contender in chosen:
        for ids, run in results[contender.key].kills.items():
            verdict = run.verdict
            sends = "its own way" if not contender.takes_ids else "yes" if ids else "no"
            names = ("doubled", "missing", "wrong", "disorder_user")
            rows.append([contender.name, sends, f"{run.killed_at:,}", *(f"{verdict[name]:,}" for name in names),
                         f"{run.seconds:.1f} s", "yes" if run.ended else "no"])
    head = ["one SIGKILL halfway", "`Nats-Msg-Id`", "outputs at the kill", "doubled", "missing", "wrong lessons",
            "out of order within a user", "from restart to last output", "came to an end"]
    return table(head, rows)


def notes(options, chosen, results, load, server_version):
    versions = [contender.versions() for contender in chosen]
    if options.build:
        versions[0] += f" ({options.build})"
    runs = [run for result in results.values() for run in (*result.rounds, *result.kills.values())]
    strange = sum(run.verdict["altered"] + run.verdict["unknown"] for run in runs)
    if strange:
        versions.append(f"{strange} outputs were no event of the input, or an event with other changes")
    when = datetime.now(timezone.utc).date().isoformat()
    text = [
        f"{options.events:,} events of {options.users:,} users ({options.lessons:,} lessons) in one file stream; "
        f"{options.rounds} rounds, the order turned round after each; medians, and the worst round's verdict.",
        "Rates run from the start of the process until the last output is stored, by the server's own timestamps. CPU "
        "and memory are those of the contender's processes, the server's not included.",
        f"{'; '.join(versions)}; nats-server {server_version}; Python {platform.python_version()}; {os.cpu_count()} "
        f"cores ({processor()}), shared with the server and with whatever else ran (load average {load:.1f} before, "
        f"{os.getloadavg()[0]:.1f} after); {when}.",
    ]
    return "".join(f"* {line}\n" for line in text)


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        names = [line.partition(":")[2].strip() for line in info if line.startswith("model name")]
    return names[0] if names else platform.machine()
