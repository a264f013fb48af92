//! The report as JUnit's XML, which build servers show: a suite a file, a case a case.

use super::report::{CaseReport, TestReport};

/// The whole document.
pub fn xml(report: &TestReport) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    text.push_str(&format!("<testsuites name=\"sidestream\" {}>\n", counts(report.cases.iter())));
    for cases in report.cases.chunk_by(|left, right| left.file == right.file) {
        let file = cases.first().map(|case| escaped(&case.file)).unwrap_or_default();
        text.push_str(&format!("  <testsuite name=\"{file}\" {}>\n", counts(cases.iter())));
        cases.iter().for_each(|case| text.push_str(&one(case)));
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn counts<'c>(cases: impl Iterator<Item = &'c CaseReport> + Clone) -> String {
    let failed = cases.clone().filter(|case| !case.passed).count();
    format!("tests=\"{}\" failures=\"{failed}\"", cases.count())
}

fn one(case: &CaseReport) -> String {
    let (name, file, line) = (escaped(&case.name), escaped(&case.file), case.line);
    let head = format!("    <testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\"");
    if case.passed {
        return format!("{head}/>\n");
    }
    let first = case.failures.first().and_then(|failure| failure.first()).map_or("", String::as_str);
    let (message, text) = (escaped(first), escaped(&case.text()));
    format!("{head}>\n      <failure message=\"{message}\">{text}</failure>\n    </testcase>\n")
}

/// A text as XML may hold it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            // No other control character may stand in XML 1.0, not even escaped.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
