//! What a replay was asked for: kept from its first start on, so that a resume goes on with exactly the same.
//!
//! Positions here are resolved; the texts beside them are what was typed. No file is named.

use crate::core::ids::{Nanos, Position};
use crate::core::plan::emit::EmitSpec;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::template::Template;
use crate::protocol::plan_change;
use serde::{Deserialize, Serialize};

/// The version that this build writes, and the only one that it reads.
pub const VERSION: u8 = 1;

/// The longest prefix of subjects, in bytes.
const PREFIX_MAX: usize = 256;

/// A replay, from its first start on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayRequest {
    /// `VERSION`.
    pub version: u8,
    /// `--from` as it was typed.
    pub from: Option<String>,
    /// `--until` as it was typed.
    pub until: Option<String>,
    /// `--from-state` as it was typed.
    pub from_state: Option<String>,
    /// Of a copied state, the furthest position in it.
    pub held: Option<Position>,
    /// When the input stream was created.
    pub input_created: Nanos,
    /// The input's first position when the replay began.
    pub origin: Position,
    /// The output stream that it is compared with.
    pub live: String,
    /// The replay's own lane.
    pub to: String,
    /// What stands before every output subject, without its dot; may be empty.
    pub prefix: String,
    /// The plan that it runs: range, filter and prefixed subjects included.
    pub plan: PlanSpec,
    /// Once everything is out and the last checkpoint written: what was reached. From then on no engine is needed.
    pub completed: Option<Completed>,
}

/// What a replay came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Completed {
    /// The last position that it took.
    pub position: Position,
    /// When its lane was created.
    pub lane_created: Nanos,
    /// The lane's last sequence.
    pub messages: u64,
}

/// What a command line says now; what it leaves out is as before.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// `--from`.
    pub from: Option<String>,
    /// `--until`.
    pub until: Option<String>,
    /// `--subject`.
    pub subject: Option<String>,
    /// `--subject-prefix`.
    pub prefix: Option<String>,
    /// `--to`.
    pub to: Option<String>,
    /// `--from-state`.
    pub from_state: Option<String>,
}

impl ReplayRequest {
    /// The range and the filter.
    pub fn emit(&self) -> EmitSpec {
        let whole = EmitSpec { from: Position(0), until: Position(u64::MAX), subject: None };
        self.plan.emit.clone().unwrap_or(whole)
    }

    /// Whether everything of the input is let out, from a state of its own.
    pub fn is_whole(&self) -> bool {
        let emit = self.emit();
        self.from_state.is_none() && emit.subject.is_none() && emit.from <= self.origin
    }

    /// Whether the plan is a configured one but for range and subjects' prefix.
    pub fn is_of(&self, configured: &PlanSpec) -> bool {
        plan(configured, &self.prefix, self.emit()).is_ok_and(|plan| plan == self.plan)
    }

    /// In what a command line and a configuration differ from this, a sentence each.
    pub fn differences(&self, given: &ReplayOptions, configured: &PlanSpec) -> Vec<String> {
        let mut found = Vec::new();
        let mut compare = |name: &str, now: &Option<String>, before: Option<&str>| {
            if let Some(now) = now.as_deref().filter(|now| Some(*now) != before) {
                let before = before.map_or("not given".to_owned(), |text| format!("`{text}`"));
                found.push(format!("{name} is `{now}`, and was {before}"));
            }
        };
        let emit = self.emit();
        compare("--from", &given.from, self.from.as_deref());
        compare("--until", &given.until, self.until.as_deref());
        compare("--subject", &given.subject, emit.subject.as_deref());
        compare("--subject-prefix", &given.prefix, Some(&self.prefix));
        compare("--to", &given.to, Some(&self.to));
        compare("--from-state", &given.from_state, self.from_state.as_deref());
        if let Ok(plan) = plan(configured, &self.prefix, emit) {
            found.extend(plan_change::of_plan(&self.plan, &plan));
        }
        found
    }
}

