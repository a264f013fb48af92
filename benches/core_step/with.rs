//! What a plan does beside the school's job, so that its cost is the difference to a run without it.

use serde_json::json;
use sidestream::core::plan::spec::PlanSpec;

/// One thing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum With {
    /// A map that makes an object of ten members of every event, as a second message.
    Map,
    /// The same instead of the usual output.
    Instead,
    /// Events stand in a member of another object.
    Object,
    /// Events stand in a text.
    Text,
    /// Events stand in a text in base64.
    Base64,
    /// The object that lessons are enriched in is made for it.
    Create,
}

impl With {
    /// Changes the plan.
    pub fn plan(self, spec: &mut PlanSpec) {
        let unwrap = |encoding: &str| serde_json::from_value(json!([{ "at": "payload", "encoding": encoding }]));
        match self {
            With::Map | With::Instead => {
                let map = json!({
                    "name": "ten", "subject": "ten.{kind}", "instead": self == With::Instead,
                    "fields": [
                        ["id", "event_uuid"],
                        ["kind", "title"],
                        ["who.id", { "first": ["properties.user_uuid", "properties.uuid"] }],
                        ["who.language", "properties.language"],
                        ["who.speaks", { "copy": "properties.language", "values": { "pt": "Portuguese", "de": "German" }, "else": "another" }],
                        ["group", { "part": "event_uuid", "at": 1, "split": "-" }],
                        ["day", { "time": "created_at", "write": "date" }],
                        ["made", "created_at"],
                        ["source", { "value": "school" }],
                        ["subject", "$subject.2"],
                    ],
                });
                spec.map.push(serde_json::from_value(map).expect("a map"));
            }
            With::Object => spec.event.unwrap = unwrap("json").expect("a step"),
            With::Text => spec.event.unwrap = unwrap("text").expect("a step"),
            With::Base64 => spec.event.unwrap = unwrap("base64").expect("a step"),
            With::Create => {
                for enrich in &mut spec.enrich {
                    (enrich.into, enrich.create) = (vec!["added".to_owned()], true);
                }
            }
        }
    }

    /// An event as it then comes.
    pub fn wrap(self, payload: &[u8]) -> Vec<u8> {
        match self {
            With::Object => [br#"{"payload":"#, payload, b"}"].concat(),
            With::Text => {
                let text = std::str::from_utf8(payload).expect("the generator makes texts");
                format!(r#"{{"payload":{}}}"#, serde_json::Value::from(text)).into_bytes()
            }
            With::Base64 => format!(r#"{{"payload":"{}"}}"#, base64(payload)).into_bytes(),
            With::Map | With::Instead | With::Create => payload.to_vec(),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_u32, |word, byte| (word << 8) | u32::from(*byte)) << (8 * (3 - three.len()));
        for digit in 0..4 {
            let at = (word >> (18 - 6 * digit)) as usize % 64;
            let digit = DIGITS.get(at).filter(|_| digit <= three.len());
            text.push(digit.map_or('=', |digit| char::from(*digit)));
        }
    }
    text
}
