//! Plans and events drawn from a fuzzer's bytes: of every section, every operator and every word now and then.
//!
//! A drawn plan may have a mistake; who draws one asks `plan::check`. Names are few and short, so that what is drawn meets.

use super::feed::Feed;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use sidestream::core::derive::salt::Salt;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::Nanos;
use sidestream::core::plan::spec::PlanSpec;
use std::sync::Arc;

/// What stands in the member that plans remove or mask.
pub const CANARY: &str = "canary-7f3a";

/// How a field is worked out: each operator, with words of its own.
const OPERATORS: &[&str] = &[
    r#""a""#,
    r#""p.a""#,
    r#""$header.H""#,
    r#"{"copy":"b","values":{"x":1,"y":"z"},"else":"?"}"#,
    r#"{"first":["b","p.a","$subject.2"]}"#,
    r#"{"time":"a"}"#,
    r#"{"time":"a","unit":"ms","write":"unix"}"#,
    r#"{"time":"b","format":"%d.%m.%Y"}"#,
    r#"{"part":"b","at":2}"#,
    r#"{"part":"k","at":1,"split":"-","or":"none"}"#,
    r#"{"id":["a","i"]}"#,
    r#"{"id":["k","b"],"join":"-"}"#,
    r#"{"value":1.50}"#,
    r#"{"calc":"event.a + 1"}"#,
    r#"{"calc":"event.a * event.p.a / 3"}"#,
];

/// Conditions over the event alone.
const EVENT: &[&str] = &[
    "event.a > 1",
    "present(event.b)",
    "!(event.a == event.p.a) && has(event.b)",
    "event.b in ['x', 'y'] || event.a < 0",
    "event.b.startsWith('x')",
    "timestamp(event.a) <= meta.time",
];

/// Conditions that may read rows.
const JOINED: &[&str] = &["t.x == event.a", "present(t.x) && event.a != 2", "s[b].y > 1 || event.a == 1"];

/// Schemas.
const SCHEMAS: &[&str] = &[
    r#"{"required":["a"]}"#,
    r#"{"properties":{"a":{"type":["number","null"]},"b":{"enum":["x",""]}}}"#,
    r#"{"anyOf":[{"required":["v"]},{"properties":{"p":{"type":"object"}},"required":["p"]}]}"#,
];

/// Values of an event's members.
const VALUES: &[&str] = &[
    "1",
    "2",
    "-0",
    "1.50",
    "1e400",
    "9007199254740993",
    "1644849600",
    "\"1644849600\"",
    "\"x\"",
    "\"y-z:1\"",
    "\"19.02.2019\"",
    "\"\"",
    "null",
    "true",
    "{}",
    "[1,{\"a\":2}]",
];

fn pick<'a, T>(feed: &mut Feed<'_>, list: &'a [T]) -> &'a T {
    &list[usize::from(feed.byte()) % list.len()]
}

/// Once in so many.
fn one_in(feed: &mut Feed<'_>, many: u8) -> bool {
    feed.byte().is_multiple_of(many)
}

fn operator(feed: &mut Feed<'_>) -> Value {
    let words: &&str = pick(feed, OPERATORS);
    serde_json::from_str(words).unwrap()
}

fn condition(feed: &mut Feed<'_>, rows: bool) -> Value {
    if rows && one_in(feed, 2) { json!(pick(feed, JOINED)) } else { json!(pick(feed, EVENT)) }
}

fn kinds(feed: &mut Feed<'_>) -> Value {
    pick(feed, &[json!([]), json!(["u"]), json!(["l"]), json!(["u", "l"])]).clone()
}

/// Adds a member now and then.
fn maybe(feed: &mut Feed<'_>, object: &mut Value, many: u8, name: &str, value: impl FnOnce(&mut Feed<'_>) -> Value) {
    if one_in(feed, many) {
        object[name] = value(feed);
    }
}

