//! Headers and subjects that come with an event.
//!
//! Never `Nats-Msg-Id` or another header that the server acts upon: the event itself must always be stored.

use super::draft::EventDraft;
use super::oddity::Oddity;

pub(super) const ODDITIES: &[Oddity] = &[
    Oddity::draft("header-trace", |draft, random| {
        let trace = random.bits();
        header(draft, "X-Trace", &format!("{trace:016x}"));
        header(draft, "traceparent", &format!("00-{trace:016x}{trace:016x}-{:016x}-01", random.bits()));
    }),
    Oddity::draft("header-repeated", |draft, random| {
        for n in 0..2 + random.below(3) {
            header(draft, "X-Hop", &format!("{n}"));
            header(draft, "X-Via", "same");
        }
    }),
    Oddity::draft("header-case", |draft, _| {
        header(draft, "X-Case", "1");
        header(draft, "x-case", "2");
        header(draft, "X-CASE", "3");
    }),
    Oddity::draft("header-spoof", |draft, random| {
        // What only the engine may say; none of it may reach the output.
        header(draft, "Sidestream-Position", &format!("EVENTS:{}:0", random.below(1_000)));
        header(draft, "Sidestream-Run", "0:0:0:0:0");
        header(draft, "Sidestream-Time", "1");
        header(draft, "Sidestream-Reason", "internal");
        header(draft, "X-Kept", "yes");
    }),
    Oddity::draft("header-spoof-in-other-case", |draft, _| {
        header(draft, "sidestream-position", "EVENTS:1:0");
        header(draft, "SIDESTREAM-RUN", "x");
        header(draft, "Sidestreamer", "kept");
    }),
    Oddity::draft("header-of-the-server", |draft, _| {
        // Names in the server's own space that no server knows.
        header(draft, "Nats-Example", "dropped");
        header(draft, "nats-example", "dropped");
        header(draft, "Natsy", "kept");
    }),
    Oddity::draft("header-odd-value", |draft, random| {
        let values = ["", "a: b", "é", "a,b;c=d", "\"quoted\"", "x\ty", "😀"];
        header(draft, "X-Odd", random.pick(&values));
    }),
    Oddity::draft("headers-many", |draft, _| {
        for n in 0..100 {
            header(draft, &format!("X-{n}"), "v");
        }
    }),
    Oddity::draft("header-long", |draft, random| {
        let bytes = (1_000 + random.index(7_000)).min(draft.largest_bytes / 4);
        header(draft, "X-Long", &"h".repeat(bytes));
    }),
    // Fits a server's limit of 1 MiB as it is, but no longer with what an output adds.
    Oddity::draft("largest-with-headers", |draft, _| {
        draft.pad_to(draft.largest_bytes);
        header(draft, "X-Long", &"h".repeat((draft.largest_bytes / 1_000 * 48).saturating_add(400)));
    })
    .rare(),
    Oddity::draft("subject-with-more-tokens", |draft, random| {
        draft.subject.push_str(random.pick(&[".eu.west", ".a-b", ".1.2.3.4.5", ".ä", "._"]));
    }),
];

fn header(draft: &mut EventDraft, name: &str, value: &str) {
    draft.headers.push((name.to_owned(), value.to_owned()));
}
