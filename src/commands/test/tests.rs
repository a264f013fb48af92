//! The notations and comparisons of cases, line by line; whole cases are run by `tests/it/testing`.

use super::align::pairs;
use super::body::{CompareManner, agree, differences, fits};
use super::coverage::Coverage;
use super::file::CaseReader;
use super::input::{BEGINNING, Notation};
use super::ways;
use crate::config::{Config, Overrides, SHIPPED};
use crate::core::ids::Nanos;
use crate::core::plan::compiled::Plan;
use crate::core::plan::layout::Layout;
use crate::core::plan::selector::Selector;
use std::path::Path;
use std::sync::Arc;

fn notation(subjects: &[&str], kind: &str) -> Notation {
    let subjects = subjects.iter().map(|subject| (*subject).to_owned()).collect();
    Notation { subjects, kind: Selector::parse(kind).unwrap().into(), tick: None }
}

/// A line as it was understood: seconds after the line before, subject, headers, body.
fn read(notation: &Notation, line: &str) -> String {
    match notation.read(line, 1, Some(BEGINNING)) {
        Ok(message) => {
            let after = (message.stored_at.0 - BEGINNING.0) as f64 / 1e9;
            let headers = message.headers.iter().flat_map(|list| list.iter());
            let headers: String = headers.map(|(name, value)| format!("{name}={value}|")).collect();
            format!("{after} {} {headers} {}", message.subject, String::from_utf8_lossy(&message.payload))
        }
        Err(fault) => format!("{}: {}", line.get(fault.at).unwrap(), fault.message),
    }
}

