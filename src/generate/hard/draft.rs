//! An event in pieces: members that can be changed, doubled, renamed or reordered before they become bytes.
//!
//! Names and values are JSON text, not what they mean, so that one meaning can be spelled in several ways. A draft is
//! always a whole JSON text when it is written; what breaks the grammar is done to the bytes afterwards.

use crate::generate::facts::{self, FieldSink, FieldValue, SchoolKind};
use crate::generate::person::Person;
use crate::generate::random::Random;
use crate::generate::school::{Generated, Stamp};

/// A member: its name as JSON text with the quotes, its value as JSON text.
#[derive(Clone, Debug)]
pub struct DraftMember {
    name: Vec<u8>,
    /// None stands for the properties.
    value: Option<Vec<u8>>,
}

/// The members of one object in their order.
#[derive(Clone, Debug, Default)]
pub struct DraftObject(Vec<DraftMember>);

/// An event that is still being spoiled.
#[derive(Clone, Debug)]
pub struct EventDraft {
    /// What the event was before anything odd happened to it.
    pub kind: SchoolKind,
    /// Whom it is about.
    pub person: Person,
    /// The number in its `event_uuid`.
    pub id: u128,
    /// Where it will be published.
    pub subject: String,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// The members of the top-level object.
    pub top: DraftObject,
    /// The members of `properties`.
    pub properties: DraftObject,
    /// The seed of legal white space between the tokens; none writes the event without any.
    pub space: Option<u64>,
    /// The payload may not be longer.
    pub largest_bytes: usize,
}

impl DraftObject {
    /// Gives the member this value; appends it when it is missing.
    pub fn set(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        let quoted = quote(name);
        let value = Some(value.into());
        match self.0.iter_mut().find(|member| member.name == quoted) {
            Some(member) => member.value = value,
            None => self.0.push(DraftMember { name: quoted, value }),
        }
    }

    /// Appends a member whose name is given as JSON text, whether or not there is one already.
    pub fn push(&mut self, name_json: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.push(DraftMember { name: name_json.into(), value: Some(value.into()) });
    }

    /// Puts a member before all others.
    pub fn push_front(&mut self, name_json: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.0.insert(0, DraftMember { name: name_json.into(), value: Some(value.into()) });
    }

    /// Removes the member.
    pub fn remove(&mut self, name: &str) {
        let quoted = quote(name);
        self.0.retain(|member| member.name != quoted);
    }

    /// Spells the member's name in another way.
    pub fn rename(&mut self, name: &str, name_json: impl Into<Vec<u8>>) {
        let quoted = quote(name);
        if let Some(member) = self.0.iter_mut().find(|member| member.name == quoted) {
            member.name = name_json.into();
        }
    }

    /// Writes the member a second time, at the end.
    pub fn double(&mut self, name: &str) {
        let quoted = quote(name);
        let found = self.0.iter().find(|member| member.name == quoted).cloned();
        self.0.extend(found);
    }

    /// The member's value as JSON text, empty when it is missing.
    pub fn get(&self, name: &str) -> Vec<u8> {
        let quoted = quote(name);
        let found = self.0.iter().find(|member| member.name == quoted);
        found.and_then(|member| member.value.clone()).unwrap_or_default()
    }

    /// Removes all members.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Puts the members into a random order.
    pub fn shuffle(&mut self, random: &mut Random) {
        random.shuffle(&mut self.0);
    }
}

impl FieldSink for EventDraft {
    fn member(&mut self, name: &'static str, value: FieldValue<'_>) {
        let mut text = Vec::new();
        facts::write_value(value, &mut text);
        self.properties.push(quote(name), text);
    }
}

impl EventDraft {
    /// A draft with the envelope of a plain event and no properties yet.
    pub(in crate::generate) fn new(kind: SchoolKind, person: Person, stamp: Stamp) -> EventDraft {
        let mut top = DraftObject::default();
        top.push(quote("title"), quote(kind.word()));
        top.push(quote("event_uuid"), json(FieldValue::Uuid(stamp.id)));
        top.push(quote("created_at"), json(FieldValue::Integer(stamp.created_at)));
        top.0.push(DraftMember { name: quote("properties"), value: None });
        EventDraft {
            kind,
            person,
            id: stamp.id,
            subject: kind.subject().to_owned(),
            headers: Vec::new(),
            top,
            properties: DraftObject::default(),
            space: None,
            largest_bytes: crate::generate::school::LARGEST_BYTES,
        }
    }

    /// Gives the key of this event another value.
    pub fn set_key(&mut self, value: impl Into<Vec<u8>>) {
        self.properties.set(self.kind.key_name(), value);
    }

    /// Gives the event another id.
    pub fn set_id(&mut self, value: impl Into<Vec<u8>>) {
        self.top.set("event_uuid", value);
    }

    /// Fills a text member of the properties until the payload has exactly `bytes` bytes, if it is shorter now.
    pub fn pad_to(&mut self, bytes: usize) {
        self.properties.set("note", quote(""));
        let missing = bytes.saturating_sub(self.payload().len());
        self.properties.set("note", quote(&"a".repeat(missing)));
    }

    /// The payload as it would be written now.
    pub fn payload(&self) -> Vec<u8> {
        let mut space = OddSpace(self.space.map(Random::new));
        let mut out = Vec::with_capacity(512);
        space.write(&mut out);
        write_object(&self.top, Some(&self.properties), &mut space, &mut out);
        space.write(&mut out);
        out
    }

    /// Writes the draft as a message.
    pub fn finish(self, event: &mut Generated) {
        event.payload = self.payload();
        event.subject = self.subject;
        event.headers = self.headers;
    }
}

/// A text in quotes; the text must not need an escape.
pub fn quote(text: &str) -> Vec<u8> {
    json(FieldValue::Text(text))
}

/// A value as JSON text.
pub fn json(value: FieldValue<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    facts::write_value(value, &mut out);
    out
}

/// Legal white space in odd places, or none.
struct OddSpace(Option<Random>);

impl OddSpace {
    fn write(&mut self, out: &mut Vec<u8>) {
        if let Some(random) = &mut self.0 {
            out.extend_from_slice(random.pick(&["", " ", "\n\t", "\r\n  ", " \t \n"]).as_bytes());
        }
    }
}

fn write_object(object: &DraftObject, properties: Option<&DraftObject>, space: &mut OddSpace, out: &mut Vec<u8>) {
    out.push(b'{');
    space.write(out);
    for (n, member) in object.0.iter().enumerate() {
        if n > 0 {
            out.push(b',');
            space.write(out);
        }
        out.extend_from_slice(&member.name);
        space.write(out);
        out.push(b':');
        space.write(out);
        match (&member.value, properties) {
            (Some(value), _) => out.extend_from_slice(value),
            (None, Some(inner)) => write_object(inner, None, space, out),
            (None, None) => out.extend_from_slice(b"null"),
        }
        space.write(out);
    }
    out.push(b'}');
}