/// A section's words, as `[[derive]]` and `upcast` have them.
fn section(feed: &mut Feed<'_>) -> Value {
    let mut words = json!({});
    let mut set = Map::new();
    for _ in 0..1 + feed.byte() % 3 {
        set.insert(pick(feed, &["a", "b", "c", "n", "k2"]).to_string(), operator(feed));
    }
    words["set"] = set.into();
    maybe(feed, &mut words, 4, "into", |_| json!(["p"]));
    maybe(feed, &mut words, 4, "create", |_| json!(true));
    maybe(feed, &mut words, 4, "when", |feed| condition(feed, false));
    maybe(feed, &mut words, 3, "on_error", |feed| json!(pick(feed, &["null", "omit", "dead_letter"])));
    maybe(feed, &mut words, 5, "rename", |_| json!({ "old": "b" }));
    maybe(feed, &mut words, 8, "remove", |_| json!(["gone"]));
    words
}

/// The section that hides the canary, in front of all others.
fn hiding(feed: &mut Feed<'_>) -> Value {
    match feed.byte() % 4 {
        0 => json!({ "remove": ["secret"] }),
        1 => json!({ "mask": { "secret": "last4" } }),
        2 => json!({ "mask": { "secret": "hash" } }),
        _ => json!({ "mask": { "secret": "hide" } }),
    }
}

fn kind(feed: &mut Feed<'_>) -> Value {
    let mut kind = json!({ "key": pick(feed, &[json!("w"), json!(["w", "b"]), json!({ "first": ["w", "p.a"] })]) });
    maybe(feed, &mut kind, 5, "id", |_| json!({ "first": ["i", "$header.H"] }));
    maybe(feed, &mut kind, 5, "types", |_| json!({ "a": "number" }));
    if one_in(feed, 3) {
        kind["version"] = json!({ "at": "v", "newest": 2, "missing": 1 });
        maybe(feed, &mut kind["version"], 2, "newer", |_| json!("forward"));
        kind["upcast"] = json!([section(feed)]);
    }
    kind
}

fn table(feed: &mut Feed<'_>, from: &str, row: Value, column: &str) -> Value {
    let mut table = json!({ "from": from, "row": row, "columns": { column: pick(feed, &["a", "b", "p", "$time"]) } });
    maybe(feed, &mut table, 4, "unless", |_| json!({ "Text": "x" }));
    maybe(feed, &mut table, 4, "version", |feed| json!({ "at": "v", "as": pick(feed, &["number", "time", "text"]) }));
    maybe(feed, &mut table, 3, "write", |_| json!("replace"));
    maybe(feed, &mut table, 4, "when", |feed| condition(feed, false));
    maybe(feed, &mut table, 3, "delete", |_| json!({ "field": "b", "equals": { "Text": "y" } }));
    maybe(feed, &mut table, 4, "delete_empty", |_| json!(true));
    table
}

/// A rule with a name and kinds.
fn named(feed: &mut Feed<'_>, n: u8, mut rule: Value) -> Value {
    rule["name"] = json!(format!("r{n}"));
    rule["kinds"] = kinds(feed);
    rule
}

/// Adds the enrichments.
fn enrich(feed: &mut Feed<'_>, plan: &mut Value) {
    let enrich = (0..feed.byte() % 3).map(|n| {
        let field = format!("e{n}");
        let plain = one_in(feed, 2);
        let from = if plain {
            json!({ "table": "t", "column": "x" })
        } else {
            json!({ "table": "s", "row": "b", "column": "y" })
        };
        let mut enrich = json!({ "kinds": ["l"], "into": [], "add": { field: from },
            "on_miss": pick(feed, &["null", "omit", "dead_letter"]) });
        maybe(feed, &mut enrich, 3, "into", |_| json!(["p"]));
        maybe(feed, &mut enrich, 3, "create", |_| json!(true));
        maybe(feed, &mut enrich, 4, "when", |feed| condition(feed, false));
        enrich
    });
    plan["enrich"] = enrich.collect();
}

