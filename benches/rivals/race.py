# SPDX-License-Identifier: Apache-2.0
"""Runs every contender over one filled stream, judges what each published, and prints a table.

A run ends when the output stream holds as many messages as there were events, nothing is left to deliver on the input
and the output has stopped growing; or when it stands still for long. Time is taken from the server's own timestamps.
Called by scripts/rivals.
"""

import argparse
import os
import shutil
import signal
import sys
import time
from types import SimpleNamespace

import contenders
from judge import expected, judge
from process import Program
from report import markdown
from server import INPUT, Server, Streams, seconds

QUIET = 1.5  # seconds without growth that end a run in which everything has come
STILL = 45  # seconds without growth that end any run: longer than every redelivery
LONGEST = 900


def main():
    options = arguments()
    # As Ctrl-C: the `finally` and `with` blocks end every process that was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    contenders.BINARY.append(os.path.abspath(options.sidestream))
    only = ("sidestream", *(options.only or (c.key for c in contenders.ALL if not c.only_if_asked)))
    chosen = [c for c in contenders.ALL if c.key in only]
    load = os.getloadavg()[0]
    with Server(options.nats_server, options.scratch) as server:
        streams = Streams(server.url)
        try:
            race = Race(options, server, streams)
            results = race.run(chosen)
            options.lessons = sum(value["title"] == "lesson" for _, _, value in race.answers.values())
            version = streams.client._server_info["version"]
        finally:
            streams.close()
    text = markdown(options, chosen, results, load, version)
    print(text)
    if options.markdown:
        with open(options.markdown, "w", encoding="utf-8") as file:
            file.write(text)


def arguments():
    parser = argparse.ArgumentParser(prog="rivals", description="Runs the same job with Sidestream and with others.")
    parser.add_argument("--events", type=int, default=100_000, help="how many events (100000)")
    parser.add_argument("--users", type=int, default=1_000, help="how many users the school has (1000)")
    parser.add_argument("--rounds", type=int, default=2, help="how often each runs for speed, in turned order (2)")
    names = [c.key for c in contenders.ALL]
    parser.add_argument("--only", action="append", choices=names, help="this one beside Sidestream; may be repeated")
    parser.add_argument("--no-kill", action="store_true", help="leave out the runs with a kill")
    parser.add_argument("--markdown", metavar="FILE", help="write the table here, too")
    parser.add_argument("--sidestream", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--nats-server", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--build", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def say(text):
    print(f"rivals: {text}", file=sys.stderr, flush=True)


class Race:
    def __init__(self, options, server, streams):
        self.options, self.url, self.streams, self.count = options, server.url, streams, 0
        contenders.sidestream(self.url, "provision")
        self.template, self.kept = streams.config("ENRICHED"), set(streams.names())
        say(f"filling {INPUT} with {options.events} events")
        contenders.sidestream(
            self.url, "generate", "--count", str(options.events), "--users", str(options.users), "--rate", "max"
        )
        say("working out the answers")
        self.answers = expected(streams.read(INPUT))

    def run(self, chosen):
        results = {c.key: SimpleNamespace(rounds=[], kills={}) for c in chosen}
        for round_ in range(self.options.rounds):
            for contender in chosen if round_ % 2 == 0 else reversed(chosen):
                results[contender.key].rounds.append(self.once(contender, contender.takes_ids, kill=False))
        for contender in [] if self.options.no_kill else chosen:
            for ids in (False, True) if contender.takes_ids else (False,):
                results[contender.key].kills[ids] = self.once(contender, ids, kill=True)
        return results

    def once(self, contender, ids, kill):
        """One run on a fresh output stream and an empty state: what was measured and judged."""
        self.count += 1
        state = os.path.join(self.options.scratch, f"state-{self.count}")
        os.mkdir(state)
        self.streams.forget_consumers()
        run = SimpleNamespace(
            url=self.url, streams=self.streams, template=self.template, state=state,
            output=f"RIVALS_{self.count}", subject=f"rivals_{self.count}",
        )
        contender.prepare(run)
        environment = contenders.environment(contender, run, ids)
        log = os.path.join(self.options.scratch, f"{self.count}-{contender.key}.log")
        start = lambda: Program(contender.command(run), environment, log)  # noqa: E731
        program = start()
        try:
            if kill:
                self.wait_for(run, program, lambda state: state["messages"] >= self.options.events // 2)
                at = self.streams.state(run.output)["messages"]
                program.kill()
                program = start()
            ended = self.wait_until_over(run, program)
        finally:
            program.stop()
        result = self.figures(run, program, ended)
        result.killed_at = at if kill else None
        say(f"{contender.name}{' killed' * kill}{' with ids' * ids}: {result.line}")
        if not ended:
            say(f"{contender.name} did not come to an end; the last lines it wrote:\n{tail(log)}")
        for stream in set(self.streams.names()) - self.kept:
            self.streams.delete(stream)
        shutil.rmtree(state, ignore_errors=True)
        return result

    def wait_for(self, run, program, holds):
        """Polls the output stream until `holds`; false once it stands still, is late, or the program ended."""
        deadline, changed, before = time.monotonic() + LONGEST, time.monotonic(), -1
        while time.monotonic() < deadline:
            state = self.streams.state(run.output)
            if state["messages"] != before:
                before, changed = state["messages"], time.monotonic()
            state["quiet"] = time.monotonic() - changed
            if holds(state):
                return True
            if state["quiet"] > STILL or (not program.running() and state["quiet"] > QUIET):
                return False
            time.sleep(0.02)
        return False

    def wait_until_over(self, run, program):
        return self.wait_for(
            run,
            program,
            lambda s: s["messages"] >= self.options.events and s["quiet"] > QUIET and self.streams.settled(),
        )

    def figures(self, run, program, ended):
        state = self.streams.state(run.output)
        verdict, examples = judge(self.answers, self.streams.read(run.output))
        published = state["messages"]
        first, last = (seconds(state[name]) for name in ("first_ts", "last_ts"))
        result = SimpleNamespace(verdict=verdict, ended=ended, published=published, peak=program.peak, cpu=program.cpu)
        result.seconds = last - program.started
        result.first = first - program.started
        result.rate = published / result.seconds if published else 0
        result.steady = published / (last - first) if last > first else 0
        result.line = (
            f"{published} outputs in {result.seconds:.2f} s ({result.rate:.0f}/s), {program.peak // 1024} MiB, "
            + ", ".join(f"{name} {count}" for name, count in verdict.items() if count)
            + "".join(f"\n    {example}" for example in examples)
        )
        return result


def tail(log, lines=12):
    with open(log, encoding="utf-8", errors="replace") as file:
        return "".join(file.readlines()[-lines:])


if __name__ == "__main__":
    main()
