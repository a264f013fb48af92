# SPDX-License-Identifier: Apache-2.0
"""The job in Redpanda Connect, as the package mq-bridge-connect brings it: configuration, no code.

The package embeds Redpanda Connect's components, not its program. An mq-bridge route owns the middle: one endpoint
reads with nats_jetstream and runs the processors (branch, cache, mapping), the other writes with nats_jetstream. State
is a multilevel cache: memory in front of a NATS key-value bucket, so that it outlives a kill. Settings come from the
RIVALS_ variables.
"""

import asyncio
import os
import signal

import mq_bridge
import mq_bridge_connect
import nats

URL, STREAM, SUBJECT, STATE = (os.environ[f"RIVALS_{name}"] for name in ("URL", "INPUT", "SUBJECT", "STATE"))
WITH_IDS = os.environ["RIVALS_MESSAGE_IDS"] == "1"
BATCH = int(os.environ.get("RIVALS_CONNECT_BATCH", "512"))
BUCKET = f"rivals-{os.path.basename(STATE)}"

# Batches in flight together have no order, hence one; for_each, since a processor takes a whole batch otherwise and a
# lesson would see what comes after it. A field that an event lacks keeps its value: an old type comes along as metadata.
# A bucket's keys take few characters, so the language goes in as hexadecimal digits. No more than one batch may be
# unacknowledged: after a kill, what comes again comes behind what is new.
READER = f"""
input:
  broker:
    inputs:
      - nats_jetstream:
          urls: [{URL}]
          stream: {STREAM}
          subject: events.>
          durable: connect
          deliver: all
          ack_wait: 10s
          max_ack_pending: {BATCH}
    batching:
      count: {BATCH}
      period: 5ms
max_in_flight: 1
pipeline:
  threads: 1
  processors:
    - for_each:
        - switch:
            - check: this.title == "user" && this.properties.exists("country")
              processors:
                - branch:
                    request_map: |
                      root.key = "user." + this.properties.uuid
                      root.row.country = this.properties.country
                    processors: [{{ resource: remember }}]
            - check: this.title == "subscription"
              processors:
                - branch:
                    request_map: 'root.key = "subscription." + this.properties.user_uuid + "." + this.properties.language.encode("hex")'
                    processors: [{{ resource: recall }}]
                    result_map: meta type = this.type
                - catch: []
                - branch:
                    request_map: |
                      root.key = "subscription." + this.properties.user_uuid + "." + this.properties.language.encode("hex")
                      root.row.status = this.properties.subscription_status
                      root.row.type = this.properties.subscription_type | @type | null
                    processors: [{{ resource: remember }}]
            - check: this.title == "lesson"
              processors:
                - mapping: |
                    root = this
                    root.country = null
                    root.subscription_status = null
                    root.subscription_type = null
                - branch:
                    request_map: 'root.key = "user." + this.properties.user_uuid'
                    processors: [{{ resource: recall }}]
                    result_map: root.country = this.country
                - catch: []
                - branch:
                    request_map: 'root.key = "subscription." + this.properties.user_uuid + "." + this.properties.language.encode("hex")'
                    processors: [{{ resource: recall }}]
                    result_map: |
                      root.subscription_status = this.status
                      root.subscription_type = this.type
                - catch: []
processor_resources:
  - label: remember
    cache:
      resource: state
      operator: set
      key: '${{! json("key") }}'
      value: '${{! json("row").format_json(no_indent: true) }}'
  - label: recall
    cache:
      resource: state
      operator: get
      key: '${{! json("key") }}'
cache_resources:
  - label: state
    multilevel: [hot, cold]
  - label: hot
    memory:
      default_ttl: 24h
      compaction_interval: ""
  - label: cold
    nats_kv:
      urls: [{URL}]
      bucket: {BUCKET}
logger:
  level: ERROR
"""

HEADERS = "{Nats-Msg-Id: '${! json(\"event_uuid\") }'}" if WITH_IDS else "{}"

WRITER = f"""
output:
  nats_jetstream:
    urls: [{URL}]
    subject: '{SUBJECT}.${{! json("title") }}'
    max_in_flight: {os.environ.get("RIVALS_CONNECT_IN_FLIGHT", "1")}
    headers: {HEADERS}
logger:
  level: ERROR
"""


async def make_bucket():
    client = await nats.connect(URL)
    await client.jetstream().create_key_value(bucket=BUCKET)
    await client.close()


def main():
    asyncio.run(make_bucket())
    mq_bridge_connect.register()
    route = mq_bridge.Route.from_config({
        "input": {"custom": {"name": "connect", "config": {"yaml": READER}}},
        "output": {"custom": {"name": "connect", "config": {"yaml": WRITER}}},
        "batch_size": BATCH,
    })
    signal.signal(signal.SIGTERM, lambda *_: mq_bridge.request_shutdown())
    route.run()


main()
