//! What a power cut leaves of the model's streams. There is no real server to ask; see the suite's header.

use super::model::{Server, Settings};
use bytes::Bytes;
use sidestream::core::ids::Nanos;

fn server(messages: u64) -> Server {
    let mut server = Server::new(Nanos(1));
    for name in ["S", "T"] {
        let subjects = vec![format!("{name}.>")];
        server.create(name, Settings { subjects, allow_batched: true, ..Settings::default() });
    }
    publish(&mut server, messages);
    server
}

fn publish(server: &mut Server, messages: u64) {
    for n in 0..messages {
        server.publish("S.a", None, Bytes::from(n.to_string())).unwrap();
    }
}

fn last(server: &Server, name: &str) -> Option<(u64, u64, u64)> {
    server.state(name).map(|state| (state.first, state.last, state.messages))
}

#[test]
fn a_power_cut_takes_what_was_not_synced_as_far_as_it_is_told() {
    for (asked, left) in [(0, 3), (3, 3), (4, 4), (5, 5), (9, 5)] {
        let mut server = server(3);
        server.synced("S");
        publish(&mut server, 2);
        let mut heard = Vec::new();
        server.power_cut(|name, synced, last| {
            heard.push((name.to_owned(), synced, last));
            if name == "S" { asked } else { 0 }
        });
        assert_eq!(heard, [("S".to_owned(), 3, 5), ("T".to_owned(), 0, 0)]);
        assert_eq!(last(&server, "S"), Some((1, left, left)));
        assert_eq!(last(&server, "T"), None);
        // The next message takes the place of a lost one, and what is there now stays.
        publish(&mut server, 1);
        server.power_cut(|_, synced, _| synced);
        assert_eq!(last(&server, "S"), Some((1, left, left)));
    }
}

#[test]
fn a_young_stream_vanishes_unless_something_of_it_is_kept() {
    let mut server = server(2);
    server.synced("T");
    server.power_cut(|_, _, _| 0);
    assert_eq!((last(&server, "S"), last(&server, "T")), (None, Some((1, 0, 0))));
    let mut server = self::server(2);
    server.power_cut(|_, _, last| last);
    assert_eq!((last(&server, "S"), last(&server, "T")), (Some((1, 2, 2)), None));
}

#[test]
fn a_power_cut_forgets_batches_and_consumers_and_no_deletion() {
    let mut server = server(4);
    server.delete_message("S", 2);
    server.purge_up_to("S", 2);
    server.synced("S");
    let consumer = server.create_consumer("S", 0).unwrap();
    server.fast("S.a", "_INBOX.x.b.2.fail.1.0.$FI", None, Bytes::new());
    server.power_cut(|_, synced, _| synced);
    assert_eq!(last(&server, "S"), Some((3, 4, 2)));
    assert!(server.deliver(consumer).is_err());
    let replies = server.fast("S.a", "_INBOX.x.b.2.fail.2.1.$FI", None, Bytes::new());
    assert!(String::from_utf8_lossy(&replies[0].payload).contains("10208"), "{replies:?}");
}

#[test]
fn a_clock_that_goes_back_stamps_messages_and_lets_no_time_pass() {
    let mut server = server(0);
    server.set_time(Nanos(50_000_000_000));
    server.fast("S.a", "_INBOX.x.b.2.fail.1.0.$FI", None, Bytes::new());
    server.set_time(Nanos(20_000_000_000));
    server.set_time(Nanos(29_000_000_000));
    server.fast("S.a", "_INBOX.x.b.2.fail.2.1.$FI", None, Bytes::new());
    let times = [1, 2].map(|sequence| server.message("S", sequence).unwrap().stored_at.0);
    assert_eq!(times, [50_000_000_000, 29_000_000_000]);
}
