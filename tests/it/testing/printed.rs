//! The whole printed text of cases that fail, and of files that cannot be read.
//!
//! `==`, an exit code and arguments begin a case; then comes the file, and behind `--` what is printed.

use super::{Ran, Stage};

/// Runs every case of a text and shows all that print something else.
fn check(text: &str, least: usize) {
    let mut wrong = Vec::new();
    let cases: Vec<&str> = text.split("\n== ").skip(1).collect();
    for case in &cases {
        let (head, case) = case.split_once('\n').unwrap();
        let (code, arguments) = head.split_once(' ').unwrap_or((head, ""));
        let (file, expected) = case.split_once("\n--\n").unwrap_or((case, ""));
        let Ran { code: ended, out, err } = Stage::new(file).test(&arguments.split_whitespace().collect::<Vec<_>>());
        let printed = format!("{out}{err}");
        // What is not covered is another test's.
        let printed =
            printed.lines().map(|line| line.split("; not covered").next().unwrap()).collect::<Vec<_>>().join("\n");
        if ended.to_string() != code || printed.trim_end() != expected.trim_end() {
            wrong.push(format!("== {ended} {arguments}\n{file}\n--\n{printed}\n"));
        }
    }
    assert!(cases.len() >= least, "the file has its cases");
    assert!(wrong.is_empty(), "printed otherwise than expected:\n\n{}", wrong.join("\n"));
}

#[test]
fn what_differs_is_shown_where_it_differs_and_why() {
    check(include_str!("differences.txt"), 10);
}

#[test]
fn a_file_that_cannot_be_read_is_explained_at_its_place() {
    check(include_str!("mistakes.txt"), 10);
}
