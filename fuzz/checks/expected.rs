//! What reading an event must find, straight from the rules and by serde_json.
//!
//! Works on the plan's spec; nothing that the product compiled from it is used, and no state is known here.

use super::json::{self, Object};
use super::plans::{Known, Names};
use serde_json::Value;
use sidestream::core::event::StoredMessage;
use sidestream::core::plan::key_spec::KeySpec;
use sidestream::core::plan::selector::Selector;
use sidestream::core::plan::spec::{KindSpec, Literal, UnknownKinds};
use sidestream::core::rejection::Reason;
use sidestream::json::scan::MAX_DEPTH;
use std::collections::BTreeMap;

/// What stands at a selector.
pub enum Found<'a> {
    Absent,
    Json(&'a str),
    Outside(String),
}

/// A value as kinds, ids, keys and delete rules tell values apart.
#[derive(Debug, PartialEq)]
pub enum Scalar<'a> {
    Null,
    Text(String),
    Integer(&'a str),
    Bool(bool),
    Other,
}

/// What an event that can be processed is known by.
pub struct Read<'a, 'e> {
    pub event: Object<'e>,
    pub kind_text: Option<String>,
    /// The kind's section; `None` for an unknown kind.
    pub section: Option<&'a str>,
    pub key: Option<String>,
    pub id: Option<String>,
}

/// The payload as an object, or the first fault in the order of the rules.
pub fn object<'a>(names: &Names, payload: &'a [u8]) -> Result<Object<'a>, Reason> {
    let text = std::str::from_utf8(payload).map_err(|_| Reason::NotJson)?;
    if !json::is_json(text) {
        return Err(Reason::NotJson);
    }
    if json::depth(text) > MAX_DEPTH {
        return Err(Reason::TooDeep);
    }
    let object = json::object(text, text, names).ok_or(Reason::NotObject)?;
    if repeats(names, &object) { Err(Reason::DuplicateKey) } else { Ok(object) }
}

/// Whether one of the names occurs twice in its object.
fn repeats(names: &Names, object: &Object<'_>) -> bool {
    let mut seen = Vec::new();
    object.members.iter().any(|member| {
        let Some((name, inside)) = member.name.as_ref().and_then(|name| names.0.get_key_value(name)) else {
            return false;
        };
        let again = seen.contains(&name);
        seen.push(name);
        again || member.inside.as_ref().is_some_and(|object| repeats(inside, object))
    })
}

/// What decoding must find in a message; with a fault the kind's text where it was known by then.
pub fn read<'a, 'e>(known: &'a Known, message: &'e StoredMessage) -> Result<Read<'a, 'e>, (Reason, Option<String>)> {
    let spec = &known.plan.spec;
    let event = object(&known.names, &message.payload).map_err(|reason| (reason, None))?;
    let kind_text = match scalar(&first_of(spec.event.kind.places(), message, &event)) {
        Scalar::Text(text) => Some(text),
        _ => None,
    };
    let section = kind_text.as_deref().and_then(|kind| section(&spec.kinds, kind));
    let refused = |reason| Err((reason, kind_text.clone()));
    if section.is_none() && spec.unknown_kinds == UnknownKinds::DeadLetter {
        return refused(Reason::UnknownKind);
    }
    let key = section.and_then(|name| spec.kinds[name].key.as_ref());
    let key = match key.map(|key| named(key, message, &event)) {
        None => None,
        Some(Ok(key)) => Some(key),
        Some(Err(reason)) => return refused(reason),
    };
    let id = section.and_then(|name| spec.kinds[name].id.as_ref()).or(spec.event.id.as_ref());
    let id = id.and_then(|id| named(id, message, &event).ok());
    Ok(Read { event, kind_text, section, key, id })
}

/// What stands at a selector of a message with this event in it.
pub fn at<'a>(selector: &Selector, message: &StoredMessage, event: &Object<'a>) -> Found<'a> {
    let outside = |text: Option<&str>| text.map_or(Found::Absent, |text| Found::Outside(text.to_owned()));
    match selector {
        Selector::Path(path) => event.field(path).map_or(Found::Absent, |member| Found::Json(member.raw)),
        Selector::Subject(n) => outside(message.subject.split('.').nth(n - 1)),
        Selector::Header(wanted) => {
            let mut headers = message.headers.iter().flat_map(|list| list.iter());
            outside(headers.find(|(name, _)| name == wanted).map(|(_, value)| value.as_str()))
        }
        Selector::Time => Found::Outside(time_text(message.stored_at.0)),
    }
}

