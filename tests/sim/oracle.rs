//! What every event must become, worked out in the plainest way and without any code of the product.
//!
//! Events are made by this file too, so that it can read them back by looking at their fields instead of parsing.

use super::plans::{APART, LETTERS, WAITING, WINDOW_S};
use super::waits::Waits;
use sidestream::core::ids::KeyGroup;
use sidestream::generate::Random;
use std::collections::{BTreeMap, HashMap};

/// One event, before it is text.
#[derive(Clone, Debug)]
pub struct Event {
    pub kind: &'static str,
    pub key: Option<u64>,
    pub id: Option<u64>,
    pub language: &'static str,
    pub value: u64,
    /// How new a subscription says that it is: now and then less than one that the input stored before it.
    pub version: u64,
    /// Whether the plans' maps make further messages of it.
    pub twin: bool,
    /// The events that come behind it in a list, in one message.
    pub with: Vec<Event>,
}

/// Which events of a world have a twin.
#[derive(Clone, Copy)]
pub enum Twins {
    Drawn,
    /// Every second one.
    Counted,
    None,
}

/// The keys that events are about.
pub const KEYS: u64 = 7;
pub const LANGUAGES: [&str; 2] = ["de", "pt"];
impl Event {
    /// A random event; ids come again now and then.
    pub fn random(random: &mut Random, number: u64, twins: Twins) -> Event {
        let kind = ["user", "subscription", "lesson", "lesson", "lesson", "lesson", "other", "broken"][random.index(8)];
        let again = random.per_mille(120) && number > 3;
        let id = if again { number - 1 - random.below(number.min(110) - 1) } else { number };
        let mut event = Event {
            kind,
            version: 0,
            key: (!random.per_mille(40)).then(|| random.below(KEYS)),
            id: (!random.per_mille(80)).then_some(id),
            language: LANGUAGES[random.index(2)],
            value: random.below(1000),
            twin: match twins {
                Twins::Drawn => random.per_mille(80),
                Twins::Counted => number.is_multiple_of(2),
                Twins::None => false,
            },
            with: Vec::new(),
        };
        event.version = number + event.value % 300;
        event
    }

    /// Several events in one message, now and then.
    pub fn list(random: &mut Random, number: u64) -> Event {
        let event = Event::random(random, number, Twins::Drawn);
        let more = if random.per_mille(400) { 1 + random.below(4) } else { 0 };
        let with = (0..more).map(|_| Event::random(random, number, Twins::Drawn));
        // What is no JSON would break the whole list.
        let with = with.filter(|other| other.kind != "broken" && event.kind != "broken").collect();
        Event { with, ..event }
    }

    /// It and the events behind it, one by one.
    fn each(&self) -> impl Iterator<Item = Event> {
        let alone = Event { with: Vec::new(), ..self.clone() };
        std::iter::once(alone).chain(self.with.clone())
    }

    /// The body of its message.
    pub fn body(&self) -> String {
        if self.with.is_empty() {
            return self.text();
        }
        let texts: Vec<String> = self.each().map(|event| event.text()).collect();
        format!("[{}]", texts.join(", "))
    }

    /// Whether it is published under a subject that plan B lets nothing out of.
    pub fn is_quiet(&self) -> bool {
        ["user", "subscription"].contains(&self.kind)
    }

    /// Whether the plans' filter drops it: only lessons and those of unknown kind have the field that it asks for.
    pub fn is_low(&self) -> bool {
        ["lesson", "other"].contains(&self.kind) && self.value < 40
    }

    /// Whether it removes a user or a subscription.
    fn removes(&self) -> bool {
        self.value.is_multiple_of(9)
    }

    /// Its version as it writes it: one number in two forms.
    fn version_text(&self) -> String {
        format!("{}{}", self.version, if self.value.is_multiple_of(2) { "" } else { ".0" })
    }

