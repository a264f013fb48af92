//! Subject templates: `enriched.{kind}` and what each hole may hold.
//!
//! Filling a template never yields a subject that the broker would refuse: every hole is one token, made safe.

use serde::{Deserialize, Serialize};
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// The longest token that a hole may become, in bytes.
const TOKEN_MAX: usize = 64;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Hole(TemplateHole),
}

/// What a hole is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateHole {
    /// `{kind}`: the whole kind.
    Kind,
    /// `{type}`: the kind's part before the first `:`.
    Type,
    /// `{subtype}`: the kind's part between the first and the second `:`.
    Subtype,
    /// `{reason}`: the rejection's code; only in `dead_letters.subject`.
    Reason,
    /// `{subject.N}`: the N-th token of the event's subject, from 1.
    Subject(usize),
}

/// A parsed subject template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    parts: Vec<TemplatePart>,
}

impl Template {
    /// Parses a template; the error is a sentence for the person who wrote it.
    pub fn parse(source: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some((text, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("`{source}`: a `{{` without its `}}`"))?;
            if !text.is_empty() {
                parts.push(TemplatePart::Text(text.to_owned()));
            }
            parts.push(TemplatePart::Hole(TemplateHole::parse(name).ok_or_else(|| {
                format!("`{{{name}}}` is unknown: use {{kind}}, {{type}}, {{subtype}}, {{subject.N}}, or {{reason}} in dead_letters.subject")
            })?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Text(rest.to_owned()));
        }
        let template = Template { source: source.to_owned(), parts };
        template.check_tokens()?;
        Ok(template)
    }

    /// Refuses what no broker takes: empty tokens, wildcards, white space, and `$` system subjects.
    fn check_tokens(&self) -> Result<(), String> {
        let source = &self.source;
        let sample = self.fill(&mut |_| Some("x".to_owned()));
        if sample.starts_with('$') {
            return Err(format!("`{source}`: subjects beginning with `$` belong to the server"));
        }
        let bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>' | '}');
        if sample.split('.').any(str::is_empty) || sample.contains(bad) {
            return Err(format!(
                "`{source}` makes no valid subject: tokens stand between single dots, without spaces, `*` or `>`"
            ));
        }
        Ok(())
    }

    /// The holes, in order.
    pub fn holes(&self) -> impl Iterator<Item = TemplateHole> + '_ {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Hole(hole) => Some(*hole),
            TemplatePart::Text(_) => None,
        })
    }

    /// The subject with every hole made one safe token; `None` from `value` stands for an absent value.
    pub fn fill(&self, value: &mut dyn FnMut(TemplateHole) -> Option<String>) -> String {
        let mut subject = String::with_capacity(self.source.len() + TOKEN_MAX);
        for part in &self.parts {
            match part {
                TemplatePart::Text(text) => subject.push_str(text),
                TemplatePart::Hole(hole) => subject.push_str(&token(value(*hole).as_deref().unwrap_or_default())),
            }
        }
        subject
    }

    /// The wildcard subject that covers everything this template makes: each hole's token becomes `*`.
    pub fn wildcard(&self) -> String {
        let marked: String = self
            .parts
            .iter()
            .map(|part| match part {
                TemplatePart::Text(text) => text.as_str(),
                TemplatePart::Hole(_) => "*",
            })
            .collect();
        let tokens: Vec<&str> = marked.split('.').map(|token| if token.contains('*') { "*" } else { token }).collect();
        tokens.join(".")
    }
}

impl TemplateHole {
    fn parse(name: &str) -> Option<TemplateHole> {
        match name {
            "kind" => Some(TemplateHole::Kind),
            "type" => Some(TemplateHole::Type),
            "subtype" => Some(TemplateHole::Subtype),
            "reason" => Some(TemplateHole::Reason),
            _ => name.strip_prefix("subject.")?.parse().ok().filter(|n| *n > 0).map(TemplateHole::Subject),
        }
    }
}

/// One safe subject token: unsafe characters become `_`, a long text becomes a prefix and its hash.
pub fn token(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    if text.is_empty() {
        return "_".to_owned();
    }
    // One more than fits is enough to know that the text is too long, however long it is.
    let mut token: String = text.chars().map(safe).take(TOKEN_MAX + 1).collect();
    if token.len() > TOKEN_MAX {
        token.truncate(TOKEN_MAX - 17);
        token.push_str(&format!("_{:016x}", xxh3_64(text.as_bytes())));
    }
    token
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Template, String> {
        Template::parse(&text)
    }
}

impl From<Template> for String {
    fn from(template: Template) -> String {
        template.source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_safe_and_short() {
        for (text, expected) in
            [("lesson", "lesson"), ("a:b c.d*>", "a_b_c_d__"), ("", "_"), ("ü", "_"), ("pt-BR", "pt-BR")]
        {
            assert_eq!(token(text), expected);
        }
        let long = token(&"x".repeat(65));
        assert_eq!((long.len(), &long[..48]), (64, format!("{}_", "x".repeat(47)).as_str()));
        assert_eq!(token(&"x".repeat(64)).len(), 64);
    }

    #[test]
    fn bad_templates_are_refused_with_a_reason() {
        for source in ["", "a..b", "a.{nope}", "a.{kind", "a b", "$JS.{kind}", "a.>", "a.*", "{subject.0}"] {
            assert!(Template::parse(source).is_err(), "{source}");
        }
        let template = Template::parse("out.{type}.x{subtype}y").unwrap();
        assert_eq!(template.wildcard(), "out.*.*");
        assert_eq!(template.fill(&mut |_| Some("a b".into())), "out.a_b.xa_by");
    }
}
