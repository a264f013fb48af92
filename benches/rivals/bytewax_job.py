# SPDX-License-Identifier: Apache-2.0
"""The job as a Bytewax dataflow: key_on the user, stateful_map, recovery on.

Bytewax has no NATS connector: this file's source and sink around nats-py stand in for one, built as its documentation
teaches for custom connectors. The source is one partition whose snapshot is the stream sequence, so that a resumed
dataflow reads again from its last snapshot. The sink publishes a batch at once and returns when all are acknowledged.
Run by `python -m bytewax.run`; settings come from the RIVALS_ variables.
"""

import asyncio
import os
import queue
import threading

import bytewax.operators as op
import nats
import orjson
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

URL, STREAM, SUBJECT = (os.environ[f"RIVALS_{name}"] for name in ("URL", "INPUT", "SUBJECT"))
WITH_IDS = os.environ["RIVALS_MESSAGE_IDS"] == "1"
PULL = 500


class Client:
    """nats-py on an event loop of its own thread, so that it reads ahead while the dataflow works."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.nats = self.wait(nats.connect(URL))
        self.js = self.nats.jetstream(publish_async_max_pending=4 * PULL)

    def wait(self, task):
        return asyncio.run_coroutine_threadsafe(task, self.loop).result()


class EventsPartition(StatefulSourcePartition):
    def __init__(self, after):
        self.position = after
        self.client = Client()
        self.read = queue.Queue(4)
        asyncio.run_coroutine_threadsafe(self._pull(after), self.client.loop)

    async def _pull(self, after):
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL)
        if after:
            config.deliver_policy, config.opt_start_seq = DeliverPolicy.BY_START_SEQUENCE, after + 1
        pulled = await self.client.js.pull_subscribe("", stream=STREAM, config=config)
        while True:
            try:
                batch = await pulled.fetch(PULL, timeout=1)
            except nats.errors.TimeoutError:
                continue
            if not batch:
                continue
            await asyncio.to_thread(self.read.put, [(m.metadata.sequence.stream, m.data) for m in batch])

    def next_batch(self):
        try:
            batch = self.read.get_nowait()
        except queue.Empty:
            return []
        self.position = batch[-1][0]
        return [payload for _, payload in batch]

    def snapshot(self):
        return self.position


class Events(FixedPartitionedSource):
    def list_parts(self):
        return [STREAM]

    def build_part(self, step_id, for_part, resume_state):
        return EventsPartition(resume_state or 0)


class OutputPartition(StatelessSinkPartition):
    def __init__(self):
        self.client = Client()

    def write_batch(self, items):
        self.client.wait(self._publish(items))

    async def _publish(self, items):
        acks = []
        for event in items:
            headers = {"Nats-Msg-Id": event["event_uuid"]} if WITH_IDS else None
            subject = f"{SUBJECT}.{event['title']}"
            acks.append(await self.client.js.publish_async(subject, orjson.dumps(event), headers=headers))
        await asyncio.gather(*acks)


class Output(DynamicSink):
    def build(self, step_id, worker_index, worker_count):
        return OutputPartition()


def user_of(event):
    properties = event["properties"]
    return properties["uuid"] if event["title"] == "user" else properties["user_uuid"]


def enrich(state, event):
    """The state of one user is its country and, by language, the status and type of its subscriptions."""
    state = state or {"country": None, "subscriptions": {}}
    properties = event["properties"]
    if event["title"] == "user":
        state["country"] = properties.get("country", state["country"])
    elif event["title"] == "subscription":
        row = state["subscriptions"].setdefault(properties["language"], [None, None])
        row[0] = properties.get("subscription_status", row[0])
        row[1] = properties.get("subscription_type", row[1])
    elif event["title"] == "lesson":
        event["country"] = state["country"]
        row = state["subscriptions"].get(properties["language"], (None, None))
        event["subscription_status"], event["subscription_type"] = row
    return state, event


flow = Dataflow("school")
events = op.map("parse", op.input("events", flow, Events()), orjson.loads)
by_user = op.key_on("user", events, user_of)
enriched = op.stateful_map("enrich", by_user, enrich)
op.output("output", op.key_rm("unkey", enriched), Output())
