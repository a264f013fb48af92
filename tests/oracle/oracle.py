#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sequential oracle: what the output stream must hold, worked out from the input stream and the configuration alone.

It reads a dump of the input stream, one event after the other, keeps every row and id in plain dictionaries, and compares the
messages that follow from the rules with a dump of the output stream. No shards, slices, checkpoints or threads; no code of
the engine. Python 3.11.5 or later, standard library only.
"""

import argparse
import base64
import json
import re
import sys
from datetime import datetime, timedelta
from types import SimpleNamespace

from plan import PLACE, Outside, Unusable, load_config, load_plan
from strict_json import AT, INTEGER, MEMBERS, NAME, NAME_AT, TO, quote, scan, string
from xxh3 import xxh3_64

EXAMPLES = 5  # shown of each sort of difference
SORTS = ("missing", "doubled", "out_of_order", "different", "unknown")
MAX_DEPTH = 128
MAX_TOKEN = 64
MAX_ENCODED = 1024
RESERVE = 12 + 256  # the frame of a header block, and room for the two headers whose length is not ours to know
UNCOUNTED = ("Sidestream-Run", "Nats-Expected-Last-Sequence")
POSITION = re.compile(r"[1-9][0-9]{0,19}")
RUN = re.compile(r"([0-9a-z]+)\.[0-9]+:[^:\s]+:[0-9]+:[0-9]+")


class Rejection(Exception):
    """The event becomes a dead letter; args[0] is the reason code."""


# --- reading an event ---------------------------------------------------------------------------------------------------------


def decode(plan, event):
    """Fills in the text and the planned fields of the event; the faults in the order of their precedence."""
    try:
        event.text = event.payload.decode("utf-8")
    except UnicodeDecodeError:
        raise Rejection("not_json") from None
    found = scan(event.text)
    if found is None:
        raise Rejection("not_json")
    deepest, event.top = found
    if deepest > MAX_DEPTH:
        raise Rejection("too_deep")
    if event.top[MEMBERS] is None:
        raise Rejection("not_object")
    event.fields = {(): event.top}
    collect(event.top[MEMBERS], plan.names, (), event.fields)


def collect(members, names, path, fields):
    """Puts each planned member into `fields` under its path; goes no deeper than the plan's paths do."""
    for member in members:
        below = names.get(member[NAME])
        if below is None:
            continue
        here = (*path, member[NAME])
        if here in fields:
            raise Rejection("duplicate_key")
        fields[here] = member
        if below and member[MEMBERS] is not None:
            collect(member[MEMBERS], below, here, fields)


def value(event, select):
    """The raw JSON text of what a selector names, or None if it is absent; what is not in the JSON comes as a JSON string."""
    if select is None:
        return None
    if not isinstance(select, Outside):
        member = event.fields.get(select)
        return None if member is None else event.text[member[AT] : member[TO]]
    text = None
    if select[0] == "$subject":
        tokens = event.subject.split(".")
        text = tokens[select[1] - 1] if select[1] <= len(tokens) else None
    elif select[0] == "$header":
        text = next((v for name, v in event.headers if name == select[1]), None)
    elif select[0] == "$time":
        text = time_text(event.time_ns)
    return None if text is None else quote(text)


def time_text(ns):
    seconds, fraction = divmod(ns, 1_000_000_000)
    return f"{(datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat()}.{fraction:09d}Z"


def word(raw):
    """Text or an integer as an id, a key or a row: None if absent or null, "" for whatever cannot be one."""
    if raw is None or raw == "null":
        return None
    return raw if INTEGER.fullmatch(raw) else string(raw) or ""


def must(key):
    if not key:
        raise Rejection("no_key" if key is None else "bad_key")
    return key


def section_of(plan, kind):
    """The name of the [kinds] section of a kind: the exact one, else the longest pattern."""
    if kind in plan.kinds and "*" not in kind:
        return kind
    return next((name for name, pattern in plan.patterns if kind is not None and pattern.fullmatch(kind)), None)


# --- the step of one event ----------------------------------------------------------------------------------------------------


