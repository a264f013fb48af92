//! What one derived field costs: `cargo bench --bench core_derive`.
//!
//! Each operator over a value as events carry it, into a buffer with room, as the step would have it.

#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use sidestream::core::derive::mask::Mask;
use sidestream::core::derive::salt::Salt;
use sidestream::core::derive::spec::DeriveSpec;
use sidestream::core::read::Value;
use sidestream::json::fields::Span;
use std::hint::black_box;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is measured: its name, the operator as it stands in a plan, and the values at its places.
#[rustfmt::skip]
const CASES: &[(&str, &str, &[&str])] = &[
    ("copy", r#""a""#, &[r#""pt-BR""#]),
    ("value", r#"{"value":"mainframe"}"#, &[]),
    ("value map", r#"{"copy":"a","values":{"BR":"Brasil","PT":"Portugal"},"else":"?"}"#, &[r#""BR""#]),
    ("first of two", r#"{"first":["a","b"]}"#, &["null", r#""c-17""#]),
    ("part", r#"{"part":"a","at":2}"#, &[r#""payment:order:completed""#]),
    ("time, whole seconds", r#"{"time":"a"}"#, &["1763725500"]),
    ("time, seconds with a fraction", r#"{"time":"a"}"#, &["1763725500.123"]),
    ("time, milliseconds", r#"{"time":"a"}"#, &["1763725500123"]),
    ("time, RFC 3339", r#"{"time":"a"}"#, &[r#""2022-02-14T15:40:00.5+01:00""#]),
    ("time, a format with a fraction", r#"{"time":"a","format":"%Y-%m-%d-%H.%M.%S.%f"}"#, &[r#""2019-07-26-08.43.28.546789""#]),
    ("time, a format of a date", r#"{"time":"a","format":"%d.%m.%Y"}"#, &[r#""19.02.2019""#]),
    ("id of two", r#"{"id":["a","b"]}"#, &[r#""A1111111111""#, r#""2019-07-26-08.43.28.546789""#]),
];

fn value(raw: &str) -> Value<'_> {
    Value::Json { raw: raw.as_bytes(), span: Span { start: 0, end: raw.len() as u32 } }
}

fn operators(c: &mut Criterion) {
    let salt = Some(Salt::new(b"a salt of 16 byt"));
    let mut group = c.benchmark_group("a derived field");
    let mut out = Vec::with_capacity(1024);
    for (name, words, raw) in CASES {
        let spec: DeriveSpec = serde_json::from_str(words).expect("words of an operator");
        let values: Vec<Value<'_>> = raw.iter().map(|raw| value(raw)).collect();
        group.bench_function(*name, |b| {
            b.iter(|| {
                out.clear();
                black_box(&spec).write(black_box(&values), &mut out).expect("a value that it can work with");
                black_box(&out);
            });
        });
    }
    for mask in [Mask::Last4, Mask::Hash, Mask::Hide] {
        group.bench_function(format!("mask, {mask:?}").to_lowercase(), |b| {
            b.iter(|| {
                out.clear();
                mask.write(black_box(&value(r#""4111111111111234""#)), salt.as_ref(), &mut out);
                black_box(&out);
            });
        });
    }
    group.finish();
}

criterion_group!(benches, operators);
criterion_main!(benches);
