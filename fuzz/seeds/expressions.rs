//! Seeds of the target `expression`: each an expression and values for its reads.

use super::{Seed, others::named};

/// An expression, and the lines of its values.
const EXPRESSIONS: [(&str, &[&str]); 22] = [
    ("event.a > 1000 && event.b in [\"BR\", \"PT\"] && event.c", &["1500.50\n\"PT\"\ntrue", "1e400\nnull\nfalse"]),
    ("event.a == 1 || !(event.b != 1.0)", &["\n1", "1\n2", "null\n\"1\""]),
    ("event.a + event.b", &["10.10\n0.2", "\"a\"\n\"\\u0062\"", "99999999999999999999999999999999999999\n1"]),
    ("event.a * event.b - event.a / event.b", &["1\n3", "-0.0\n1e-38", "5\n0"]),
    ("event.a % event.b", &["-7\n3", "7.5\n2"]),
    ("-event.a < event.b", &["123456789012345678901234567890123456789012345\n1e44", "1\n=x"]),
    ("event.a ? event.b : event.c", &["true\n1E5\n2", "\n1\n2"]),
    ("has(event.a.b) && present(event.a[\"c d\"].e)", &["1\n\"\"", "\nnull"]),
    ("event.l.exists(x, x.p > event.a)", &["[{\"p\":1},{\"\\u0070\":3}, 5]\n2", "[]\n1", "{}\n1"]),
    ("event.l.all(x, event.l.exists(y, x == y || y in [x]))", &["[1,[2,\"x\"],1.0]"]),
    ("event.l[1].p", &["[0 , {\"p\" : [1,2]} ]", "[1]"]),
    ("event.a.split(\":\")[1].upperAscii() + text(event.b)", &["\"payment:order\"\n1.0", "\"a\"\ntrue"]),
    ("event.a.substring(1, 3).replace(\"a\", event.b).trim().size()", &["\"éaé \"\n\"xy\"", "\"\"\n\"\""]),
    ("event.a.matches(r\"^[a-z]+\\d*$\") || event.a.contains('x')", &["\"abc12\"", "\"\\ud800\"", "=abc"]),
    ("event.a.startsWith(event.b) && event.a.endsWith(event.b.lowerAscii())", &["\"aa\"\n\"A\""]),
    (
        "timestamp(event.a) - meta.time > duration(\"1h30m\")",
        &["1763725500123\n=x", "\"2022-02-14T15:40:00+01:00\"\n1"],
    ),
    ("number(timestamp(event.a)) * 1000", &["\"1644849600\"", "99999999"]),
    ("user[id].country == user.country // a comment", &["\"BR\"\n\"BR\"", "\n\"BR\""]),
    ("meta.subject[2] + meta.header[\"X\"] + meta.kind", &["=a\n=b\n=c", "\n=b\n=c"]),
    ("event.a == [1, null, event.b] || event.a == event.b", &["[1.0,null,{}]\n{}", "{}\n{}"]),
    ("event.a = 1 and not event.b", &["1"]),
    ("((((((event.`e-mail` == \"x'))))))", &["\"x\""]),
];

pub fn expressions() -> Vec<Seed> {
    let inputs =
        EXPRESSIONS.iter().flat_map(|(text, values)| values.iter().map(move |v| format!("{text}\n{v}").into_bytes()));
    named("expression", inputs)
}
