//! What goes wrong: each fault strikes a world once.
//!
//! Only which fault strikes whom stands here; what it does to engines, server and streams is their files' business.

use super::agenda::{MILLIS, SECONDS, Time};
use super::entry::Entry;
use super::world::World;

impl World {
    /// The next fault strikes.
    pub fn fault(&mut self) {
        let Some(kind) = self.facts.kinds.get(self.facts.next).copied() else { return };
        self.facts.next += 1;
        self.context.note(|| format!("FAULT {kind}"));
        let before: u64 = self.context.counts.values().sum();
        self.strike(kind);
        if self.context.counts.values().sum::<u64>() == before {
            // There was nothing to strike; a connection is always there to be cut.
            self.strike("lane cut");
        }
        self.facts.faults += u64::from(self.context.counts.values().sum::<u64>() > before);
    }

    pub fn strike(&mut self, kind: &'static str) {
        let main = self.main;
        match kind {
            "engine killed" => self.kill(main, "engine killed"),
            "engine drained" => {
                if self.processes[main].lives() {
                    self.processes[main].drain(&mut self.context);
                    self.context.count(kind);
                    // What the supervisor of an orderly stop does next.
                    self.respawn_later(main, 3 * SECONDS);
                }
            }
            "engine paused" => self.pause(main, 100 * MILLIS, 3_000),
            "engine paused long" => self.pause(main, 11 * SECONDS, 9_000),
            "server killed" => self.server_down(false),
            "power cut" => self.server_down(true),
            "input lost its tail" => {
                self.facts.grounds.insert("any tail");
                self.server_down(true);
            }
            "lane cut" => self.cut(true, false),
            "source cut" => self.cut(false, true),
            "half open" => self.half_open(),
            "leader of the lane gone" => self.leader_gone(false),
            "leader gone behind the end of a batch" => {
                self.context.change_leader_behind_end = true;
                self.context.count(kind);
            }
            "slow" => {
                self.context.slow = 2 + self.context.random.below(60) as Time;
                self.context.count(kind);
            }
            "engine killed behind silence" => {
                self.context.kill_behind_silence = true;
                self.context.count(kind);
            }
            "acks lost" => {
                self.context.swallow.0 += 1 + self.context.random.below(3);
                self.context.count(kind);
            }
            "deliveries lost" => {
                self.context.swallow.1 += 1 + self.context.random.below(6);
                self.context.count(kind);
            }
            "clock stepped" => {
                let step = self.context.random.below(12_000) as Time - 6_000;
                self.context.skew += step * MILLIS;
                self.context.count(kind);
            }
            "disk refuses" => {
                let left = self.context.random.below(30) as usize;
                self.processes[main].disk.fail_after(Some(left));
                self.context.count(kind);
                let wait = (1 + self.context.random.below(3_000) as Time) * MILLIS;
                self.context.agenda.after(wait, Entry::DiskWell(main));
            }
            "sync fails" => {
                self.processes[main].disk.fail_sync(true);
                self.context.count(kind);
                let wait = (1 + self.context.random.below(3_000) as Time) * MILLIS;
                self.context.agenda.after(wait, Entry::DiskWell(main));
            }
            "engine killed with its machine" => {
                self.kill(main, kind);
            }
            "second engine" => self.second_engine(),
            "plan changed" => self.change_plan(),
            "rolled back" => self.roll_back(),
            other => self.strike_hard(other),
        }
    }
}
