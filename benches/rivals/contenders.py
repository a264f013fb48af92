# SPDX-License-Identifier: Apache-2.0
"""Who runs: for each contender its name in the table, how it is started, and how a fresh output stream is made for it.

A contender is started with nothing but the RIVALS_ variables; the same command starts it again after a kill.
"""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from importlib.metadata import version

from server import INPUT

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Contender:
    key: str
    name: str
    packages: tuple
    takes_ids: bool = True  # whether its writer can be told to send Nats-Msg-Id
    job: str = ""  # the program, where it is not the key's
    settings: dict = field(default_factory=dict)
    only_if_asked: bool = False

    def versions(self):
        return ", ".join(f"{package} {version(package)}" for package in self.packages)

    def prepare(self, run):
        """Makes the output stream; the settings are those that `sidestream provision` gives its own."""
        config = {key: value for key, value in run.template.items() if key not in ("metadata", "subjects", "name")}
        run.streams.create({**config, "name": run.output, "subjects": [f"{run.subject}.>"]})

    def command(self, run):
        return [sys.executable, os.path.join(HERE, f"{self.job or self.key}_job.py")]


class Bytewax(Contender):
    def prepare(self, run):
        super().prepare(run)
        subprocess.run([sys.executable, "-m", "bytewax.recovery", run.state, "1"], check=True)

    def command(self, run):
        job = os.path.join(HERE, "bytewax_job.py")
        recovery = ("--recovery-directory", run.state, "--snapshot-interval", "1", "--backup-interval", "0")
        return [sys.executable, "-m", "bytewax.run", job, *recovery]


class Sidestream(Contender):
    def versions(self):
        return subprocess.check_output([BINARY[0], "--version"], text=True).strip()

    def prepare(self, run):
        for stream in ("ENRICHED", "DEAD_LETTERS", "ENRICHED_REDRIVES"):
            run.streams.delete(stream)
        sidestream(run.url, "provision")
        run.output = "ENRICHED"

    def command(self, run):
        settings = ("--set", f"state.path={run.state}", "--set", "http.listen=127.0.0.1:0")
        return [*sidestream_command(run.url, "run"), *settings]


BINARY = []  # the path of the release build, once main has it


def sidestream_command(url, *words):
    config = os.path.join(HERE, "..", "..", "config.toml")
    return [BINARY[0], *words, "--config", config, "--nats-url", url]


def sidestream(url, *words):
    subprocess.run(sidestream_command(url, *words), check=True, stdout=subprocess.DEVNULL)


ALL = (
    Sidestream("sidestream", "Sidestream", (), takes_ids=False),
    Contender("pathway", "Pathway", ("pathway",)),
    Contender("pathway-exact", "Pathway, one event a minibatch", ("pathway",), job="pathway",
              settings={"RIVALS_PATHWAY_EXACT": "1"}, only_if_asked=True),
    Bytewax("bytewax", "Bytewax", ("bytewax", "nats-py")),
    Contender("connect", "Redpanda Connect", ("mq-bridge-connect", "mq-bridge")),
)


def environment(contender, run, message_ids):
    """What a job may know."""
    return {
        **contender.settings,
        "RIVALS_URL": run.url,
        "RIVALS_INPUT": INPUT,
        "RIVALS_OUTPUT": run.output,
        "RIVALS_SUBJECT": run.subject,
        "RIVALS_STATE": run.state,
        "RIVALS_MESSAGE_IDS": "1" if message_ids else "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
