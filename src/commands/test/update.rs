//! `--update`: what came out takes the place of what a case expects; every other byte of the file stays.
//!
//! Works on the text, at the places of the values. Lines that agreed stay as the case wrote them, gaps included.

use super::file::{Case, CaseFile};
use super::judge::JudgedCase;
use crate::config::TextPlace;

/// The file's text with what came out of the cases that failed.
pub(super) fn updated(file: &CaseFile, judged: &[JudgedCase]) -> String {
    let mut edits: Vec<TextEdit> = Vec::new();
    for (case, judged) in file.cases.iter().zip(judged).filter(|(_, judged)| !judged.failures.is_empty()) {
        edits.extend(edits_of(case, judged));
    }
    // From the end to the beginning, so that no edit moves the place of another.
    edits.sort_by_key(|edit| edit.start);
    let mut text = file.text.clone();
    for edit in edits.iter().rev() {
        text.replace_range(edit.start..edit.end, &edit.text);
    }
    text
}

/// Bytes that get another text.
#[derive(Debug)]
struct TextEdit {
    start: usize,
    end: usize,
    text: String,
}

fn edits_of(case: &Case, judged: &JudgedCase) -> Vec<TextEdit> {
    let Some(TextPlace::Text { end: behind_input, .. }) = case.places.input else { return Vec::new() };
    let mut added = String::new();
    let mut edits = Vec::new();
    let mut put = |place: Option<TextPlace>, key: &str, value: String| match place {
        Some(TextPlace::Text { start, end }) => edits.push(TextEdit { start, end, text: value }),
        _ => added.push_str(&format!("\n{key} = {value}")),
    };
    // What is as the case says stays as it is written.
    if !judged.lines.iter().eq(case.expected.iter().map(|line| &line.text)) {
        put(case.places.out, "out", block(&judged.lines));
    }
    if judged.dropped != case.dropped {
        put(case.places.dropped, "dropped", judged.dropped.to_string());
    }
    if judged.duplicates != case.duplicates {
        put(case.places.duplicates, "duplicates", judged.duplicates.to_string());
    }
    if judged.waiting != case.waiting {
        put(case.places.waiting, "waiting", judged.waiting.to_string());
    }
    if !added.is_empty() {
        edits.push(TextEdit { start: behind_input, end: behind_input, text: added });
    }
    edits
}

/// Lines as a value of TOML: as they are, unless they hold what would end that.
pub(super) fn block(lines: &[String]) -> String {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let plain = |c: char| c == '\n' || c == '\t' || !c.is_control();
    if !text.contains("'''") && text.chars().all(plain) {
        return format!("'''\n{text}'''");
    }
    let escaped = text.replace('\\', "\\\\").replace("\"\"\"", "\"\"\\\"");
    let whole: String =
        escaped.chars().map(|c| if plain(c) { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) }).collect();
    format!("\"\"\"\n{whole}\"\"\"")
}
