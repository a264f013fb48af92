//! `[[route]]`: where outputs go.

use super::super::draft::ConfigDraft;
use super::super::given::GivenSetting;
use super::super::section::SectionReader;
use crate::core::plan::check::KeyPath;
use crate::core::plan::route::RouteSpec;
use crate::core::plan::template::Template;

pub(super) fn route(root: &mut SectionReader<'_, '_>, draft: &mut ConfigDraft) {
    for node in root.repeated("route") {
        let Some(mut section) = root.enter("[[route]]".to_owned(), node.place, node) else { continue };
        let (at, places) = (KeyPath::route(draft.plan.route.len()), &mut draft.places);
        places.write(at.clone(), node.place);
        section.require("name", "`name = \"big orders\"`");
        let name = places.required(&at.then("name"), section.text("name"));
        let when = section.condition("when");
        let readable = !matches!(when, GivenSetting::Broken);
        let when = places.take(&at.then("when"), when);
        let kinds = section.texts("kinds", |text| Ok(text.to_owned()));
        let kinds = places.optional_list(&at.then("kinds"), kinds);
        let subject = section.parsed("subject", Template::parse);
        let drop = section.flag("drop");
        let drops = drop.valid().is_some_and(|drop| drop.value);
        match (&subject, drops) {
            (GivenSetting::Absent, false) if !matches!(drop, GivenSetting::Broken) => {
                let hint = "add `subject = \"alerts.{kind}\"`, or `drop = true`";
                section.report.error_with(node.place, "the route leads nowhere", hint);
            }
            (GivenSetting::Valid(subject), true) => {
                section.report.error_with(subject.place, "the route has a subject and drops", "remove one of them");
            }
            _ => {}
        }
        let subject = places.take(&at.then("subject"), subject);
        section.finish();
        if let (Some(name), true) = (name, readable) {
            draft.plan.route.push(RouteSpec { name, kinds, when, subject });
        }
    }
}