#[test]
fn an_input_line_has_a_time_a_subject_headers_and_a_body() {
    let school = notation(&["events.>", "more.*"], "title");
    for (line, expected) in [
        (r#"{"title":"a"}"#, r#"1 events.a  {"title":"a"}"#),
        (r#"{"title":"a.b c"}"#, r#"1 events.a_b_c  {"title":"a.b c"}"#),
        (r#"{"title":7}"#, r#"1 events.unknown  {"title":7}"#),
        ("oops", "1 events.unknown  oops"),
        ("two words, no JSON", "1 events.unknown  two words, no JSON"),
        ("more.x  {}", "1 more.x  {}"),
        ("more.x", "1 more.x  "),
        ("more.x y {}", "1 more.x  y {}"),
        ("@+1h more.x A=b C=\"d e\" {}", "3600 more.x A=b|C=d e| {}"),
        ("@+1500ms A=b {}", "1.5 events.unknown A=b| {}"),
        ("@00:00:05.5 {}", "5.5 events.unknown  {}"),
        ("@2025-12-31T23:59:59Z {}", "-1 events.unknown  {}"),
        ("@2026-01-01T01:00:00+01:00 {}", "0 events.unknown  {}"),
        ("@2026-01-01 {}", "@2026-01-01: `@2026-01-01` is no time"),
        ("@+x {}", "@+x: `@+x` is no time"),
        ("@+1s tick", "tick: `tick` moves time on where events wait, and the configuration has no [clock]"),
        ("more.x tick", "1 more.x  tick"),
        ("evnts.a {}", "evnts.a: `evnts.a` is no subject of the input, which takes `events.>`, `more.*`"),
        ("more.x A=\"b {}", "A=\"b: the value of the header `A` has no end"),
    ] {
        assert_eq!(read(&school, line), expected, "{line}");
    }
}

#[test]
fn a_line_without_a_subject_gets_one_that_tells_the_kind() {
    let header = notation(&["in.*.>"], "$header.Kind");
    assert_eq!(read(&header, "Kind=user {}"), "1 in.user.user Kind=user| {}");
    let token = notation(&["in.*"], "$subject.2");
    assert_eq!(read(&token, "in.user {}"), "1 in.user  {}");
    assert_eq!(read(&token, "{}"), "{}: this line needs a subject, since the kind of an event is its token 2");
    let fixed = notation(&["in.user.*"], "$subject.2");
    assert_eq!(read(&fixed, "{}"), "1 in.user.unknown  {}");
    let every = notation(&["*.>", ">"], "title");
    assert_eq!(read(&every, r#"{"title":"a","n":1.5}"#), r#"1 a.a  {"title":"a","n":1.5}"#);
    assert_eq!(read(&every, "Trace=1.5 {}"), "1 unknown.unknown Trace=1.5| {}");
    assert_eq!(read(&every, "x.y [1]"), "1 x.y  [1]");
    let first = header.read("{}", 1, None).unwrap();
    assert_eq!(first.stored_at, Nanos(1_767_225_600_000_000_000), "2026-01-01T00:00:00Z");
}

#[test]
fn a_gap_is_any_text() {
    for (expected, was, fit) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("…", "", true),
        ("a…c", "ac", true),
        ("a…c", "abbc", true),
        ("a…c", "acb", false),
        ("a…b…c", "a-b-b-c", true),
        ("a…b…b…c", "abc", false),
        ("a…a", "a", false),
    ] {
        assert_eq!(fits(expected, was), fit, "{expected} {was}");
    }
}

#[test]
fn the_members_that_differ_are_named() {
    let whole = r#"{"a":1,"o":{"x":1,"y":[1,{"z":2}]},"s":"q\"},{","n":null}"#;
    for (expected, manner, names) in [
        (whole, CompareManner::Bytes, ""),
        (r#"{"a":1,…}"#, CompareManner::Bytes, ""),
        (r#"{"a":1.0,…}"#, CompareManner::Bytes, "a"),
        (r#"{"a":1,…,"o":{…,"y":[1,{"z":3}]},…,"n":0}"#, CompareManner::Bytes, "o.y n"),
        (r#"{"o":{"x":1},…}"#, CompareManner::Bytes, "o.y"),
        (r#"{"a":1}"#, CompareManner::Bytes, "o s n"),
        (r#"{"b":1,…}"#, CompareManner::Bytes, "b"),
        (r#"{"o":{"x":1}}"#, CompareManner::Members, ""),
        (r#"{"n":null, "a":1}"#, CompareManner::Members, ""),
        (r#"{"n":0,"o":{"w":1},"b":2}"#, CompareManner::Members, "n o.w b"),
    ] {
        let found: Vec<String> = differences(expected, whole, manner).into_iter().map(|member| member.name).collect();
        assert_eq!((found.join(" ").as_str(), agree(expected, whole, manner)), (names, names.is_empty()), "{expected}");
    }
    // No member differs, and yet it is another text.
    assert!(
        !agree("{\"a\": 1}", "{\"a\":1}", CompareManner::Bytes)
            && differences("{\"a\": 1}", "{\"a\":1}", CompareManner::Bytes).is_empty()
    );
    assert!(!agree("[1]", "[2]", CompareManner::Members) && !agree("x", "{", CompareManner::Bytes));
}

#[test]
fn one_line_more_or_less_moves_no_other() {
    let paired = |expected: &str, was: &str| {
        let (left, right): (Vec<char>, Vec<char>) = (expected.chars().collect(), was.chars().collect());
        let pairs = pairs(left.len(), right.len(), |a, b| left[a] == right[b]);
        let show = |at: Option<usize>, of: &[char]| at.map_or('-', |at| of[at]);
        pairs.iter().map(|(a, b)| format!("{}{}", show(*a, &left), show(*b, &right))).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(paired("", ""), "");
    assert_eq!(paired("abc", "abc"), "aa bb cc");
    assert_eq!(paired("abc", "ac"), "aa b- cc");
    assert_eq!(paired("ac", "abc"), "aa -b cc");
    assert_eq!(paired("abc", "axc"), "aa bx cc");
    assert_eq!(paired("abcd", "bcda"), "a- bb cc dd -a");
    assert_eq!(paired("ab", "xyab"), "-x -y aa bb");
    assert_eq!(paired("aab", "ab"), "aa a- bb");
}

#[test]
fn what_can_be_reached_follows_from_the_configuration() {
    let with = |more: &str| {
        let text = format!(
            "[input]\nstream='I'\nsubjects=['i.>']\n[output]\nstream='O'\nsubject='o.{{kind}}'\n[event]\nkind='k'\n[kinds.u]\n{more}"
        );
        let (config, _) = Config::parse("config.toml", &text, &Overrides::default()).unwrap();
        Coverage::default().missing(&config.plan).join(", ")
    };
    let always = "dead letter not_json, dead letter not_object, dead letter too_deep, dead letter duplicate_key";
    assert_eq!(with(""), format!("[kinds.u], {always}"));
    assert_eq!(with("key='u'\n"), format!("[kinds.u], {always}, dead letter no_key, dead letter bad_key"));
    let all = "key='u'\n[kinds.'l:*']\nkey='u'\n[tables.t]\nfrom='u'\ncolumns={c='c'}\n[[enrich]]\nkinds=['l:*']\nadd={c='t.c'}
        on_miss='dead_letter'\ninto='p'\n[engine]\nunknown_kinds='dead_letter'\n";
    let expected =
        "dead letter no_key, dead letter bad_key, dead letter bad_into, dead letter miss, dead letter unknown_kind";
    assert_eq!(with(all), format!("[kinds.\"l:*\"], [kinds.u], [tables.t], [[enrich]] 1, {always}, {expected}"));
}

/// The messages of a case over the shipped configuration, and its plan.
fn case(lines: &str) -> (Arc<Plan>, Vec<crate::core::event::StoredMessage>) {
    let (config, _) = Config::parse("config.toml", SHIPPED, &Overrides::default()).unwrap();
    let text = format!("[[case]]\nname = \"x\"\nin = '''\n{lines}\n'''\n");
    let mut file = CaseReader::new(&config, true).read(Path::new("x.toml"), text).unwrap();
    let plan = Plan::compile(config.plan, &Layout::default());
    (Arc::new(plan), file.cases.pop().unwrap().messages)
}

#[test]
fn all_ways_of_running_a_case_agree() {
    let (plan, messages) = case(&school());
    let ran = ways::run(&plan, &messages).unwrap();
    assert_eq!((ran.outcomes.len(), ran.explained.len()), (messages.len(), messages.len()));
}

/// Users that come, change and come again, over more than the window of de-duplication.
fn school() -> String {
    let user = |n: usize| {
        format!(
            "@+{n}h {{\"title\":\"user\",\"event_uuid\":\"e{}\",\"properties\":{{\"uuid\":\"u{}\",\"country\":\"c{n}\"}}}}",
            n % 5,
            n % 3
        )
    };
    (0..20).map(user).collect::<Vec<_>>().join("\n")
}

/// A planted mistake of the state's own makes a restart visible, and that is nobody's case.
#[cfg(feature = "mutants")]
#[test]
fn a_way_that_does_not_agree_is_a_fault_of_ours() {
    use crate::core::mutants::{Mutant, plant};
    let (plan, messages) = case(&school());
    plant(Some(Mutant::ExpiryByChunk));
    let result = ways::run(&plan, &messages);
    plant(None);
    let error = result.unwrap_err();
    assert!(error.contains("than with one shard"), "{error}");
}
