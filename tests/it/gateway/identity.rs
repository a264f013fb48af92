//! The same event twice, and another event under the same identity.

use super::client::{JSON, post};
use super::stage::{alone, input, user};
use crate::harness::bed::Bed;

#[test]
fn the_same_again_has_the_first_position_and_another_content_is_refused() {
    let mut bed = Bed::new();
    let (_gateway, address) = alone(&bed, &[]);
    let nameless = |name: &str| format!(r#"{{"title":"user","properties":{{"uuid":"{name}"}}}}"#);
    let key = [JSON, ("Idempotency-Key", "k-1")];
    let cloud =
        |id: &'static str| [JSON, ("ce-specversion", "1.0"), ("ce-id", id), ("ce-source", "/s"), ("ce-type", "user")];
    let other = user("ada").replace("NL", "BE");
    for (headers, body, changed) in [
        (&[JSON][..], user("ada"), other),
        (&key[..], nameless("a"), nameless("b")),
        (&cloud("1")[..], nameless("a"), nameless("b")),
    ] {
        let first = post(address, "/v1/events/user", headers, body.as_bytes());
        let (position, false) = first.stored() else { panic!("{first:?}") };
        let again = post(address, "/v1/events/user", headers, body.as_bytes());
        assert_eq!(again.stored(), (position, true));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        let reused = post(address, "/v1/events/user", headers, changed.as_bytes());
        assert_eq!((reused.status, reused.problem().as_str()), (422, "idempotency-key-reused"));
        let moved = post(address, "/v1/events/lesson", headers, body.as_bytes());
        assert_eq!(moved.status, 422, "another subject is another event: {moved:?}");
    }
    // Without any identity each request is an event.
    let one = post(address, "/v1/events/user", &[JSON], nameless("a").as_bytes()).stored();
    let two = post(address, "/v1/events/user", &[JSON], nameless("a").as_bytes()).stored();
    assert_eq!((one, two), ((4, false), (5, false)));
    // An attribute that changed is another content, too.
    let mut headers = cloud("1").to_vec();
    headers.push(("ce-more", "1"));
    assert_eq!(post(address, "/v1/events/user", &headers, nameless("a").as_bytes()).status, 422);
    assert_eq!(input(&mut bed).len(), 5);
}