/// The text of a key or an id: of several parts a JSON array of texts.
pub fn named(key: &KeySpec, message: &StoredMessage, event: &Object<'_>) -> Result<String, Reason> {
    let mut texts = Vec::new();
    for part in key.parts() {
        texts.push(key_of(&first_of(part.places(), message, event))?);
    }
    match key {
        KeySpec::One(_) => Ok(texts.remove(0)),
        KeySpec::All(_) => Ok(serde_json::to_string(&texts).expect("texts")),
    }
}

/// What stands at the only place, or at the first of several that has something.
fn first_of<'a>(places: &[Selector], message: &StoredMessage, event: &Object<'a>) -> Found<'a> {
    let mut found: Vec<Found<'a>> = places.iter().map(|place| at(place, message, event)).collect();
    if found.len() == 1 {
        return found.remove(0);
    }
    let something = |found: &Found<'_>| match found {
        Found::Absent => false,
        Found::Json(raw) => *raw != "null" && *raw != "\"\"",
        Found::Outside(text) => !text.is_empty(),
    };
    found.into_iter().find(something).unwrap_or(Found::Absent)
}

/// A found value as a scalar; absent is null.
pub fn scalar<'a>(found: &Found<'a>) -> Scalar<'a> {
    match found {
        Found::Absent => Scalar::Null,
        Found::Json(raw) => scalar_of(raw),
        Found::Outside(text) => Scalar::Text(text.clone()),
    }
}

/// A raw JSON value as a scalar.
pub fn scalar_of(raw: &str) -> Scalar<'_> {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        if let Ok(Value::Number(number)) = serde_json::from_str(raw)
            && !number.is_f64()
        {
            assert_eq!(number.to_string(), raw, "serde_json reads this integer otherwise");
        }
        return Scalar::Integer(raw);
    }
    if raw.starts_with(['{', '[']) {
        return Scalar::Other;
    }
    match serde_json::from_str(raw) {
        Ok(Value::Null) => Scalar::Null,
        Ok(Value::Bool(flag)) => Scalar::Bool(flag),
        Ok(Value::String(text)) => Scalar::Text(text),
        // A fraction, or what serde_json refuses: a number beyond its range, a lone surrogate.
        _ => Scalar::Other,
    }
}

/// A key or row selector's text.
pub fn key_of(found: &Found<'_>) -> Result<String, Reason> {
    match scalar(found) {
        Scalar::Null => Err(Reason::NoKey),
        Scalar::Text(text) if !text.is_empty() => Ok(text),
        Scalar::Integer(digits) => Ok(digits.to_owned()),
        _ => Err(Reason::BadKey),
    }
}

/// Whether a found value equals a scalar of the configuration.
pub fn equals(found: &Found<'_>, wanted: &Literal) -> bool {
    match (scalar(found), wanted) {
        (Scalar::Text(text), Literal::Text(wanted)) => text == *wanted,
        (Scalar::Integer(digits), Literal::Integer(wanted)) => digits == wanted.to_string(),
        (Scalar::Bool(flag), Literal::Bool(wanted)) => flag == *wanted,
        _ => false,
    }
}

/// The section of a kind: the exact name, else the longest pattern, of equally long ones the smallest.
pub fn section<'a>(kinds: &'a BTreeMap<String, KindSpec>, kind: &str) -> Option<&'a str> {
    if let Some((name, _)) = kinds.get_key_value(kind).filter(|(name, _)| !name.contains('*')) {
        return Some(name);
    }
    let patterns = kinds.keys().filter(|name| name.contains('*') && fits(name.as_bytes(), kind.as_bytes()));
    patterns.max_by(|a, b| a.len().cmp(&b.len()).then_with(|| b.cmp(a))).map(String::as_str)
}

/// Whether a text fits a pattern, by going back to the last star. Both are UTF-8, so that bytes are as good as
/// characters.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == text.get(t) {
            p += 1;
            t += 1;
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            p = at + 1;
            t = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// `2026-11-21T11:45:00.123456789Z`, by the civil calendar's arithmetic.
pub fn time_text(ns: i64) -> String {
    let (seconds, fraction) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    let (mut days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += if leap(year) { 366 } else { 365 };
    }
    while days >= if leap(year) { 366 } else { 365 } {
        days -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}Z", days + 1)
}
