//! What a run of the cases found, as data: printed as text, as JSON and as JUnit's XML by others.

use serde::Serialize;

/// Everything that a run found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TestReport {
    /// Cases that are as they say.
    pub passed: usize,
    /// Cases that are not.
    pub failed: usize,
    /// Cases that were not, and are now: `--update` wrote what came out.
    pub rewritten: usize,
    /// The cases, in the order of the files.
    pub cases: Vec<CaseReport>,
    /// What of the configuration no case reaches.
    pub not_covered: Vec<String>,
    /// Files that `--update` wrote.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub updated: Vec<String>,
    /// Whether the files stay as they are.
    #[serde(skip)]
    pub only_read: bool,
}

/// One case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// The file.
    pub file: String,
    /// The line where it begins.
    pub line: usize,
    /// Whether it is as it says.
    pub passed: bool,
    /// What is not as the case says: for each failure its lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Vec<String>>,
    /// What explains it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
}

impl CaseReport {
    /// The report of a case that failed, for people.
    pub fn text(&self) -> String {
        let mut text = format!("FAIL {} ({}:{})\n", self.name, self.file, self.line);
        for failure in &self.failures {
            failure.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        }
        for (at, why) in self.why.iter().enumerate() {
            text.push_str(&format!("  {} {why}\n", if at == 0 { "why:" } else { "    " }));
        }
        text
    }
}

impl TestReport {
    /// The last line.
    pub fn summary(&self) -> String {
        let covered = match self.not_covered.as_slice() {
            [] => String::new(),
            missing => format!("; not covered: {}", missing.join(", ")),
        };
        let counts = [(self.failed, "failed"), (self.rewritten, "rewritten"), (self.passed, "passed")];
        let counts = counts.iter().filter(|(count, what)| *count > 0 || *what == "passed");
        let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        let update =
            if self.failed > 0 && self.only_read { ". `sidestream test --update` writes what came out." } else { "" };
        format!("{}{covered}{update}", counts.join(", "))
    }
}
