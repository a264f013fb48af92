//! The reader of one section: typed access to its keys, and a remark for every key nobody asked for.
//!
//! Which keys exist is never listed: a key is known because a reader asked for it. A value of the wrong type
//! is reported here and is `GivenSetting::Broken` from then on. `read` is the only caller.

use super::given::{GivenSetting, Named};
use super::overrides::is_override;
use super::place::{Placed, TextPlace};
use super::report::ConfigReport;
use super::tree::{self, TreeMember, TreeNode, TreeTable, TreeValue};
use crate::core::plan::check::hint;
use crate::core::plan::condition::Condition;
use std::ops::RangeInclusive;

/// One section while it is being read.
pub(crate) struct SectionReader<'t, 'r> {
    title: String,
    /// Where the section begins.
    pub(crate) place: TextPlace,
    table: &'t TreeTable,
    asked: Vec<&'static str>,
    missing: Vec<(&'static str, &'static str)>,
    /// The list of mistakes, for what a reader finds itself.
    pub(crate) report: &'r mut ConfigReport,
}

impl<'t, 'r> SectionReader<'t, 'r> {
    /// The document itself.
    pub(crate) fn root(table: &'t TreeTable, report: &'r mut ConfigReport) -> SectionReader<'t, 'r> {
        SectionReader::new(String::new(), TextPlace::File, table, report)
    }

    fn new(
        title: String,
        place: TextPlace,
        table: &'t TreeTable,
        report: &'r mut ConfigReport,
    ) -> SectionReader<'t, 'r> {
        SectionReader { title, place, table, asked: Vec::new(), missing: Vec::new(), report }
    }

    /// A section inside this one; where there is none, an empty one, so that its defaults apply.
    pub(crate) fn optional(&mut self, name: &'static str) -> Option<SectionReader<'t, '_>> {
        self.wants(name, || "a section".to_owned());
        match self.ask(name) {
            None => Some(SectionReader::new(self.inner_title(name), self.place, &tree::EMPTY, self.report)),
            Some(entry) => {
                let title = self.inner_title(name);
                self.enter(title, entry.key, &entry.node)
            }
        }
    }

    /// A section that has to be there; `example` is what to add if it is not.
    pub(crate) fn required(&mut self, name: &'static str, example: &'static str) -> Option<SectionReader<'t, '_>> {
        if !self.has(name) {
            self.asked.push(name);
            self.missing.push((name, example));
            return None;
        }
        self.optional(name)
    }

