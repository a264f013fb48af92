//! Events about people whose changes arrive in any order, and what an order among them has to become: worked out over trees of
//! values, without the product's code.

use serde_json::{Value, json};
use sidestream::generate::Random;
use std::collections::{BTreeMap, BTreeSet};

/// Who and what, and of an address which one and on which floor.
type Row = (String, &'static str, (String, u64));

/// The n-th event.
pub fn event(random: &mut Random, n: u64) -> Value {
    let user = format!("u{}", random.below(12));
    let id = if random.below(20) == 0 { n / 2 } else { n };
    let which = ["home", "work"][random.index(2)];
    let floor = random.below(2);
    // Changes come late by up to thousands of events, and often two have the same version.
    let rev = (n + 3_000).saturating_sub(random.below(3_000)) / 5;
    let mut event = match random.index(5) {
        0 => json!({ "type": "user", "rev": revision(random, rev) }),
        1 => {
            json!({ "type": "address", "which": which, "floor": floor, "changed": moment(random, rev), "city": format!("city{n}") })
        }
        2 => json!({ "type": "profile" }),
        _ => json!({ "type": "order", "which": which, "floor": floor }),
    };
    let fields = match event["type"].as_str() {
        Some("user") => ["country", "name"],
        Some("profile") => ["mail", "phone"],
        _ => ["", ""],
    };
    for field in fields.into_iter().filter(|field| !field.is_empty()) {
        match random.below(6) {
            0 | 1 => {}
            2 if event["type"] == "profile" => event[field] = json!("?"),
            _ => event[field] = json!(format!("{field}{n}")),
        }
    }
    if ["user", "address"].contains(&event["type"].as_str().unwrap()) && random.below(5) == 0 {
        event["op"] = json!("delete");
    }
    event["id"] = json!(id);
    event["user"] = json!(user);
    event
}

/// An event or an output as JSON: what begins with `@` is a number that no tree of values can hold.
pub fn text(event: &Value) -> String {
    let text = event.to_string();
    let mut parts = text.split("\"@");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += &part.replacen('"', "", 1);
    }
    out
}

/// A number of 25 digits and a fraction, in one of its forms; now and then something else.
fn revision(random: &mut Random, rev: u64) -> Value {
    let text = match random.index(5) {
        0 => format!("1234567890123456789{rev:06}.5"),
        1 => format!("1234567890123456789{rev:06}.50000"),
        2 => format!("1234567890123456789{rev:06}5e-1"),
        3 => return json!(format!("1234567890123456789{rev:06}.5")),
        _ => return [Value::Null, json!(true), json!("soon"), json!([])][random.index(4)].clone(),
    };
    json!(format!("@{text}"))
}

/// A second of a day, in one of its forms; now and then something else.
fn moment(random: &mut Random, rev: u64) -> Value {
    let second = 1_700_000_000 + i64::try_from(rev).unwrap();
    let time = jiff::Timestamp::from_second(second).unwrap();
    match random.index(6) {
        0 => json!(time.to_string()),
        1 => json!(time.to_string().replace('Z', ".000+00:00")),
        2 => json!(second),
        3 => json!(format!("{second}")),
        4 => json!(second * 1_000),
        _ => json!("yesterday"),
    }
}

/// The last six digits in front of the point, which is where revisions differ.
fn read_revision(value: &Value) -> Option<u64> {
    let text = value.as_str()?.trim_start_matches('@');
    let whole = text.strip_suffix("5e-1").or_else(|| text.split('.').next())?;
    whole.strip_prefix("1234567890123456789")?.parse().ok()
}

fn read_moment(value: &Value) -> Option<i64> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = text.parse::<i64>().ok().map(|n| if n > 1_000_000_000_000 { n / 1_000 } else { n });
    number.or_else(|| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second))
}

#[derive(Default)]
pub struct Oracle {
    seen: BTreeSet<(String, String, u64)>,
    versions: BTreeMap<Row, i64>,
    rows: BTreeMap<Row, BTreeMap<&'static str, Value>>,
    pub older: u64,
    pub invalid: u64,
    /// Rows that went with a user's.
    pub cascaded: u64,
}

impl Oracle {
    /// The subject and body of an event's message; `None` for a duplicate.
    pub fn message(&mut self, event: &Value) -> Option<(String, Value)> {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let (kind, user) = (text("type"), text("user"));
        let identity = (kind.clone(), user.clone(), event["id"].as_u64().unwrap());
        if self.seen.contains(&identity) {
            return None;
        }
        let place = (text("which"), event["floor"].as_u64().unwrap_or_default());
        let late = kind == "address" && read_moment(&event["changed"]).is_none();
        if late {
            return Some(("dead.version".to_owned(), event.clone()));
        }
        self.seen.insert(identity);
        match kind.as_str() {
            "user" => {
                let version = read_revision(&event["rev"]).map(|rev| i64::try_from(rev).unwrap());
                self.write((user, "user", Default::default()), version, event, &["country", "name"]);
            }
            "address" => self.write((user, "address", place), read_moment(&event["changed"]), event, &["city"]),
            "profile" => self.replace((user, "profile", Default::default()), event, &["mail", "phone"]),
            _ => return Some(("enriched.order".to_owned(), self.joined(event, &user, place))),
        }
        let mut output = event.clone();
        output["joined"] = json!(true);
        Some((format!("enriched.{kind}"), output))
    }

    fn write(&mut self, row: Row, version: Option<i64>, event: &Value, columns: &[&'static str]) {
        let Some(version) = version else {
            self.invalid += 1;
            return;
        };
        if self.versions.get(&row).is_some_and(|newest| version < *newest) {
            self.older += 1;
            return;
        }
        self.versions.insert(row.clone(), version);
        if event["op"] == "delete" {
            self.rows.remove(&row);
            if row.1 == "user" {
                let others = self.rows.len();
                self.rows.retain(|other, _| other.0 != row.0);
                self.cascaded += (others - self.rows.len()) as u64;
            }
            return;
        }
        let columns = columns.iter().filter_map(|column| Some((*column, event.get(column)?.clone())));
        self.rows.entry(row).or_default().extend(columns);
    }

    fn replace(&mut self, row: Row, event: &Value, columns: &[&'static str]) {
        let before = self.rows.remove(&row).unwrap_or_default();
        let now = columns.iter().filter_map(|column| match event.get(column)? {
            value if value == "?" => before.get(column).map(|value| (*column, value.clone())),
            value => Some((*column, value.clone())),
        });
        let now = now.collect();
        self.rows.insert(row, now);
    }

    fn joined(&self, event: &Value, user: &str, place: (String, u64)) -> Value {
        let person = self.rows.get(&(user.to_owned(), "user", Default::default()));
        let address = self.rows.get(&(user.to_owned(), "address", place));
        let profile = self.rows.get(&(user.to_owned(), "profile", Default::default()));
        let mut output = event.clone();
        let columns = [(person, "country"), (person, "name"), (address, "city"), (profile, "mail"), (profile, "phone")];
        for (row, column) in columns {
            output[column] = row.and_then(|row| row.get(column)).cloned().unwrap_or_default();
        }
        output["joined"] = json!(person.is_some() && address.is_some() && profile.is_some());
        output
    }
}
