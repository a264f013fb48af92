//! Seeds of the targets beside `decode`: histories, records, configurations, headers, operators.
//!
//! Records are encoded by the product, so that a search begins with whole ones.

use super::Seed;
use sidestream::config::SHIPPED;
use sidestream::core::ids::{Content, Digest, LaneSequence, Nanos, Position};
use sidestream::core::record::{Format, GroupMark, encode_dedup};

pub fn named(prefix: &str, bytes: impl IntoIterator<Item = Vec<u8>>) -> Vec<Seed> {
    bytes.into_iter().enumerate().map(|(n, bytes)| (format!("{prefix}-{n:02}"), bytes)).collect()
}

/// Short histories under the two plans with short names; `~` parts events.
#[rustfmt::skip]
const HISTORIES: &[&str] = &[
    // Rows, joins, a duplicate, and the same id again when the window is over.
    "1i.x\n{\"k\":\"u\",\"u\":1,\"i\":\"a\",\"x\":[1],\"p\":{\"y\":1}}~i.y|H=5\n{\"k\":\"l\",\"u\":1,\"r\":\"b\",\"z\": 1.0,\"p\":{\"y\" : 2 , \"r\":\"b\", \"t\":0 }}~i.z|@7\n{\"k\":\"l:a\",\"p\":{\"u\":\"1\"}}~\n{\"k\":\"u\",\"u\":1,\"i\":\"a\"}",
    "1i.x\n{\"k\":\"u\",\"u\":1,\"i\":\"a\"}~|@1795261501123456788\n{\"k\":\"u\",\"u\":1,\"i\":\"a\"}~|@1795261501123456789\n{\"k\":\"u\",\"u\":1,\"i\":\"a\"}",
    // Rows that are removed, by number, by text, by flag.
    "1\n{\"k\":\"l\",\"u\":\"a\",\"r\":1,\"z\":null,\"p\":{}}~\n{\"k\":\"l\",\"u\":\"a\",\"r\":1,\"d\":1,\"p\":{\"r\":1}}",
    "2\n{\"k\":\"u\",\"p\":{\"u\":1},\"r\":1,\"x\":1}~\n{\"k\":\"u\",\"p\":{\"u\":1,\"d\":true},\"d\":\"\\u00e9\",\"r\":1}",
    // Members replaced in place, left out in front, in the middle, behind, and all of them.
    "2i.x\n{\"k\":\"u\",\"r\":1,\"x\":[1],\"p\":{\"u\":\"a\",\"a\":1 , \"b\":2,\"q\":{ \"a\":0, \"b\":1}},\"a\":1}~i.y|H=5\n{\"r\":1,\"p\":{\"u\":\"a\",\"q\":{ \"a\" : 3 }},\"k\":\"\"}",
    "2\n{\"a\":1 ,\"b\":2 ,\"c\":3,\"k\":\"u\",\"r\":1,\"p\":{\"u\":1,\"q\":{ \"b\" : 1 }}}",
    "2\n{\"k\":\"u\",\"r\":1,\"p\":{\"a\":1,\"u\":1,\"b\":2,\"q\":{\"w\":1,\"b\":2,\"w\":3}}, \"b\" :2, \"c\":3 }",
    "2\n{\"k\":\"u\",\"r\":1,\"p\":{\"u\":1,\"q\":{ }}}",
    // Objects that fields are added to: not there, none, empty.
    "2\n{\"k\":\"u\",\"r\":1,\"p\":{\"u\":1}}",
    "2\n{\"k\":\"u\",\"r\":1,\"p\":{\"u\":1,\"q\":[]}}",
    "1\n{\"k\":\"l\",\"u\":1,\"r\":2,\"p\":{}}~\n{\"k\":\"l\",\"u\":1,\"r\":2,\"p\":7}~\n{\"k\":\"l\",\"u\":1,\"r\":2}",
    // Misses, bad selectors, unknown kinds.
    "1\n{\"k\":\"l:q\",\"p\":{\"u\":1}}~\n{\"k\":\"u\",\"u\":1}~\n{\"k\":\"l:q\",\"p\":{\"u\":1}}",
    "1\n{\"k\":\"u\",\"u\":1,\"r\":1.5}~\n{\"k\":\"u\",\"u\":1,\"r\":\"\"}~\n{\"k\":\"u\",\"u\":1,\"r\":null}",
    "1i.x|Nats-X=1|sideSTREAM-y=2|K=v|K=w\n{\"k\":\"z\",\"i\":1,\"m\":0}~i\n{\"k\":\"a:x\",\"i\":1}~i\n{\"i\":1}",
    // The mark and an added field that are there already.
    "1\n{\"m\" : 1 ,\"e\":2,\"k\":\"u\",\"u\":1,\"h\":{}}",
];

