#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stream of a hundred kinds with derived fields: its configuration, its events, and what its output stream must hold.

    hundred.py plan                     the configuration
    hundred.py events COUNT SEED        so many events, one a line
    hundred.py compare EVENTS LANE      COUNT events against the lane: "position TAB subject TAB body" a line

What an event becomes is worked out from the members that it was made of, in order, with the decimals and times of Python's own
library; no code of the engine. Standard library only.
"""

import json
import random
import sys
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal

GROUPS, KINDS = 10, 10
COUNTRIES = {"BR": "Brasil", "PT": "Portugal", "DE": "Deutschland"}
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def plan():
    lines = [
        '[input]\nstream = "RAW"\nsubjects = ["raw.>"]',
        '[output]\nstream = "WIDE"\nsubject = "wide.{type}.{subtype}"\nmax_bytes = 65_536',
        '[dead_letters]\nsubject = "broken.{reason}"',
        '[event]\nkind = "name"\nid = "uid"\ntime = "at"',
        '[[derive]]\nrename = { old = "fresh" }\nremove = ["secret"]\nmask = { card = "last4", token = "hide" }\n[derive.set]\n'
        'created = { time = "at" }\nday = { time = "at", write = "date" }\ntype = { part = "name", at = 1 }\n'
        'subtype = { part = "name", at = 2 }\nstage = { part = "name", at = 3, or = "none" }\n'
        'uid = { id = ["name", "n"] }\nlabel = { first = ["title", "caption"] }\nsource = { value = "made" }\n'
        'land = { copy = "country", values = { %s }, else = "?" }\ntotal = { calc = \'event.net + event.tax\' }'
        % ", ".join(f'{code} = "{name}"' for code, name in COUNTRIES.items()),
        '[[filter]]\nname = "tests"\ndrop = \'event.test == true\'',
    ]
    for group in range(GROUPS):
        for kind in range(KINDS):
            number = group * KINDS + kind
            name = f"t{group}:s{kind}*"
            lines.append(f'[kinds."{name}"]\nkey = "who{number}"')
            # Each kind has places of its own: what one reads, the others have no room for.
            lines.append(
                f'[[derive]]\nkinds = ["{name}"]\n[derive.set]\na{number} = {{ part = "own{number}", at = 1, split = "-" }}\n'
                f'b{number} = {{ part = "own{number}", at = 2, split = "-" }}\nc{number} = {{ calc = \'event.rate{number} * 3\' }}'
            )
    return "\n".join(lines) + "\n"


def events(count, seed):
    draw = random.Random(seed)
    numbers = []
    for n in range(count):
        number = draw.randrange(GROUPS * KINDS)
        name = f"t{number // KINDS}:s{number % KINDS}" + draw.choice(["", ":done", ":", ":x:y"])
        # One in fifty comes again, as it was but for its time.
        again = draw.choice(numbers[-500:]) if numbers and draw.random() < 0.02 else None
        if again:
            number, name, mark, who = again
        else:
            mark, who = n, draw.randrange(2_000)
            numbers.append((number, name, mark, who))
        seconds = draw.randrange(10**9, 2 * 10**9)
        at = draw.choice([f"{seconds}", f"{seconds}.{draw.randrange(1000):03}", f"{seconds * 1000 + 7}", "null", f'"{seconds}"'])
        cents = lambda: f"{draw.randrange(10**6)}.{draw.randrange(100):02}"
        members = [
            ("name", f'"{name}"'),
            ("n", str(mark)),
            (f"who{number}", f'"p{who}"'),
            ("at", at),
            ("net", draw.choice([cents(), str(draw.randrange(100)), '"x"', "null"])),
            ("tax", cents()),
            (f"own{number}", draw.choice(['"left-right"', '"left"', '"-right"', '""', "7"])),
            (f"rate{number}", draw.choice(["1.50", "9007199254740993", "0.333333333333333333", "true"])),
            ("country", draw.choice(['"BR"', '"PT"', '"XX"', "null"])),
            ("card", '"4111111111111111"'),
            ("secret", '"s3cret"'),
            ("token", '"t0ken"'),
            ("old", draw.choice(["1.0", '"é"', "[1e400]"])),
            draw.choice([("title", '"T"'), ("caption", '"C"'), ("other", "0")]),
        ]
        if draw.random() < 0.03:
            members.append(("test", "true"))
        head, rest = members[:1], members[1:]
        draw.shuffle(rest)
        yield "{" + ",".join(f'"{name}":{raw}' for name, raw in head + rest) + "}"


def members_of(line):
    """The members as they are written, in order; an event has no white space between them."""
    text, found, at = line.strip(), [], 1
    scan = json.JSONDecoder().raw_decode
    while text[at - 1] != "}":
        name, at = scan(text, at)
        _, end = scan(text, at + 1)
        found.append((name, text[at + 1 : end]))
        at = end + 1
    return found


def time_of(raw):
    """The whole seconds and the digits behind them; None where it is no time."""
    if raw == "null":
        return None
    digits = raw.strip('"')
    whole, _, part = digits.partition(".")
    if int(whole) >= 10**11:
        whole, part = whole[:-3], whole[-3:]
    return int(whole), part.rstrip("0")


def decimal(raw):
    return Decimal(raw) if raw[0] in "0123456789-" else None


def quoted(text):
    return "null" if text is None else json.dumps(text, ensure_ascii=False)


def output(line):
    """The subject, the identity and the body of an event's output; None where a filter drops it."""
    members = members_of(line)
    there = dict(members)
    name = json.loads(there["name"])
    number = int(name[1]) * KINDS + int(name[4])
    parts = name.split(":") + ["", ""]
    time = time_of(there["at"])
    moment = time and (EPOCH + timedelta(seconds=time[0])).isoformat().removesuffix("+00:00")
    net, tax = decimal(there["net"]), decimal(there["tax"])
    identity = str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([name, there["n"]], separators=(",", ":"))))
    country = json.loads(there["country"])
    first = {
        "created": quoted(moment and moment + (f".{time[1]}" if time[1] else "") + "Z"),
        "day": quoted(moment and moment[:10]),
        "label": there.get("title", there.get("caption", "null")),
        "land": "null" if country is None else quoted(COUNTRIES.get(country, "?")),
        "source": '"made"',
        "stage": quoted(parts[2] or "none"),
        "subtype": quoted(parts[1]),
        "total": "null" if net is None else format(net + tax, "f"),
        "type": quoted(parts[0]),
        "uid": quoted(identity),
    }
    own = there[f"own{number}"]
    pieces = (json.loads(own).split("-") + ["", ""]) if own[0] == '"' else ["", ""]
    rate = decimal(there[f"rate{number}"])
    second = {
        f"a{number}": quoted(pieces[0] or None),
        f"b{number}": quoted(pieces[1] or None),
        f"c{number}": "null" if rate is None else format(rate * 3, "f"),
    }
    if there.get("test") == "true":
        return None
    shown = {"card": '"************1111"', "token": '"***"'}
    kept = [(name, shown.get(name, raw)) for name, raw in members if name not in ("secret", "old")]
    # A member with a new name stands behind what its section sets.
    body = kept + sorted(first.items()) + [("fresh", there["old"])] + sorted(second.items())
    subject = f"wide.{parts[0]}.{parts[1]}"
    return subject, (name, there[f"who{number}"], identity), "{" + ",".join(f'"{name}":{raw}' for name, raw in body) + "}"


