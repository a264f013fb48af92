# SPDX-License-Identifier: Apache-2.0
"""What the output must hold, by the tests' oracle, and how far an output stream is from it.

The oracle (tests/oracle) works from the input and config.toml alone and shares no code with any contender. Events are
told apart by their event_uuid; bytes, the order of members and the mark are nobody's duty here, values are.
"""

import os
import sys
from types import SimpleNamespace

import orjson

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "oracle"))

import oracle  # noqa: E402
from plan import load_config, load_plan  # noqa: E402

ADDED = ("country", "subscription_status", "subscription_type")
MARK = "event_processed"


def expected(messages):
    """By event_uuid, in input order: the position, the user and the event with its three fields."""
    plan = load_plan(load_config(os.path.join(ROOT, "config.toml"), []))
    events = (
        SimpleNamespace(seq=seq, subject=subject, time_ns=ns, headers=list(headers.items()), payload=payload)
        for seq, subject, ns, headers, payload in messages
    )
    answers = {}
    for event, output, reason in oracle.outcomes(plan, events):
        if output is None:
            raise SystemExit(f"rivals: the input has an event that is no output at {event.seq}: {reason}")
        value = orjson.loads(output[2])
        value.pop(MARK)
        answers[value["event_uuid"]] = (event.seq, event.key, value)
    if len(answers) != len(messages):
        raise SystemExit("rivals: the input has duplicates; nothing could be told from such a run")
    return answers


def judge(answers, messages):
    """Counts of what is missing, wrong, altered, doubled or out of order in an output stream."""
    report = dict.fromkeys(("missing", "wrong", "altered", "doubled", "unknown", "disorder", "disorder_user"), 0)
    seen, wrong, examples, newest, newest_of = set(), set(), [], 0, {}
    for _, _, _, _, payload in messages:
        value = orjson.loads(payload)
        answer = answers.get(value.get("event_uuid"))
        if answer is None:
            report["unknown"] += 1
            continue
        position, user, right = answer
        value.pop(MARK, None)
        if value != right:
            if any(value.get(name, wrong) != right.get(name, wrong) for name in ADDED):
                wrong.add(position)
                if len(examples) < 3:
                    texts = (f"{name}: {value.get(name)!r}, not {right.get(name)!r}" for name in ADDED)
                    examples.append(f"position {position}: {'; '.join(texts)}")
            else:
                report["altered"] += 1
        if position in seen:
            report["doubled"] += 1
            continue
        seen.add(position)
        report["disorder"] += position < newest
        report["disorder_user"] += position < newest_of.get(user, 0)
        newest, newest_of[user] = max(position, newest), max(position, newest_of.get(user, 0))
    report["missing"] = len(answers) - len(seen)
    report["wrong"] = len(wrong)
    return report, examples
