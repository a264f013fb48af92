#!/usr/bin/env python3
"""What a lake must hold, worked out without the product's code: DuckDB and deltalake read it, the output stream's dump says what is right.

  lake.py judge --lake DIR --output lane.ndjson [--delta]   one JSON line; exit code 1 with sentences on standard error
  lake.py sql --lake DIR                                    runs statements from standard input
  lake.py mirror --lake DIR --from URL                      copies a folder that SeaweedFS's filer shows into DIR
  lake.py watch --lake DIR                                  counts every 100 ms until standard input ends; the same answers
"""

import argparse
import base64
import collections
import glob
import json
import os
import select
import sys
import urllib.parse
import urllib.request
from datetime import datetime, timezone

import duckdb

MARKER = 2**32 - 1
YEARS, DAY = 3_653 * 86_400 * 10**9, 86_400 * 10**9


def lane(path):
    """The rows of the output stream in order: number, table, kind, key, time of storage, body."""
    with open(path, "rb") as dump:
        for line in dump:
            message = json.loads(line)
            headers = dict(message["headers"])
            stream, position, n = headers["Sidestream-Position"].rsplit(":", 2)
            if int(n) == MARKER:
                continue
            rewinds = int(stream.split("/")[1]) if "/" in stream else 0
            decoded = {name: urllib.parse.unquote(text) for name, text in headers.items() if name in ("Sidestream-Kind", "Sidestream-Key")}
            yield {
                "id": (rewinds, int(position), int(n)),
                "dead": "Sidestream-Reason" in headers,
                "kind": decoded.get("Sidestream-Kind"),
                "key": decoded.get("Sidestream-Key"),
                "stored": int(headers["Sidestream-Stored"]),
                "body": base64.b64decode(message["payload_b64"]),
            }


def number(text):
    return None if text is None else tuple(int(part) for part in text.split(":"))


def log(root):
    """The published entries; what is wrong with their order."""
    entries, faults, to = [], [], None
    for n, path in enumerate(sorted(glob.glob(os.path.join(root, "_sidestream/log/*.json")))):
        entry = json.load(open(path))
        if entry["n"] != n or number(entry["from"]) != to:
            faults.append(f"entry {n} does not follow {to}: {entry['n']}, {entry['from']}")
        to = number(entry["to"])
        entries.append(entry)
    return entries, to, faults


def own_time(row):
    """The event's own time in ns where it is near its storage, else that of the storage. Only whole and plain numbers."""
    try:
        value = json.loads(row["body"]).get("created_at")
    except (ValueError, UnicodeDecodeError):
        value = None
    if isinstance(value, int) and not isinstance(value, bool):
        found = value * 10**9 if value < 10**11 else value * 10**6
        if -YEARS <= found - row["stored"] <= DAY:
            return found
    return None if value is not None else row["stored"]


def folder(kind):
    """The value of `event_type` for a kind."""
    if kind is None:
        return None
    value = kind.split(":")[0]
    encoded = sum(1 if byte < 128 and (chr(byte).isalnum() or chr(byte) in "-._~") else 3 for byte in value.encode())
    return "__empty__" if not value else "__long__" if encoded > 160 else value


