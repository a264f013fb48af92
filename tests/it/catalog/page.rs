//! The page about catalogues shows what is printed.

use super::{catalog, publish};
use crate::harness::bed::Bed;

#[test]
fn the_page_shows_what_is_printed() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/catalog.md")).unwrap();
    let mut bed = Bed::new();
    let file = bed.dir.path().join("catalog.json").display().to_string();
    let mut codes = Vec::new();
    for block in page.split("```").skip(1).step_by(2) {
        let (language, text) = block.split_once('\n').unwrap();
        match language {
            "jsonl" => text.lines().for_each(|event| publish(&mut bed, event)),
            "console" => {
                let (command, expected) = text.split_once('\n').unwrap();
                let command = command.strip_prefix("$ sidestream catalog").unwrap();
                let (arguments, saved) = command.split_once('>').map_or((command, false), |(before, _)| (before, true));
                let arguments = arguments.replace("catalog.json", &file);
                let ran = catalog(&bed, &arguments.split_whitespace().collect::<Vec<_>>());
                assert_eq!(ran.out, expected, "{command}: {}", ran.err);
                if saved {
                    std::fs::write(&file, &ran.out).unwrap();
                }
                codes.push(ran.code);
            }
            _ => {}
        }
    }
    assert_eq!(codes, [Some(0), Some(1)]);
}
