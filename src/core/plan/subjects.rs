//! The subjects that a plan publishes to: what its output stream has to take.

use super::spec::PlanSpec;
use super::template::Template;
use crate::core::subject::covers;

impl PlanSpec {
    /// Every template of an output's subject: `output.subject` first, then those of the routes and maps, and that of
    /// duplicates.
    pub fn output_subjects(&self) -> impl Iterator<Item = &Template> {
        let routes = self.route.iter().filter_map(|route| route.subject.as_ref());
        let maps = self.map.iter().map(|map| &map.subject);
        std::iter::once(&self.output_subject).chain(routes).chain(maps).chain(&self.dedup_keep)
    }

    /// The filters that cover all outputs and dead letters, none of them within another one: the subjects of the output stream.
    pub fn lane_subjects(&self) -> Vec<String> {
        let all: Vec<String> =
            self.output_subjects().chain([&self.dead_subject]).map(|template| template.wildcard()).collect();
        let needed = |(at, subject): &(usize, &String)| {
            let within = |(other_at, other): (usize, &String)| {
                let same = other == *subject;
                (same && other_at < *at) || (!same && covers(other, subject))
            };
            !all.iter().enumerate().any(within)
        };
        all.iter().enumerate().filter(needed).map(|(_, subject)| subject.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::core::plan::fixture::spec;
    use crate::core::plan::route::RouteSpec;
    use crate::core::plan::template::Template;

    #[test]
    fn a_stream_takes_each_subject_once() {
        let mut plan = spec('A');
        assert_eq!(plan.lane_subjects(), ["enriched.*", "dead.*"]);
        for (n, subject) in
            ["alerts.{kind}", "enriched.big", "alerts.{kind}", "alerts.x", "enriched.{kind}.x"].iter().enumerate()
        {
            let subject = Some(Template::parse(subject).unwrap());
            plan.route.push(RouteSpec { name: n.to_string(), kinds: Vec::new(), when: None, subject });
        }
        assert_eq!(plan.lane_subjects(), ["enriched.*", "alerts.*", "enriched.*.x", "dead.*"]);
    }
}
