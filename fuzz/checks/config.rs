//! Target `config`: any text as a configuration, whole or in place of a part of a good one, with `--set` behind it.
//!
//! Never panics; a text is either taken or explained, and every explanation points into it; what is taken makes a plan
//! without a mistake, whose text gives the same plan, and that plan runs.

use sidestream::config::{Config, Diagnostic, Overrides};
use sidestream::core::event::StoredMessage;
use sidestream::core::ids::Nanos;
use sidestream::core::outcome::Outcome;
use sidestream::core::plan::check::{Entities, Severity, check as faults};
use sidestream::core::plan::compiled::Plan;
use sidestream::core::plan::layout::Layout;
use sidestream::core::plan::spec::PlanSpec;
use sidestream::protocol::runner::Runner;
use std::sync::Arc;

/// A small configuration without a mistake, in parts that an input can take the place of.
const PARTS: [&str; 5] = [
    "[input]\nstream='I'\nsubjects=['i.>']\n",
    "[output]\nstream='O'\nsubject='o.{kind}'\n",
    "[event]\nkind='k'\nid='i'\n[kinds.u]\nkey='u'\n[kinds.l]\nkey='u'\n",
    "[tables.a]\nfrom='u'\nversion='x'\nwrite='replace'\ncolumns={x='x',y='y'}\ndelete={field='d',equals=1,cascade=['b']}\n\
     [tables.b]\nfrom='l'\nrow='r'\nversion={at='c',invalid='ignore'}\ncolumns={z='z'}\n[tables.c]\nfrom='l'\nrow=['r','z']\ncolumns={z='z'}\n",
    "[[enrich]]\nkinds=['l']\nadd={c='a.x',s='b[r].z',t='c[r,z].z'}\n",
];

/// Checks one input: the first byte says which part the text takes the place of (`5`: none, it follows them; else it
/// stands alone), a NUL ends it, and `key=value` lines follow.
pub fn check(data: &[u8]) {
    let Some((part, rest)) = data.split_first() else { return };
    let Ok(rest) = std::str::from_utf8(rest) else { return };
    let (own, sets) = rest.split_once('\0').unwrap_or((rest, ""));
    let part = usize::from(part.wrapping_sub(b'0'));
    let mut text: String = match part {
        0..=5 => PARTS.iter().enumerate().filter(|(n, _)| *n != part).map(|(_, part)| *part).collect(),
        _ => String::new(),
    };
    text += own;
    let sets = sets.lines().filter_map(|line| line.split_once('=')).take(4);
    let sets: Vec<(String, String)> = sets.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let names: Vec<String> = sets.iter().map(|(key, _)| format!("--set {key}")).collect();
    let nats_url = names.first().filter(|_| part % 2 == 1).map(|_| "nats://x".to_owned());
    let overrides = Overrides { nats_url, sets, ..Overrides::default() };
    match Config::parse("c.toml", &text, &overrides) {
        Ok((config, warnings)) => {
            warnings.iter().for_each(|warning| points(warning, &text, &names));
            runs(config.plan);
        }
        Err(error) => {
            assert!(!error.diagnostics.is_empty(), "refused without a reason");
            error.diagnostics.iter().for_each(|diagnostic| points(diagnostic, &text, &names));
            assert!(!error.to_string().is_empty());
        }
    }
}

/// A remark says something, and its place is in the text.
fn points(remark: &Diagnostic, text: &str, names: &[String]) {
    assert!(!remark.message.is_empty() && !remark.to_string().is_empty());
    if remark.line == 0 {
        let known = remark.source == "c.toml" || remark.source == "SIDESTREAM_NATS_URL";
        assert!(known || names.contains(&remark.source), "{}", remark.source);
        return;
    }
    assert_eq!(remark.source, "c.toml");
    let mut lines = text.split('\n').skip(remark.line - 1);
    let line = lines.next().unwrap_or_else(|| panic!("line {} of {text:?}", remark.line));
    // A carriage return belongs to the line's end only where a line feed follows it.
    let line = if lines.next().is_some() { line.strip_suffix('\r').unwrap_or(line) } else { line };
    assert_eq!(remark.text, line);
    let characters = line.chars().count();
    // A remark may point behind the last character, and at the carriage return there.
    assert!((1..=characters + 2).contains(&remark.column), "column {} of {line:?}", remark.column);
    assert!(remark.length >= 1 && remark.column + remark.length <= characters + 3, "{remark:?}");
}

/// A plan that was accepted compiles, keeps its text and its fingerprint, and takes events.
fn runs(spec: PlanSpec) {
    let (text, fingerprint) = (spec.text(), spec.fingerprint());
    let again: PlanSpec = serde_json::from_str(&text).expect("a plan's text can be read");
    assert_eq!((again.text(), again.fingerprint()), (text, fingerprint.clone()));
    assert_eq!(again, spec);
    let mistake = |spec| faults(spec, &Entities::new()).into_iter().find(|fault| fault.severity == Severity::Mistake);
    assert_eq!(mistake(&again), None);
    let plan = Arc::new(Plan::compile(spec, &Layout::default()));
    assert_eq!(plan.fingerprint, fingerprint);
    for (name, number) in plan.spec.kinds.keys().zip(0..) {
        if !name.contains('*') {
            assert_eq!(plan.kind_of(name.as_bytes()), Some(number));
        }
    }
    let message = |(sequence, payload): (u64, &'static str)| StoredMessage {
        sequence,
        stored_at: Nanos(sequence as i64),
        subject: "i.l".into(),
        headers: None,
        payload: bytes::Bytes::from_static(payload.as_bytes()),
    };
    for outcome in Runner::new(plan, 1).run((1..).zip(EVENTS).map(message).collect()) {
        let Outcome::Publish(output) = outcome else { continue };
        assert!(!output.subject.is_empty() && output.subject.len() <= 1_024);
        assert!(!output.subject.split('.').any(str::is_empty), "{}", output.subject);
        if output.dead.is_none() {
            serde_json::from_slice::<serde_json::Value>(&output.payload).expect("an output is JSON");
        }
    }
}

/// Enough to feed the tables and run the joins of a plan with these names.
const EVENTS: [&str; 5] = [
    r#"{"k":"u","u":"1","i":"a","x":1,"y":{"x":2},"p":{"x":3}}"#,
    r#"{"k":"l","u":"1","i":"b","r":"z","z":"w","p":{"r":"z","c":0}}"#,
    r#"{"k":"l","u":"1","i":"c","r":"z","c":0,"s":1,"event_processed":2}"#,
    r#"{"k":"u","u":"1","i":"d","x":2e0,"d":1}"#,
    r#"{"k":"l","u":"1","i":"e","r":"z","z":"w","c":-1}"#,
];
