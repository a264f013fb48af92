//! Target `splice`: a short history of events through decoding and the whole step, against the model.
//!
//! Outputs are the model's bytes, and the values that serde_json sees in them; dead letters keep the event's bytes;
//! subjects, headers and the size limit are the rules'. In the end the stored changes are the model's rows.

use super::model::{self, Model, Wanted};
use super::plans::Known;
use super::{input, json, render};
use serde_json::Value;
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::{Nanos, Position};
use sidestream::core::outcome::{Outcome, Silence};
use sidestream::core::output::Output;
use sidestream::core::record::{ROWS, RowReader};
use sidestream::core::state::changes::State;
use sidestream::protocol::runner::Runner;
use std::collections::BTreeMap;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Some((known, rest)) = input::plan(data) else { return };
    let messages = input::events(rest);
    let state = State::new(1_000, known.plan.dedup_window);
    // Stream time begins with the first event, whatever its time.
    let mut runner = Runner::over(known.plan.clone(), vec![state], Position(0), Nanos(i64::MIN));
    let outcomes = runner.run(messages.clone());
    assert_eq!(outcomes.len(), messages.len());
    let mut model = Model::default();
    for (message, outcome) in messages.iter().zip(&outcomes) {
        match (model.step(known, message), outcome) {
            (Wanted::Duplicate, Outcome::Silent(Silence::Duplicate)) => {}
            (Wanted::Dropped, Outcome::Silent(Silence::Dropped)) => {}
            (Wanted::Output { subject, payload, target }, Outcome::Publish(output)) => {
                place(message, output);
                assert!(output.dead.is_none(), "{:?}", output.dead);
                assert_eq!(*output.subject, *subject);
                assert_eq!(headers(output), model::copied(message));
                enriched(message, output, &payload, &target);
            }
            (Wanted::Dead { reason, subject, kind, key }, Outcome::Publish(output)) => {
                place(message, output);
                let dead = output.dead.as_ref().expect("it must be a dead letter");
                assert_eq!((dead.reason, &*output.subject), (reason, subject.as_str()));
                dead_letter(known, message, output, kind, key);
            }
            (wanted, found) => panic!("wanted {wanted:?}, found {found:?}"),
        }
    }
    stored(known, &mut runner, &model);
}

/// What every published message says of its cause.
fn place(message: &StoredMessage, output: &Output) {
    assert_eq!((output.position, output.n), (Position(message.sequence), 0));
    assert_eq!(output.stored_at, message.stored_at);
}

fn headers(output: &Output) -> Vec<(String, String)> {
    output.copied.iter().flat_map(|list| list.iter()).cloned().collect()
}

fn enriched(message: &StoredMessage, output: &Output, payload: &str, target: &render::Target) {
    let body = std::str::from_utf8(&output.payload).expect("an output is text");
    assert_eq!(body, payload);
    assert!(json::is_json(body), "{body}");
    let Ok(mut before) = serde_json::from_slice::<Value>(&message.payload) else { return };
    // A column may hold what no `Value` can, such as 1e999.
    let Ok(after) = serde_json::from_str::<Value>(body) else { return };
    render::change(&mut before, target);
    assert_eq!(after, before, "{body}");
}

fn dead_letter(known: &Known, message: &StoredMessage, output: &Output, kind: Option<String>, key: Option<String>) {
    let dead = output.dead.as_ref().expect("it was one");
    let get = |wanted: &str| dead.headers.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
    let error = get("Sidestream-Error").expect("a sentence");
    assert!(error.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{error}");
    let mut wanted = vec![
        ("Sidestream-Reason", dead.reason.code().to_owned()),
        ("Sidestream-Error", error.to_owned()),
        ("Sidestream-Subject", percent(&message.subject)),
    ];
    wanted.extend(kind.map(|kind| ("Sidestream-Kind", percent(&kind))));
    wanted.extend(key.map(|key| ("Sidestream-Key", percent(&key))));
    let max = known.plan.spec.max_bytes as usize;
    let own: usize = wanted.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
    let mut copied = model::copied(message);
    let mut around = own + model::headers(known, message, &copied);
    let mut body = &message.payload[..];
    if around + body.len() > max {
        let length = body.len().to_string();
        around += "Sidestream-Length".len() + length.len() + 4;
        if around > max {
            around -= model::headers(known, message, &copied) - model::headers(known, message, &[]);
            copied.clear();
        }
        body = &body[..max.saturating_sub(around).min(body.len())];
        wanted.push(("Sidestream-Length", length));
    }
    assert_eq!(dead.headers, wanted);
    assert_eq!(headers(output), copied);
    assert_eq!(output.payload, body);
}

/// Printable ASCII but `%` stays, every other byte is `%XX`; whole characters, at most 1,024 bytes.
fn percent(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        let bytes = character.to_string().into_bytes();
        let stays = (0x21..0x7f).contains(&bytes[0]) && character != '%';
        let coded: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
        let piece = if stays { character.to_string() } else { coded };
        if out.len() + piece.len() > 1_024 {
            break;
        }
        out += &piece;
    }
    out
}

/// What a barrier hands over is what the model holds.
fn stored(known: &Known, runner: &mut Runner, model: &Model) {
    let layout = &known.plan.layout;
    let mut rows = BTreeMap::new();
    for group in runner.checkpoint().1 {
        let mut reader = RowReader::default();
        for (key, value) in group.changes.iter().filter(|(key, _)| key.starts_with(&ROWS)) {
            let Some(value) = value else { panic!("a row is removed that was never stored") };
            let Some(view) = reader.push(key, value).expect("a row that was just written") else { continue };
            let column = |(id, text): (u16, &[u8])| {
                let name = layout.column_name(view.name.table, id).expect("a column of the plan").to_owned();
                (name, String::from_utf8(text.to_vec()).expect("JSON is text"))
            };
            let table = layout.table_name(view.name.table).expect("a table of the plan").to_owned();
            let name = (view.name.key.to_owned(), table, view.name.row.map(str::to_owned));
            rows.insert(name, view.columns.iter().map(column).collect::<model::Row>());
        }
        reader.finish().expect("whole rows");
    }
    assert_eq!(rows, model.rows);
}