pub fn splice() -> Vec<Seed> {
    let mut seeds = named("history", HISTORIES.iter().map(|text| text.replace('~', "\u{1e}").into_bytes()));
    // What does not fit: body, headers, subject.
    let big = [
        format!("1i.x|H={}\n{{\"k\":\"u\",\"u\":1}}", "h".repeat(1_100)),
        format!("1i.x\n{{\"k\":\"u\",\"u\":1,\"w\":\"{}\"}}", "w".repeat(1_000)),
        format!("1{}.%|a=b\n{{\"k\":\"{}\",\"u\":\"{}\"}}", "é".repeat(300), "k".repeat(80), "u".repeat(900)),
        format!("1i.x|H={}\n{{", "h".repeat(1_300)),
    ];
    seeds.extend(named("big", big.map(String::into_bytes)));
    seeds
}

pub fn records() -> Vec<Seed> {
    let mode = |mode: u8, bytes: &[u8]| [&[mode], bytes].concat();
    let mark = GroupMark { position: Position(1), stored_at: Nanos(-1), lane: LaneSequence(u64::MAX) };
    let mut chunk = Vec::new();
    let ids = [(Digest(7), Nanos(1)), (Digest(8), Nanos(i64::MAX)), (Digest(9), Nanos(i64::MIN))].map(|(id, time)| (id, time, Content::UNKNOWN));
    encode_dedup(Position(258), &ids, &mut chunk).expect("three ids");
    let (key, value) = chunk.remove(0);
    let checkpoint = br#"{"position":2,"lane":6,"stored_at":2,"stream_time":9,"input_created":-1,"output_created":0,"origin":1,"plans":[{"plan":"ab","since":1}],"layout":{"tables":[{"name":"a","columns":["x"]}]},"gaps":0}"#;
    let plan = br#"{"input_stream":"I","event":{"kind":"k","id":"$header.I","time":"$time"},"unknown_kinds":"drop","kinds":{"u":{"key":"a.b"},"l:*":{"key":null}},"tables":{"a":{"from":"u","row":"r","columns":{"x":"x"},"delete":{"field":"d","equals":{"Integer":1}}}},"enrich":[{"kinds":["u"],"on_miss":"omit","into":["p"],"add":{"y":{"table":"a","row":"$subject.2","column":"x"}}}],"output_subject":"o.{kind}","mark":"m","max_bytes":1024,"dead_subject":"d.{reason}","dedup_window_s":60}"#;
    let columns: &[u8] = &[1, 4, b't', b'r', b'u', b'e', 0xc8, 1, 1, b'7'];
    let mut seeds = vec![
        mode(0, &mark.encode()),
        mode(0, &key),
        mode(0, columns),
        mode(0, &[0xff; 12]),
        mode(0, &[0x80, 0]),
        mode(0, &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]),
        mode(1, &value.expect("a value")),
        mode(1, &[1]),
        mode(1, &[2, 0, 0]),
        mode(2, &[&[1], &checkpoint[..]].concat()),
        mode(2, &Format::first().encode()),
        mode(2, plan),
        mode(2, b"\x02{}"),
    ];
    // Entries: a key behind its length, a value behind its length; then values to build rows and plans from.
    let entry = |key: &[u8], value: &[u8]| [&[key.len() as u8], key, &[value.len() as u8], value].concat();
    seeds.push(mode(3, &entry(b"p\0\0", b"\x01\0\x01abc")));
    seeds.push(mode(3, &[entry(b"plan/a/\0\0", b"\x01\0\x01{}"), entry(b"plan/a/\0\x01", b"\x01x")].concat()));
    seeds.push(mode(3, &[entry(b"p\0\0", b"\x01\0\0"), entry(b"p\xff\xff", b"\x01")].concat()));
    for how in 0..6 {
        let row = [0, 1, b'k', 0, 1, 1, 1, b'r', 2, 0, 1, 1, b'7', 1, 0, 0xe1, b'x', 0x0f, 0xa0];
        seeds.push(mode(4, &[&row[..], &[0, how, 0, 9, 1, how, 0, 1]].concat()));
        seeds.push(mode(5, &[&[0; 8][..], &[0xe2, b'a', 0xc3, 0x1f, 0x40], &[0, how, 0, 3]].concat()));
    }
    seeds.push(mode(6, &[7; 60]));
    seeds.push(mode(6, &[&[0; 8][..], &[63], &[0xff; 170]].concat()));
    seeds.push(mode(7, &[0xff; 90]));
    seeds.push(mode(7, b"\0\0\0\0\0\0\0\x01"));
    named("record", seeds)
}

