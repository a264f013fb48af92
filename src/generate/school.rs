//! The school: an endless sequence of events in the mix of a real one, 20 user : 5 subscription : 100 lesson events.
//!
//! A plain school remembers nothing but counters; no event is ever broken unless `hard` asks for it.

use super::facts::{self, FieldSink, FieldValue, SchoolKind};
use super::hard::{EventDraft, Hard};
use super::person::Person;
use super::random::Random;

/// What a school is like.
#[derive(Clone, Debug)]
pub struct SchoolOptions {
    /// How many users sign up in all; at least 1 is taken.
    pub users: u64,
    /// True: all users are created before anything else happens, so that the mix holds only afterwards.
    pub enrol_first: bool,
    /// True: a share of the events is broken or odd.
    pub hard: bool,
    /// How many events in a thousand are broken or odd, when `hard`.
    pub hard_per_mille: u32,
    /// No payload is longer, 1,000,000 at most; below about 20,000 the long keys and names get shorter too.
    pub largest_bytes: usize,
    /// `created_at` of the first event, in Unix seconds.
    pub start_time_s: u64,
    /// How many events share one second of `created_at`; at least 1 is taken.
    pub events_per_s: u64,
}

/// The longest payload in bytes: with its headers it fits a server's default `max_payload` of 1 MiB.
pub const LARGEST_BYTES: usize = 1_000_000;

impl Default for SchoolOptions {
    fn default() -> SchoolOptions {
        SchoolOptions {
            users: 10_000,
            enrol_first: false,
            hard: false,
            hard_per_mille: 50,
            largest_bytes: LARGEST_BYTES,
            // 2026-01-01T00:00:00Z
            start_time_s: 1_767_225_600,
            events_per_s: 125,
        }
    }
}

/// One message for the input stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Generated {
    /// The subject to publish it on.
    pub subject: String,
    /// The headers, in order; a name may repeat. None is `Nats-Msg-Id`, by which a server would drop the message.
    pub headers: Vec<(String, String)>,
    /// The event.
    pub payload: Vec<u8>,
}

/// A school that sends events for ever.
#[derive(Clone, Debug)]
pub struct School {
    options: SchoolOptions,
    seed: u64,
    random: Random,
    enrolled: u64,
    made: u64,
    hard: Option<Hard>,
}

impl School {
    /// A school whose whole future follows from the seed and the options.
    pub fn new(seed: u64, options: SchoolOptions) -> School {
        let mut random = Random::new(seed);
        let hard = options.hard.then(|| Hard::new(random.bits(), options.largest_bytes.min(LARGEST_BYTES)));
        School { options, seed, random, enrolled: 0, made: 0, hard }
    }

    /// Makes the next event.
    #[allow(clippy::should_implement_trait, reason = "a school never ends, so there is no Option to unwrap")]
    pub fn next(&mut self) -> Generated {
        let mut event = Generated::default();
        self.write_next(&mut event);
        event
    }

    /// Makes the next event in place of the one that `event` holds, and keeps its buffers.
    pub fn write_next(&mut self, event: &mut Generated) {
        let odd = self.hard.is_some() && self.random.per_mille(self.options.hard_per_mille);
        let wanted = if odd { self.hard.as_mut().and_then(Hard::wants) } else { None };
        let kind = wanted.unwrap_or_else(|| self.draw_kind());
        let (person, create) = self.draw_person(kind);
        let stamp = Stamp {
            id: (u128::from(self.random.bits()) << 64) | u128::from(self.random.bits()),
            created_at: self.options.start_time_s + self.made / self.options.events_per_s.max(1),
        };
        self.made += 1;
        match &mut self.hard {
            Some(hard) if odd => {
                let mut draft = EventDraft::new(kind, person, stamp);
                write_facts(kind, person, create, &mut self.random, &mut draft);
                hard.spoil(draft, event);
            }
            Some(hard) => {
                write_plain(kind, person, create, stamp, &mut self.random, event);
                hard.remember_plain(event, stamp.id, person);
            }
            None => write_plain(kind, person, create, stamp, &mut self.random, event),
        }
    }

    /// What is odd about the last event, by name; empty when it was a plain one.
    pub fn oddities(&self) -> &[&'static str] {
        self.hard.as_ref().map(Hard::last).unwrap_or_default()
    }

    /// How many users have signed up so far.
    pub fn enrolled(&self) -> u64 {
        self.enrolled
    }

    fn draw_kind(&mut self) -> SchoolKind {
        match self.random.below(125) {
            _ if self.options.enrol_first && self.enrolled < self.options.users.max(1) => SchoolKind::User,
            0..20 => SchoolKind::User,
            20..25 => SchoolKind::Subscription,
            _ => SchoolKind::Lesson,
        }
    }

    /// Whom an event of this kind is about, and for a user event whether it creates the user.
    fn draw_person(&mut self, kind: SchoolKind) -> (Person, bool) {
        let users = self.options.users.max(1);
        if kind == SchoolKind::User {
            let sign_up = self.enrolled == 0 || self.options.enrol_first || self.random.per_mille(600);
            if self.enrolled < users && sign_up {
                self.enrolled += 1;
                return (Person::new(self.seed, self.enrolled - 1), true);
            }
            // Now and then a producer repeats a create; it must not wipe the subscriptions.
            let create = self.random.per_mille(150);
            return (self.draw_enrolled(), create);
        }
        // Some events know their user before the user's own event has arrived.
        let early = self.random.per_mille(20);
        let person = if early { Person::new(self.seed, self.random.below(users)) } else { self.draw_enrolled() };
        (person, false)
    }

    /// A user who has signed up; an eighth of all picks fall on the busiest hundredth.
    fn draw_enrolled(&mut self) -> Person {
        let busy = self.random.per_mille(125);
        let among = if busy { self.enrolled.div_ceil(100) } else { self.enrolled };
        Person::new(self.seed, self.random.below(among))
    }
}

/// What every event carries beside its properties.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) id: u128,
    pub(super) created_at: u64,
}

fn write_facts(kind: SchoolKind, person: Person, create: bool, random: &mut Random, members: &mut impl FieldSink) {
    match kind {
        SchoolKind::User => facts::user(person, create, random, members),
        SchoolKind::Subscription => facts::subscription(person, random, members),
        SchoolKind::Lesson => facts::lesson(person, random, members),
    }
}

/// Members written as they come, with a comma before each but the first.
struct Plain<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl FieldSink for Plain<'_> {
    fn member(&mut self, name: &'static str, value: FieldValue<'_>) {
        self.out.extend_from_slice(if self.first { b"\"" } else { b",\"" });
        self.first = false;
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        facts::write_value(value, self.out);
    }
}

fn write_plain(
    kind: SchoolKind,
    person: Person,
    create: bool,
    stamp: Stamp,
    random: &mut Random,
    event: &mut Generated,
) {
    event.subject.clear();
    event.subject.push_str(kind.subject());
    event.headers.clear();
    let out = &mut event.payload;
    out.clear();
    out.push(b'{');
    let mut top = Plain { out, first: true };
    top.member("title", FieldValue::Text(kind.word()));
    top.member("event_uuid", FieldValue::Uuid(stamp.id));
    top.member("created_at", FieldValue::Integer(stamp.created_at));
    out.extend_from_slice(b",\"properties\":{");
    write_facts(kind, person, create, random, &mut Plain { out, first: true });
    out.extend_from_slice(b"}}");
}