/// Adds the sections of derived fields and of rules.
fn rules(feed: &mut Feed<'_>, plan: &mut Value) {
    let mut derive: Vec<Value> = one_in(feed, 2).then(|| hiding(feed)).into_iter().collect();
    for _ in 0..feed.byte() % 3 {
        let mut words = section(feed);
        words["kinds"] = kinds(feed);
        derive.push(words);
    }
    plan["derive"] = derive.into();
    let filters = (0..feed.byte() % 2).map(|n| {
        let drop = condition(feed, false);
        named(feed, n, json!({ "drop": drop }))
    });
    plan["filter"] = filters.collect();
    let quality = (0..feed.byte() % 3).map(|n| {
        let rule = format!("v{n}");
        let mut quality = json!({ "kinds": kinds(feed), "valid": { rule: condition(feed, true) } });
        maybe(feed, &mut quality, 3, "complete", |feed| json!([pick(feed, &["a", "b", "p.a"])]));
        maybe(feed, &mut quality, 4, "unique", |_| json!(true));
        maybe(feed, &mut quality, 2, "on_violation", |feed| json!(pick(feed, &["count", "mark", "dead_letter"])));
        quality
    });
    plan["quality"] = quality.collect();
    let maps = (0..feed.byte() % 3).map(|n| {
        let mut map = json!({ "subject": "x.{kind}", "fields": [["a", operator(feed)], ["p.q", operator(feed)]] });
        maybe(feed, &mut map, 2, "when", |feed| condition(feed, true));
        maybe(feed, &mut map, 3, "instead", |_| json!(true));
        maybe(feed, &mut map, 3, "on_error", |feed| json!(pick(feed, &["omit", "dead_letter"])));
        named(feed, 10 + n, map)
    });
    plan["map"] = maps.collect();
    let routes = (0..feed.byte() % 3).map(|n| {
        let mut route = json!({});
        maybe(feed, &mut route, 2, "when", |feed| condition(feed, true));
        maybe(feed, &mut route, 2, "subject", |_| json!("far.{kind}"));
        named(feed, 20 + n, route)
    });
    plan["route"] = routes.collect();
}

/// Events of one kind are counted, those of the other join what was.
fn aggregate(feed: &mut Feed<'_>, plan: &mut Value) {
    let place = pick(feed, &["a", "b", "p.a"]);
    let columns = json!({ "c": "count()", "d": format!("sum({place})"), "e": format!("min({place})"), "f": format!("last({place})") });
    plan["tables"]["n"] =
        json!({ "from": pick(feed, &["u", "l"]), "row": null, "aggregates": columns, "delete": null });
    maybe(feed, &mut plan["tables"]["n"], 3, "row", |_| json!("b"));
    let row = plan["tables"]["n"]["row"].clone();
    let join = |column: &str| json!({ "table": "n", "row": row, "column": column });
    let add = json!({ "n1": join("c"), "n2": join("d"), "n3": join("e"), "n4": join("f") });
    let kinds = json!([pick(feed, &["u", "l"])]);
    let enrich =
        json!({ "kinds": kinds, "on_miss": pick(feed, &["null", "omit", "dead_letter"]), "into": [], "add": add });
    plan["enrich"].as_array_mut().expect("a list").push(enrich);
}