/// Parts of a configuration: the digit says which part of the good one they take the place of.
#[rustfmt::skip]
const PARTS: &[&str] = &[
    "5", "5\u{feff}", "6", "0[input]\nstream='I'\nsubjects=['i.>','j.*']\n", "0[input]\nstream='a b'\nsubjects=['i..x', 3]\n",
    "1[output]\nstream='I'\nsubject='i.{kind}'\nmark='k'\nmax_bytes=1_024\n", "1[output]\nstream='O'\nsubject='o.{subject.2}.{reason}'\n",
    "1[output]\r\nstream=\"O\"\r\nsubject=\"o.{type}\"\r\n[dead_letters]\r\nsubject='o.x'\r\nstream='O'", "5[dead_letters]\nsubject='d.{reason}'\nstream='D'\n",
    "2[event]\nkind='$subject.2'\nid='$header.X'\ntime='$time'\n[kinds.u]\nkey='u'\n[kinds.'l']\nkey='p.u'\n[kinds.\"v:*\"]\n",
    "2[event]\nkind='a..b'\n[kinds]\n", "2[event]\nkid='k'\n[kinds.u]\nkey=1\n[kinds.l]\nkye='u'\n",
    "3[tables.a]\nfrom='u'\ncolumns={x='x',y='p.y'}\ndelete={field='d',equals=-1}\n[tables.b]\nfrom='l'\nrow='r'\ncolumns.z='z'\ndelete={field='d',equals=true}\n",
    "3[tables.'a.b']\nfrom='nobody'\ncolumns={}\n[tables.b]\nform='l'\nrow=''\n", "4[[enrich]]\nkinds=['l','u']\non_miss='omit'\ninto='p.q'\nadd={c='a.x'}\n",
    "4[[enrich]]\nkinds=['l']\nadd={c='a.x'}\n[[enrich]]\nkinds=['l']\non_miss='dead_letter'\nadd={c='b[$subject.1].z'}\n",
    "4[[enrich]]\nkinds=['l']\non_miss='wait'\nadd={c='b.z',d='a[r].x',e='n.x',f='a.n'}\n", "4[enrich]\nkinds='l'\n", "4[[enrich]]\nkinds=['l','l']\ninto='$time'\nadd={''='a.x'}\n",
    "5[nats]\nurl='nats://a:1, tls://b'\nuser='u'\npassword_file='p'\n[nats.tls]\nca_file='c'\ncert_file='d'\nkey_file='e'\n", "5[nats]\nurl='http://x'\nuser='u'\nnkey_file=''\n",
    "5[engine]\nshards=3\ncheckpoint_interval_ms=10\nmax_in_flight_slices=1\nunknown_kinds='drop'\n", "5[engine]\nshards=129\ncheckpoint_interval_ms=9\nunknown_kinds='dorp'\n",
    "5[dedup]\nwindow_s=0\n[state]\npath='s'\ncache_rows=1\n[http]\nlisten='[::1]:0'\n", "5[dedup]\nwindow_s=99999999999\n[state]\ncache_rows=-1\n[http]\nlisten='x'\n",
    "5x = 1979-05-27T07:32:00Z\ny = 1.5\nz = 0x7fffffffffffffffff\n", "5[é]\nü = \"\"\"\na\"\"\"\n\t[[x.y]]\n", "5[[[", "5a.b.c=1\na.b=2\n", "5\"", "5'''\n", "5[input]\n",
    "5#\0engine.shards=2\nnats.url=nats://x", "5\0kinds.\"v:*\".key=u\nenrich.0.on_miss=omit\nenrich.9.into=p\n.=1", "5\0input=1\ninput.stream=2\n\"\"=\"", "5\0tables.a.columns.x.y=1\nenrich.0.kinds.0=u",
];

