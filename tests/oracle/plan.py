# SPDX-License-Identifier: Apache-2.0
"""The configuration, and the plan: the part of it that decides outcomes, checked and put in the order of its use."""

import re
import tomllib
from types import SimpleNamespace


class Unusable(Exception):
    """The configuration or a dump cannot be used: exit code 2."""


def load_config(path, settings):
    try:
        with open(path, "rb") as file:
            config = tomllib.load(file)
    except (OSError, ValueError) as fault:
        raise Unusable(f"{path}: {fault}") from None
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not name or not equals:
            raise Unusable(f"--set {setting}: write a.b=value")
        try:
            parsed = tomllib.loads(f"x = {text}")["x"]
        except tomllib.TOMLDecodeError:
            parsed = text  # bare text needs no quotes
        *path_to, last = name.split(".")
        node = config
        for part in path_to:
            node = node.setdefault(part, {}) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            raise Unusable(f"--set {setting}: no such section")
        node[last] = parsed
    return config


JOIN = re.compile(r"([^.\[\]]+)(?:\[([^\]]+)\])?\.([^.\[\]]+)")
PLACE = re.compile(r"\{([^{}]*)\}")


class Outside(tuple):
    """A selector of what is not in the JSON: ("$subject", N), ("$header", name) or ("$time",)."""


def selector(text):
    """A path as a tuple of names, or an `Outside`."""
    if not isinstance(text, str) or "" in text.split("."):
        raise Unusable(f"bad selector: {text!r}")
    if not text.startswith("$"):
        return tuple(text.split("."))
    word, _, rest = text.partition(".")
    if word == "$subject" and re.fullmatch("[1-9][0-9]*", rest):
        return Outside((word, int(rest)))
    if word == "$header" and rest:
        return Outside((word, rest))
    if text == "$time":
        return Outside((word,))
    raise Unusable(f"bad selector: {text!r}")


def only(section, where, *names):
    """A key that the oracle does not know might decide outcomes, so it must not be passed over."""
    if unknown := sorted(set(section) - set(names)):
        raise Unusable(f"{where}: unknown key {unknown[0]!r}")
    return section


def template(text, *more):
    for place in PLACE.findall(text):
        if place not in ("kind", "type", "subtype", *more) and not re.fullmatch(r"subject\.[1-9][0-9]*", place):
            raise Unusable(f"unknown {{{place}}} in subject {text!r}")
    return text


def load_plan(config):
    """Turns the configuration into the plan, or says what is wrong with it."""
    plan = SimpleNamespace()
    output, dead = config.get("output", {}), config.get("dead_letters", {})
    plan.stream = config.get("input", {}).get("stream")
    if not isinstance(plan.stream, str):
        raise Unusable("[input] stream is missing")
    plan.subject = template(output.get("subject", "enriched.{kind}"))
    plan.dead_subject = template(dead.get("subject", "dead.{reason}"), "reason")
    plan.mark = output.get("mark")
    plan.envelope = output.get("envelope", False)
    plan.max_bytes = output.get("max_bytes", 1_048_576)
    dedup = only(config.get("dedup", {}), "[dedup]", "window_s", "identity")
    plan.window_ns = int(dedup.get("window_s", 86_400) * 1_000_000_000)
    plan.identity = dedup.get("identity", "kind")
    if plan.identity not in ("kind", "key"):
        raise Unusable(f"dedup.identity = {plan.identity!r}")
    plan.unknown_kinds = config.get("engine", {}).get("unknown_kinds", "forward")
    if plan.unknown_kinds not in ("forward", "dead_letter", "drop"):
        raise Unusable(f"engine.unknown_kinds = {plan.unknown_kinds!r}")
    event = only(config.get("event", {}), "[event]", "kind", "id", "time")
    plan.event = {name: selector(text) for name, text in event.items()}
    plan.kinds = {}
    for name, section in config.get("kinds", {}).items():
        only(section, f"[kinds.{name}]", "key", "entity")  # what a key names decides no outcome
        plan.kinds[name] = selector(section["key"]) if "key" in section else None
    plan.patterns = [
        (name, re.compile(".*".join(map(re.escape, name.split("*"))), re.DOTALL))
        for name in sorted((n for n in plan.kinds if "*" in n), key=lambda n: (-len(n.encode()), n.encode()))
    ]
    plan.tables = load_tables(plan, config.get("tables", {}))
    plan.enrich = load_enrich(plan, config.get("enrich", []))
    refuse_overlaps(plan)
    plan.names = names_of(plan)
    return plan


