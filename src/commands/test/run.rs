//! The command: finds the files, runs every case in every way, judges, and updates where it is asked to.
//!
//! Prints nothing and needs no broker; writes only what `--update` changes.

use super::coverage::Coverage;
use super::file::{Case, CaseFile, CaseReader};
use super::judge::{CaseFailure, JudgedCase, judge};
use super::report::{CaseReport, TestReport};
use super::update::updated;
use super::{show, ways, why};
use crate::app::exit::{BROKEN, CONFIG, Exit, UNAVAILABLE};
use crate::config::Config;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder with cases beside a configuration.
const FOLDER: &str = "tests";

/// What is asked for.
#[derive(Clone, Debug)]
pub struct TestRequest<'a> {
    /// The configuration's file; cases stand beside it.
    pub config_path: &'a Path,
    /// The files, or none for those of the folder.
    pub files: &'a [PathBuf],
    /// Whether what came out is written into the files.
    pub update: bool,
}

/// Runs the cases; the error says why they cannot be run, or that ways do not agree.
pub fn run(config: &Config, asked: &TestRequest<'_>) -> Result<TestReport, Exit> {
    let paths = paths(asked)?;
    let reader = CaseReader::new(config, asked.update);
    let (mut files, mut mistakes) = (Vec::new(), Vec::new());
    for path in &paths {
        match reader.load(path) {
            Ok(file) => files.push(file),
            Err(error) => mistakes.push(error.to_string()),
        }
    }
    if !mistakes.is_empty() {
        return Err(Exit::new(CONFIG, format!("the cases are not valid\n\n{}", mistakes.join("\n\n")), ""));
    }
    let plan = Arc::new(Plan::compile(config.plan.clone(), &Layout::default()));
    let (mut report, mut coverage) =
        (TestReport { only_read: !asked.update, ..TestReport::default() }, Coverage::default());
    for file in &files {
        let all = file.cases.iter().map(|case| one(&plan, file, case, asked.update, &mut coverage, &mut report));
        let judged = all.collect::<Result<Vec<_>, Exit>>()?;
        if asked.update {
            let text = updated(file, &judged);
            // Cases in another form than sections have no place for a new line.
            if reader.read(&file.path, text.clone()).is_err() {
                let what = format!("cannot write what came out into {}", file.path.display());
                return Err(Exit::new(CONFIG, what, "write each case as a section [[case]] of its own"));
            }
            write(file, &text, &mut report)?;
        }
    }
    report.not_covered = coverage.missing(&config.plan);
    Ok(report)
}

/// The files that were given, or those of the folder beside the configuration, by name.
fn paths(asked: &TestRequest<'_>) -> Result<Vec<PathBuf>, Exit> {
    if !asked.files.is_empty() {
        return Ok(asked.files.to_vec());
    }
    let beside = asked.config_path.parent().unwrap_or(Path::new(""));
    let folder = beside.join(FOLDER);
    let is_case = |path: &PathBuf| path.extension().is_some_and(|end| end == "toml") && path.is_file();
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_case).collect();
    found.sort();
    if found.is_empty() {
        let what = format!("there are no cases: {} holds no .toml file", folder.display());
        return Err(Exit::new(
            CONFIG,
            what,
            "write one (docs/testing.md shows how), or give the files: `sidestream test FILE`",
        ));
    }
    Ok(found)
}

fn one(
    plan: &Arc<Plan>,
    file: &CaseFile,
    case: &Case,
    update: bool,
    coverage: &mut Coverage,
    report: &mut TestReport,
) -> Result<JudgedCase, Exit> {
    let name = file.path.display().to_string();
    let broken = |what: String| {
        let what = format!("case {:?} ({name}:{}): {what}", case.name, case.line);
        Exit::new(
            BROKEN,
            what,
            "this is a fault of Sidestream and not of the case: please report it, with the case and the configuration",
        )
    };
    let ran = ways::run(plan, &case.messages).map_err(broken)?;
    coverage.add(plan, &ran);
    let judged = judge(plan, case, &ran).map_err(|error| broken(error.to_string()))?;
    let passed = judged.failures.is_empty();
    // What is expected of the state stays as a person wrote it.
    let rewritten = update && !judged.failures.iter().any(|failure| matches!(failure, CaseFailure::State { .. }));
    *match (passed, rewritten) {
        (true, _) => &mut report.passed,
        (false, true) => &mut report.rewritten,
        (false, false) => &mut report.failed,
    } += 1;
    report.cases.push(CaseReport {
        name: case.name.clone(),
        file: name.clone(),
        line: case.line,
        passed,
        failures: judged.failures.iter().map(show::lines).collect(),
        why: why::why(plan, &ran, &judged.failures),
    });
    Ok(judged)
}

fn write(file: &CaseFile, text: &str, report: &mut TestReport) -> Result<(), Exit> {
    if text == file.text {
        return Ok(());
    }
    let name = file.path.display().to_string();
    let failed = |error: std::io::Error| {
        Exit::new(UNAVAILABLE, format!("cannot write {name}: {error}"), "check its permissions")
    };
    std::fs::write(&file.path, text).map_err(failed)?;
    report.updated.push(name);
    Ok(())
}
