//! The streams that a configuration wants, as the adapter makes and judges them.
//!
//! Used by `provision`, and by `check --connect` for those that no start needs.

use crate::adapters::nats::redrives;
use crate::adapters::nats::wanted::{Choice, Role, WantedStream};
use crate::config::{Config, ProvisionSection, Retention};
use std::time::Duration;

/// Copies of a stream where neither the command line nor the file says how many.
const REPLICAS: usize = 1;

/// All of them, in the order in which they are made; `replicas` over what the file says.
pub fn wanted(config: &Config, replicas: Option<usize>) -> Vec<WantedStream> {
    let output = config.output.stream.clone();
    let subjects = config.plan.lane_subjects();
    let input = Role::Input { subjects: config.input.subjects.clone(), output: output.clone() };
    let lane = Role::Output { subjects, max_bytes: config.plan.max_bytes };
    let copies = |section: &ProvisionSection| replicas.or(section.replicas);
    let of_input = copies(&config.input.provision).unwrap_or(REPLICAS);
    let of_output = copies(&config.output.provision).unwrap_or(REPLICAS);
    let made = |name: &str, role, section: &ProvisionSection, replicas| WantedStream {
        name: name.to_owned(),
        role,
        choice: choice(section, replicas),
    };
    let mut wanted = vec![
        made(&config.input.stream, input, &config.input.provision, of_input),
        made(&output, lane, &config.output.provision, of_output),
    ];
    wanted.extend(beside(config, |section| copies(section).unwrap_or(of_output)));
    wanted
}

/// Those that no start needs: of dead letters, where the file names one, and of redrives.
pub fn optional(config: &Config) -> Vec<WantedStream> {
    beside(config, |_| REPLICAS)
}

/// Without a word in the file they have as many copies as the output.
fn beside(config: &Config, copies: impl Fn(&ProvisionSection) -> usize) -> Vec<WantedStream> {
    let output = &config.output.stream;
    let mut wanted = Vec::new();
    if let Some(name) = config.dead_letters.stream.clone() {
        let section = &config.dead_letters.provision;
        let role = Role::DeadLetters { from: output.clone(), filter: config.plan.dead_subject.wildcard() };
        wanted.push(WantedStream { name, role, choice: choice(section, copies(section)) });
    }
    let choice = choice(&config.redrives, copies(&config.redrives));
    wanted.push(WantedStream { choice, ..redrives::wanted(output) });
    wanted
}

fn choice(section: &ProvisionSection, replicas: usize) -> Choice {
    Choice {
        interest: section.retention == Retention::Interest,
        max_age: section.max_age_s.map(Duration::from_secs),
        max_bytes: section.max_bytes,
        replicas,
        cluster: section.placement_cluster.clone(),
        tags: section.placement_tags.clone(),
        compressed: section.compressed,
    }
}