pub fn config() -> Vec<Seed> {
    let mut seeds = named("part", PARTS.iter().map(|text| text.as_bytes().to_vec()));
    let bare: Vec<&str> = SHIPPED.lines().map(|line| line.split('#').next().unwrap_or_default().trim_end()).collect();
    let bare: Vec<&str> = bare.into_iter().filter(|line| !line.is_empty()).collect();
    seeds.push(("shipped".to_owned(), format!("6{}", bare.join("\n")).into_bytes()));
    seeds
}

/// One run header of ours.
const RUN: &str = "187f0a1b2c3d4e5f0000000a.3:00ff00ff00ff00ff:1:9";

pub fn recovery() -> Vec<Seed> {
    let headers = [
        format!("0EVENTS:42:0\n1795261500123456789\n{RUN}"),
        format!("0a:b:42:4294967295\n-1\n{RUN}"),
        format!("0EVENTS:042:0\n1\n{RUN}"),
        format!("0EVENTS:42:00\n+1\n{RUN}"),
        format!("0EVENTS:42:0\n01\n{RUN}"),
        format!("0EVENTS:18446744073709551616:0\n1\n{RUN}"),
        format!("0:42:0\n1\n{RUN}"),
        format!("0EVENTS:42:0\n-0\n{}", RUN.replace(".3", ".03")),
        format!("0EVENTS:42:0\n1\n{}", RUN.replace(":9", ":+9")),
        format!("0EVENTS:42:0\n1\n{}:1", RUN),
        format!("0EVENTS:42:0\n1\n{}", RUN.to_uppercase()),
        format!("0EVENTS:42:0\n1\n{RUN}\nSidestream-Time=2\nSidestream-Run=x\nNats-X=1"),
        "0\n\n".to_owned(),
    ];
    let others: &[&str] = &[
        "2_INBOX.a.500.fail.41.1.$FI\n{\"type\":\"ack\",\"seq\":5,\"msgs\":500}",
        "2_INBOX.a.500.fail.41.1.$FI\n{\"type\":\"gap\",\"last_seq\":2,\"seq\":3}",
        "2x\n{\"type\":\"err\",\"seq\":40,\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"wrong last sequence: 43\"}}",
        "2_INBOX.a.500.fail.41.1.$FI\n{\"error\":{\"code\":400,\"err_code\":10071,\"description\":\"\\u00e9\"},\"stream\":\"OUT\",\"seq\":0}",
        "2a.b\n{\"stream\":\"OUT\",\"seq\":46,\"batch\":\"a\",\"count\":3}",
        "2a.99999999999999999999.b.c\n{\"error\":{\"code\":1}}",
        "2\n{\"type\":null,\"error\":null,\"count\":0}",
        "2\n{\"type\":\"err\"}",
        "2\n{\"seq\":-1,\"type\":\"ack\"}",
        "2\n{\"seq\":1e3,\"type\":\"ack\"}",
        "2\n[\"ack\",1,2,null]",
        "2\n{}",
        "2\nx",
        "2",
        "3$JS.ACK.EVENTS.c1.1.20.10.1795261500123456789.3",
        "3$JS.ACK.hub.ACC.EVENTS.c1.1.20.10.1000.3",
        "3$JS.ACK.hub.ACC.EVENTS.c1.1.20.10.1000.3.token",
        "3$JS.ACK.EVENTS.c1.1.20",
        "3$JS.ACK.EVENTS.c1.1.20.10.9223372036854775808.3",
        "3$JS.ACK.EVENTS.c1.x.20.10.-1.3",
        "3$JS.ACK......1.2.3.4.5",
        "3_INBOX.x",
        "45000",
        "4",
        "4+1",
        "4-1",
        "418446744073709551616",
        "4 1",
    ];
    let mut seeds = named("headers", headers.map(String::into_bytes));
    seeds.extend(named("reply", others.iter().map(|text| text.as_bytes().to_vec())));
    seeds.push(("ours-00".to_owned(), [b"1", &[0x11; 70][..], b"\x06EVENTS"].concat()));
    seeds.push(("ours-01".to_owned(), [b"1", &[0xff; 90][..]].concat()));
    seeds
}

