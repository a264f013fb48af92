//! The page about the gateway: its commands are run as they stand.

use super::stage::beside;
use crate::harness::bed::Bed;
use std::process::Command;

/// The blocks of a language on the page.
fn blocks(language: &str) -> Vec<String> {
    let page = include_str!("../../../docs/gateway.md");
    let fence = format!("```{language}\n");
    let blocks = page.split(&fence).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn the_example_of_the_page_is_answered_as_the_page_says() {
    let bed = Bed::new();
    let tokens = bed.dir.path().join("tokens");
    let [making, sending] = &blocks("sh")[..] else { panic!("two blocks of commands") };
    let shell = |script: &str| {
        let output = Command::new("sh").args(["-ec", script]).current_dir(bed.dir.path()).output().unwrap();
        assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    shell(making);
    let (_engine, address) = beside(&bed, &[("gateway.tokens_file", tokens.to_str().unwrap())]);
    let said = shell(&sending.replace("127.0.0.1:8081", &address.to_string()));
    let answers: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<serde_json::Value> = blocks("json").iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(answers.len(), told.len(), "{said}");
    for (answer, mut told) in answers.into_iter().zip(told) {
        // Names that are new each time.
        for place in ["/correlation_id", "/items/0/correlation_id"] {
            if let (Some(told), Some(answer)) = (told.pointer_mut(place), answer.pointer(place)) {
                *told = answer.clone();
            }
        }
        assert_eq!(answer, told);
    }
}
