//! The configuration: from the text of `config.toml` to settings and a plan that cannot be wrong.
//!
//! The way of one file: `tree` parses it and remembers where everything stands, `overrides` lays `--set` over
//! it, `read` takes the sections apart into a `draft`, which keeps the `places` of its settings, `check` compares the streams
//! and points at what `core::plan::check` has found in the plan.
//! Every stage adds to one `report`, so that all mistakes come out at once. Nothing here reads environment
//! variables, talks to NATS or knows what the engine does with a setting; `cli` calls `Config::load`.

mod load;
mod settings;
mod diagnostic;
mod report;
mod files;
mod place;
mod tree;
mod overrides;
mod variables;
mod given;
mod section;
mod places;
mod draft;
mod read;
mod check;
#[cfg(test)]
mod reference;

pub use diagnostic::{ConfigError, Diagnostic};
// What reads other files of an operator's in the same way: `sidestream test` its cases.
pub(crate) use crate::core::plan::check::hint::known as did_you_mean;
pub use crate::core::subject::stream_name;
pub(crate) use given::GivenSetting;
pub use overrides::Overrides;
pub(crate) use place::{Placed, Sources, TextPlace};
pub(crate) use report::ConfigReport;
pub(crate) use section::SectionReader;
pub use settings::{
    Api, BucketSection, Config, DeadLettersSection, EngineSection, GatewaySection, HttpSection, InputSection,
    LakePlace, LakeSection, NatsSection, OutputSection, ProvisionSection, Retention, SHIPPED, Secret, StateSection,
    TlsSection,
};
pub(crate) use tree::parse as parse_toml;
