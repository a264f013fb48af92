//! What each kind of event says: which fields, in which order, with which values.
//!
//! Nothing here knows how a field is written down: the plain path writes bytes at once, the hard path keeps the fields
//! apart so that it can spoil them.

use super::person::{COUNTRIES, COURSES, LESSONS, PERIODS_DAYS, Person, STATUSES, TYPES};
use super::random::{Random, mix};

/// The kinds of event that the school sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchoolKind {
    /// A user signs up or changes.
    User,
    /// A user's subscription to one language changes.
    Subscription,
    /// A user finishes a lesson.
    Lesson,
}

impl SchoolKind {
    /// The kind as events name it.
    pub fn word(self) -> &'static str {
        match self {
            SchoolKind::User => "user",
            SchoolKind::Subscription => "subscription",
            SchoolKind::Lesson => "lesson",
        }
    }

    /// The subject on which such events travel.
    pub fn subject(self) -> &'static str {
        match self {
            SchoolKind::User => "events.user",
            SchoolKind::Subscription => "events.subscription",
            SchoolKind::Lesson => "events.lesson",
        }
    }

    /// The property that holds the user id.
    pub fn key_name(self) -> &'static str {
        match self {
            SchoolKind::User => "uuid",
            SchoolKind::Subscription | SchoolKind::Lesson => "user_uuid",
        }
    }
}

/// A value of a field. No text here needs an escape in JSON.
#[derive(Clone, Copy, Debug)]
pub enum FieldValue<'a> {
    /// A text.
    Text(&'a str),
    /// Two texts with a blank between them.
    Words(&'a str, &'a str),
    /// A whole number.
    Integer(u64),
    /// True or false.
    Truth(bool),
    /// An id in the usual form of 36 characters.
    Uuid(u128),
}

/// Where the fields of an event go, one after the other.
pub trait FieldSink {
    /// Takes the next field.
    fn member(&mut self, name: &'static str, value: FieldValue<'_>);
}

/// The properties of a user event; `create` says whether the user is (again) created, with all fields.
pub fn user(person: Person, create: bool, random: &mut Random, members: &mut impl FieldSink) {
    members.member("operation", FieldValue::Text(if create { "create" } else { "update" }));
    members.member("uuid", FieldValue::Uuid(person.uuid()));
    // An update carries some of the fields; the user's other columns must stay as they are.
    let carried = if create { 0b1111 } else { 1 << random.below(4) | random.below(16) };
    if carried & 0b0001 != 0 {
        members.member("name", FieldValue::Words(person.first_name(), person.last_name()));
    }
    if carried & 0b0010 != 0 {
        members.member("firstname", FieldValue::Text(person.first_name()));
        members.member("lastname", FieldValue::Text(person.last_name()));
    }
    if carried & 0b0100 != 0 {
        let moved = !create && random.per_mille(500);
        members.member("country", FieldValue::Text(if moved { random.pick(COUNTRIES) } else { person.country() }));
    }
    if carried & 0b1000 != 0 {
        members.member("active", FieldValue::Truth(random.per_mille(if create { 980 } else { 600 })));
    }
}

/// The properties of a subscription event in one of the user's languages.
pub fn subscription(person: Person, random: &mut Random, members: &mut impl FieldSink) {
    let create = random.per_mille(500);
    let status = if create { "active" } else { random.pick(STATUSES) };
    let language = person.language(random.below(3));
    members.member("operation", FieldValue::Text(if create { "create" } else { "update" }));
    members.member("user_uuid", FieldValue::Uuid(person.uuid()));
    members.member("language", FieldValue::Text(language));
    if create || random.per_mille(500) {
        members.member("name", FieldValue::Words(language, "Unlimited"));
    }
    members.member("subscription_status", FieldValue::Text(status));
    if create || random.per_mille(700) {
        members.member("subscription_type", FieldValue::Text(random.pick(TYPES)));
        members.member("subscription_period", FieldValue::Integer(random.pick(PERIODS_DAYS)));
    }
}

/// The properties of a lesson; one in ten is in a language that the user need not have subscribed to.
pub fn lesson(person: Person, random: &mut Random, members: &mut impl FieldSink) {
    let slot = if random.per_mille(100) { 3 + random.below(4) } else { random.below(3) };
    let language = person.language(slot);
    let course = random.below(COURSES.len() as u64);
    let lessons = 8 + course * 3;
    let done = 1 + random.below(lessons);
    let release = random.below(5_000);
    members.member(
        "content_release_id",
        FieldValue::Uuid((u128::from(mix(release + 1)) << 64) | u128::from(mix(!release))),
    );
    members.member("title", FieldValue::Text(random.pick(LESSONS)));
    members.member("language", FieldValue::Text(language));
    members.member("course_uuid", FieldValue::Uuid((u128::from(mix(course + 1)) << 64) | u128::from(mix(!course))));
    members.member("course_title", FieldValue::Text(COURSES.get(course as usize).copied().unwrap_or_default()));
    members.member("number_of_lessons_in_course", FieldValue::Integer(lessons));
    members.member("completed_lessons_in_course", FieldValue::Integer(done));
    members.member("percentage_completed_in_course", FieldValue::Integer(done * 100 / lessons));
    members.member("user_uuid", FieldValue::Uuid(person.uuid()));
}

/// Appends a value as JSON text.
pub fn write_value(value: FieldValue<'_>, out: &mut Vec<u8>) {
    match value {
        FieldValue::Text(text) => {
            out.push(b'"');
            out.extend_from_slice(text.as_bytes());
            out.push(b'"');
        }
        FieldValue::Words(first, second) => {
            out.push(b'"');
            out.extend_from_slice(first.as_bytes());
            out.push(b' ');
            out.extend_from_slice(second.as_bytes());
            out.push(b'"');
        }
        FieldValue::Integer(number) => write_integer(number, out),
        FieldValue::Truth(true) => out.extend_from_slice(b"true"),
        FieldValue::Truth(false) => out.extend_from_slice(b"false"),
        FieldValue::Uuid(id) => write_uuid(id, out),
    }
}

fn write_integer(number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = number;
    loop {
        out.push(b'0' + (rest % 10) as u8);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
    }
}

fn write_uuid(id: u128, out: &mut Vec<u8>) {
    out.push(b'"');
    for digit in 0..32 {
        if matches!(digit, 8 | 12 | 16 | 20) {
            out.push(b'-');
        }
        let nibble = ((id >> (124 - 4 * digit)) & 0xf) as u8;
        out.push(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: FieldValue<'_>) -> String {
        let mut out = b"x".to_vec();
        write_value(value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_as_json() {
        assert_eq!(text(FieldValue::Integer(0)), "x0");
        assert_eq!(text(FieldValue::Integer(u64::MAX)), "x18446744073709551615");
        assert_eq!(text(FieldValue::Truth(false)), "xfalse");
        assert_eq!(text(FieldValue::Words("a", "b")), "x\"a b\"");
        let id = 0x0123_4567_89ab_cdef_0011_2233_4455_6677;
        assert_eq!(text(FieldValue::Uuid(id)), "x\"01234567-89ab-cdef-0011-223344556677\"");
    }
}