/// Operators, and values that their cases part at.
#[rustfmt::skip]
const OPERATORS: &[(&str, &[&str])] = &[
    (r#""a.b""#, &["1.0", "null", "", r#""x""#, "=x\"\\"]),
    (r#"{"copy":"a","values":{"BR":"Brasil","7":1,"true":false},"else":"?"}"#, &[r#""BR""#, "7", "true", "7.0", "[]", "=BR"]),
    (r#"{"first":["a","$header.A"]}"#, &["1\n=x", "null\n=", "\"\"\n=é"]),
    (r#"{"time":"a"}"#, &[
        "1763725500", "1763725500.123", "1763725500123", "1763725500123456789", "1.6448496e9", "99999999", "1e400", "-1",
        r#""2022-02-14T15:40:00+01:00""#, r#""2022-02-14 14:40:00.9999999999z""#, r#""1644849600""#, r#""0001-01-01T00:00:00+01:00""#,
        "=2022-02-14T14:40:00Z", "=1763725500.5", "9223372036854775808", "0.0000000000000000000001e99999999999999999999",
    ]),
    (r#"{"time":"a","unit":"s","write":"unix_ms"}"#, &["-1.5", "-62135596800", "253402300799.9999999999", "0"]),
    (r#"{"time":"a","format":"%Y-%m-%d-%H.%M.%S.%f","offset":"-05:30"}"#, &[r#""2019-07-26-08.43.28.5467891239""#, r#""2019-07-26T08:43:28.5Z""#]),
    (r#"{"time":"a","format":"%d/%b/%Y:%T %z","write":"date"}"#, &[r#""10/Oct/2000:13:55:36 -0700""#, r#""2000-10-10""#]),
    (r#"{"time":"a","format":"%y%j %I%p 100%%","write":"rfc3339"}"#, &[r#""20366 12am 100%""#]),
    (r#"{"time":"a","format":"%B %d, %Y %H%:z"}"#, &[r#""May 04, 2021 10+05:30""#]),
    (r#"{"part":"a","at":2,"split":"::","or":0}"#, &[r#""a::b""#, r#""a\u003a:é""#, "7", "=::x"]),
    (r#"{"id":["a","b"]}"#, &["\"a\"\n7", "\"\\u0061\"\n\"\"", "=a\n=7", "1.5\n1"]),
    (r#"{"id":["a"],"join":"-"}"#, &[r#""a\"é""#]),
    (r#"{"value":1e300}"#, &[r#""4111111111111234""#, "4111111111111234", r#""************1234""#]),
];

pub fn derive() -> Vec<Seed> {
    let inputs =
        OPERATORS.iter().flat_map(|(words, values)| values.iter().map(move |v| format!("{words}\n{v}").into_bytes()));
    named("operator", inputs)
}