def step(plan, event, rows, processed, now):
    """The output of one event, or None if it has no outcome. Changes `rows` and `processed` only once nothing can fail."""
    decode(plan, event)
    event.kind = string(value(event, plan.event.get("kind")))
    event.section = section_of(plan, event.kind)
    if event.section is None and plan.unknown_kinds != "forward":
        if plan.unknown_kinds == "drop":
            return None
        raise Rejection("unknown_kind")
    if plan.kinds.get(event.section) is not None:
        event.key = must(word(value(event, plan.kinds[event.section])))

    identity = event.key, word(value(event, plan.event.get("id"))), event.kind if plan.identity == "kind" else None
    if identity[1] and identity in processed and now - processed[identity] < plan.window_ns:
        return None

    changes = {}
    for table in plan.tables.values():
        if table.source == event.section:
            change_table(table, event, rows, changes)

    complete = event.section is not None
    written = {}  # for each object, by path: the value of each added member, or None where it must not be
    for section in plan.enrich:
        if event.section not in section.kinds:
            continue
        fields = written.setdefault(section.into, {})
        for field, table, select, column in section.add:
            row = None if select is None else word(value(event, select))
            if row == "":
                raise Rejection("bad_key")
            where = table, event.key, row
            columns = None
            if select is None or row is not None:
                columns = changes[where] if where in changes else rows.get(where)
            if columns is not None:
                fields[field] = columns.get(column, "null")
                continue
            if section.on_miss == "dead_letter":
                raise Rejection("miss")
            fields[field] = "null" if section.on_miss == "null" else None
            complete = False
    payload = splice(event, written, plan.mark, complete)

    headers = {**copied(event), **own_headers(plan, event), **envelope(plan, event)}
    if size(payload, headers) > plan.max_bytes:
        raise Rejection("too_large")

    for where, columns in changes.items():
        if columns is None:
            rows.pop(where, None)
        else:
            rows[where] = columns
    if identity[1]:
        processed[identity] = now
    return expand(plan.subject, event), headers, payload


def change_table(table, event, rows, changes):
    row = None if table.row is None else must(word(value(event, table.row)))
    where = table.name, event.key, row
    if table.delete:
        raw, wanted = value(event, table.delete[0]), table.delete[1]
        if isinstance(wanted, bool):
            holds = raw == ("true" if wanted else "false")
        else:
            holds = raw == str(wanted) if isinstance(wanted, int) else string(raw) == wanted
        if holds:
            changes[where] = None
            return
    columns = dict(rows.get(where, {}))
    for column, select in table.columns.items():
        if (raw := value(event, select)) is not None:
            columns[column] = raw
    changes[where] = columns


def splice(event, written, mark, complete):
    """The event's own bytes with the members of `written` put in, replaced or removed, and the mark."""
    if mark is not None:
        written.setdefault((), {})
    edits = []  # (from, to, new text), none overlapping another
    for path, fields in written.items():
        target = event.fields.get(path)
        if target is None or target[MEMBERS] is None:
            raise Rejection("bad_into")
        added = [(name, fields[name]) for name in sorted(fields)]
        if mark is not None and path == ():
            added.append((mark, "true" if complete else "false"))
        new, gone = [], set()
        for name, raw in added:
            member = event.fields.get((*path, name))
            if member is None:
                if raw is not None:
                    new.append(f"{quote(name)}:{raw}")
            elif raw is None:
                gone.add(name)
            else:
                edits.append((member[AT], member[TO], raw))
        members, kept = target[MEMBERS], False
        for i, member in enumerate(members):
            if member[NAME] not in gone:
                kept = True
            elif kept:
                edits.append((members[i - 1][TO], member[TO], ""))
            elif i + 1 < len(members):
                edits.append((member[NAME_AT], members[i + 1][NAME_AT], ""))
            else:
                edits.append((member[NAME_AT], member[TO], ""))
        if new:
            end = members[-1][TO] if members else target[AT] + 1
            edits.append((end, end, "," * kept + ",".join(new)))
    pieces, position = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        pieces += [event.text[position:start], new]
        position = end
    return ("".join(pieces) + event.text[position:]).encode()


# --- messages -----------------------------------------------------------------------------------------------------------------


def copied(event):
    headers = {}
    for name, text in event.headers:
        if not name.lower().startswith(("nats-", "sidestream-")):
            headers.setdefault(name, []).append(text)
    return headers


def own_headers(plan, event):
    return {"Sidestream-Position": [f"{plan.stream}:{event.seq}:0"], "Sidestream-Time": [str(event.time_ns)]}


def envelope(plan, event):
    if not plan.envelope:
        return {}
    said = {"Sidestream-Kind": event.kind, "Sidestream-Key": event.key}
    whole = {name: [encode(text, None)] for name, text in said.items() if text is not None}
    return {**whole, "Sidestream-Stored": [str(event.time_ns)]}


def size(payload, headers):
    counted = ((name, text) for name, texts in headers.items() if name not in UNCOUNTED for text in texts)
    return len(payload) + RESERVE + sum(len(name.encode()) + len(text.encode()) + 4 for name, text in counted)


