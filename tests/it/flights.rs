//! `examples/flights` on a real server: flights and weather of 2013 joined with airlines, airports, planes and the weather of the hour,
//! killed under load, and every output is what an oracle makes of the sample without the product's code.

use crate::harness::bed::Bed;
use crate::harness::command;
use crate::harness::dump::each;
use crate::harness::wait::wait_until;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use uuid::Uuid;

const SAMPLE: &str = include_str!("../../examples/flights/sample.ndjson");
/// The sample so many times, of another year each: enough to be killed in.
const YEARS: usize = 20;

/// What all flights see, by kind and what names it: the texts of names, makers, or degrees and miles.
type Tables = BTreeMap<(String, String), Vec<String>>;

/// A decimal of the data in billionths; none of it has more digits.
fn billionths(value: &Value) -> Option<i128> {
    let text = value.as_number()?.to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = format!("{whole}{fraction:0<18}");
    digits.parse().ok()
}

/// The quotient of two numbers with 18 digits behind the point, half to even, without needless zeros.
fn quotient(above: i128, below: i128) -> String {
    let scaled = above * 1_000_000_000_000_000_000;
    let (mut whole, rest) = (scaled.div_euclid(below), scaled.rem_euclid(below));
    if 2 * rest > below || (2 * rest == below && whole % 2 != 0) {
        whole += 1;
    }
    let digits = format!("{:019}", whole.abs());
    let (integer, fraction) = digits.split_at(digits.len() - 18);
    let text = format!("{integer}.{fraction}");
    let sign = if whole < 0 { "-" } else { "" };
    format!("{sign}{}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A member of an event as it is written there, or null.
fn raw(line: &str, name: &str) -> String {
    let rest = line.split_once(&format!("\"{name}\":")).map_or("null", |(_, rest)| rest);
    rest.split([',', '}']).next().unwrap().to_owned()
}

/// An event with members at its end.
fn with(line: &str, members: &[(&str, String)]) -> String {
    let added: String = members.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
    format!("{}{added}}}", line.strip_suffix('}').unwrap())
}

fn id(parts: &[String]) -> String {
    let texts: Vec<&str> = parts.iter().map(|part| part.trim_matches('"')).collect();
    format!("\"{}\"", Uuid::new_v5(&Uuid::NAMESPACE_URL, json!(texts).to_string().as_bytes()))
}

/// The subject and the bytes of an event's output, if it has one.
fn output(line: &str, tables: &mut Tables) -> Option<(&'static str, String)> {
    let event: Value = serde_json::from_str(line).unwrap();
    for (kind, name, value) in
        [("airline", "carrier", "name"), ("airport", "faa", "name"), ("plane", "tailnum", "manufacturer")]
    {
        if event["kind"] == kind {
            tables.insert((kind.to_owned(), raw(line, name)), vec![event[value].to_string()]);
            return None;
        }
    }
    let of = |names: &[&str]| id(&names.iter().map(|name| raw(line, name)).collect::<Vec<_>>());
    if event["kind"] == "weather" {
        let miles = raw(line, "visib");
        let without = line.replace(&format!("\"visib\":{miles},"), "");
        let temp = billionths(&event["temp"]).map(|temp| {
            let scale = 1_000_000_000_000_000_000;
            // Scaled down by what the data does not need, so that the product below fits.
            quotient((temp - 32 * scale) / 1_000_000_000_000 * 5, 9 * 1_000_000)
        });
        let celsius = temp.unwrap_or("null".to_owned());
        let hour = raw(line, "origin") + &raw(line, "time_hour");
        tables.insert(("weather".to_owned(), hour), vec![celsius.clone(), miles.clone()]);
        let body = with(&without, &[("celsius", celsius), ("id", of(&["origin", "time_hour"])), ("miles", miles)]);
        let (wind, miles) = (event["wind_speed"].as_f64(), event["visib"].as_f64().unwrap());
        return match wind {
            Some(wind) if wind >= 25.0 => Some(("alerts.weather", body)),
            _ if miles < 1.0 => Some(("alerts.weather", body)),
            Some(wind) if miles >= 9.0 && wind < 15.0 => None,
            _ => Some(("flights.weather", body)),
        };
    }
    let number = |name: &str| event[name].as_i64().map(i128::from);
    let row = |kind: &str, name: String, at: usize| {
        tables.get(&(kind.to_owned(), name)).map_or("null".to_owned(), |row| row[at].clone())
    };
    let hour = raw(line, "origin") + &raw(line, "time_hour");
    let made_up = number("dep_delay").zip(number("arr_delay")).map(|(dep, arr)| (dep - arr).to_string());
    let mph = number("air_time").map(|minutes| quotient(number("distance").unwrap() * 60, minutes));
    let null = || "null".to_owned();
    let members = [
        ("date", format!("\"{}\"", &event["time_hour"].as_str().unwrap()[..10])),
        ("id", of(&["carrier", "flight", "origin", "time_hour"])),
        ("made_up", made_up.unwrap_or_else(null)),
        ("mph", mph.unwrap_or_else(null)),
        ("airline", row("airline", raw(line, "carrier"), 0)),
        ("celsius", row("weather", hour.clone(), 0)),
        ("from_name", row("airport", raw(line, "origin"), 0)),
        ("maker", row("plane", raw(line, "tailnum"), 0)),
        ("miles", row("weather", hour, 1)),
        ("to_name", row("airport", raw(line, "dest"), 0)),
    ];
    let subject = match (&event["dep_time"], event["arr_delay"].as_i64()) {
        (Value::Null, _) => "alerts.cancelled",
        (_, Some(60..)) => "alerts.late",
        _ => "flights.flight",
    };
    Some((subject, with(line, &members)))
}

#[test]
fn flights_and_weather_are_exact_through_kills() {
    let mut bed = Bed::new();
    bed.config = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flights/config.toml");
    // The bed's own lane has the subjects of dead letters.
    bed.sets.push(("dead_letters.subject", "lost.{reason}"));
    let made = command::run(&bed, &["provision"]);
    assert_eq!(made.code, Some(0), "{} {}", made.out, made.err);
    let (mut expected, mut position, mut tables) = (Vec::new(), 0_u64, Tables::new());
    let sets: &[(&str, &str)] = &[("engine.checkpoint_interval_ms", "50")];
    let mut engine = bed.engine("state", sets);
    for year in 0..YEARS {
        for line in SAMPLE.lines() {
            let line = line.replace("2013", &(2013 + year).to_string());
            bed.wire.publish("sky.events", &[], line.as_bytes()).unwrap();
            position += 1;
            expected.extend(output(&line, &mut tables).map(|(subject, body)| (position, subject.to_owned(), body)));
        }
        // What comes again is dropped.
        let again = SAMPLE.lines().next().unwrap();
        bed.wire.publish("sky.events", &[], again.as_bytes()).unwrap();
        position += 1;
        if year % 5 == 4 {
            bed.wire.flush().unwrap();
            let before = expected.len() as u64 / 2;
            wait_until("some of the outputs", || (bed.last("FLIGHTS") > before).then_some(()));
            engine.kill();
            engine = bed.engine("state", &[("engine.checkpoint_interval_ms", "50"), ("engine.shards", "3")]);
        }
    }
    bed.wire.flush().unwrap();
    wait_until("all outputs", || (bed.last("FLIGHTS") >= expected.len() as u64).then_some(()));
    engine.drain();
    let mut found = Vec::new();
    each(&mut bed.wire, "FLIGHTS", |_, _, message| {
        let position = message.headers.iter().find(|(name, _)| name == "Sidestream-Position").unwrap().1.clone();
        let position: u64 = position.split(':').nth(1).unwrap().parse().unwrap();
        found.push((position, message.subject.clone(), String::from_utf8(message.payload.to_vec()).unwrap()));
        Ok(())
    })
    .unwrap();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    let subjects: BTreeSet<&str> = found.iter().map(|(_, subject, _)| subject.as_str()).collect();
    let all = ["alerts.cancelled", "alerts.late", "alerts.weather", "flights.flight", "flights.weather"];
    assert_eq!(subjects, all.into());
    let audit = command::run(&bed, &["audit", "--complete"]);
    assert_eq!(audit.code, Some(0), "{} {}", audit.out, audit.err);
}
