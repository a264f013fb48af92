# SPDX-License-Identifier: Apache-2.0
"""The job in Pathway: its own NATS connectors on JetStream, as-of-now joins, persistence on.

Users and subscriptions become tables of the latest row; lessons join them as of their processing time. Settings come
from the RIVALS_ variables.
"""

import os

import orjson
import pathway as pw

URL, STREAM, OUTPUT, SUBJECT, STATE = (
    os.environ[f"RIVALS_{name}"] for name in ("URL", "INPUT", "OUTPUT", "SUBJECT", "STATE")
)
WITH_IDS = os.environ["RIVALS_MESSAGE_IDS"] == "1"
# A minibatch is one moment to Pathway: what changes within it is seen by all lessons in it. It takes in what came since
# the last one, or, with EXACT, one event; then a short interval is what bounds the rate.
EXACT = os.environ.get("RIVALS_PATHWAY_EXACT") == "1"
COMMIT_MS, BACKLOG = (1, 1) if EXACT else (5, None)




@pw.udf(deterministic=True)
def parse(body: str) -> pw.Json:
    event = orjson.loads(body)
    properties = event["properties"]
    return {
        "msg": event["event_uuid"],
        "kind": event["title"],
        "user": properties["uuid" if event["title"] == "user" else "user_uuid"],
        "language": properties.get("language"),
        "country": properties.get("country"),
        "status": properties.get("subscription_status"),
        "type": properties.get("subscription_type"),
    }


@pw.udf(deterministic=True)
def enriched(body: str, country: str | None, status: str | None, type: str | None) -> str:
    event = orjson.loads(body)
    event |= {"country": country, "subscription_status": status, "subscription_type": type}
    return orjson.dumps(event).decode()


def text(member):
    return pw.this.parsed.get(member).as_str()


read = pw.io.nats.read(
    URL,
    "events.>",
    format="plaintext",
    jetstream_stream_name=STREAM,
    autocommit_duration_ms=COMMIT_MS,
    max_backlog_size=BACKLOG,
    name="events",
)
events = read.select(body=pw.this.data, parsed=parse(pw.this.data)).select(
    pw.this.body,
    **{name: pw.unwrap(text(name)) for name in ("msg", "kind", "user")},
    **{name: text(name) for name in ("language", "country", "status", "type")},
)



def latest(table, kind, column, *key):
    """The newest value of a column that events of a kind carried; an event without the field changes nothing."""
    carried = table.filter((pw.this.kind == kind) & pw.this[column].is_not_none())
    keys = [carried[name] for name in key]
    return carried.groupby(*keys).reduce(*keys, **{column: pw.reducers.latest(carried[column])})


def joined(lessons, table, column, *key):
    """Each lesson once, with the column as of now, or None."""
    conditions = [pw.left[name] == pw.right[name] for name in key]
    kept = [pw.left[name] for name in lessons.column_names() if name != column]
    return lessons.asof_now_join(table, *conditions, how=pw.JoinMode.LEFT).select(*kept, **{column: pw.right[column]})


complete = joined(events.filter(pw.this.kind == "lesson"), latest(events, "user", "country", "user"), "country", "user")
for column in ("status", "type"):
    rows = latest(events, "subscription", column, "user", "language")
    complete = joined(complete, rows, column, "user", "language")
complete = complete.select(
    pw.this.msg, pw.this.kind, body=enriched(pw.this.body, pw.this.country, pw.this.status, pw.this.type)
)
rest = events.filter(pw.this.kind != "lesson").select(pw.this.msg, pw.this.kind, pw.this.body)
output = pw.Table.concat_reindex(complete, rest).select(
    pw.this.body, subject=SUBJECT + "." + pw.this.kind, **{"Nats-Msg-Id": pw.this.msg}
)
pw.io.nats.write(
    output,
    URL,
    output.subject,
    format="plaintext",
    value=output.body,
    jetstream_stream_name=OUTPUT,
    headers=[output["Nats-Msg-Id"]] if WITH_IDS else None,
)
pw.run(
    monitoring_level=pw.MonitoringLevel.NONE,
    persistence_config=pw.persistence.Config(pw.persistence.Backend.filesystem(STATE), snapshot_interval_ms=1000),
)
