//! The full job with more shards, larger events, more users and a cache smaller than what it works on.
//!
//! Within a group the variants take turns over the same filled input; the order is turned round after each round.

use crate::Failure;
use crate::contest::{self, Competitor, Figures};
use crate::plot;
use crate::report::{median, row, thousands};
use crate::stage::{Filling, Stage};
use sidestream::generate::SchoolOptions;

/// One input, and the settings that are tried on it.
struct Group {
    title: String,
    filling: Filling,
    variants: Vec<(String, Vec<(&'static str, String)>)>,
}

fn groups(events: u64, most_users: u64) -> Vec<Group> {
    let plain = |title: &str, filling| Group {
        title: title.to_owned(),
        filling,
        variants: vec![("as shipped".to_owned(), Vec::new())],
    };
    let shards = |n: u64| (format!("{n} shards"), vec![("engine.shards", n.to_string())]);
    let mut groups = vec![Group {
        title: "10,000 users".to_owned(),
        filling: Filling::plain(events),
        variants: [1, 2, 4].map(shards).into(),
    }];
    for (bytes, share) in [(200, 1), (1_000, 2), (8_000, 8)] {
        let filling = Filling { bytes, ..Filling::plain(events / share) };
        groups.push(plain(&format!("events of {} bytes at least", thousands(bytes as f64)), filling));
    }
    for users in [100_000, 1_000_000, 5_000_000].into_iter().filter(|users| *users <= most_users) {
        // Everybody signs up, then an event and a half for each: the state is as large as it gets.
        let school = SchoolOptions { users, enrol_first: true, ..SchoolOptions::default() };
        let filling = Filling { events: users + users.max(events) / 2, school, bytes: 0 };
        let cache = |rows: u64| {
            (format!("cache of {} rows", thousands(rows as f64)), vec![("state.cache_rows", rows.to_string())])
        };
        let variants = vec![cache(users * 2), cache(users / 10)];
        groups.push(Group { title: format!("{} users", thousands(users as f64)), filling, variants });
    }
    groups
}

/// Runs all groups.
pub async fn section(
    stage: &mut Stage,
    events: u64,
    rounds: u64,
    most_users: u64,
) -> Result<(String, Vec<(String, String)>), Failure> {
    let mut text = String::new();
    let head = ["input", "variant", "events", "events/s", "CPU an event, server's included", "peak memory"];
    row(&mut text, &head.map(str::to_owned));
    row(&mut text, &["---", "---", "---:", "---:", "---:", "---:"].map(str::to_owned));
    let mut bars = Vec::new();
    for group in groups(events, most_users) {
        stage.fill(&group.filling).await?;
        let mut runs: Vec<Vec<Figures>> = vec![Vec::new(); group.variants.len()];
        for round in 0..rounds {
            let mut order: Vec<usize> = (0..group.variants.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            for variant in order {
                let Some((_, settings)) = group.variants.get(variant) else { continue };
                stage.settings.clone_from(settings);
                let figures = contest::run(Competitor::Job, stage, round).await?;
                if figures.outputs != figures.events {
                    return Err(format!("{}: {} outputs of {}", group.title, figures.outputs, figures.events).into());
                }
                if let Some(runs) = runs.get_mut(variant) {
                    runs.push(figures);
                }
            }
        }
        stage.settings.clear();
        for ((variant, _), runs) in group.variants.iter().zip(&runs) {
            let rate = median(runs.iter().map(Figures::rate)).unwrap_or_default();
            let cpu = median(runs.iter().filter_map(Figures::cpu_us_per_event));
            let peak = median(runs.iter().filter_map(|run| run.peak_mib));
            let cells = [
                group.title.clone(),
                variant.clone(),
                thousands(group.filling.events as f64),
                thousands(rate),
                cpu.map_or_else(String::new, |cpu| format!("{cpu:.1} us")),
                peak.map_or_else(String::new, |peak| format!("{peak:.0} MiB")),
            ];
            eprintln!("bench: scaling: {}", cells.join(", "));
            row(&mut text, &cells);
            bars.push((format!("{}, {variant}", group.title), rate));
        }
    }
    text.push_str(&format!(
        "\n* `sidestream run` from an empty state to the last output, its start included; medians of {rounds} rounds. With \
         users signed up first, the input begins with one event for each of them.\n"
    ));
    Ok((text, vec![("scaling".to_owned(), plot::bars("events a second", &bars)?)]))
}
