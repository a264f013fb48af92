//! What the command writes: updated cases, JSON, JUnit's XML; and the examples of the page that teaches it.

use super::{Ran, Stage};
use serde_json::Value;

const CASES: &str = r#"# The school's first cases.

[[case]]
name = "a user" # who signs up
in = '''
{"title":"user","event_uuid":"e1","properties":{"uuid":"u1","country":"BR"}}
{"title":"user","event_uuid":"e1","properties":{"uuid":"u1","country":"BR"}}
'''

[[case]]
name = "a lesson"
duplicates = 3 # none in truth
out = """
2 enriched.lesson {…,"country":"PT",…}
1 enriched.user {…}
"""
in = '''
{"title":"user","properties":{"uuid":"u1","country":"BR"}}
# a comment of the input
{"title":"lesson","properties":{"user_uuid":"u1","note":"''"}}
'''
# The end.
"#;

#[test]
fn an_update_writes_what_came_out_and_keeps_every_other_byte() {
    let stage = Stage::new(CASES);
    let Ran { code, out, err } = stage.test(&["--update"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.contains("FAIL a user (cases.toml:3)") && out.contains("updated cases.toml\n2 rewritten, 0 passed"),
        "{out}"
    );
    let expected = CASES
        .replace(
            "\"BR\"}}\n'''\n\n[[case]]",
            "\"BR\"}}\n'''\nout = '''\n1 enriched.user {\"title\":\"user\",\"event_uuid\":\"e1\",\"properties\":{\"uuid\":\"u1\",\"country\":\"BR\"},\"event_processed\":true}\n'''\nduplicates = 1\n\n[[case]]",
        )
        .replace("duplicates = 3", "duplicates = 0")
        .replace(
            "\"\"\"\n2 enriched.lesson {…,\"country\":\"PT\",…}\n1 enriched.user {…}\n\"\"\"",
            "'''\n1 enriched.user {…}\n2 enriched.lesson {\"title\":\"lesson\",\"properties\":{\"user_uuid\":\"u1\",\"note\":\"''\"},\"country\":\"BR\",\"subscription_status\":null,\"subscription_type\":null,\"event_processed\":false}\n'''",
        );
    assert_eq!(stage.text(), expected);
    let ran = stage.test(&["--update"]);
    assert_eq!((ran.code, stage.text()), (0, expected), "{}", ran.out);
    assert!(ran.out.starts_with("2 passed"), "{}", ran.out);
}

#[test]
fn an_update_leaves_the_state_to_its_author() {
    let case = "[[case]]\nname = \"a user\"\nin = '{\"title\":\"user\",\"properties\":{\"uuid\":\"u1\"}}'\nout = '1 enriched.user {…}'\nstate = '{\"u1\":null}'\n";
    let stage = Stage::new(case);
    let ran = stage.test(&["--update"]);
    assert_eq!((ran.code, stage.text().as_str()), (1, case), "{}", ran.out);
    assert!(ran.out.contains("state of key \"u1\""), "{}", ran.out);
}

#[test]
fn the_report_goes_out_as_json_and_as_junit() {
    let cases = "[[case]]\nname = \"fine\"\nin = '{\"title\":\"user\",\"properties\":{\"uuid\":\"u1\"}}'\nout = '1 enriched.user {…}'\n
[[case]]\nname = \"<wrong> & \\\"odd\\\"\"\nin = '{\"title\":\"user\",\"properties\":{\"uuid\":\"u1\"}}'\nout = '1 enriched.user {\"a\":1}'\n";
    let stage = Stage::new(cases);
    let Ran { code, out, err } = stage.test(&["--json", "--junit", "report.xml"]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&1.into(), &1.into()));
    assert_eq!(report["cases"][1]["failures"][0][0], "output 1 of 1, of input line 1, subject enriched.user");
    assert_eq!((&report["cases"][0]["line"], &report["cases"][1]["line"]), (&1.into(), &6.into()));
    assert!(report["not_covered"].as_array().unwrap().contains(&"[kinds.lesson]".into()), "{out}");
    let xml = std::fs::read_to_string(stage.cases().with_file_name("report.xml")).unwrap();
    assert!(xml.contains(r#"<testsuite name="cases.toml" tests="2" failures="1">"#), "{xml}");
    assert!(
        xml.contains(
            r#"<testcase name="&lt;wrong&gt; &amp; &quot;odd&quot;" classname="cases.toml" file="cases.toml" line="6">"#
        ),
        "{xml}"
    );
}

#[test]
fn strict_fails_where_something_is_not_covered() {
    let stage = Stage::new(
        "[[case]]\nname = \"fine\"\nin = '{\"title\":\"user\",\"properties\":{\"uuid\":\"u1\"}}'\nout = '1 enriched.user {…}'\n",
    );
    let ran = stage.test(&[]);
    let not_covered = "1 passed; not covered: [kinds.lesson], [kinds.subscription], [tables.subscription], [[enrich]] 1, dead letter not_json";
    assert!(ran.code == 0 && ran.out.starts_with(not_covered), "{}", ran.out);
    let ran = stage.test(&["--strict"]);
    assert!(ran.code == 1 && ran.err.contains("not everything is covered"), "{} {}", ran.out, ran.err);
}

/// The blocks of a page: the language behind the backquotes, and the text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = page.split("```").collect();
    parts
        .iter()
        .skip(1)
        .step_by(2)
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap();
            (language.to_owned(), text.to_owned())
        })
        .collect()
}

#[test]
fn the_page_that_teaches_it_shows_what_is_printed() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/testing.md")).unwrap();
    let (mut file, mut shown) = (None, 0);
    for (language, text) in blocks(&page) {
        match language.as_str() {
            "toml" => file = Some(Stage::new(&text)),
            "console" => {
                let stage = file.as_ref().expect("cases stand before what is printed of them");
                let (command, expected) = text.split_once('\n').unwrap();
                let arguments: Vec<&str> =
                    command.strip_prefix("$ sidestream test cases.toml").unwrap().split_whitespace().collect();
                let Ran { out, err, .. } = stage.test(&arguments);
                assert_eq!(format!("{out}{err}").trim_end(), expected.trim_end(), "{command}");
                shown += 1;
            }
            _ => {}
        }
    }
    assert!(shown >= 3, "the page has its examples");
}
