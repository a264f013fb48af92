# SPDX-License-Identifier: Apache-2.0
"""Who runs: for each contender its name in the table, how it is started, and how a fresh output stream is made for it.

A contender is started with nothing but the RIVALS_ variables; the same command starts it again after a kill.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version

from server import INPUT

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Contender:
    key: str
    name: str
    packages: tuple
    takes_ids: bool = True  # whether its writer can be told to send Nats-Msg-Id

    def versions(self):
        return ", ".join(f"{package} {version(package)}" for package in self.packages)

    def prepare(self, run):
        """Makes the output stream; the settings are those that `sidestream provision` gives its own."""
        config = {key: value for key, value in run.template.items() if key not in ("metadata", "subjects", "name")}
        run.streams.create({**config, "name": run.output, "subjects": [f"{run.subject}.>"]})

    def command(self, run):
        return [sys.executable, os.path.join(HERE, f"{self.key}_job.py")]


class Bytewax(Contender):
    def prepare(self, run):
        super().prepare(run)
        subprocess.run([sys.executable, "-m", "bytewax.recovery", run.state, "1"], check=True)

    def command(self, run):
        job = os.path.join(HERE, "bytewax_job.py")
        return [sys.executable, "-m", "bytewax.run", job, "--recovery-directory", run.state, "--snapshot-interval", "1",
                "--backup-interval", "0"]


class Sidestream(Contender):
    def versions(self):
        return subprocess.check_output([BINARY[0], "--version"], text=True).strip()

    def prepare(self, run):
        for stream in ("ENRICHED", "DEAD_LETTERS", "ENRICHED_REDRIVES"):
            run.streams.delete(stream)
        sidestream(run.url, "provision")
        run.output = "ENRICHED"

    def command(self, run):
        return [*sidestream_command(run.url, "run"), "--set", f"state.path={run.state}", "--set", "http.listen=127.0.0.1:0"]


BINARY = []  # the path of the release build, once main has it


def sidestream_command(url, *words):
    config = os.path.join(HERE, "..", "..", "config.toml")
    return [BINARY[0], *words, "--config", config, "--nats-url", url]


def sidestream(url, *words):
    subprocess.run(sidestream_command(url, *words), check=True, stdout=subprocess.DEVNULL)


ALL = (
    Sidestream("sidestream", "Sidestream", (), takes_ids=False),
    Contender("pathway", "Pathway", ("pathway",)),
    Bytewax("bytewax", "Bytewax", ("bytewax", "nats-py")),
    Contender("connect", "Redpanda Connect", ("mq-bridge-connect", "mq-bridge")),
)


def environment(run, message_ids):
    """What a job may know."""
    return {
        "RIVALS_URL": run.url,
        "RIVALS_INPUT": INPUT,
        "RIVALS_OUTPUT": run.output,
        "RIVALS_SUBJECT": run.subject,
        "RIVALS_STATE": run.state,
        "RIVALS_MESSAGE_IDS": "1" if message_ids else "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
