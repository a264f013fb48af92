# SPDX-License-Identifier: Apache-2.0
"""One contender's program: started in a session of its own, watched, killed or ended with everything it started.

Memory is the sum, over the session's processes, of the peak resident size that the kernel kept for each.
"""

import os
import signal
import subprocess
import threading
import time


class Program:
    def __init__(self, command, environment, log):
        self.log = open(log, "ab")
        self.started = time.time()
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        self.peak, self.cpu = 0, 0.0
        self.over = threading.Event()
        self.watch = threading.Thread(target=self._watch, daemon=True)
        self.watch.start()

    def _watch(self):
        while not self.over.wait(0.1):
            self._sample()

    def _sample(self):
        total, ticks = 0, 0
        for pid in session(self.process.pid):
            try:
                with open(f"/proc/{pid}/status") as status:
                    total += sum(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
                with open(f"/proc/{pid}/stat") as stat:
                    ticks += sum(int(field) for field in stat.read().rpartition(")")[2].split()[11:13])
            except (OSError, ValueError):
                continue
        self.peak = max(self.peak, total)
        self.cpu = max(self.cpu, ticks / os.sysconf("SC_CLK_TCK"))

    def running(self):
        return self.process.poll() is None

    def kill(self):
        """SIGKILL to all of it, as a power cut of this one program."""
        self._end(signal.SIGKILL)

    def stop(self):
        """SIGTERM, and SIGKILL to what is left after ten seconds."""
        self._end(signal.SIGTERM)

    def _end(self, with_signal):
        self._sample()
        self.over.set()
        self.watch.join()
        signal_group(self.process.pid, with_signal)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            pass
        signal_group(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


def session(leader):
    """The processes of a session, by the kernel's list."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    if int(stat.read().rpartition(")")[2].split()[3]) == leader:
                        yield int(entry)
            except (OSError, ValueError, IndexError):
                continue


def signal_group(leader, with_signal):
    for pid in session(leader):
        try:
            os.kill(pid, with_signal)
        except ProcessLookupError:
            continue
