//! Listed is what the configuration makes of an event: masks are on, removed members are gone, and filtered events stay out.

use super::{catalog, publish};
use crate::harness::bed::Bed;
use serde_json::{Value, json};

const SECTIONS: &str = r#"
[[filter]]
name = "test traffic"
drop = 'event.test == true'

[[derive]]
remove = ["password"]
mask = { card = "last4", token = "hide" }
[derive.set]
source = { value = "shop" }

[[derive]]
kinds = ["lesson"]
on_error = "dead_letter"
[derive.set]
learned = { time = "created_at" }
"#;

#[test]
fn masked_values_are_masked_in_examples_too() {
    let mut bed = Bed::new();
    let config = std::fs::read_to_string(&bed.config).unwrap();
    bed.config = bed.dir.path().join("config.toml");
    std::fs::write(&bed.config, config + SECTIONS).unwrap();
    for event in [
        r#"{"title":"order","card":"4929000011112222","token":"s3cret-token","password":"s3cret-password","amount":1}"#,
        r#"{"title":"order","card":"s3cret-test","test":true,"odd":1}"#,
        // Its key is missing, and its masks are on.
        r#"{"title":"user","token":"s3cret-user"}"#,
        // It ends before all that could be a mask is known to be on.
        r#"{"title":"lesson","token":"s3cret-lesson","created_at":"never"}"#,
        r#"{"title":"order","token":"s3cret-twice","token":"s3cret-once"}"#,
    ] {
        publish(&mut bed, event);
    }
    let ran = catalog(&bed, &["--examples"]);
    assert!(ran.code == Some(0) && !ran.out.contains("s3cret") && !ran.out.contains("4929"), "{ran:?}");
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(found["filtered"], 1, "{found}");
    assert_eq!(found["unreadable"], json!({ "derive": 1, "duplicate_key": 1 }), "{found}");
    let orders = &found["kinds"]["order"];
    let places: Vec<&String> = orders["places"].as_object().unwrap().keys().collect();
    assert_eq!(places, ["amount", "card", "source", "title", "token"]);
    assert_eq!((&orders["events"], &orders["first"], &orders["last"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(orders["places"]["card"]["examples"], json!(["************2222"]));
    assert_eq!(found["kinds"]["user"]["places"]["token"]["examples"], json!(["***"]));
}