def compare(events_path, lane_path):
    seen, counts, differences = set(), {"events": 0, "outputs": 0, "dropped": 0, "duplicates": 0, "bytes": 0}, 0
    kinds = set()
    with open(events_path, encoding="utf-8") as events_file, open(lane_path, encoding="utf-8") as lane:
        for position, line in enumerate(events_file, 1):
            counts["events"] += 1
            expected = output(line)
            if expected is None:
                counts["dropped"] += 1
                continue
            subject, identity, body = expected
            if identity in seen:
                counts["duplicates"] += 1
                continue
            seen.add(identity)
            kinds.add(subject)
            counts["outputs"] += 1
            counts["bytes"] += len(body.encode())
            wanted, found = f"{position}\t{subject}\t{body}", lane.readline().rstrip("\n")
            if wanted != found:
                differences += 1
                if differences <= 3:
                    print(f"expected {wanted}\nfound    {found}", file=sys.stderr)
        beyond = sum(1 for _ in lane)
    print(json.dumps(counts | {"kinds": len(kinds), "differences": differences, "beyond": beyond}))
    return 0 if differences == beyond == 0 else 1


def main():
    match sys.argv[1:]:
        case ["plan"]:
            print(plan(), end="")
        case ["events", count, seed]:
            sys.stdout.writelines(line + "\n" for line in events(int(count), int(seed)))
        case ["compare", events_path, lane_path]:
            return compare(events_path, lane_path)
        case _:
            print(__doc__, file=sys.stderr)
            return 64
    return 0


if __name__ == "__main__":
    sys.exit(main())
