//! docs/conditions.md says what is so: its tables are worked out here.

use crate::core::expr::tests::fixture::{fault, holds};
use crate::core::expr::{ConditionAnswer, Want, Why, functions};
use crate::core::plan::check::Severity;

const DOCS: &str = include_str!("../../../../docs/conditions.md");

/// The rows of the table below a head, cell by cell, as text.
fn table(head: &str) -> Vec<Vec<String>> {
    let (_, rows) = DOCS.split_once(head).unwrap_or_else(|| panic!("no table {head}"));
    let rows = rows.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        let row = row.replace("\\|", "\u{1}");
        let cells = row.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{1}', "|"));
        cells.collect::<Vec<String>>()
    };
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(rows.len() >= 5, "{head}: {rows:?}");
    rows
}

#[test]
fn the_three_values_are_as_documented() {
    let events = [r#"{"b": true}"#, r#"{"a": null}"#];
    let head = format!("| expression | `{}` | `{}` |", events[0], events[1]);
    for row in table(&head) {
        let [expression, answers @ ..] = row.as_slice() else { panic!("an empty row") };
        for (said, event) in answers.iter().zip(events) {
            let right = match holds(expression.trim_matches('`'), event) {
                ConditionAnswer::True => "true",
                ConditionAnswer::False => "false",
                ConditionAnswer::Unknown(Why::Absent) => "unknown (absent)",
                ConditionAnswer::Unknown(Why::Broken) => "unknown (broken)",
            };
            assert_eq!(said, right, "{expression} over {event}");
        }
    }
}

#[test]
fn mistakes_are_told_as_documented() {
    for row in table("| expression | what is said |") {
        let [expression, said] = row.as_slice() else { panic!("{row:?}") };
        let (text, _) = expression.trim_start_matches('`').split_once('`').expect("an expression in backquotes");
        let text = text.replace("amount", "number");
        let (severity, _, what, hint) = fault(&text, Want::Condition).unwrap_or_else(|| panic!("{text} has no fault"));
        let hint = if hint.is_empty() { hint } else { format!(" ({hint})") };
        let warning = if severity == Severity::Warning { "a warning: " } else { "" };
        assert_eq!(said.replace("amount", "number"), format!("{warning}{what}{hint}"));
    }
}

#[test]
fn every_function_is_documented() {
    for name in functions::names() {
        assert!(DOCS.contains(&format!("{name}(")), "{name}");
    }
    for text in DOCS.split("when = '").skip(1).chain(DOCS.split("calc = '").skip(1)) {
        let text = text.split('\'').next().expect("a text behind its quote");
        assert_eq!(fault(text, Want::Value), None, "{text}");
    }
}
