//! The whole document, read: the input of `check` and `compile`.
//!
//! Every field may be missing or broken here; whatever was wrong is in the report already.

use super::super::given::{Given, Named};
use super::super::place::Place;
use super::super::report::Report;
use super::super::section::Section;
use super::super::settings::{Api, EngineSection, HttpSection, NatsSection, ProvisionSection, StateSection};
use super::super::tree;
use super::{machine, nats, plan, streams};
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::{DeleteSpec, EventSpec, Identity, JoinSpec, OnMiss, UnknownKinds};
use crate::core::plan::template::Template;
use std::collections::BTreeMap;

/// The sections of one file.
pub(in super::super) struct Raw {
    /// Whether no section was misspelt, so that a missing one is really missing.
    pub(in super::super) all_sections_known: bool,
    pub(in super::super) nats: Option<NatsSection>,
    pub(in super::super) input: Input,
    pub(in super::super) output: Output,
    pub(in super::super) dead_letters: DeadLetters,
    /// `[redrives.provision]`.
    pub(in super::super) redrives: Option<ProvisionSection>,
    pub(in super::super) engine: Option<EngineSection>,
    pub(in super::super) unknown_kinds: Option<UnknownKinds>,
    pub(in super::super) dedup: Dedup,
    pub(in super::super) state: Option<StateSection>,
    pub(in super::super) http: Option<HttpSection>,
    pub(in super::super) event: Option<EventSpec>,
    /// Where `event.id` stands, where it can be used.
    pub(in super::super) id_place: Option<Place>,
    pub(in super::super) kinds: BTreeMap<String, Kind>,
    pub(in super::super) tables: BTreeMap<String, Table>,
    pub(in super::super) enrich: Vec<Enrich>,
}

/// `[input]`.
pub(in super::super) struct Input {
    pub(in super::super) stream: Given<String>,
    pub(in super::super) subjects: Given<Vec<super::super::place::At<String>>>,
    pub(in super::super) provision: Option<ProvisionSection>,
    pub(in super::super) api: Given<Api>,
}

/// `[output]`.
pub(in super::super) struct Output {
    pub(in super::super) stream: Given<String>,
    pub(in super::super) subject: Given<Template>,
    pub(in super::super) mark: Given<String>,
    pub(in super::super) max_bytes: Option<u64>,
    pub(in super::super) provision: Option<ProvisionSection>,
    pub(in super::super) api: Given<Api>,
}

/// `[dead_letters]`.
pub(in super::super) struct DeadLetters {
    pub(in super::super) subject: Given<Template>,
    pub(in super::super) stream: Given<String>,
    pub(in super::super) provision: Option<ProvisionSection>,
    /// Where `provision` stands, if it does.
    pub(in super::super) provision_place: Option<Place>,
}

/// `[dedup]`.
pub(in super::super) struct Dedup {
    pub(in super::super) window_s: Given<u64>,
    pub(in super::super) identity: Given<Identity>,
}

/// `[kinds.NAME]`.
pub(in super::super) struct Kind {
    /// Where the section's name stands.
    pub(in super::super) place: Place,
    pub(in super::super) key: Given<Selector>,
    /// What the key names.
    pub(in super::super) entity: Given<String>,
}

/// `[tables.NAME]`.
pub(in super::super) struct Table {
    /// Where the section's name stands.
    pub(in super::super) place: Place,
    pub(in super::super) from: Given<String>,
    pub(in super::super) row: Given<Selector>,
    pub(in super::super) columns: Vec<Named<Selector>>,
    pub(in super::super) delete: Given<DeleteSpec>,
}

/// `[[enrich]]`.
pub(in super::super) struct Enrich {
    pub(in super::super) kinds: Given<Vec<super::super::place::At<String>>>,
    pub(in super::super) on_miss: Option<OnMiss>,
    /// Empty for the top level.
    pub(in super::super) into: Given<Vec<String>>,
    pub(in super::super) add: Vec<Named<JoinSpec>>,
}

/// Reads every section and reports every key that none of them knows.
pub(in super::super) fn read(document: &tree::Table, report: &mut Report) -> Raw {
    let mut root = Section::root(document, report);
    let nats = root.optional("nats").and_then(nats::nats);
    let input = streams::input(root.required("input", "[input] with `stream` and `subjects`"));
    let output = streams::output(root.required("output", "[output] with `stream` and `subject`"));
    let dead_letters = streams::dead_letters(root.optional("dead_letters"));
    let redrives = root.optional("redrives").and_then(streams::redrives);
    let (engine, unknown_kinds) = root.optional("engine").map(machine::engine).unwrap_or_default();
    let dedup = plan::dedup(root.optional("dedup"));
    let state = root.optional("state").and_then(machine::state);
    let http = root.optional("http").and_then(machine::http);
    let (event, id_place) = plan::event(root.required("event", "[event] with `kind`"));
    let kinds = plan::kinds(&mut root);
    let tables = plan::tables(&mut root);
    let enrich = plan::enrich(&mut root);
    let all_sections_known = root.finish();
    Raw {
        all_sections_known,
        nats,
        input,
        output,
        dead_letters,
        redrives,
        engine,
        unknown_kinds,
        dedup,
        state,
        http,
        event,
        id_place,
        kinds,
        tables,
        enrich,
    }
}