def day(nanos):
    return datetime.fromtimestamp(nanos // 10**9, timezone.utc).strftime("%Y-%m-%d")


def rows_of_parquet(root, table):
    files = os.path.join(root, table, "data/**/*.parquet")
    if not glob.glob(files, recursive=True):
        return []
    body = "event" if table == "events" else "body"
    # Times with a zone would need another Python package.
    times = "stored_at, event_time" if table == "events" else "stored_at"
    query = f"select rewinds, position, n, kind, key, {body}, * exclude (rewinds, position, n, kind, key, {body}, {times}) from read_parquet('{files}', hive_partitioning=true, hive_types_autocast=false)"
    found = duckdb.sql(query)
    names = found.columns
    return [dict(zip(names, row)) for row in found.fetchall()]


def judge_parquet(root, expected, faults):
    for table, dead in (("events", False), ("dead_letters", True)):
        wanted = {row["id"]: row for row in expected if row["dead"] == dead}
        seen = collections.Counter()
        for row in rows_of_parquet(root, table):
            found = (row["rewinds"], row["position"], row["n"])
            seen[found] += 1
            right = wanted.get(found)
            if right is None:
                faults.append(f"{table}: row {found} is not in the output stream")
                continue
            body = row["body"] if dead else row["event"].encode()
            if body != right["body"] or (row["kind"], row["key"]) != (right["kind"], right["key"]):
                faults.append(f"{table}: row {found} is another: {row}")
            if not dead and "event_type" in row:
                own = own_time(right)
                if row["event_type"] != folder(right["kind"]):
                    faults.append(f"row {found} of kind {right['kind']} is in the folder {row['event_type']}")
                if own is not None and "event_date" in row and row["event_date"] != day(own):
                    faults.append(f"row {found} of {day(own)} is in the folder {row['event_date']}")
        faults.extend(f"{table}: row {one} stands {count} times" for one, count in seen.items() if count > 1)
        faults.extend(f"{table}: row {one} is missing" for one in sorted(wanted.keys() - seen.keys())[:5])


def lines(files):
    """The lines of compressed files. Not read as JSON: DuckDB refuses a lone surrogate, which is valid JSON."""
    options = "delim='\x01', quote='', escape='', header=false, auto_detect=false, columns={'line': 'VARCHAR'}, compression='zstd', max_line_size=100000000"
    return [row[0] for row in duckdb.sql(f"select line from read_csv('{files}', {options})").fetchall()]


def judge_ndjson(root, expected, faults):
    files = os.path.join(root, "events/data/**/*.ndjson.zst")
    wanted = collections.Counter(row["body"].replace(b"\n", b" ").replace(b"\r", b" ") for row in expected if not row["dead"])
    seen = collections.Counter(line.encode() for line in lines(files))
    faults.extend(f"missing {n} of {text[:200]}" for text, n in (wanted - seen).items())
    faults.extend(f"too many {n} of {text[:200]}" for text, n in (seen - wanted).items())
    letters = os.path.join(root, "dead_letters/data/**/*.ndjson.zst")
    dead = sum(row["dead"] for row in expected)
    stored = [json.loads(line) for line in lines(letters)] if dead else []
    wanted = sorted(row["id"] for row in expected if row["dead"])
    if sorted((row["rewinds"], row["position"], row["n"]) for row in stored) != wanted:
        faults.append(f"{len(stored)} of {dead} dead letters, or others")
    bodies = {row["id"]: row["body"] for row in expected}
    for row in stored:
        body = row["body"].encode() if "body" in row else bytes.fromhex(row["body_hex"])
        if body != bodies[row["rewinds"], row["position"], row["n"]]:
            faults.append(f"the dead letter of {row['position']} has another body")


def judge_delta(root, expected, faults):
    import deltalake

    for table, dead in (("events", False), ("dead_letters", True)):
        found = deltalake.DeltaTable(os.path.join(root, table))
        files = sorted(urllib.parse.unquote(uri.removeprefix("file://")) for uri in found.file_uris())
        on_disk = sorted(os.path.abspath(path) for path in glob.glob(os.path.join(root, table, "data/**/*.parquet"), recursive=True))
        names = {os.path.basename(path) for path in on_disk}
        if len(files) != len(on_disk) or {os.path.basename(path) for path in files} != names:
            faults.append(f"delta {table}: {len(files)} files, on disk {len(on_disk)}")
        if files:
            count = duckdb.sql(f"select count(*) from read_parquet({[path for path in on_disk]})").fetchone()[0]
            rows = sum(found.get_add_actions(flatten=True)["num_records"].to_pylist())
            right = sum(row["dead"] == dead for row in expected)
            if not count == rows == right:
                faults.append(f"delta {table}: {rows} rows said, {count} there, {right} right")
        entries = len(glob.glob(os.path.join(root, "_sidestream/log/*.json")))
        if found.version() != entries - 1:
            faults.append(f"delta {table}: version {found.version()} behind {entries} entries")


def judge_checkpoints(root, faults):
    """A reader that has a checkpoint and the commits behind it sees the table that the commits alone make."""
    import shutil
    import tempfile

    import deltalake

    def seen(table):
        found = table.get_add_actions(flatten=True)
        names = [name for name in found.schema.names if name != "modification_time"]
        rows = sorted(zip(*(map(str, found[name].to_pylist()) for name in names)))
        return names, rows, str(table.schema()), table.metadata().partition_columns, table.version()

    count = 0
    for table in ("events", "dead_letters"):
        log = os.path.join(root, table, "_delta_log")
        points = sorted(glob.glob(os.path.join(log, "*.checkpoint.parquet")))
        with tempfile.TemporaryDirectory() as alone:
            whole = os.path.join(alone, "whole", "_delta_log")
            os.makedirs(whole)
            for path in glob.glob(os.path.join(log, "*.json")):
                shutil.copy(path, whole)
            right = seen(deltalake.DeltaTable(os.path.dirname(whole)))
            for point in points:
                number = os.path.basename(point).split(".")[0]
                cut = os.path.join(alone, number, "_delta_log")
                os.makedirs(cut)
                shutil.copy(point, cut)
                for path in glob.glob(os.path.join(log, "*.json")):
                    if os.path.basename(path).split(".")[0] > number:
                        shutil.copy(path, cut)
                count += 1
                found = seen(deltalake.DeltaTable(os.path.dirname(cut)))
                if found != right:
                    faults.append(f"delta {table}: the checkpoint {number} says {str(found)[:600]}, the commits {str(right)[:600]}")
    return count


def judge(options):
    entries, to, faults = log(options.lake)
    expected = [row for row in lane(options.output) if to is not None and row["id"] <= to]
    named = {file["path"]: file for entry in entries for file in entry["files"]}
    there = {os.path.relpath(path, options.lake): os.path.getsize(path) for path in glob.glob(os.path.join(options.lake, "*/data/**/*.*"), recursive=True) if os.path.isfile(path)}
    faults.extend(f"{path} is on disk and in no entry" for path in there.keys() - named.keys())
    faults.extend(f"{path} is in an entry and not on disk" for path in named.keys() - there.keys())
    faults.extend(f"{path} has another length" for path in named.keys() & there.keys() if named[path]["bytes"] != there[path])
    if sum(file["rows"] for file in named.values()) != len(expected):
        faults.append(f"the log counts {sum(file['rows'] for file in named.values())} rows of {len(expected)}")
    if expected and not faults:
        formats = {entry["made"]["format"] for entry in entries}
        judge_ndjson(options.lake, expected, faults) if formats == {"ndjson"} else judge_parquet(options.lake, expected, faults)
        if options.delta:
            judge_delta(options.lake, expected, faults)
    checkpoints = judge_checkpoints(options.lake, faults) if options.delta and not faults else 0
    print(json.dumps({"checkpoints": checkpoints, "rows": len(expected), "dead": sum(row["dead"] for row in expected), "entries": len(entries), "files": len(named), "to": to}))
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def watch(options):
    """What a reader sees who takes every file: each row once, and never fewer."""
    before = looks = 0
    files = os.path.join(options.lake, "events/data/**/*.parquet")
    while True:
        if glob.glob(files, recursive=True):
            query = f"select count(*), count(distinct (rewinds, position, n)) from read_parquet('{files}')"
            count, distinct = duckdb.sql(query).fetchone()
            looks += 1
            if count != distinct or count < before:
                print(f"look {looks}: {count} rows, {distinct} different ones, {before} before", file=sys.stderr)
                return 1
            before = count
        if select.select([sys.stdin], [], [], 0.1)[0]:
            print(json.dumps({"looks": looks, "rows": before}))
            return 0


def mirror(options):
    """Copies what a filer shows, folder by folder; names keep their percent-encoding."""
    folders = [""]
    while folders:
        folder = folders.pop()
        os.makedirs(os.path.join(options.lake, folder), exist_ok=True)
        last = ""
        while True:
            url = f"{options.source}/{urllib.parse.quote(folder)}"
            query = urllib.parse.urlencode({"limit": 1000, "lastFileName": last})
            ask = urllib.request.Request(f"{url.rstrip('/')}/?{query}", headers={"Accept": "application/json"})
            found = json.load(urllib.request.urlopen(ask))
            for entry in found["Entries"] or []:
                last = entry["FullPath"].rsplit("/", 1)[1]
                path = f"{folder}/{last}".lstrip("/")
                # A folder is one by its mode: the highest bit of Go's file modes.
                if entry["Mode"] >> 31:
                    folders.append(path)
                    continue
                body = urllib.request.urlopen(f"{options.source}/{urllib.parse.quote(path)}").read()
                with open(os.path.join(options.lake, path), "wb") as copy:
                    copy.write(body)
            if not found.get("ShouldDisplayLoadMore"):
                break
    return 0


def sql(options):
    """Runs the statements of standard input where the lake's folder is named `lake`; the last one's rows, one JSON line each."""
    os.chdir(os.path.dirname(os.path.abspath(options.lake)))
    for row in duckdb.sql(sys.stdin.read()).fetchall():
        print(json.dumps(row))
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("judge", "watch", "sql", "mirror"))
    parser.add_argument("--lake", required=True)
    parser.add_argument("--output")
    parser.add_argument("--from", dest="source")
    parser.add_argument("--delta", action="store_true")
    options = parser.parse_args()
    return {"judge": judge, "watch": watch, "sql": sql, "mirror": mirror}[options.work](options)


if __name__ == "__main__":
    sys.exit(main())
