//! Operations drawn from a seed: mostly what a client would do, with everything else now and then.
//!
//! It looks at the model to draw something to the point, and never at the real server, so a seed draws the same
//! lines as long as both agree.

use super::modelled::Modelled;
use super::world::World;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The streams, each with what it is there for: batches, both ways of being full, no batches.
const STREAMS: [(&str, &str); 5] =
    [("S", "batched"), ("F", "batched max=7 new"), ("O", "batched max=6"), ("B", "batched bytes=700 new"), ("P", "")];
const FLOWS: [&str; 9] = ["1", "2", "2", "3", "5", "10", "100", "500", "1000"];

/// The batch whose messages all allow gaps.
const ALLOWS_GAPS: u64 = 3;

/// A sequence of drawn lines.
pub struct Draw {
    seed: u64,
    count: u64,
    kills: bool,
    open: BTreeMap<(&'static str, u64), Batch>,
    consumers: Vec<String>,
}

/// A batch as its client knows it.
#[derive(Clone)]
struct Batch {
    next: u64,
    flow: &'static str,
    gap: &'static str,
}

impl Draw {
    pub fn new(seed: u64, kills: bool) -> Draw {
        Draw { seed, count: 0, kills, open: BTreeMap::new(), consumers: Vec::new() }
    }

    /// The lines that make the streams.
    pub fn first() -> Vec<String> {
        STREAMS.iter().map(|(name, settings)| format!("create {name} {settings}")).collect()
    }

    /// The lines that show everything that is left.
    pub fn last(&self) -> Vec<String> {
        let dumps = STREAMS.iter().map(|(name, _)| format!("dump {name}"));
        dumps.chain(self.consumers.iter().map(|consumer| format!("deliver {consumer}"))).collect()
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.count += 1;
        xxh3_64_with_seed(&self.count.to_be_bytes(), self.seed) % end
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// The next line; what was seen of it goes to `saw`.
    pub fn next(&mut self, model: &mut Modelled) -> String {
        // What comes back of discarded messages once purges and several kills mix is the server's secret.
        let discards = if self.kills { 0 } else { 2 };
        let name = self.pick(&[0, 0, 0, 0, 0, 1, discards, 3, 4]);
        let (name, settings) = STREAMS[name];
        let last = model.state(name).map_or(0, |state| state.last);
        match self.below(100) {
            0..55 => self.fast(name, last),
            55..65 => format!("publish {name}{}", self.expect(last)),
            65..68 => format!("send {name}{}", self.expect(last)),
            68..76 => format!("delete {name} {}", 1 + self.below(last + 2)),
            76..78 => {
                let before = 1 + self.below(last + 3);
                // Where a purge takes all and names a deleted message as the first to stay, the server's later counts
                // of the stream's messages are wrong, though not its messages.
                let takes_all = (before..=last).all(|sequence| model.message(name, sequence).is_none());
                format!("purge {name} {}", if takes_all { before.max(last + 1) } else { before })
            }
            78 => format!("purge {name}"),
            79..83 => {
                self.consumers.push(format!("c{}", self.count));
                format!("consume {name} {} c{}", self.below(last + 1), self.count - 1)
            }
            83..93 if !self.consumers.is_empty() => {
                let at = self.below(self.consumers.len() as u64) as usize;
                format!("deliver {}", self.consumers[at])
            }
            93..96 => format!("message {name} {}", 1 + self.below(last + 1)),
            96 => format!("drop {name}"),
            97 | 98 if self.kills => "kill".to_owned(),
            _ => format!("create {name} {settings}").trim().to_owned(),
        }
    }

    fn expect(&mut self, last: u64) -> String {
        match self.below(20) {
            0..9 => format!(" expect={last}"),
            9 => format!(" expect={}", last + 1 + self.below(2)),
            10 => format!(" expect={}", last.saturating_sub(1 + self.below(2))),
            11 => " expect=x".to_owned(),
            _ => String::new(),
        }
    }

    fn fast(&mut self, name: &'static str, last: u64) -> String {
        let id = self.below(4);
        let (batch, (operation, sequence)) = match self.open.get(&(name, id)).cloned() {
            Some(batch) => {
                let what = self.inside(&batch);
                (batch, what)
            }
            None => {
                let gap = if id == ALLOWS_GAPS { "ok" } else { "fail" };
                let what = match self.below(10) {
                    0 => (self.pick(&["0", "1", "2", "3", "4", "5"]), self.below(4)),
                    1 => ("store", 1),
                    _ => ("start", 1),
                };
                (Batch { next: 1, flow: self.pick(&FLOWS), gap }, what)
            }
        };
        self.open.insert((name, id), batch.clone());
        let Batch { flow, gap, .. } = batch;
        let size = if self.below(8) == 0 { " size=150" } else { "" };
        if operation == "append" && self.below(6) == 0 {
            let to = sequence + self.below(40) * (1 + self.below(8));
            return format!("fast {name} b{id} append {sequence}..{to} flow={flow} gap={gap}{size}");
        }
        format!("fast {name} b{id} {operation} {sequence} flow={flow} gap={gap}{size}{}", self.expect(last))
    }

    /// What comes in an open batch, and its sequence.
    fn inside(&mut self, batch: &Batch) -> (&'static str, u64) {
        // Where gaps are allowed the model knows no way back; see its `gap_ok`.
        let strict = batch.gap == "fail";
        let sequence = match self.below(14) {
            0 => batch.next + 1 + self.below(2),
            1 if strict => batch.next.saturating_sub(1 + self.below(2)),
            _ => batch.next,
        };
        match self.below(100) {
            0..74 => ("append", sequence),
            74..80 => ("store", sequence),
            80..86 => ("end", sequence),
            86..96 => ("ping", sequence.saturating_sub(1)),
            _ if strict => (self.pick(&["start", "1", "7"]), sequence),
            _ => ("append", sequence),
        }
    }

    /// Learns from what was seen, as the client of the batch would.
    pub fn saw(&mut self, line: &str, seen: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[0] {
            "kill" => self.open.clear(),
            "fast" => {
                let id = words[2][1..].parse().unwrap();
                let Some(key) = STREAMS.iter().map(|(name, _)| (*name, id)).find(|(name, _)| *name == words[1]) else {
                    return;
                };
                // After the end some go on, as a client that has not heard of it yet.
                let ends = ["over(", "status(", "10208", "refused(400 10071", "refused(503"];
                let over = ends.iter().any(|end| seen.contains(end));
                if over && (id == ALLOWS_GAPS || self.below(3) > 0) {
                    self.open.remove(&key);
                } else if words[3] != "ping"
                    && let Some(batch) = self.open.get_mut(&key)
                {
                    let to: u64 = words[4].split("..").last().unwrap().parse().unwrap();
                    batch.next = batch.next.max(to + 1);
                }
            }
            _ => {}
        }
    }
}
