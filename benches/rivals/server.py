# SPDX-License-Identifier: Apache-2.0
"""A private nats-server, and the streams on it.

Nothing is written before the server was asked for its name: a stranger's server on the same port is never used. The
server is ended by its process id; its files lie below the scratch directory of the run.
"""

import asyncio
import json
import os
import socket
import subprocess
import time
from datetime import datetime, timezone

import nats
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

INPUT = "EVENTS"
PULL = 2000


class Server:
    """`with Server(binary, directory) as server`: `server.url` is where it listens."""

    def __init__(self, binary, directory):
        self.binary, self.directory = binary, directory

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.name = f"rivals-{os.getpid()}-{port}"
        self.url = f"nats://127.0.0.1:{port}"
        command = [self.binary, "-a", "127.0.0.1", "-p", str(port), "--server_name", self.name, "-js"]
        self.log = open(os.path.join(self.directory, "server.log"), "wb")
        self.process = subprocess.Popen(
            [*command, "-sd", os.path.join(self.directory, "jetstream")], stdout=self.log, stderr=self.log
        )
        try:
            self.check_name(time.monotonic() + 20)
        except BaseException:
            self.__exit__()
            raise
        return self

    def check_name(self, deadline):
        async def name():
            client = await nats.connect(self.url, allow_reconnect=False, connect_timeout=1, error_cb=quiet)
            try:
                return client._server_info["server_name"]
            finally:
                await client.close()

        while True:
            if self.process.poll() is not None:
                raise SystemExit("rivals: nats-server ended at once; see server.log in the scratch directory")
            try:
                found = asyncio.run(name())
                break
            except Exception:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        if found != self.name:
            raise SystemExit(f"rivals: another server ({found}) answers on {self.url}; nothing was written")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Streams:
    """Requests to the JetStream API; every method opens nothing and blocks until it is answered."""

    def __init__(self, url):
        self.loop = asyncio.new_event_loop()
        self.client = self.loop.run_until_complete(nats.connect(url))
        self.js = self.client.jetstream()

    def close(self):
        self.loop.run_until_complete(self.client.close())
        self.loop.close()

    def api(self, subject, body=None):
        request = self.client.request(f"$JS.API.{subject}", json.dumps(body or {}).encode(), timeout=10)
        return json.loads(self.loop.run_until_complete(request).data)

    def state(self, stream):
        answer = self.api(f"STREAM.INFO.{stream}")
        if "state" not in answer:
            raise SystemExit(f"rivals: no stream {stream}: {answer.get('error')}")
        return answer["state"]

    def config(self, stream):
        return self.api(f"STREAM.INFO.{stream}")["config"]

    def create(self, config):
        answer = self.api(f"STREAM.CREATE.{config['name']}", config)
        if "error" in answer:
            raise SystemExit(f"rivals: cannot create {config['name']}: {answer['error']}")

    def names(self):
        return self.api("STREAM.NAMES").get("streams") or []

    def delete(self, stream):
        self.api(f"STREAM.DELETE.{stream}")

    def consumers(self):
        return self.api(f"CONSUMER.LIST.{INPUT}").get("consumers") or []

    def forget_consumers(self):
        """What one run left on the input stream must not serve the next one."""
        for consumer in self.consumers():
            self.api(f"CONSUMER.DELETE.{INPUT}.{consumer['name']}")

    def settled(self):
        """Whether no consumer that takes acknowledgements has anything left to deliver or to hear about.

        The others keep no promise on the server's side: one of a killed process stays behind and never gets further.
        """
        acked = [c for c in self.consumers() if c["config"]["ack_policy"] != "none"]
        return all(c["num_pending"] == 0 and c["num_ack_pending"] == 0 for c in acked)

    def read(self, stream):
        """All messages of a stream, in order: (sequence, subject, time in ns, headers, payload)."""
        return self.loop.run_until_complete(self._read(stream, self.state(stream)["messages"]))

    async def _read(self, stream, count):
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL, mem_storage=True)
        pulled = await self.js.pull_subscribe("", stream=stream, config=config)
        messages = []
        while len(messages) < count:
            for m in await pulled.fetch(min(PULL, count - len(messages)), timeout=20):
                at = m.metadata.timestamp
                ns = int(at.replace(tzinfo=at.tzinfo or timezone.utc).timestamp() * 1e6) * 1000
                messages.append((m.metadata.sequence.stream, m.subject, ns, m.headers or {}, m.data))
        await pulled.unsubscribe()
        return messages


async def quiet(_):
    """A server that does not listen yet is no error."""


def seconds(text):
    """Unix seconds of a server's timestamp; it has up to nine digits, Python takes six."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp() + float(f"0.{fraction or 0}")
