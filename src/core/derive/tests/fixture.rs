//! Tables of cases for operators: the words as in the configuration, the values as JSON.

use crate::core::derive::operator::DeriveFault;
use crate::core::derive::spec::DeriveSpec;
use crate::core::read::Value;
use crate::json::fields::Span;

/// How a table writes the faults.
pub(in crate::core) const MISSING: &str = "missing";
pub(in crate::core) const BROKEN: &str = "broken";

/// The operator that TOML describes.
pub(in crate::core) fn spec(toml: &str) -> Result<DeriveSpec, String> {
    let mut table: toml::Table = format!("it = {toml}").parse().map_err(|error: toml::de::Error| error.to_string())?;
    let it = table.remove("it").expect("it stands there");
    it.try_into().map_err(|error: toml::de::Error| error.to_string())
}

/// What its check says.
pub(in crate::core) fn check(toml: &str) -> Result<(), String> {
    spec(toml).unwrap_or_else(|error| panic!("{toml}: {error}")).check()
}

/// A value of an event; none where the text is empty.
pub(in crate::core) fn value(raw: &str) -> Value<'_> {
    match raw {
        "" => Value::Absent,
        raw => Value::Json { raw: raw.as_bytes(), span: Span { start: 0, end: raw.len() as u32 } },
    }
}

/// What an operator makes of values.
pub(in crate::core) fn write(spec: &DeriveSpec, values: &[&str]) -> Result<String, DeriveFault> {
    let values: Vec<Value<'_>> = values.iter().map(|raw| value(raw)).collect();
    let mut out = b"before".to_vec();
    let done = spec.write(&values, &mut out);
    let text = String::from_utf8(out).expect("an operator writes text");
    let written = text.strip_prefix("before").expect("what was there stays").to_owned();
    assert!(done.is_ok() || written.is_empty(), "{written} in spite of {done:?}");
    done.map(|()| written)
}

/// What an operator makes of values, its words in TOML.
pub(in crate::core) fn derived(toml: &str, values: &[&str]) -> Result<String, DeriveFault> {
    let spec = spec(toml).unwrap_or_else(|error| panic!("{toml}: {error}"));
    assert_eq!(spec.check(), Ok(()), "{toml}");
    write(&spec, values)
}

/// Each row: a value, and what comes out.
pub(in crate::core) fn cases(toml: &str, rows: &[(&str, &str)]) {
    for (raw, expected) in rows {
        let got = match derived(toml, &[raw]) {
            Ok(written) => written,
            Err(DeriveFault::Missing) => MISSING.to_owned(),
            Err(DeriveFault::Broken) => BROKEN.to_owned(),
        };
        assert_eq!(got, *expected, "{toml} of {raw}");
    }
}

/// A text as JSON, which is also a text of TOML.
pub(in crate::core) fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}