def dead_letter(plan, event, reason, error):
    """`error` is the engine's own sentence: its wording is free, but its length counts when the body must be cut."""
    own = own_headers(plan, event)
    own |= {"Sidestream-Reason": [reason], "Sidestream-Error": [error], "Sidestream-Subject": [encode(event.subject)]}
    if event.kind is not None:
        own["Sidestream-Kind"] = [encode(event.kind)]
    if event.key is not None:
        own["Sidestream-Key"] = [encode(event.key)]
    if plan.envelope:
        own["Sidestream-Stored"] = [str(event.time_ns)]
    subject, payload, headers = expand(plan.dead_subject, event, reason), event.payload, {**copied(event), **own}
    if size(payload, headers) <= plan.max_bytes:
        return subject, headers, payload
    own["Sidestream-Length"] = [str(len(payload))]
    headers = {**copied(event), **own}
    if size(b"", headers) > plan.max_bytes:
        headers = own
    return subject, headers, payload[: max(0, plan.max_bytes - size(b"", headers))]


def encode(text, longest=MAX_ENCODED):
    """Percent-encoded, cut after the last whole character that fits."""
    encoded = ""
    for c in text:
        encoded_c = c if "!" <= c <= "~" and c != "%" else "".join(f"%{byte:02X}" for byte in c.encode())
        if longest is not None and len(encoded) + len(encoded_c) > longest:
            break
        encoded += encoded_c
    return encoded


def expand(subject, event, reason=None):
    parts = event.kind.split(":") if event.section is not None else []

    def fill(place):
        if place[1] == "reason":
            return reason
        if place[1].startswith("subject."):
            tokens, n = event.subject.split("."), int(place[1][8:])
            return token(tokens[n - 1] if n <= len(tokens) else "")
        if event.section is None:
            return "unknown"
        if place[1] == "kind":
            return token(event.kind)
        n = 0 if place[1] == "type" else 1
        return token(parts[n] if n < len(parts) else "")

    return PLACE.sub(fill, subject)


def token(text):
    safe = re.sub(r"[^A-Za-z0-9_-]", "_", text) or "_"
    return safe if len(safe) <= MAX_TOKEN else f"{safe[:47]}_{xxh3_64(text.encode()):016x}"


# --- streams ------------------------------------------------------------------------------------------------------------------


def read_dump(path):
    """The messages of a dump, which must stand in the order of their sequences."""
    last = 0
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    m = json.loads(line)
                    payload = base64.b64decode(m["payload_b64"], validate=True)
                    headers = [(str(name), str(text)) for name, text in m.get("headers") or ()]
                    message = SimpleNamespace(
                        seq=int(m["seq"]), subject=str(m["subject"]), time_ns=int(m["time_ns"]), headers=headers, payload=payload
                    )
                    if "\\" in line:  # no stream's names hold a lone surrogate: a ValueError
                        "".join([message.subject, *map("".join, headers)]).encode()
                except (ValueError, KeyError, TypeError) as fault:
                    raise Unusable(f"{path}, line {number}: no message ({fault!r})") from None
                if message.seq <= last:
                    raise Unusable(f"{path}, line {number}: sequence {message.seq} after {last}")
                last = message.seq
                yield message
    except (OSError, UnicodeDecodeError) as fault:
        raise Unusable(f"{path}: {fault}") from None


def outcomes(plan, events):
    """Of each event that has one, in order: the event, its output (subject, headers, payload), or None and the reason."""
    rows, processed, now = {}, {}, 0
    for event in events:
        event.fields, event.kind, event.section, event.key = {}, None, None, None
        now = max(now, event.time_ns)
        try:
            output, reason = step(plan, event, rows, processed, now), None
        except Rejection as rejection:
            output, reason = None, rejection.args[0]
        event.fields = event.text = event.top = None
        if output or reason:
            yield event, output, reason


def cause_of(plan, message):
    """The position that an output names, or None if the header is not one that this oracle can expect."""
    texts = [text for name, text in message.headers if name == "Sidestream-Position"]
    parts = texts[0].rsplit(":", 2) if len(texts) == 1 else []
    if len(parts) == 3 and parts[0] == plan.stream and POSITION.fullmatch(parts[1]) and parts[2] == "0":
        return int(parts[1])
    return None


def compare(plan, events, messages):
    """Walks both streams together; what the expected one passes by waits in case it turns up late."""
    report = {"checked": 0, "events": 0, **{sort: [] for sort in SORTS}, "counts": dict.fromkeys(SORTS, 0)}

    def fault(sort, position, text):
        report["counts"][sort] += 1
        if len(report[sort]) < EXAMPLES:
            report[sort].append({"position": position, "what": text})

    def counted():
        for event in events:
            report["events"] += 1
            yield event

    expected = outcomes(plan, counted())
    waiting, done, reached, highest, run_lengths = {}, set(), 0, 0, set()
    for message in messages:
        cause = cause_of(plan, message)
        while cause is not None and reached < cause and (outcome := next(expected, None)):
            reached = outcome[0].seq
            waiting[reached] = outcome
        if cause in waiting:
            event, output, reason = waiting.pop(cause)
            done.add(cause)
            if cause < highest:
                fault("out_of_order", cause, f"at sequence {message.seq}, after position {highest}")
            highest = max(highest, cause)
            for text in differences(plan, event, output, reason, message, run_lengths):
                fault("different", cause, f"at sequence {message.seq}: {text}")
        elif cause in done:
            fault("doubled", cause, f"again at sequence {message.seq}")
        else:
            fault("unknown", cause, f"at sequence {message.seq}, subject {message.subject!r}: no outcome of the input is this")
    for outcome in expected:
        waiting[outcome[0].seq] = outcome
    for position, (event, output, reason) in sorted(waiting.items()):
        fault("missing", position, f"{reason or 'an output'} of {event.subject!r}, payload {clip(event.payload)}")
    report["checked"] = len(done) + len(waiting)
    report["verdict"] = "clean" if not any(report["counts"].values()) else "not_clean"
    return report


