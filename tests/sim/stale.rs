//! A server that answers for streams that it does not lead: it lags, or it was deposed and does not know.
//!
//! The right one goes on to take and deliver messages; only questions are answered by the other.

use super::agenda::{MILLIS, SECONDS, Time};
use super::context::Context;
use super::entry::Entry;
use super::plans::{INPUT, OUTPUT};
use super::world::World;
use sidestream::core::ids::Nanos;
use sidestream::ports::stream::{BrokerError, StoredMessage, StreamState};
use sidestream::protocol::evidence::{self, Cluster, Follower, Leader};

/// Such a server.
#[derive(Clone, Debug)]
pub struct Stale {
    input: StreamState,
    output: StreamState,
    /// It answers.
    active: bool,
    /// Who it believes to lead, and when it heard the others last.
    leader: Option<&'static str>,
    heard: Nanos,
}

/// What the right leader says of itself and the others.
fn healthy(name: &str) -> Cluster {
    let follower = Follower { active: Nanos(500 * MILLIS), current: true, offline: false };
    Cluster { leader: Some(name.to_owned()), since: Nanos(1), followers: vec![follower; 2] }
}

impl Stale {
    fn of(&self, stream: &str) -> Option<StreamState> {
        [(INPUT, self.input), (OUTPUT, self.output)]
            .into_iter()
            .find(|(name, _)| *name == stream)
            .map(|(_, state)| state)
    }

    fn cluster(&self) -> Cluster {
        let follower = Follower { active: self.heard, current: true, offline: false };
        Cluster { leader: self.leader.map(str::to_owned), since: Nanos(2), followers: vec![follower; 2] }
    }
}

/// The account of a stream as the product takes it: by whoever answers, if that one proves to lead.
pub fn state(context: &Context, stream: &str) -> Option<Result<StreamState, BrokerError>> {
    let truth = context.server.state(stream)?;
    let stale = context.stale.as_ref().filter(|stale| stale.active).and_then(|stale| Some((stale, stale.of(stream)?)));
    let (state, cluster) = match stale {
        // Made anew since: the two have nothing in common, and one that is so late is another story.
        Some((stale, state)) if state.created == truth.created => (state, stale.cluster()),
        _ => (truth, healthy("right")),
    };
    let leader = evidence::leader(Some(&cluster));
    let none = || BrokerError::Transient(format!("no leader answered for {stream}"));
    Some(leader.map(|leader| StreamState { leader, server_time: truth.server_time, ..state }).ok_or_else(none))
}

/// A message as whoever answers knows it.
pub fn message(context: &Context, stream: &str, sequence: u64) -> Option<StoredMessage> {
    let known = context.stale.as_ref().filter(|stale| stale.active).and_then(|stale| stale.of(stream));
    let there = known.is_none_or(|state| sequence <= state.last);
    context.server.message(stream, sequence).filter(|_| there)
}

/// Whether this is the server that leads.
pub fn is_right(leader: Leader) -> bool {
    evidence::leader(Some(&healthy("right"))) == Some(leader)
}

impl World {
    /// The server falls behind from here on.
    pub fn stale_notes(&mut self) {
        let context = &mut self.context;
        let (Some(input), Some(output)) = (context.server.state(INPUT), context.server.state(OUTPUT)) else { return };
        // An output without messages is a new one to whoever has no state; nothing proves otherwise.
        if output.last == 0 || self.healed {
            return;
        }
        // Deposed and cut off, without a leader, or for a moment with everybody's word that it leads.
        let (leader, heard) = match context.random.below(4) {
            0 => (Some("deposed"), 500 * MILLIS),
            1 => (None, 500 * MILLIS),
            _ => (Some("deposed"), 3_500 * MILLIS),
        };
        context.stale = Some(Stale { input, output, active: false, leader, heard: Nanos(heard) });
        let wait = (200 + context.random.below(3_000) as Time) * MILLIS;
        context.agenda.after(wait, Entry::StaleAnswers);
    }

    /// From now on it answers, and the engine has reason to ask.
    pub fn stale_answers(&mut self) {
        let Some(stale) = &mut self.context.stale else { return };
        stale.active = true;
        let convincing = stale.leader.is_some() && stale.heard.0 < SECONDS;
        // Whoever convinces everybody is found out before a second look.
        let longest = if convincing { 1_700 } else { 9_000 };
        self.context.count(if convincing { "stale answers with evidence" } else { "stale answers" });
        let wait = (300 + self.context.random.below(longest - 300) as Time) * MILLIS;
        self.context.agenda.after(wait, Entry::StaleEnds);
        self.cut(true, true);
    }
}
