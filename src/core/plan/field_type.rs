//! `types` of `[kinds.NAME]`: what a field of a kind's events is, for the conditions that read it.
//!
//! What is declared is relied on: `check` compares by it, and a field that is something else in an event is *broken* there.

use crate::core::derive::section::MemberPath;
use crate::core::expr::{ExprType, Read};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The declared fields of a kind.
pub type FieldTypes = BTreeMap<MemberPath, FieldType>;

/// What a field can be declared to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// True or false.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list.
    List,
    /// An object.
    Object,
}

impl FieldType {
    /// Every type by its word.
    pub const NAMED: [(&'static str, FieldType); 5] = [
        ("bool", FieldType::Bool),
        ("number", FieldType::Number),
        ("text", FieldType::Text),
        ("list", FieldType::List),
        ("object", FieldType::Object),
    ];

    fn of_values(self) -> ExprType {
        match self {
            FieldType::Bool => ExprType::Bool,
            FieldType::Number => ExprType::Number,
            FieldType::Text => ExprType::Text,
            FieldType::List => ExprType::List,
            FieldType::Object => ExprType::Object,
        }
    }
}

/// What a read of a condition is declared to be.
pub fn type_of(types: &FieldTypes, read: &Read) -> ExprType {
    let Read::Event(path) = read else { return ExprType::Dyn };
    let declared = types.iter().find(|(member, _)| member.names() == path.as_slice());
    declared.map_or(ExprType::Dyn, |(_, declared)| declared.of_values())
}

/// What a read is declared to be in all of these kinds alike.
pub fn type_in_all<'a>(kinds: impl IntoIterator<Item = &'a FieldTypes>, read: &Read) -> ExprType {
    let mut found = kinds.into_iter().map(|types| type_of(types, read));
    let first = found.next().unwrap_or(ExprType::Dyn);
    if found.all(|other| other == first) { first } else { ExprType::Dyn }
}
