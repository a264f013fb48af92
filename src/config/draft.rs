//! A configuration while it is being read: the sections and the plan, with the places of their settings.
//!
//! Whatever was wrong with a value is in the report already, and the value has a stand-in here. Called by `load` only.

use super::check;
use super::places::ConfigPlaces;
use super::report::ConfigReport;
use super::settings::{
    Config, DeadLettersSection, EngineSection, GatewaySection, HttpSection, InputSection, LakeSection, NatsSection,
    OutputSection, ProvisionSection, StateSection,
};
use crate::core::plan::check::Entities;
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::{EventSpec, IdentityRule, PlanSpec, UnknownKinds};
use crate::core::plan::template::Template;
use std::collections::BTreeMap;

/// `dead_letters.subject` where the operator leaves it out.
const DEAD_SUBJECT: &str = "dead.{reason}";

/// `output.max_bytes` where the operator leaves it out.
const DEFAULT_MAX_BYTES: u64 = 1_048_576;

/// `dedup.window_s` where the operator leaves it out: a day.
const DEFAULT_WINDOW_S: u64 = 86_400;

/// The place that stands in for one that could not be read.
pub(super) const NO_PLACE: Selector = Selector::Time;

/// What has been read; a section that nothing is compared with is missing where it is wrong.
pub(super) struct ConfigDraft {
    pub(super) nats: Option<NatsSection>,
    pub(super) input: InputSection,
    pub(super) output: OutputSection,
    pub(super) dead_letters: DeadLettersSection,
    pub(super) redrives: Option<ProvisionSection>,
    pub(super) engine: Option<EngineSection>,
    pub(super) state: Option<StateSection>,
    pub(super) http: Option<HttpSection>,
    pub(super) lake: Option<LakeSection>,
    pub(super) gateway: Option<GatewaySection>,
    pub(super) plan: PlanSpec,
    /// What the operator said about keys, beside the plan.
    pub(super) entities: Entities,
    /// Where all of it stands.
    pub(super) places: ConfigPlaces,
}

impl ConfigDraft {
    /// Defaults where there are some, else stand-ins.
    pub(super) fn blank() -> ConfigDraft {
        let subject = || Template::parse(DEAD_SUBJECT).expect("the default is a template");
        let provision = ProvisionSection::default;
        ConfigDraft {
            nats: None,
            input: InputSection { stream: String::new(), subjects: Vec::new(), provision: provision(), api: None },
            output: OutputSection { stream: String::new(), provision: provision(), api: None },
            dead_letters: DeadLettersSection { stream: None, provision: provision() },
            redrives: None,
            engine: None,
            state: None,
            http: None,
            lake: None,
            gateway: None,
            plan: PlanSpec {
                input_stream: String::new(),
                input_only: Vec::new(),
                event: EventSpec { unwrap: Vec::new(), split: None, kind: NO_PLACE.into(), id: None, time: None },
                derive: Vec::new(),
                filter: Vec::new(),
                quality: Vec::new(),
                route: Vec::new(),
                map: Vec::new(),
                unknown_kinds: UnknownKinds::default(),
                kinds: BTreeMap::new(),
                kinds_by_condition: Vec::new(),
                tables: BTreeMap::new(),
                enrich: Vec::new(),
                max_waiting: None,
                tick_subject: None,
                output_subject: subject(),
                mark: None,
                max_bytes: DEFAULT_MAX_BYTES,
                dead_subject: subject(),
                dedup_window_s: DEFAULT_WINDOW_S,
                dedup_conflicts: false,
                dedup_keep: None,
                identity: IdentityRule::Kind,
                envelope: false,
                emit: None,
            },
            entities: Entities::new(),
            places: ConfigPlaces::default(),
        }
    }

    /// Checks all sections against each other; the configuration if nothing at all is wrong.
    pub(super) fn finish(self, report: &mut ConfigReport) -> Option<Config> {
        check::streams(&self, report);
        check::plan(&self, report);
        check::lake(&self, report);
        check::gateway(&self, report);
        if report.failed() {
            return None;
        }
        let config = Config {
            nats: self.nats?,
            input: self.input,
            output: self.output,
            dead_letters: self.dead_letters,
            redrives: self.redrives?,
            engine: self.engine?,
            state: self.state?,
            http: self.http?,
            lake: self.lake,
            gateway: self.gateway,
            plan: canonical(self.plan),
        };
        config.assert_relations();
        Some(config)
    }
}

/// The plan with what decides nothing taken out of it, so that equal plans have equal texts.
fn canonical(mut plan: PlanSpec) -> PlanSpec {
    for enrich in &mut plan.enrich {
        enrich.kinds.sort();
    }
    if !plan.enrich.iter().any(|enrich| enrich.wait.is_some()) {
        plan.max_waiting = None;
    }
    for section in &mut plan.quality {
        section.kinds.sort();
        section.complete.sort_by_key(ToString::to_string);
        section.mark = section.marks().map(str::to_owned);
    }
    // Where nothing is de-duplicated there is no rule: its number would only make another plan.
    let has_id = plan.event.id.is_some() || plan.kinds.values().any(|kind| kind.id.is_some());
    if !has_id || plan.dedup_window_s == 0 {
        plan.identity = IdentityRule::default();
    }
    plan
}
