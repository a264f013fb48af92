//! What one event costs in the JSON room: `cargo bench --bench core_json`.
//!
//! A lesson event of the shipped example's shape; `serde_json` stepping over the same bytes is the yardstick.

#![allow(missing_docs)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sidestream::json::cursor::Scratch;
use sidestream::json::fields::{Fields, Span};
use sidestream::json::scan::scan;
use sidestream::json::splice::{Added, Edit, Label, Splice};
use sidestream::json::text::Scalar;
use std::hint::black_box;

const LESSON: &[u8] = br#"{"title":"lesson","event_uuid":"0b8f2c9e-5d61-4e0e-9a53-7f3f0f4b1c2d","created_at":1763725500,"properties":{"uuid":"u-1048576","language":"pt-BR","lesson":118,"unit":7,"xp":15,"score":0.93,"seconds":212,"streak":4,"hard":false}}"#;

fn path(dotted: &str) -> Vec<String> {
    dotted.split('.').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn events(c: &mut Criterion) {
    let mut fields = Fields::default();
    let known = "title event_uuid created_at properties.uuid properties.language properties.country \
                 properties.operation properties.status properties.plan event_processed user_country plan_status";
    let slots: Vec<_> = known.split_whitespace().map(|dotted| fields.field(&path(dotted))).collect();
    let top = fields.object(&[]);
    let mut spans = vec![Span::ABSENT; fields.len()];
    let mut scratch = Scratch::default();
    let mut group = c.benchmark_group(format!("{}-byte lesson, {} slots", LESSON.len(), fields.len()));
    group.throughput(Throughput::Elements(1));
    // As most programs write it, with blanks, and with an escape, which goes the thorough way.
    let text = String::from_utf8_lossy(LESSON).into_owned();
    let spaced = text.replace(':', ": ").replace(',', ", ");
    let escaped = text.replace("pt-BR", "pt\\u002dBR");
    for (name, text) in [("scan", text), ("scan, with blanks", spaced), ("scan, with an escape", escaped)] {
        group.bench_function(name, |b| {
            b.iter(|| {
                spans.fill(Span::ABSENT);
                scan(&fields, black_box(text.as_bytes()), &mut scratch, black_box(&mut spans))
            });
        });
    }
    spans.fill(Span::ABSENT);
    scan(&fields, LESSON, &mut scratch, &mut spans).expect("the lesson is sound");

    let labels = ["plan_status", "user_country", "event_processed"].map(Label::new);
    let values: [&[u8]; 3] = [b"\"active\"", b"\"BR\"", b"true"];
    let mut splice = Splice::default();
    let mut out = Vec::with_capacity(1024);
    group.bench_function("splice of three members", |b| {
        b.iter(|| {
            out.clear();
            let edits = labels.iter().zip(values).map(|(label, value)| Edit {
                label,
                added: Added::Value(value),
                there: Span::ABSENT,
            });
            if let Some(tail) = top.of(black_box(&spans)) {
                splice.object(LESSON, tail, edits);
            }
            splice.write(black_box(LESSON), &mut out);
        });
    });
    group.bench_function("five scalars", |b| {
        b.iter(|| {
            for slot in slots.iter().take(5) {
                black_box(slot.of(black_box(&spans)).of(LESSON).map(Scalar::read));
            }
        });
    });
    group.bench_function("serde_json, ignoring all", |b| {
        b.iter(|| serde_json::from_slice::<serde::de::IgnoredAny>(black_box(LESSON)));
    });
    group.bench_function("UTF-8 alone", |b| b.iter(|| std::str::from_utf8(black_box(LESSON)).is_ok()));
    group.finish();
}

criterion_group!(benches, events);
criterion_main!(benches);