    /// The key group that it works on, if it leaves anything behind.
    pub fn group(&self) -> Option<KeyGroup> {
        if self.is_low() {
            return None;
        }
        match (self.key.filter(|_| self.kind != "other"), self.id) {
            (Some(key), _) => Some(KeyGroup::of(format!("u{key}"))),
            (None, Some(id)) => Some(KeyGroup::of(format!("{}{id}", &self.kind[..1]))),
            (None, None) => None,
        }
    }

    /// Its text.
    pub fn text(&self) -> String {
        let Event { kind, language, value, .. } = self;
        if *kind == "broken" {
            return format!("{{\"title\":\"user\",\"value\":{value}");
        }
        let name = if *kind == "user" { "uuid" } else { "user_uuid" };
        let key = self.key.map(|key| format!("\"{name}\":\"u{key}\",")).unwrap_or_default();
        // Ids of two kinds never meet: under either rule of identity the same events are duplicates, and the number of
        // outputs depends on no plan. What differs is the digest, and with it what is found again after a change of plan.
        let id = self.id.map(|id| format!("\"event_uuid\":\"{}{id}\",", &kind[..1])).unwrap_or_default();
        let own = match *kind {
            "user" => {
                let gone = if self.removes() { ",\"gone\":true" } else { "" };
                format!("\"country\":\"c{value}\",\"name\":\"n{value}\"{gone}")
            }
            "subscription" => {
                let status = if self.removes() { "gone".to_owned() } else { format!("s{value}") };
                format!("\"language\":\"{language}\",\"status\":\"{status}\",\"v\":{}", self.version_text())
            }
            _ => format!("\"language\":\"{language}\",\"value\":{value}"),
        };
        let twin = if self.twin { ",\"twin\":true" } else { "" };
        format!("{{\"title\":\"{kind}\",{id}\"properties\":{{{key}{own}}}{twin}}}")
    }
}

/// One message that an event leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub subject: String,
    pub payload: String,
}

/// A row: its value, `None` where it was removed, and its version with the text of it.
#[derive(Clone)]
pub struct Row {
    pub value: Option<u64>,
    pub version: Option<(u64, String)>,
}

/// How many subscriptions there were, the sum of their versions, and whether one was written with a fraction.
#[derive(Clone, Copy, Default)]
pub struct Count {
    pub n: u64,
    sum: u64,
    fraction: bool,
}

impl Count {
    /// The sum as it is written: with the longest fraction of its numbers.
    pub fn sum(&self) -> String {
        format!("{}{}", self.sum, if self.fraction { ".0" } else { "" })
    }
}

/// The values that an event's joins find: of the user, and of the subscription and the land in its language.
#[derive(Clone, Default)]
pub struct Found {
    pub user: Option<u64>,
    pub subscription: Option<u64>,
    pub land: Option<u64>,
    pub count: Option<Count>,
}

impl Found {
    pub fn is_whole(&self) -> bool {
        self.user.is_some() && self.subscription.is_some()
    }
}

