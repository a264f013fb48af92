//! Payloads that are no JSON, no object, or too deep.
//!
//! Nothing here changes what an event means; after it there is mostly no meaning left.

use super::draft::quote;
use super::oddity::Oddity;

pub(super) const ODDITIES: &[Oddity] = &[
    Oddity::bytes("truncated", |out, random, _| out.truncate(random.index(out.len()))),
    Oddity::bytes("last-brace-missing", |out, _, _| out.truncate(out.len().saturating_sub(1))),
    Oddity::bytes("trailing-garbage", |out, random, _| {
        out.extend_from_slice(random.pick(&["}", " x", "{}", ",", "\n{\"title\":\"user\"}", "\u{a0}"]).as_bytes());
    }),
    Oddity::bytes("trailing-nul", |out, _, _| out.push(0)),
    Oddity::bytes("not-utf8", |out, random, _| {
        // A stray byte, a cut sequence, an overlong form, a surrogate in UTF-8, a code point beyond the last.
        let bad: &[&[u8]] = &[b"\xff", b"\xc3", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80"];
        insert_in_text(out, random.pick(bad));
    }),
    Oddity::bytes("byte-order-mark", |out, _, _| drop(out.splice(0..0, *b"\xef\xbb\xbf"))),
    Oddity::bytes("utf-16", |out, _, _| {
        *out = String::from_utf8_lossy(out).encode_utf16().flat_map(u16::to_le_bytes).collect()
    }),
    Oddity::bytes("empty-payload", |out, _, _| out.clear()),
    Oddity::bytes("only-white-space", |out, _, _| *out = b" \r\n\t".to_vec()),
    Oddity::bytes("array-on-top", |out, _, _| {
        out.insert(0, b'[');
        out.push(b']');
    }),
    Oddity::bytes("scalar-on-top", |out, random, _| {
        *out = random.pick(&["null", "true", "0", "-1.5e3", "\"user\"", "\"\"", "[]"]).as_bytes().to_vec();
    }),
    Oddity::bytes("quoted-twice", |out, _, _| {
        // A producer that encodes its text once more: a string that holds the event.
        let inner = String::from_utf8_lossy(out).replace('"', "\\\"");
        *out = format!("\"{inner}\"").into_bytes();
    }),
    Oddity::bytes("no-json-at-all", |out, random, _| {
        *out = random.pick(&["<event/>", "title=user", "undefined", "None", "{", "\"", "\\"]).as_bytes().to_vec();
    }),
    Oddity::bytes("single-quotes", |out, _, _| out.iter_mut().filter(|b| **b == b'"').for_each(|b| *b = b'\'')),
    Oddity::bytes("bare-word", |out, random, _| {
        let word = random.pick(&["NaN", "Infinity", "-Infinity", "undefined", "True", "None", "nul", "truee"]);
        insert_member(out, word);
    }),
    Oddity::bytes("bad-number", |out, random, _| {
        let number = random.pick(&["01", "-", "+1", "1.", ".5", "0x1F", "1e", "1e+", "--1", "1_000", "-01", "1.e1"]);
        insert_member(out, number);
    }),
    Oddity::bytes("control-character", |out, random, _| {
        let bad: &[&[u8]] = &[b"\0", b"\n", b"\t", b"\x1f", b"\r", b"\x08"];
        insert_in_text(out, random.pick(bad));
    }),
    Oddity::bytes("bad-escape", |out, random, _| {
        let bad: &[&[u8]] = &[b"\\x41", b"\\'", b"\\u12", b"\\u{41}", b"\\uZZZZ", b"\\ ", b"\\U0041", b"\\a"];
        insert_in_text(out, random.pick(bad));
    }),
    Oddity::bytes("comma-astray", |out, random, _| {
        let at = if random.per_mille(500) { 1 } else { out.len().saturating_sub(1) };
        out.insert(at.min(out.len()), b',');
    }),
    Oddity::bytes("colon-missing", |out, _, _| {
        if let Some(at) = out.windows(2).position(|pair| pair == b"\":") {
            out.remove(at + 1);
        }
    }),
    Oddity::bytes("comment", |out, random, _| {
        let comment = random.pick(&["/* hello */", "// hello\n", "# hello\n"]);
        out.splice(1.min(out.len()).., [comment.as_bytes(), out.get(1..).unwrap_or_default()].concat());
    }),
    Oddity::bytes("illegal-white-space", |out, random, _| {
        let space = random.pick(&["\u{a0}", "\u{b}", "\u{c}", "\u{2028}", "\u{feff}", "\0"]);
        out.splice(1.min(out.len()).., [space.as_bytes(), out.get(1..).unwrap_or_default()].concat());
    }),
    Oddity::bytes("wrong-bracket", |out, _, _| {
        if let Some(last) = out.last_mut() {
            *last = b']';
        }
    }),
    Oddity::draft("nested-100000-deep", |draft, random| {
        // Two brackets a level, and the rest of the event must fit too.
        let depth = 100_000.min(draft.largest_bytes.saturating_sub(4_000) / 2).max(1);
        let value = nested(depth);
        let object = if random.per_mille(500) { &mut draft.top } else { &mut draft.properties };
        object.push(quote("tree"), value);
    })
    .rare(),
    Oddity::bytes("nested-and-never-closed", |out, random, largest| {
        let opening = random.pick(&["[", "{\"a\":"]);
        *out = opening.repeat(100_000.min(largest / opening.len().max(1))).into_bytes();
    })
    .rare(),
    // 128 levels are allowed, the top object being the first and the properties the second.
    Oddity::draft("nested-at-the-limit", |draft, random| {
        let depth = 125 + random.index(3);
        draft.properties.push(quote("tree"), nested(depth));
    }),
    Oddity::draft("nested-beyond-the-limit", |draft, random| {
        let levels = [(b"[".as_slice(), b"]".as_slice()), (b"{\"title\":", b"}")];
        let (open, close) = random.pick(&levels);
        let value = [open.repeat(128).as_slice(), b"1", &close.repeat(128)].concat();
        draft.top.push(quote("tree"), value);
    }),
];

fn nested(depth: usize) -> Vec<u8> {
    [b"[".repeat(depth), b"]".repeat(depth)].concat()
}

/// Puts bytes behind the opening quote of some text value or name.
fn insert_in_text(out: &mut Vec<u8>, bytes: &[u8]) {
    let at = out.iter().rposition(|&b| b == b'"').unwrap_or(out.len());
    out.splice(at..at, bytes.iter().copied());
}

/// Puts a member with this value at the front.
fn insert_member(out: &mut Vec<u8>, value: &str) {
    let member = format!("\"score\":{value},");
    let at = out.iter().position(|&b| b == b'{').map_or(0, |at| at + 1);
    out.splice(at..at, member.into_bytes());
}
