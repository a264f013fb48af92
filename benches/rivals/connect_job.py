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
BUCKET = f"rivals-{os.path.basename(STATE)}"

# A key of a bucket takes few characters, so the language goes in as hexadecimal digits.
READER = f"""
input:
  nats_jetstream:
    urls: [{URL}]
    stream: {STREAM}
    subject: events.>
    durable: connect
    deliver: all
    ack_wait: 10s
    max_ack_pending: 4096
pipeline:
  threads: 1
  processors:
    - switch:
        - check: this.title == "user"
          processors:
            - cache:
                resource: state
                operator: set
                key: 'user.${{! json("properties.uuid") }}'
                value: '${{! {{"country": json("properties.country")}}.format_json(no_indent: true) }}'
        - check: this.title == "subscription"
          processors:
            - cache:
                resource: state
                operator: set
                key: 'subscription.${{! json("properties.user_uuid") }}.${{! json("properties.language").encode("hex") }}'
                value: '${{! {{"status": json("properties.subscription_status"), "type": json("properties.subscription_type")}}.format_json(no_indent: true) }}'
        - check: this.title == "lesson"
          processors:
            - mapping: |
                root = this
                root.country = null
                root.subscription_status = null
                root.subscription_type = null
            - branch:
                processors:
                  - cache:
                      resource: state
                      operator: get
                      key: 'user.${{! json("properties.user_uuid") }}'
                result_map: root.country = this.country
            - catch: []
            - branch:
                processors:
                  - cache:
                      resource: state
                      operator: get
                      key: 'subscription.${{! json("properties.user_uuid") }}.${{! json("properties.language").encode("hex") }}'
                result_map: |
                  root.subscription_status = this.status
                  root.subscription_type = this.type
            - catch: []
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
        "batch_size": int(os.environ.get("RIVALS_CONNECT_BATCH", "128")),
    })
    signal.signal(signal.SIGTERM, lambda *_: mq_bridge.request_shutdown())
    route.run()


main()