def load_tables(plan, config):
    tables = {}
    for name in sorted(config):
        section = only(config[name], f"[tables.{name}]", "from", "row", "columns", "delete")
        if plan.kinds.get(section.get("from")) is None:
            raise Unusable(f"[tables.{name}]: from must name a kind that has a key")
        table = SimpleNamespace(name=name, source=section["from"], row=None, delete=None)
        table.columns = {column: selector(text) for column, text in section.get("columns", {}).items()}
        if "row" in section:
            table.row = selector(section["row"])
        if "delete" in section:
            rule = only(section["delete"], f"[tables.{name}] delete", "field", "equals")
            if not isinstance(rule.get("equals"), (str, int)):
                raise Unusable(f"[tables.{name}]: delete.equals must be text, an integer or a bool")
            table.delete = selector(rule["field"]), rule["equals"]
        tables[name] = table
    return tables


def load_enrich(plan, config):
    sections = []
    for number, section in enumerate(config, 1):
        where = f"[[enrich]] number {number}"
        only(section, where, "kinds", "on_miss", "add", "into")
        entry = SimpleNamespace(kinds=section.get("kinds", []), on_miss=section.get("on_miss", "null"), add=[])
        entry.into = selector(section["into"]) if "into" in section else ()
        if entry.on_miss not in ("null", "omit", "dead_letter"):
            raise Unusable(f"{where}: on_miss = {entry.on_miss!r}")
        for kind in entry.kinds:
            if plan.kinds.get(kind) is None:
                raise Unusable(f"{where}: {kind!r} is no kind with a key")
        for field, text in sorted(section.get("add", {}).items()):
            join = JOIN.fullmatch(text)
            table = plan.tables.get(join[1]) if join else None
            if not table or join[3] not in table.columns or (join[2] is None) != (table.row is None):
                raise Unusable(f"{where}: {field} = {text!r} names no column of a table, or not its row")
            entry.add.append((field, table.name, selector(join[2]) if join[2] else None, join[3]))
        sections.append(entry)
    return sections


def refuse_overlaps(plan):
    """One kind may not write the same member twice, nor a member that an `into` goes through: the result would be undefined."""
    for kind in plan.kinds:
        written = {(plan.mark,)} if plan.mark is not None else set()
        sections = [section for section in plan.enrich if kind in section.kinds]
        for section in sections:
            for field, *_ in section.add:
                path = (*section.into, field)
                if path in written:
                    raise Unusable(f"kind {kind!r}: {'.'.join(path)} is added twice")
                written.add(path)
        for section in sections:
            if any(section.into[:n] in written for n in range(1, len(section.into) + 1)):
                raise Unusable(f"kind {kind!r}: into = {'.'.join(section.into)!r} lies inside an added field")


def names_of(plan):
    """A tree of the names that the plan reads or adds, object by object: those must not occur twice."""
    paths = [*plan.event.values(), *plan.kinds.values(), (plan.mark,) if plan.mark is not None else None]
    for table in plan.tables.values():
        paths += [table.row, *table.columns.values(), table.delete and table.delete[0]]
    for section in plan.enrich:
        paths.append(section.into)
        for field, _, row, _ in section.add:
            paths += [row, (*section.into, field)]
    tree = {}
    for path in paths:
        node = tree
        for name in path if path and not isinstance(path, Outside) else ():
            node = node.setdefault(name, {})
    return tree