    /// The sections under a name, each named by the operator: `[tables.NAME]`.
    pub(crate) fn named(&mut self, name: &'static str) -> Option<&'t TreeTable> {
        self.wants(name, || "sections".to_owned());
        self.members(name, "a section", &format!("write sections such as [{name}.NAME]"))
    }

    /// The sections of a list: `[[enrich]]`.
    pub(crate) fn repeated(&mut self, name: &'static str) -> &'t [TreeNode] {
        self.wants(name, || "sections".to_owned());
        let Some(entry) = self.ask(name) else { return &[] };
        match &entry.node.value {
            TreeValue::List(items) => items,
            _ => {
                let hint = format!("write the section's name in two pairs of brackets: [[{name}]]");
                self.report.error_with(entry.key, format!("`{name}` must be a list of sections"), hint);
                &[]
            }
        }
    }

    /// Goes into a section found by `named` or `repeated`.
    pub(crate) fn enter(
        &mut self,
        title: String,
        place: TextPlace,
        node: &'t TreeNode,
    ) -> Option<SectionReader<'t, '_>> {
        match &node.value {
            TreeValue::Table(table) => Some(SectionReader::new(title, place, table, self.report)),
            other => {
                let message = format!("{title} must be a section, not {}", other.type_name());
                self.report.error_with(
                    node.place,
                    message,
                    "write its keys in a section of its own, or between { and }",
                );
                None
            }
        }
    }

    /// Notes what a reader wants of a key, for the page that lists all keys; see `reference`.
    fn wants(&mut self, name: &'static str, what: impl FnOnce() -> String) {
        #[cfg(test)]
        self.report.wants(self.title.trim_matches(['[', ']']).to_owned(), name, what());
        #[cfg(not(test))]
        let _ = (name, what);
    }

    /// Whether a key is there at all.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// Whether there are sections under a name, and each has one of these keys.
    pub(crate) fn all_have(&self, name: &str, keys: &[&str]) -> bool {
        let has = |entry: &TreeMember| match &entry.node.value {
            TreeValue::Table(table) => keys.iter().any(|key| table.contains_key(*key)),
            _ => false,
        };
        match self.table.get(name).map(|entry| &entry.node.value) {
            Some(TreeValue::Table(sections)) => !sections.is_empty() && sections.values().all(has),
            _ => false,
        }
    }

    /// Where a key's name stands, or the section where it is not there.
    pub(crate) fn key_place(&self, name: &str) -> TextPlace {
        self.table.get(name).map_or(self.place, |entry| entry.key)
    }

    /// Reports at the section's beginning that a key is missing, unless a misspelt one explains it.
    pub(crate) fn require(&mut self, name: &'static str, example: &'static str) {
        if !self.has(name) {
            self.missing.push((name, example));
        }
    }

    /// A text that `parse` turns into what is needed; its error is the message.
    pub(crate) fn parsed<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> GivenSetting<T> {
        self.wants(name, || "a text".to_owned());
        match self.ask(name) {
            Some(entry) => self.parse_node(name, &entry.node, parse),
            None => GivenSetting::Absent,
        }
    }

    /// A condition in the expressions' language; what is wrong is pointed at inside it.
    pub(crate) fn condition(&mut self, name: &'static str) -> GivenSetting<Condition> {
        self.wants(name, || "[a condition](conditions.md)".to_owned());
        match self.ask(name) {
            Some(entry) => self.condition_node(name, &entry.node),
            None => GivenSetting::Absent,
        }
    }

    /// The conditions under names of the operator's own; `None` where there is no such table.
    pub(crate) fn conditions(&mut self, name: &'static str) -> Option<Vec<Named<Condition>>> {
        self.wants(name, || "names, each with [a condition](conditions.md)".to_owned());
        let hint = format!("write names and what has to hold: {name} = {{ name = 'event.amount > 0' }}");
        let members = self.members(name, "a table", &hint)?;
        let entries = members.iter().map(|(name, entry)| {
            let given = self.condition_node(name, &entry.node);
            Named { name: name.clone(), key: entry.key, given }
        });
        Some(entries.collect())
    }

    /// The same of a value that is at hand; `name` is its setting.
    pub(crate) fn condition_node(&mut self, name: &str, node: &TreeNode) -> GivenSetting<Condition> {
        let Some(text) = self.as_text(name, node) else { return GivenSetting::Broken };
        let place = node.place;
        match Condition::parse(text) {
            Ok(value) => GivenSetting::Valid(Placed { value, place }),
            Err(fault) => {
                let place = self.report.sources().within(place, text, &fault.at);
                match fault.hint {
                    Some(hint) => self.report.error_with(place, fault.what, hint),
                    None => self.report.error(place, fault.what),
                }
                GivenSetting::Broken
            }
        }
    }

    /// A text that is not empty.
    pub(crate) fn text(&mut self, name: &'static str) -> GivenSetting<String> {
        self.parsed(name, |text| match text {
            "" => Err(format!("`{name}` must not be empty")),
            text => Ok(text.to_owned()),
        })
    }

    /// A whole number within a range; `why` explains the range.
    pub(crate) fn integer(&mut self, name: &'static str, range: RangeInclusive<u64>, why: &str) -> GivenSetting<u64> {
        self.wants(name, || format!("a whole number, {} to {}", range.start(), range.end()));
        let Some(entry) = self.ask(name) else { return GivenSetting::Absent };
        let place = entry.node.place;
        let given = match &entry.node.value {
            TreeValue::Integer(value) => Some(*value),
            TreeValue::Text(text) if self.report.is_filled(place) => text.replace('_', "").parse().ok(),
            _ => None,
        };
        let Some(value) = given else {
            self.wrong_type(name, &entry.node, "a whole number", "write digits without quotes, such as 1_000");
            return GivenSetting::Broken;
        };
        match u64::try_from(value) {
            Ok(value) if range.contains(&value) => GivenSetting::Valid(Placed { value, place }),
            _ => {
                let message = format!("`{name}` must be from {} to {}, not {value}", range.start(), range.end());
                self.report.error_with(place, message, why);
                GivenSetting::Broken
            }
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &'static str) -> GivenSetting<bool> {
        self.wants(name, || "`true` or `false`".to_owned());
        let Some(entry) = self.ask(name) else { return GivenSetting::Absent };
        let given = match &entry.node.value {
            TreeValue::Bool(value) => Some(*value),
            TreeValue::Text(text) if self.report.is_filled(entry.node.place) => text.parse().ok(),
            _ => None,
        };
        let Some(value) = given else {
            self.wrong_type(name, &entry.node, "true or false", "write it without quotes");
            return GivenSetting::Broken;
        };
        GivenSetting::Valid(Placed { value, place: entry.node.place })
    }

    /// The section's name as `--set` writes it.
    pub(crate) fn title(&self) -> &str {
        self.title.trim_matches(['[', ']'])
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> GivenSetting<T> {
        self.wants(name, || words.iter().map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", "));
        let Some(entry) = self.ask(name) else { return GivenSetting::Absent };
        let Some(word) = self.as_text(name, &entry.node) else { return GivenSetting::Broken };
        let place = entry.node.place;
        match words.iter().find(|(known, _)| *known == word) {
            Some((_, value)) => GivenSetting::Valid(Placed { value: *value, place }),
            None => {
                let hint = hint::known(word, "words", words.iter().map(|(known, _)| *known));
                self.report.error_with(place, format!("`{word}` is no value of `{name}`"), hint);
                GivenSetting::Broken
            }
        }
    }

    /// A scalar of any type, for the reader to take apart.
    pub(crate) fn node(&mut self, name: &'static str) -> Option<&'t TreeNode> {
        self.wants(name, String::new);
        self.ask(name).map(|entry| &entry.node)
    }

    /// A list of texts with at least one member, each through `parse`.
    pub(crate) fn texts(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<String, String>,
    ) -> GivenSetting<Vec<Placed<String>>> {
        self.wants(name, || "a list of texts".to_owned());
        let Some(entry) = self.ask(name) else { return GivenSetting::Absent };
        let place = entry.node.place;
        let TreeValue::List(items) = &entry.node.value else {
            self.wrong_type(name, &entry.node, "a list", "write a list of texts, such as [\"one\", \"two\"]");
            return GivenSetting::Broken;
        };
        if items.is_empty() {
            self.report.error(place, format!("`{name}` must have at least one member"));
            return GivenSetting::Broken;
        }
        let parsed: Vec<GivenSetting<String>> = items.iter().map(|item| self.parse_node(name, item, &parse)).collect();
        GivenSetting::Valid(Placed { value: parsed.into_iter().filter_map(GivenSetting::at).collect(), place })
    }

    /// The texts under names of the operator's own, each through `parse`; `None` where there is no such table.
    pub(crate) fn entries<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<Named<T>>> {
        self.wants(name, || "names, each with a text".to_owned());
        let hint = format!("write names and what they stand for: {name} = {{ name = \"…\" }}");
        let members = self.members(name, "a table", &hint)?;
        let entries = members.iter().map(|(name, entry)| {
            let given = self.parse_node(name, &entry.node, &parse);
            Named { name: name.clone(), key: entry.key, given }
        });
        Some(entries.collect())
    }

    /// Ends the section: unknown keys, and required ones that are missing. Says whether every key was known;
    /// if not, an absent one may have been misspelt, see [`GivenSetting::unless_misspelt`].
    pub(crate) fn finish(mut self) -> bool {
        let mut all_known = true;
        for (name, entry) in self.table.iter().filter(|(name, _)| !self.asked.contains(&name.as_str())) {
            let asked = self.asked.iter().copied();
            if let Some(meant) = hint::nearest(name, asked.clone()) {
                // The misspelt key is the reason why the right one is missing: one remark is enough.
                self.missing.retain(|(missing, _)| *missing != meant);
            }
            let (message, hint) = match self.title.as_str() {
                "" => (format!("unknown section [{name}]"), hint::known(name, "sections", asked)),
                title => (format!("unknown key `{name}` in {title}"), hint::known(name, "keys", asked)),
            };
            self.report.error_with(entry.key, message, hint);
            all_known = false;
        }
        for (name, example) in self.missing {
            let message = match self.title.as_str() {
                "" => format!("section [{name}] is missing"),
                title => format!("{title} has no `{name}`"),
            };
            self.report.error_with(self.place, message, format!("add it, such as {example}"));
        }
        all_known
    }

    fn ask(&mut self, name: &'static str) -> Option<&'t TreeMember> {
        if !self.asked.contains(&name) {
            self.asked.push(name);
        }
        self.table.get(name)
    }

    fn members(&mut self, name: &'static str, expected: &str, hint: &str) -> Option<&'t TreeTable> {
        let entry = self.ask(name)?;
        match &entry.node.value {
            TreeValue::Table(table) => Some(table),
            _ => {
                self.wrong_type(name, &entry.node, expected, hint);
                None
            }
        }
    }

    fn inner_title(&self, name: &str) -> String {
        match self.title.trim_matches(['[', ']']) {
            "" => format!("[{name}]"),
            outer => format!("[{outer}.{name}]"),
        }
    }

    fn parse_node<T>(
        &mut self,
        name: &str,
        node: &TreeNode,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> GivenSetting<T> {
        let Some(text) = self.as_text(name, node) else { return GivenSetting::Broken };
        match parse(text) {
            Ok(value) => GivenSetting::Valid(Placed { value, place: node.place }),
            Err(message) => {
                self.report.error(node.place, message);
                GivenSetting::Broken
            }
        }
    }

    fn as_text<'n>(&mut self, name: &str, node: &'n TreeNode) -> Option<&'n str> {
        if let TreeValue::Text(text) = &node.value {
            return Some(text);
        }
        let hint = match &node.value {
            TreeValue::List(_) | TreeValue::Table(_) => "one text is needed here, in double quotes",
            _ if is_override(node.place) => "keep the quotes from the shell: '\"text\"'",
            _ => "write it in double quotes",
        };
        self.wrong_type(name, node, "text", hint);
        None
    }

    fn wrong_type(&mut self, name: &str, node: &TreeNode, expected: &str, hint: &str) {
        let message = format!("`{name}` must be {expected}, not {}", node.value.type_name());
        self.report.error_with(node.place, message, hint);
    }
}