/// The tables at one position: `user` by key, `subscription` by key and language.
pub type Rows = BTreeMap<(u64, &'static str), Row>;

/// Every event so far with its outcome and what it left behind.
#[derive(Clone)]
pub struct Oracle {
    events: Vec<(Event, i64)>,
    /// Events that the input lost and that are in the state all the same, each behind the position at which it is there.
    lost: Vec<(u64, Event, i64)>,
    /// Events up to here were never anybody's.
    begins_behind: u64,
    /// For each letter of a plan and each event, its messages.
    outcomes: HashMap<char, Vec<Vec<Expected>>>,
    /// The rows of a key and what (a language, or nothing for the user) after the event at a position.
    history: BTreeMap<(u64, &'static str), Vec<(u64, Row)>>,
    /// The same of lands by language, where there are any.
    lands: BTreeMap<&'static str, Vec<(u64, Option<u64>)>>,
    /// The same of how many subscriptions of a key there were, and of the sum of their versions.
    counts: BTreeMap<u64, Vec<(u64, Count)>>,
    seen: HashMap<(&'static str, Option<u64>, u64), i64>,
    /// What is otherwise under the plans with worlds of their own.
    waits: Vec<Waits>,
    stream_time: i64,
}

impl Default for Oracle {
    fn default() -> Oracle {
        Oracle {
            events: Vec::new(),
            lost: Vec::new(),
            begins_behind: 0,
            outcomes: HashMap::new(),
            history: BTreeMap::new(),
            lands: BTreeMap::new(),
            counts: BTreeMap::new(),
            seen: HashMap::new(),
            waits: WAITING.map(Waits::under).to_vec(),
            stream_time: 0,
        }
    }
}

impl Oracle {
    /// Takes the message that the input stored at the next position.
    pub fn push(&mut self, message: Event, stored_at: i64) {
        let position = self.events.len() as u64 + 1;
        if position <= self.begins_behind {
            let letters = LETTERS.iter().chain(&APART);
            letters.for_each(|letter| self.outcomes.entry(*letter).or_default().push(Vec::new()));
            return self.events.push((message, stored_at));
        }
        self.stream_time = self.stream_time.max(stored_at);
        for letter in LETTERS.iter().chain(&APART) {
            self.outcomes.entry(*letter).or_default().push(Vec::new());
        }
        message.each().for_each(|event| self.take(&event, position));
        self.events.push((message, stored_at));
    }

    /// Takes one event of the newest message.
    fn take(&mut self, event: &Event, position: u64) {
        let twice = !event.is_low() && self.is_duplicate(event);
        let silent = event.is_low() || twice;
        if !silent {
            self.apply(event, position);
        }
        for letter in LETTERS.into_iter().chain(['L']) {
            let quiet = letter == 'B' && event.is_quiet();
            let found = self.found(event, &Found::default());
            let messages = match (silent || quiet, twice && letter == 'L') {
                (_, true) => vec![self.aside(event)],
                (true, false) => Vec::new(),
                (false, false) => self.messages(event, letter, position, &found),
            };
            self.leads_to(letter, messages);
        }
        let mut waits = std::mem::take(&mut self.waits);
        for (letter, waits) in WAITING.into_iter().zip(&mut waits) {
            let messages = waits.at(self, event, position, self.stream_time);
            self.leads_to(letter, messages);
        }
        self.waits = waits;
    }

    /// A duplicate that is kept aside.
    fn aside(&self, event: &Event) -> Expected {
        let kind = if event.kind == "other" { "unknown" } else { event.kind };
        Expected { subject: format!("twice.{kind}"), payload: event.text() }
    }

    /// What the newest message leads to, too.
    fn leads_to(&mut self, letter: char, messages: Vec<Expected>) {
        let last = self.outcomes.get_mut(&letter).and_then(|outcomes| outcomes.last_mut());
        last.expect("each message begins with nothing").extend(messages);
    }

    /// The input lost everything behind `last`.
    pub fn truncate(&mut self, last: u64) {
        let begins_behind = self.begins_behind.min(last);
        self.anew(last, begins_behind);
    }

    /// The input lost everything up to `before`, and nobody had processed any of it.
    pub fn begin_behind(&mut self, before: u64) {
        self.anew(self.last(), before);
    }

    fn anew(&mut self, last: u64, begins_behind: u64) {
        let before = std::mem::replace(self, Oracle { begins_behind, ..Oracle::default() });
        self.lives_through(&before, last, |_, _| false);
    }

    /// What the input holds now, behind a state that has the events of `before` up to `floor`, and of those beyond it the ones
    /// that it `holds`.
    pub fn rewound(before: &Oracle, now: &Oracle, floor: u64, holds: impl Fn(&Event, u64) -> bool) -> Oracle {
        let begins_behind = before.begins_behind.min(floor);
        let mut rewound = Oracle { begins_behind, ..Oracle::default() };
        rewound.lives_through(before, floor, holds);
        for (event, stored_at) in now.events.iter().skip(floor as usize) {
            rewound.push(event.clone(), *stored_at);
        }
        rewound
    }

    /// The same events for a state that never saw a lost one.
    pub fn without_the_lost(&self) -> Oracle {
        let mut pure = Oracle { lost: Vec::new(), ..self.clone() };
        pure.anew(self.last(), self.begins_behind);
        pure
    }

    /// Takes the events of another up to `last`, and as lost ones those that were so and those beyond that the state holds.
    fn lives_through(&mut self, before: &Oracle, last: u64, holds: impl Fn(&Event, u64) -> bool) {
        for (position, (event, stored_at)) in (1..).zip(&before.events) {
            if position <= last {
                self.push(event.clone(), *stored_at);
            } else if holds(event, position) {
                self.push_lost(event.clone(), *stored_at);
            }
            for (_, event, stored_at) in before.lost.iter().filter(|(at, ..)| *at == position) {
                self.push_lost(event.clone(), *stored_at);
            }
        }
    }

    fn push_lost(&mut self, event: Event, stored_at: i64) {
        self.stream_time = self.stream_time.max(stored_at);
        let at = self.last();
        if !event.is_low() && !self.is_duplicate(&event) {
            self.apply(&event, at);
        }
        self.lost.push((at, event, stored_at));
    }

    /// The last position.
    pub fn last(&self) -> u64 {
        self.events.len() as u64
    }

    /// What the event at a position leads to under a plan.
    pub fn expected(&self, letter: char, position: u64) -> &[Expected] {
        let at = (position as usize).checked_sub(1);
        let messages = self.outcomes.get(&letter).zip(at).and_then(|(of_letter, at)| of_letter.get(at));
        messages.map_or(&[], Vec::as_slice)
    }

    /// The rows after the event at a position.
    pub fn rows(&self, position: u64) -> Rows {
        let value = |changes: &Vec<(u64, Row)>| {
            changes.iter().rev().find(|(at, _)| *at <= position).map(|(_, row)| row.clone())
        };
        self.history.iter().filter_map(|(row, changes)| Some((*row, value(changes)?))).collect()
    }

    /// The lands after the event at a position.
    pub fn lands(&self, position: u64) -> BTreeMap<&'static str, u64> {
        let value = |changes: &Vec<(u64, Option<u64>)>| {
            changes.iter().rev().find(|(at, _)| *at <= position).and_then(|last| last.1)
        };
        self.lands.iter().filter_map(|(language, changes)| Some((*language, value(changes)?))).collect()
    }

    /// The count of a key's subscriptions after the event at a position.
    pub fn count(&self, key: u64, position: u64) -> Option<Count> {
        self.counts.get(&key)?.iter().rev().find(|(at, _)| *at <= position).map(|(_, count)| *count)
    }

    /// What an event finds now, where it did not find it before.
    pub fn found(&self, event: &Event, before: &Found) -> Found {
        let row = |row: &str| {
            let at = self.history.iter().find(|((of, name), _)| Some(*of) == event.key && *name == row);
            at.and_then(|(_, changes)| changes.last()).and_then(|(_, row)| row.value)
        };
        Found {
            user: before.user.or_else(|| row("")),
            subscription: before.subscription.or_else(|| row(event.language)),
            land: before.land.or_else(|| self.lands.get(event.language)?.last()?.1),
            count: before.count.or_else(|| Some(self.counts.get(&event.key?)?.last()?.1)),
        }
    }

    pub fn is_dead(event: &Event) -> Option<&'static str> {
        match event.kind {
            "broken" => Some("not_json"),
            "other" => None,
            _ => event.key.is_none().then_some("no_key"),
        }
    }

    fn is_duplicate(&mut self, event: &Event) -> bool {
        let Some(id) = event.id.filter(|_| Oracle::is_dead(event).is_none()) else { return false };
        let key = event.key.filter(|_| event.kind != "other");
        let now = self.stream_time;
        let seen = self.seen.get(&(event.kind, key, id)).is_some_and(|then| now - then < WINDOW_S * 1_000_000_000);
        if !seen {
            self.seen.insert((event.kind, key, id), now);
        }
        seen
    }

    fn apply(&mut self, event: &Event, position: u64) {
        if event.kind == "other" {
            let value = (!event.twin).then_some(event.value);
            self.lands.entry(event.language).or_default().push((position, value));
        }
        let (Some(key), None) = (event.key, Oracle::is_dead(event)) else { return };
        let value = (!event.removes()).then_some(event.value);
        match event.kind {
            "user" => {
                self.history.entry((key, "")).or_default().push((position, Row { value, version: None }));
                for language in LANGUAGES.into_iter().filter(|_| value.is_none()) {
                    let Some(changes) = self.history.get_mut(&(key, language)) else { continue };
                    let version = changes.last().and_then(|(_, row)| row.version.clone());
                    changes.push((position, Row { value: None, version }));
                }
            }
            "subscription" => {
                let counts = self.counts.entry(key).or_default();
                let mut count = counts.last().map_or(Count::default(), |(_, count)| *count);
                count.n += 1;
                count.sum += event.version;
                count.fraction |= event.version_text().contains('.');
                counts.push((position, count));
                let changes = self.history.entry((key, event.language)).or_default();
                let newest = changes.last().and_then(|(_, row)| Some(row.version.as_ref()?.0));
                if newest.is_none_or(|newest| newest <= event.version) {
                    let version = Some((event.version, event.version_text()));
                    changes.push((position, Row { value, version }));
                }
            }
            _ => {}
        }
    }

    /// The messages of an event whose joins found that.
    pub fn messages(&self, event: &Event, letter: char, position: u64, found: &Found) -> Vec<Expected> {
        let text = event.text();
        if let Some(reason) = Oracle::is_dead(event) {
            return vec![Expected { subject: format!("dead.{reason}"), payload: text }];
        }
        let quoted = |value: Option<u64>, initial: char| match value {
            Some(value) => format!("\"{initial}{value}\""),
            None => "null".to_owned(),
        };
        let mut added = match (letter, event.key) {
            ('C', Some(key)) => format!(",\"who\":\"u{key}\""),
            ('B', _) if event.kind == "lesson" => format!(",\"about\":\"{}\"", event.language),
            _ => String::new(),
        };
        let knows_lands = ['G', 'H'].contains(&letter);
        let mut mark = event.kind != "other" || knows_lands;
        if event.kind == "lesson" {
            let Found { user, subscription, land, count } = *found;
            added += &format!(",\"country\":{}", quoted(user, 'c'));
            if letter == 'C' {
                added += &format!(",\"name\":{}", quoted(user, 'n'));
            }
            if knows_lands {
                added += &format!(",\"land\":{}", land.map_or("null".to_owned(), |land| land.to_string()));
                added += &format!(",\"n\":{}", count.map_or("null".to_owned(), |count| count.n.to_string()));
            }
            added += &format!(",\"status\":{}", quoted(subscription, 's'));
            if knows_lands {
                added += &format!(",\"v\":{}", count.map_or("null".to_owned(), |count| count.sum()));
            }
            mark = user.is_some() && subscription.is_some() && (land.is_some() || !knows_lands);
        }
        let name = if letter == 'B' { "seen" } else { "processed" };
        let payload = format!("{}{added},\"{name}\":{mark}}}", &text[..text.len() - 1]);
        let kind = if event.kind == "other" && !knows_lands { "unknown" } else { event.kind };
        let has_user = || event.kind == "lesson" && found.user.is_some();
        let subject = match letter {
            'B' if event.value >= 700 && has_user() => format!("far.{kind}"),
            'B' => format!("enriched.b.{kind}"),
            _ => format!("enriched.{kind}"),
        };
        if letter == 'B' && event.kind == "lesson" && event.value < 100 {
            return Vec::new();
        }
        let mut messages = vec![Expected { subject, payload }];
        if event.twin && letter != 'D' && !(knows_lands && event.kind == "other") {
            let of = event.id.map_or("null".to_owned(), |id| format!("\"{}{id}\"", &event.kind[..1]));
            let land = quoted(found.user.filter(|_| event.kind != "other"), 'c');
            let payload = format!("{{\"of\":{of},\"at\":{{\"n\":{position}}},\"land\":{land}}}");
            messages.push(Expected { subject: format!("twin.{kind}"), payload });
        }
        messages
    }
}
