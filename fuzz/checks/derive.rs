//! Target `derive`: any words as an operator, any values through it.
//!
//! The first line is an operator as it stands in a plan, each further line a value; `=` begins one from outside the JSON.
//! Words that are taken print to a text that is read back; what an operator writes is one JSON value without white space
//! around it, and on a fault it writes nothing. What the forms of times write, they read again as the same.

use super::json::is_json;
use sidestream::core::derive::mask::Mask;
use sidestream::core::derive::salt::Salt;
use sidestream::core::derive::spec::DeriveSpec;
use sidestream::core::derive::time::instant::Time;
use sidestream::core::derive::time::spec::read_time;
use sidestream::core::derive::time::unix::Unit;
use sidestream::core::derive::time::write::WriteTime;
use sidestream::core::read::Value;
use sidestream::json::fields::Span;
use std::borrow::Cow;

/// Checks one input.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.split('\n');
    let spec: Option<DeriveSpec> = serde_json::from_str(lines.next().unwrap_or_default()).ok();
    let values: Vec<Value<'_>> = lines.map(value).collect();
    values.iter().for_each(masks);
    values.iter().for_each(times);
    if let Some(spec) = spec {
        printed(&spec);
        if spec.check().is_ok() {
            written(&spec, values);
        }
    }
}

fn value(line: &str) -> Value<'_> {
    let raw = line.trim_matches([' ', '\t', '\r']);
    match line.strip_prefix('=') {
        Some(outside) => Value::Outside(Cow::Borrowed(outside)),
        None if is_json(raw) => {
            Value::Json { raw: raw.as_bytes(), span: Span { start: 0, end: u32::try_from(raw.len()).unwrap() } }
        }
        None => Value::Absent,
    }
}

fn printed(spec: &DeriveSpec) {
    let text = serde_json::to_string(spec).unwrap();
    let again: DeriveSpec = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(&again, spec, "{text}");
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
}

fn written(spec: &DeriveSpec, mut values: Vec<Value<'_>>) {
    let mut out = b"before".to_vec();
    values.resize(spec.places().len(), Value::Absent);
    let done = spec.write(&values, &mut out);
    let text = std::str::from_utf8(out.strip_prefix(b"before").unwrap()).unwrap();
    match done {
        Ok(()) => assert!(is_json(text) && text.trim() == text, "{spec:?} wrote {text}"),
        Err(fault) => assert_eq!(text, "", "{spec:?}: {fault:?}"),
    }
}

fn masks(value: &Value<'_>) {
    for mask in [Mask::Last4, Mask::Hash, Mask::Hide] {
        let mut out = Vec::new();
        mask.write(value, Some(&Salt::new(b"salt")), &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(is_json(&text), "{mask:?} wrote {text}");
    }
}

fn times(value: &Value<'_>) {
    for unit in [Unit::Auto, Unit::S, Unit::Ms, Unit::Us, Unit::Ns] {
        let Ok(time) = read_time(value, unit) else { continue };
        assert_eq!(Time::new(time.seconds(), time.nanos()), Some(time));
        for (form, unit) in
            [(WriteTime::Rfc3339, Unit::Auto), (WriteTime::Unix, Unit::S), (WriteTime::UnixMs, Unit::Ms)]
        {
            let mut out = Vec::new();
            time.write(form, &mut out);
            let again = Value::Json { raw: &out, span: Span { start: 0, end: 0 } };
            assert_eq!(read_time(&again, unit), Ok(time), "{form:?} of {time:?}");
        }
    }
}
