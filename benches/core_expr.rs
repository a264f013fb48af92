//! What a condition and a computed value cost over one event, on one thread: `cargo bench --bench core_expr`.
//!
//! The values are handed over as the step does it: places of raw bytes, found before. A condition of three terms has 100 ns.

#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use sidestream::core::expr::{ConditionAnswer, EventValues, Expression, InputValue, Read};
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An event's fields.
const FIELDS: [(&str, &str); 6] = [
    ("amount", "1500.50"),
    ("country", "\"PT\""),
    ("vip", "true"),
    ("name", "\"Maria da Silva\""),
    ("at", "1763725500123"),
    ("items", "[{\"price\":10.10},{\"price\":0.2},{\"price\":99}]"),
];

/// The raw bytes of each read, in the order of the reads.
struct Fields(Vec<&'static [u8]>);

impl EventValues for Fields {
    fn value(&self, read: usize) -> InputValue<'_> {
        self.0.get(read).map_or(InputValue::Absent, |raw| InputValue::Json(raw))
    }
}

fn fields(expression: &Expression) -> Fields {
    let of = |read: &Read| match read {
        Read::Event(path) => FIELDS.iter().find(|(name, _)| path == &[*name]).map(|(_, raw)| raw.as_bytes()),
        _ => None,
    };
    let found = expression.reads().iter().map(|reading| of(&reading.read).expect("the event has the field"));
    Fields(found.collect())
}

fn conditions(c: &mut Criterion) {
    for (name, text) in [
        ("one comparison", "event.amount > 1000"),
        ("three terms", "event.amount > 1000 && event.country in [\"BR\", \"PT\"] && event.vip"),
        ("text", "event.name.startsWith(\"Maria\") && !event.name.contains(\"x\")"),
        ("pattern", "event.name.matches(\"^Maria .*a$\")"),
        ("list of three", "event.items.exists(i, i.price > 50)"),
    ] {
        let expression = Expression::parse(text).expect("the condition is right");
        let values = fields(&expression);
        assert_eq!(expression.holds(&values), ConditionAnswer::True);
        c.bench_function(&format!("condition: {name}"), |b| {
            b.iter(|| black_box(&expression).holds(black_box(&values)))
        });
    }
}

fn values(c: &mut Criterion) {
    for (name, text) in [
        ("moved", "event.name"),
        ("sum", "event.amount * 1.19 + 2.5"),
        ("quotient", "event.amount / 7"),
        ("time", "timestamp(event.at)"),
    ] {
        let expression = Expression::parse(text).expect("the value is right");
        let values = fields(&expression);
        let mut out = Vec::with_capacity(64);
        c.bench_function(&format!("value: {name}"), |b| {
            b.iter(|| {
                out.clear();
                black_box(&expression).compute(black_box(&values), &mut out)
            })
        });
    }
}

fn parse(c: &mut Criterion) {
    let text = "event.amount > 1000 && event.country in [\"BR\", \"PT\"] && event.vip";
    c.bench_function("parse: three terms", |b| b.iter(|| Expression::parse(black_box(text)).is_ok()));
}

criterion_group!(benches, conditions, values, parse);
criterion_main!(benches);