/// A plan.
pub fn plan(feed: &mut Feed<'_>) -> PlanSpec {
    let mut plan = json!({
        "input_stream": "I",
        "event": { "kind": "k", "id": "i" },
        "unknown_kinds": pick(feed, &["forward", "dead_letter", "drop"]),
        "kinds": { "u": kind(feed), "l": kind(feed) },
        "tables": { "t": table(feed, "u", Value::Null, "x"), "s": table(feed, "u", json!("b"), "y") },
        "enrich": [],
        "output_subject": pick(feed, &["o.{kind}", "o.{subject.1}"]),
        "max_bytes": pick(feed, &[1_100, 65_536]),
        "dead_subject": "d.{reason}",
        "dedup_window_s": pick(feed, &[0, 1, 60]),
        "identity": pick(feed, &[1, 2]),
    });
    maybe(feed, &mut plan["event"], 3, "time", |_| json!("a"));
    maybe(feed, &mut plan["event"], 6, "unwrap", |_| json!([{ "at": "p" }]));
    maybe(feed, &mut plan["tables"]["t"], 4, "cascade", |_| json!(["s"]));
    maybe(feed, &mut plan, 3, "mark", |_| json!("m"));
    maybe(feed, &mut plan, 3, "envelope", |_| json!(true));
    maybe(feed, &mut plan, 3, "dedup_keep", |_| json!("twice.{kind}"));
    maybe(feed, &mut plan, 3, "dedup_conflicts", |_| json!(true));
    maybe(feed, &mut plan, 6, "input_only", |_| json!(["x.>"]));
    maybe(feed, &mut plan["event"], 4, "split", |feed| pick(feed, &[json!({}), json!({ "at": "p" })]).clone());
    let by_condition = one_in(feed, 4);
    if by_condition {
        plan["kinds"]["l"]["when"] = condition(feed, false);
    }
    let by_schema = one_in(feed, 6);
    if by_schema {
        let schema = pick(feed, SCHEMAS);
        plan["kinds"]["l"]["schema"] = json!({ "by": sidestream::core::schema::spec::BY, "text": schema });
    }
    if by_condition || by_schema {
        plan["kinds_by_condition"] = json!(["l"]);
    }
    enrich(feed, &mut plan);
    rules(feed, &mut plan);
    if one_in(feed, 4) {
        (plan["tables"]["t"]["scope"], plan["tables"]["s"]["scope"]) = (json!("global"), json!("global"));
    }
    if one_in(feed, 3) {
        aggregate(feed, &mut plan);
    }
    let mut spec: PlanSpec = serde_json::from_value(plan.clone()).unwrap_or_else(|error| panic!("{error}: {plan}"));
    for section in &mut spec.derive {
        if section.mask.values().any(|mask| *mask == sidestream::core::derive::mask::Mask::Hash) {
            section.salt = Some(Salt::new(b"a salt of sixteen bytes"));
        }
    }
    spec
}

/// The events of an input, up to twelve.
pub fn events(feed: &mut Feed<'_>) -> Vec<StoredMessage> {
    let mut events = Vec::new();
    while !feed.is_spent() && events.len() < 12 {
        let n = events.len() as u64;
        let stored_at = Nanos(1_795_261_500_123_456_789 + n as i64 * i64::from(feed.byte()) * 20_000_000);
        let headers = one_in(feed, 3).then(|| Arc::new(vec![("H".to_owned(), pick(feed, &["x", "7"]).to_string())]));
        let subject = pick(feed, &["x.a", "x.b", "y.a"]).to_string().into();
        let payload = Bytes::from(body(feed));
        events.push(StoredMessage { sequence: 1 + n, stored_at, subject, headers, payload });
    }
    events
}

/// One event, or a list of some.
fn body(feed: &mut Feed<'_>) -> Vec<u8> {
    if !one_in(feed, 4) {
        return payload(feed);
    }
    let events: Vec<Vec<u8>> = (0..feed.byte() % 4).map(|_| payload(feed)).collect();
    let list = [b"[".to_vec(), events.join(&b", "[..]), b"]".to_vec()].concat();
    if one_in(feed, 2) {
        return list;
    }
    // No plan hides what is inside another member, so that no canary may be there.
    let open = String::from_utf8_lossy(&list).replace(CANARY, "open");
    format!("{{\"p\":{open}}}").into_bytes()
}

fn payload(feed: &mut Feed<'_>) -> Vec<u8> {
    match feed.byte() % 16 {
        0 => return Vec::new(),
        // Bytes of any sort, which hold no canary.
        1 => return feed.stretched(),
        _ => {}
    }
    let mut members = vec![
        format!(r#""k":"{}""#, pick(feed, &["u", "l", "l", "o"])),
        format!(r#""i":{}"#, pick(feed, &["1", "2", "\"3\"", "null"])),
        format!(r#""w":{}"#, pick(feed, &["\"c\"", "\"d\"", "7", "null"])),
        format!(r#""secret":"{CANARY}1234""#),
    ];
    for name in ["v", "a", "b", "p", "old", "gone", "e0", "m", "quality"] {
        if one_in(feed, 2) {
            let value = pick(feed, VALUES);
            members.push(match name {
                "v" => format!(r#""v":{}"#, pick(feed, &["1", "2", "3", "\"2\""])),
                "p" => format!(r#""p":{{"a":{value},"k":"l"}}"#),
                _ => format!(r#""{name}":{value}"#),
            });
        }
    }
    format!("{{{}}}", members.join(",")).into_bytes()
}