/// A configured plan as a replay runs it; the error says what is wrong with the prefix.
pub fn plan(configured: &PlanSpec, prefix: &str, emit: EmitSpec) -> Result<PlanSpec, String> {
    if prefix.len() > PREFIX_MAX || prefix.contains(['{', '}']) {
        return Err(format!("`{prefix}` is no prefix: up to {PREFIX_MAX} bytes, tokens between single dots, no `{{`"));
    }
    let prefixed = |template: &Template| match prefix {
        "" => Ok(template.clone()),
        prefix => Template::parse(&format!("{prefix}.{template}")),
    };
    let mut route = configured.route.clone();
    let mut map = configured.map.clone();
    let routed = route.iter_mut().filter_map(|route| route.subject.as_mut());
    let mut dedup_keep = configured.dedup_keep.clone();
    for subject in routed.chain(map.iter_mut().map(|map| &mut map.subject)).chain(&mut dedup_keep) {
        *subject = prefixed(subject)?;
    }
    Ok(PlanSpec {
        route,
        map,
        dedup_keep,
        output_subject: prefixed(&configured.output_subject)?,
        dead_subject: prefixed(&configured.dead_subject)?,
        emit: Some(emit),
        ..configured.clone()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::tests::world::spec;

    fn request() -> ReplayRequest {
        let emit = EmitSpec { from: Position(5), until: Position(90), subject: Some("events.user".into()) };
        ReplayRequest {
            version: VERSION,
            from: Some("5".into()),
            until: None,
            from_state: None,
            held: None,
            input_created: Nanos(1),
            origin: Position(1),
            live: "ENRICHED".into(),
            to: "ENRICHED_REPLAY".into(),
            prefix: "replay".into(),
            plan: plan(&spec('A'), "replay", emit).unwrap(),
            completed: None,
        }
    }

    #[test]
    fn a_plan_of_a_replay_has_prefixed_subjects_and_a_range() {
        let plan = request().plan;
        assert_eq!(plan.output_subject.wildcard(), "replay.enriched.*");
        assert_eq!(plan.dead_subject.wildcard(), "replay.dead.*");
        assert!(request().is_of(&spec('A')) && !request().is_of(&spec('B')));
        for bad in ["a{kind}", "a b", "a..b", "$JS", &"x".repeat(300)] {
            assert!(super::plan(&spec('A'), bad, request().emit()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_resume_may_leave_out_what_it_does_not_change_and_every_difference_has_a_sentence() {
        let differences = |given: ReplayOptions, letter| request().differences(&given, &spec(letter));
        assert_eq!(differences(ReplayOptions::default(), 'A'), Vec::<String>::new());
        let same =
            ReplayOptions { from: Some("5".into()), subject: Some("events.user".into()), ..ReplayOptions::default() };
        assert_eq!(differences(same, 'A'), Vec::<String>::new());
        let other = ReplayOptions {
            from: Some("6".into()),
            until: Some("90".into()),
            from_state: Some("live".into()),
            ..ReplayOptions::default()
        };
        assert_eq!(
            differences(other, 'B'),
            [
                "--from is `6`, and was `5`",
                "--until is `90`, and was not given",
                "--from-state is `live`, and was not given",
                "mark is new: \"processed\"",
            ]
        );
    }

    #[test]
    fn only_all_of_the_input_from_a_fresh_state_is_whole() {
        let whole = |change: fn(&mut ReplayRequest)| {
            let mut request = request();
            request.plan.emit = Some(EmitSpec { from: Position(1), until: Position(90), subject: None });
            change(&mut request);
            request.is_whole()
        };
        assert!(whole(|_| {}));
        assert!(!whole(|r| r.from_state = Some("live".into())));
        assert!(!whole(|r| r.plan.emit.as_mut().unwrap().from = Position(2)));
        assert!(!whole(|r| r.plan.emit.as_mut().unwrap().subject = Some(">".into())));
    }
}