def differences(plan, event, output, reason, message, run_lengths):
    """Each way in which a message is not the expected one."""
    headers = {}
    for name, text in message.headers:
        headers.setdefault(name, []).append(text)
    headers.pop("Nats-Expected-Last-Sequence", None)
    runs = headers.pop("Sidestream-Run", [])
    shape = RUN.fullmatch(runs[0]) if len(runs) == 1 else None
    if not shape:
        yield f"Sidestream-Run has no run id, start, plan, origin and since: {runs}"
    elif len(shape[1]) not in run_lengths:
        if run_lengths:
            yield f"Sidestream-Run has a run id of another length: {runs[0]}"
        run_lengths.add(len(shape[1]))
    if output is None:
        errors = headers.get("Sidestream-Error", [])
        if len(errors) != 1 or not errors[0]:
            yield f"Sidestream-Error must be there once and not be empty: {errors}"
            headers["Sidestream-Error"] = errors = ["?"]
        output = dead_letter(plan, event, reason, errors[0])
    subject, expected, payload = output
    if message.subject != subject:
        yield f"subject: expected {subject!r}, found {message.subject!r}"
    for name in sorted(expected.keys() | headers.keys()) if expected != headers else ():
        if expected.get(name) != headers.get(name):
            yield f"header {name}: expected {expected.get(name)}, found {headers.get(name)}"
    if message.payload != payload:
        pairs = enumerate(zip(payload, message.payload))
        at = next((i for i, (a, b) in pairs if a != b), min(len(payload), len(message.payload)))
        start = max(0, at - 20)
        yield f"payload from byte {at}: expected {clip(payload[start:])}, found {clip(message.payload[start:])}"


def clip(data):
    return repr(data[:60]) + ("..." if len(data) > 60 else "")


def emit(plan, events, path):
    """The expected stream as a dump that compares equal to itself."""
    origin = None

    def watched():
        nonlocal origin
        for event in events:
            origin = origin or event.seq
            yield event

    try:
        with open(path, "w", encoding="utf-8") as out:
            for seq, (event, output, reason) in enumerate(outcomes(plan, watched()), 1):
                subject, headers, payload = output or dead_letter(plan, event, reason, f"expected: {reason}")
                headers = {**headers, "Sidestream-Run": [f"{0:020d}.0:oracle:{origin}:{origin}"]}
                pairs = [[name, text] for name, texts in headers.items() for text in texts]
                line = {"seq": seq, "subject": subject, "time_ns": event.time_ns, "headers": pairs}
                line["payload_b64"] = base64.b64encode(payload).decode()
                out.write(json.dumps(line) + "\n")
    except OSError as fault:
        raise Unusable(f"{path}: {fault}") from None


# --- the command --------------------------------------------------------------------------------------------------------------


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Compares an output stream with what the input stream must lead to.")
    parser.add_argument("--config", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="a.b=value")
    parser.add_argument("--input", required=True, help="dump of the input stream, from its origin")
    parser.add_argument("--output", help="dump of the output stream, to be compared")
    parser.add_argument("--emit", help="write the expected stream here")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    options = parser.parse_args(arguments)
    if not options.output and not options.emit:
        parser.error("--output or --emit is needed")
    try:
        config = load_config(options.config, options.set)
        try:
            plan = load_plan(config)
        except (AttributeError, TypeError) as fault:  # a section or a value of another type than the rules say
            raise Unusable(f"{options.config}: {fault}") from None
        if options.emit:
            emit(plan, read_dump(options.input), options.emit)
        if not options.output:
            return 0
        report = compare(plan, read_dump(options.input), read_dump(options.output))
    except Unusable as fault:
        print(f"oracle: {fault}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(report))
    else:
        print(f"{report['verdict']}: {report['events']} events, {report['checked']} outcomes expected")
        for sort in SORTS:
            if report["counts"][sort]:
                print(f"{sort}: {report['counts'][sort]}")
            for example in report[sort]:
                print(f"  position {example['position']}: {example['what']}")
    return 0 if report["verdict"] == "clean" else 1


if __name__ == "__main__":
    sys.exit(main())
