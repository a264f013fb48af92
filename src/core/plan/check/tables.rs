//! The words of a table that say when a row changes: a version has to be something that can be compared.
//!
//! Names, joins and what the table is fed by are not looked at here.

use super::fault::{PlanFault, Sentence};
use super::hint;
use super::key_path::KeyPath;
use crate::core::plan::field_type::FieldType;
use crate::core::plan::row_version::{Compared, RowVersion};
use crate::core::plan::selector::Selector;
use crate::core::plan::spec::PlanSpec;
use crate::core::plan::table::TableSpec;

pub(super) fn check(spec: &PlanSpec, faults: &mut Vec<PlanFault>) {
    for (name, table) in &spec.tables {
        cascade(spec, name, table, faults);
        if let Some(version) = &table.version {
            let at = KeyPath::table(name).then("version");
            faults.extend(declared(spec, table, version, &at).or_else(|| outside(version, &at)));
            faults.extend(without_a_body(name, table, version, &at));
        }
    }
}

/// A deletion cascades to other tables, which the same event does not feed.
fn cascade(spec: &PlanSpec, name: &str, table: &TableSpec, faults: &mut Vec<PlanFault>) {
    let list = KeyPath::table(name).then("delete").then("cascade");
    for (number, other) in table.cascade.iter().enumerate() {
        let at = list.then(&number.to_string());
        let twice = table.cascade.iter().take(number).any(|earlier| earlier == other);
        let fault = match spec.tables.get(other) {
            None => {
                let hint = hint::known(other, "tables", spec.tables.keys().map(String::as_str));
                let fault = PlanFault::mistake(at, format!("there is no table `{other}`")).hint(hint);
                fault.rests_on([KeyPath::of(["tables"])])
            }
            Some(_) if twice => PlanFault::mistake(at, format!("`{other}` is listed twice")).rests_on([list.clone()]),
            Some(_) if other == name => PlanFault::mistake(at, "a deletion removes the table's own row by itself")
                .hint("name other tables, or remove it"),
            Some(_) if table.row.is_some() => {
                let what = "this table has several rows a key: one of them takes no others with it";
                let fault =
                    PlanFault::mistake(at, what).hint("let a table with one row a key say that all of it is gone");
                fault.rests_on([KeyPath::table(name).then("row")])
            }
            Some(found) if found.from == table.from => {
                let what =
                    format!("the kind `{}` feeds `{other}`, too: one event would write and remove its row", table.from);
                let fault = PlanFault::mistake(at, what).hint(format!("give [tables.{other}] a `delete` of its own"));
                fault.rests_on([KeyPath::table(other).then("from"), KeyPath::table(name).then("from")])
            }
            Some(_) => continue,
        };
        faults.push(fault);
    }
}

/// What the kind declares the version to be.
fn declared(spec: &PlanSpec, table: &TableSpec, version: &RowVersion, at: &KeyPath) -> Option<PlanFault> {
    let kind = spec.kinds.get(&table.from)?;
    let names = version.at.path()?;
    let (member, declared) = kind.types.iter().find(|(member, _)| member.names() == names)?;
    let hint = match (declared, version.compared) {
        (FieldType::Number, Compared::Number | Compared::Time) | (FieldType::Text, Compared::Text | Compared::Time) => {
            return None;
        }
        (FieldType::Number, Compared::Text) => "leave `as` out: numbers are compared as numbers",
        (FieldType::Text, Compared::Number) => {
            "say what the text is: version = { at = \"…\", as = \"time\" }, or \"text\""
        }
        (FieldType::Bool | FieldType::List | FieldType::Object, _) => "name a field that rises with every change",
    };
    let types = KeyPath::kind(&table.from).then("types").then(&member.names().join("."));
    let what = Sentence::from(format!(
        "the version is compared as a {}, and `{}` is declared (",
        version.compared.word(),
        version.at
    ));
    let what = what.setting(&types).words(") to be something else");
    Some(PlanFault::mistake(at.clone(), what).hint(hint).rests_on([types]))
}

/// `$time` is a time, and no number.
fn outside(version: &RowVersion, at: &KeyPath) -> Option<PlanFault> {
    let wrong = version.at == Selector::Time && version.compared != Compared::Time;
    wrong.then(|| {
        let fault = PlanFault::mistake(at.clone(), format!("`$time` is no {}", version.compared.word()));
        fault.hint("write version = { at = \"$time\", as = \"time\" }")
    })
}

/// A row that goes with an event without a body is as new as something outside the body says.
fn without_a_body(name: &str, table: &TableSpec, version: &RowVersion, at: &KeyPath) -> Option<PlanFault> {
    (table.delete_empty && version.at.path().is_some()).then(|| {
        let setting = KeyPath::table(name).then("delete").then("body");
        let what = Sentence::from("an event without a body (").setting(&setting).words(") has no version");
        let fault = PlanFault::mistake(at.clone(), what);
        fault.hint("read it from outside the body: version = \"$header.Version\"").rests_on([setting])
    })
}
