# SPDX-License-Identifier: Apache-2.0
"""Each rule of the oracle with expectations written by hand. Run: python3 -m unittest discover tests/oracle"""

import base64
import contextlib
import io
import json
import os
import tempfile
import tomllib
import unittest
from types import SimpleNamespace

import oracle
from plan import Unusable, load_plan
from strict_json import scan
from xxh3 import xxh3_64

SECOND = 1_000_000_000
BASE = """
[input]
stream = "IN"
[output]
mark = "ok"
[event]
kind = "t"
id = "id"
[kinds.u]
key = "k"
[kinds.l]
key = "k"
[tables.a]
from = "u"
columns = { x = "x", y = "y" }
"""
JOINED = BASE + """
[[enrich]]
kinds = ["l"]
on_miss = "null"
add = { x = "a.x" }
"""
ROWS = """
[input]
stream = "IN"
[output]
mark = "ok"
[event]
kind = "t"
[kinds.u]
key = "k"
[kinds.l]
key = "k"
[tables.a]
from = "u"
row = "r"
columns = { x = "x" }
delete = { field = "op", equals = "delete" }
[[enrich]]
kinds = ["l"]
add = { x = "a[r].x" }
"""


def event(seq, payload, subject="in.s", headers=(), time_ns=None):
    if isinstance(payload, str):
        payload = payload.encode()
    return SimpleNamespace(seq=seq, subject=subject, time_ns=SECOND * seq if time_ns is None else time_ns, headers=headers, payload=payload)


def messages(config, events):
    """(subject, headers, payload) of every outcome."""
    plan = load_plan(tomllib.loads(config))
    return [out or oracle.dead_letter(plan, e, reason, "why") for e, out, reason in oracle.outcomes(plan, events)]


def run(config, *payloads):
    """The outputs of payloads stored a second apart: payload text, or the reason of a dead letter after an exclamation mark."""
    plan = load_plan(tomllib.loads(config))
    events = [p if isinstance(p, SimpleNamespace) else event(i, p) for i, p in enumerate(payloads, 1)]
    return [out[2].decode() if out else "!" + reason for _, out, reason in oracle.outcomes(plan, events)]


class Grammar(unittest.TestCase):
    def test_valid(self):
        texts = (
            "{}", " \t\r\n{ } \n", "[]", "0", "-0", "1.5e+07", "1E-1", '""', "null", '[1,[2,{"a":[]}],{}]', '"\\ud800"', '"\\u0000\\/\\b"',
            '"\x7f\u2028"', "1e999999", '{"a":1,"a":2}', '[ 1 , 2 ]', "9" * 5000,
        )  # fmt: skip
        for text in texts:
            with self.subTest(text[:30]):
                self.assertIsNotNone(scan(text))

    def test_invalid(self):
        texts = (
            "", " ", "\ufeff{}", "{} x", "{}{}", "NaN", "Infinity", "-Infinity", "+1", "01", "-", "1.", ".5", "1e", "1e+", "0x1", "tru", "True",
            "nullx", "'a'", '"a', '"\n"', '"\t"', '"\x00"', '"\\x"', '"\\u12G4"', '"\\u123"', "[1,]", "[,1]", "[1 2]", '{"a":1,}', "{,}",
            '{"a"}', '{"a":}', "{1:2}", '{"a" 1}', "[1}", '{"a":1]', "]", "{", "[", '{"a":1', "\u00a0{}", "\x0c{}", "[\uff11]", "[1]]", "{}\x00",
        )  # fmt: skip
        for text in texts:
            with self.subTest(text):
                self.assertIsNone(scan(text))

    def test_depth_does_not_recurse(self):
        self.assertEqual(scan("[" * 100_000 + "]" * 100_000)[0], 100_000)
        self.assertEqual(scan('{"a":' * 100_000 + "1" + "}" * 100_000)[0], 100_000)
        self.assertIsNone(scan("[" * 100_000))

    def test_a_megabyte(self):
        self.assertIsNotNone(scan('{"a":"' + "\\n" * 500_000 + '"}'))
        self.assertIsNone(scan('{"a":"' + "\\n" * 500_000))


class Faults(unittest.TestCase):
    def test_precedence(self):
        deep = '{"a":' + "[" * 127 + "]" * 127 + "}"
        cases = [
            (b"", "!not_json"), (b"\xff", "!not_json"), (b"\xef\xbb\xbf{}", "!not_json"), (b"\xed\xa0\x80", "!not_json"), (b'{"t":"\xc0\xaf"}', "!not_json"),
            ("[]", "!not_object"), ("7", "!not_object"), ("[" * 129 + "]" * 129, "!too_deep"), ("[" * 129, "!not_json"),
            (deep, deep[:-1] + ',"ok":false}'), ('{"a":' + "[" * 128 + "]" * 128 + "}", "!too_deep"),
            ('{"t":1,"t":2,"a":' + "[" * 128 + "]" * 128 + "}", "!too_deep"), ('{"t":1,"t":2', "!not_json"),
            ('{"z":1,"z":2}', '{"z":1,"z":2,"ok":false}'), ('{"z":"\\ud800","\\ud800":1}', '{"z":"\\ud800","\\ud800":1,"ok":false}'),
        ]  # fmt: skip
        for payload, expected in cases:
            with self.subTest(payload[:40]):
                self.assertEqual(run(BASE, payload), [expected])

    def test_duplicate_key(self):
        cases = [
            '{"t":1,"t":1}', '{"t":1,"\\u0074":1}', '{"x":1,"x":2}', '{"ok":1,"ok":2}', '{"id":1,"id":1}', '{"p":{"q":1,"q":1}}', '{"p":{},"p":1}',
            '{"in":{"add":1,"add":2}}', '{"row":1,"row":1}', '{"del":1,"del":1}', '{"in":{},"in":{}}', '{"when":1,"when":1}', '{"sel":1,"sel":1}',
        ]  # fmt: skip
        config = """
            input.stream = "IN"
            output.mark = "ok"
            event = { kind = "t", id = "id", time = "when" }
            kinds.u.key = "p.q"
            tables.a = { from = "u", row = "row", columns = { x = "x" }, delete = { field = "del", equals = 1 } }
            enrich = [{ kinds = ["u"], into = "in", add = { add = "a[sel].x" } }]
        """
        for payload in cases:
            with self.subTest(payload):
                self.assertEqual(run(config, payload), ["!duplicate_key"])
        for payload in ('{"q":1,"q":1,"add":1,"add":2}', '{"p":[{"q":1,"q":1}]}', '{"p":1,"in":{"ok":1,"ok":2}}', '{"in":{"in":{"add":1,"add":1}}}'):
            with self.subTest(payload):
                self.assertEqual(run(config, payload), [payload[:-1] + ',"ok":false}'])


class Kinds(unittest.TestCase):
    def test_patterns(self):
        names = ("a", "a:*", "a:b*", "*:b", "a*b", "a:*c")
        config = 'input.stream = "IN"\noutput.subject = "o"\nevent.kind = "t"\n' + "".join(f'[kinds."{name}"]\n' for name in names)
        plan = load_plan(tomllib.loads(config))
        cases = {
            "a": "a", "a:": "a:*", "a:x": "a:*", "a:b": "a:b*", "a:bc": "a:*c", "a:bd": "a:b*", "x:b": "*:b", "axb": "a*b", "ab": "a*b", "A": None, "": None,
            "a:\nc": "a:*c", "x": None, None: None,
        }  # fmt: skip
        for kind, section in cases.items():
            with self.subTest(kind):
                self.assertEqual(oracle.section_of(plan, kind), section)

    def test_unreadable_kinds_are_unknown(self):
        config = 'input.stream = "IN"\nevent.kind = "t"\nkinds."*" = {}'
        for raw in ("1", "null", "true", '["a"]', "{}", '"\\ud800"'):
            with self.subTest(raw):
                self.assertEqual(messages(config, [event(1, f'{{"t":{raw}}}')])[0][0], "enriched.unknown")
        self.assertEqual(messages(config, [event(1, '{"t":"\\ud83d\\ude00b"}')])[0][0], "enriched._b")
        self.assertEqual(messages(config, [event(1, '{"t":""}')])[0][0], "enriched._")

    def test_unknown_kinds(self):
        policy = BASE + "[engine]\nunknown_kinds = "
        self.assertEqual(run(BASE, '{"t":"?"}'), ['{"t":"?","ok":false}'])
        self.assertEqual(run(policy + '"drop"', '{"t":"?"}', "{"), ["!not_json"])
        self.assertEqual(run(policy + '"dead_letter"', '{"t":"?"}'), ["!unknown_kind"])

    def test_selectors(self):
        config = """
            input.stream = "IN"
            event = { kind = "$subject.2", id = "$header.Id" }
            kinds.u.key = "$header.Key"
            tables.a = { from = "u", columns = { s = "$subject.3", n = "$header.None", w = "$time", h = "$header.H" } }
            enrich = [{ kinds = ["u"], add = { s = "a.s", n = "a.n", w = "a.w", h = "a.h" } }]
        """
        headers = [("Key", "7"), ("Key", "8"), ("H", '"\\\b\f\n\r\t\x01\x7f/é')]
        stored = 1_795_261_500_123_456_789  # 2026-11-21T11:45:00
        out = run(config, event(1, "{}", "in.u.x", headers, stored), event(2, "{}", "in.u", [("Key", "")]), event(3, "{}", "in.u"), event(4, "{}", "in"))
        escaped = '"\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f/é"'
        first = '{"h":' + escaped + ',"n":null,"s":"x","w":"2026-11-21T11:45:00.123456789Z"}'
        self.assertEqual(out, [first, "!bad_key", "!no_key", "{}"])


class Keys(unittest.TestCase):
    def test_keys(self):
        bad, none = "!bad_key", "!no_key"
        cases = {
            '"a"': 1, "7": 1, "-0": 1, "null": none, '""': bad, "1.0": bad, "1e3": bad, "true": bad, "[]": bad, "{}": bad, '"\\udfff"': bad, "9007199254740993": 1,
        }  # fmt: skip
        for raw, expected in cases.items():
            with self.subTest(raw):
                payload = f'{{"t":"u","k":{raw}}}'
                self.assertEqual(run(BASE, payload), [payload[:-1] + ',"ok":true}' if expected == 1 else expected])
        self.assertEqual(run(BASE, '{"t":"u"}'), [none])

    def test_a_path_through_no_object_is_absent(self):
        config = 'input.stream = "IN"\nevent.kind = "t"\nkinds.u.key = "p.k"'
        for p in ("[1]", "7", '"k"', "null", '[{"k":1}]', "{}"):
            with self.subTest(p):
                self.assertEqual(run(config, f'{{"t":"u","p":{p}}}'), ["!no_key"])

    def test_an_integer_is_its_text(self):
        out = run(JOINED, '{"t":"u","k":"7","x":1}', '{"t":"l","k":7}', '{"t":"l","k":"\\u0037"}', '{"t":"l","k":"-0"}')
        self.assertEqual([o.split(",", 2)[2] for o in out[1:]], ['"x":1,"ok":true}', '"x":1,"ok":true}', '"x":null,"ok":false}'])

    def test_row_selectors(self):
        user = '{"t":"u","k":1,"r":%s}'
        for raw, expected in {"null": "!no_key", '""': "!bad_key", "1.5": "!bad_key", "false": "!bad_key"}.items():
            with self.subTest(raw):
                self.assertEqual(run(ROWS, user % raw), [expected])
        self.assertEqual(run(ROWS, '{"t":"u","k":1}'), ["!no_key"])
        lesson = '{"t":"l","k":1,"r":%s}'
        for raw, expected in {"null": "miss", '""': "!bad_key", "1.5": "!bad_key", "{}": "!bad_key"}.items():
            with self.subTest(raw):
                miss = (lesson % raw)[:-1] + ',"x":null,"ok":false}'
                self.assertEqual(run(ROWS, lesson % raw), [miss if expected == "miss" else expected])
        self.assertEqual(run(ROWS, '{"t":"l","k":1}'), ['{"t":"l","k":1,"x":null,"ok":false}'])


class Tables(unittest.TestCase):
    def joined(self, config, *payloads):
        """What the last payload's join gave."""
        return json.loads(run(config, *payloads)[-1])["x"]

    def test_merge(self):
        lesson, user = '{"t":"l","k":1}', '{"t":"u","k":1%s}'
        cases = [
            ([], None), ([',"x":1'], 1), ([',"x":1', ""], 1), ([',"x":1', ',"y":2'], 1), ([',"x":1', ',"x":null'], None), ([',"x":1', ',"x":[2]'], [2]),
            ([',"y":1'], None), ([""], None),
        ]  # fmt: skip
        for updates, expected in cases:
            with self.subTest(updates):
                self.assertEqual(self.joined(JOINED, *(user % u for u in updates), lesson), expected)

    def test_unset_and_null_are_no_miss(self):
        out = run(JOINED, '{"t":"u","k":1}', '{"t":"l","k":1}')
        self.assertEqual(out[1], '{"t":"l","k":1,"x":null,"ok":true}')

    def test_raw_text_is_kept(self):
        out = run(JOINED, '{"t":"u","k":1,"x" : [ 1.0, "\\u00e9" , 9007199254740993 ] }', '{"t":"l","k":1}')
        self.assertEqual(out[1], '{"t":"l","k":1,"x":[ 1.0, "\\u00e9" , 9007199254740993 ],"ok":true}')

    def test_rows_and_keys_are_apart(self):
        out = run(ROWS, '{"t":"u","k":1,"r":"de","x":1}', '{"t":"u","k":1,"r":"pt-BR","x":2}', '{"t":"u","k":2,"r":"de","x":3}', '{"t":"l","k":1,"r":"de"}')
        self.assertTrue(out[3].endswith('"x":1,"ok":true}'))

    def test_delete(self):
        create, remove, lesson = '{"t":"u","k":1,"r":1,"x":5}', '{"t":"u","k":1,"r":1,"x":6,"op":%s}', '{"t":"l","k":1,"r":1}'
        cases = [
            ('"delete"', '"delete"', None), ('"delete"', '"\\u0064elete"', None), ('"delete"', '"Delete"', 6), ('"delete"', "7", 6), ("7", "7", None),
            ("7", '"7"', 6), ("7", "7.0", 6), ("1", "true", 6), ("true", "true", None), ("true", "1", 6), ("true", '"true"', 6), ("false", "false", None),
        ]  # fmt: skip
        for equals, raw, expected in cases:
            with self.subTest((equals, raw)):
                config = ROWS.replace('equals = "delete"', f"equals = {equals}")
                out = run(config, create, remove % raw, lesson)[-1]
                self.assertTrue(out.endswith(',"x":6,"ok":true}' if expected else ',"x":null,"ok":false}'), out)
        self.assertEqual(len(run(ROWS, remove % '"delete"')), 1)  # a row that is not there
        self.assertEqual(run(ROWS, '{"t":"u","k":1,"op":"delete"}'), ["!no_key"])
        self.assertEqual(self.joined(ROWS, create, remove % '"delete"', create, lesson), 5)

    def test_apply_before_join(self):
        config = BASE + '[[enrich]]\nkinds = ["u"]\nadd = { z = "a.x" }'
        self.assertEqual(run(config, '{"t":"u","k":1,"x":3}'), ['{"t":"u","k":1,"x":3,"z":3,"ok":true}'])

    def test_a_rejected_event_changes_nothing(self):
        config = BASE + """
            [tables.b]
            from = "u"
            row = "r"
            columns = {}
            [[enrich]]
            kinds = ["l"]
            add = { x = "a.x" }
        """
        out = run(config, '{"t":"u","k":1,"r":1,"x":1}', '{"t":"u","k":1,"x":2,"id":"i"}', '{"t":"l","k":1,"id":"i"}')
        self.assertEqual(out[1:], ["!no_key", '{"t":"l","k":1,"id":"i","x":1,"ok":true}'])


class Misses(unittest.TestCase):
    CONFIG = BASE + """
        [tables.b]
        from = "u"
        row = "x"
        columns = { x = "x" }
        [[enrich]]
        kinds = ["l"]
        on_miss = "%s"
        add = { p = "a.x", q = "b[r].x" }
    """

    def test_policies(self):
        user, lesson = '{"t":"u","k":1,"x":3}', '{"t":"l","k":1,"r":4,"q":0,"z":1}'
        self.assertEqual(run(self.CONFIG % "null", user, lesson)[1], '{"t":"l","k":1,"r":4,"q":null,"z":1,"p":3,"ok":false}')
        self.assertEqual(run(self.CONFIG % "omit", user, lesson)[1], '{"t":"l","k":1,"r":4,"z":1,"p":3,"ok":false}')
        self.assertEqual(run(self.CONFIG % "dead_letter", user, lesson)[1], "!miss")
        found = '{"t":"l","k":1,"r":3,"q":3,"z":1,"p":3,"ok":true}'
        for policy in ("null", "omit", "dead_letter"):
            self.assertEqual(run(self.CONFIG % policy, user, lesson.replace('"r":4', '"r":3'))[1], found)

    def test_the_first_field_decides(self):
        self.assertEqual(run(self.CONFIG % "dead_letter", '{"t":"l","k":1,"r":true}'), ["!miss"])
        self.assertEqual(run(self.CONFIG % "null", '{"t":"l","k":1,"r":true}'), ["!bad_key"])

    def test_configuration(self):
        cases = {
            "wait": JOINED.replace('"null"', '"wait"'),
            "twice": JOINED + '[[enrich]]\nkinds = ["l"]\nadd = { x = "a.y" }',
            "mark": JOINED.replace("add = { x", "add = { ok"),
            "row given": JOINED.replace("a.x", "a[k].x"),
            "row not given": ROWS.replace("a[r].x", "a.x"),
            "column": JOINED.replace("a.x", "a.nope"),
            "table": JOINED.replace("a.x", "b.x"),
            "kind": JOINED.replace('["l"]', '["m"]'),
            "key": JOINED + 'surprise = 1',
            "place": JOINED.replace('mark = "ok"', 'subject = "{reason}"'),
            "selector": BASE.replace('id = "id"', 'id = "$subject.0"'),
            "inside": JOINED + '[[enrich]]\nkinds = ["l"]\ninto = "x"\nadd = { y = "a.y" }',
        }  # fmt: skip
        for name, config in cases.items():
            with self.subTest(name), self.assertRaises(Unusable):
                load_plan(tomllib.loads(config))
        load_plan(tomllib.loads(JOINED + '[[enrich]]\nkinds = ["u"]\nadd = { x = "a.y" }'))
        load_plan(tomllib.loads(JOINED + '[[enrich]]\nkinds = ["l"]\ninto = "o"\nadd = { x = "a.y", ok = "a.x" }'))


class Splice(unittest.TestCase):
    def splice(self, payload, written, mark=None, complete=True):
        names = {(): written.get((), {})} | written
        tree = {mark: {}} if mark else {}
        for path, fields in names.items():
            node = tree
            for name in path:
                node = node.setdefault(name, {})
            for name in fields:
                node.setdefault(name, {})
        e = event(1, payload)
        oracle.decode(SimpleNamespace(names=tree), e)
        return oracle.splice(e, written, mark, complete).decode()

    def test_top_level(self):
        cases = [
            ("{}", {"a": "1"}, '{"a":1}'),
            ("{ }", {"b": "2", "a": "1"}, '{"a":1,"b":2 }'),
            ('{"z":1}', {"b": "2", "a": "1"}, '{"z":1,"a":1,"b":2}'),
            (' { "z" : 1 } ', {"a": "1"}, ' { "z" : 1,"a":1 } '),
            ('{"a" : "old" ,"z":1}', {"a": "[]"}, '{"a" : [] ,"z":1}'),
            ('{"z":1,"a":0 }', {"a": "1", "b": "2"}, '{"z":1,"a":1,"b":2 }'),
            ('{"\\u0061":0}', {"a": "1"}, '{"\\u0061":1}'),
            ("{}", {'q"\\\n\x01é': "1"}, '{"q\\"\\\\\\n\\u0001é":1}'),
            ('{"z":{"a":0}}', {"a": "1"}, '{"z":{"a":0},"a":1}'),
            ("{}", {"\U0001f600": "2", "\uffff": "1", "Z": "0"}, '{"Z":0,"\uffff":1,"\U0001f600":2}'),
            # removal: the first, a middle one, the last, several in a row, all
            ('{ "a" : 0 , "b" : 1 }', {"a": None}, '{ "b" : 1 }'),
            ('{"z":1 , "a":0 , "b":2}', {"a": None}, '{"z":1 , "b":2}'),
            ('{"z":1 , "a":0 }', {"a": None}, '{"z":1 }'),
            ('{ "a":0, "b":1, "z":2}', {"a": None, "b": None}, '{ "z":2}'),
            ('{"z":1 , "a":0 , "b":1 }', {"a": None, "b": None}, '{"z":1 }'),
            ('{"a":0, "z":1, "b":2 }', {"a": None, "b": None}, '{"z":1 }'),
            ('{ "a" : 0 }', {"a": None}, "{  }"),
            ('{ "a" : 0 , "b" : 1 }', {"a": None, "b": None}, "{  }"),
            ('{"z":1}', {"a": None}, '{"z":1}'),
            ("{}", {"a": None}, "{}"),
            # removal and addition
            ('{ "a" : 0 }', {"a": None, "b": "1"}, '{ "b":1 }'),
            ('{"z":1 , "a":0 }', {"a": None, "b": "1"}, '{"z":1,"b":1 }'),
            ('{ "a":0, "z":1 }', {"a": None, "z": "2", "y": "3"}, '{ "z":2,"y":3 }'),
        ]
        for payload, fields, expected in cases:
            with self.subTest((payload, fields)):
                self.assertEqual(self.splice(payload, {(): fields}), expected)

    def test_mark(self):
        cases = [
            ("{}", {}, True, '{"ok":true}'),
            ('{"z":1}', {"zz": "1"}, False, '{"z":1,"zz":1,"ok":false}'),
            ('{"ok" : "?","z":1}', {"a": "1"}, True, '{"ok" : true,"z":1,"a":1}'),
            ('{ "a" : 0 }', {"a": None}, False, '{ "ok":false }'),
        ]
        for payload, fields, complete, expected in cases:
            with self.subTest(payload):
                self.assertEqual(self.splice(payload, {(): fields}, "ok", complete), expected)

    def test_into(self):
        cases = [
            ('{"p":{} }', {("p",): {"a": "1"}}, '{"p":{"a":1},"ok":true }'),
            ('{"p":{"a":0,"z":1},"a":5}', {("p",): {"a": "1", "b": "2"}}, '{"p":{"a":1,"z":1,"b":2},"a":5,"ok":true}'),
            ('{"p":{"q":{"z":1}}}', {("p", "q"): {"a": "1"}, ("p",): {"b": "2"}, (): {"c": "3"}}, '{"p":{"q":{"z":1,"a":1},"b":2},"c":3,"ok":true}'),
            ('{"p":{"ok":0}}', {("p",): {"a": None}}, '{"p":{"ok":0},"ok":true}'),
        ]
        for payload, written, expected in cases:
            with self.subTest(payload):
                self.assertEqual(self.splice(payload, written, "ok"), expected)

    def test_bad_into(self):
        config = JOINED.replace("on_miss", 'into = "p.q"\non_miss')
        for policy in ("null", "omit"):
            for rest in ("", ',"p":1', ',"p":{}', ',"p":{"q":null}', ',"p":{"q":[]}', ',"p":[{"q":{}}]'):
                with self.subTest((policy, rest)):
                    self.assertEqual(run(config.replace('"null"', f'"{policy}"'), f'{{"t":"l","k":1{rest}}}'), ["!bad_into"])
        self.assertEqual(run(config, '{"t":"l","k":1,"p":{"q":{}}}'), ['{"t":"l","k":1,"p":{"q":{"x":null}},"ok":false}'])
        self.assertEqual(run(config, '{"t":"u","k":1}'), ['{"t":"u","k":1,"ok":true}'])


class Dedup(unittest.TestCase):
    def count(self, config, *events):
        return [e.seq for e, _, _ in oracle.outcomes(load_plan(tomllib.loads(config)), [event(i, p, time_ns=ns) for i, (p, ns) in enumerate(events, 1)])]

    def test_window(self):
        a, other, config = '{"t":"u","k":1,"id":"a"}', '{"t":"u","k":1,"id":"b"}', BASE + "[dedup]\nwindow_s = 10"
        w = 10 * SECOND
        cases = [
            ([(a, 0), (a, w - 1)], [1]),
            ([(a, 0), (a, w)], [1, 2]),
            ([(a, 0), (a, w - 1), (a, w)], [1, 3]),  # a duplicate does not extend the window
            ([(a, 0), (a, w), (a, 2 * w - 1)], [1, 2]),
            ([(a, w), (a, 0)], [1]),
            ([(a, 0), (other, w), (a, 1)], [1, 2, 3]),  # stream time never goes back
            ([(other, w), (a, 0), (a, 2 * w - 1)], [1, 2]),  # processed at the stream time, not at its own
            ([(a, 0), ("?", w), (a, 1)], [1, 2, 3]),  # faulty events move the stream time too
        ]
        for events, expected in cases:
            with self.subTest(events):
                self.assertEqual(self.count(config, *events), expected)
        self.assertEqual(self.count(BASE + "[dedup]\nwindow_s = 0", (a, 0), (a, 0)), [1, 2])
        self.assertEqual(self.count(BASE, (a, 0), (a, 86_400 * SECOND - 1), (a, 86_400 * SECOND)), [1, 3])

    def test_identity(self):
        u, same, apart = '{"t":"u","k":1,"id":7}', [1], [1, 2]
        for rule, other_kind in ("", apart), ('[dedup]\nidentity = "kind"\n', apart), ('[dedup]\nidentity = "key"\n', same):
            cases = {
                '{"t":"u","k":1,"id":"7"}': same, '{"t":"l","k":"1","id":7}': other_kind, '{"t":"u","k":2,"id":7}': apart, '{"t":"?","id":7}': apart, '{"t":"u","k":1,"id":8}': apart,
            }  # fmt: skip
            for second, expected in cases.items():
                with self.subTest((rule, second)):
                    self.assertEqual(self.count(BASE + rule, (u, 0), (second, 0)), expected)
            self.assertEqual(self.count(BASE + rule, ('{"t":"?","id":7}', 0), ('{"id":"7"}', 0)), other_kind)
            self.assertEqual(self.count(BASE + rule, ('{"t":"?","id":7}', 0), ('{"t":"?","id":"7"}', 0)), same)
        for pattern in ("l:*", "*"):  # the kind is the event's own, not its section's
            config = BASE + f'[kinds."{pattern}"]\nkey = "k"\n'
            self.assertEqual(self.count(config, ('{"t":"l:a","k":1,"id":7}', 0), ('{"t":"l:b","k":1,"id":7}', 0)), apart)
        with self.assertRaises(Unusable):
            load_plan(tomllib.loads(BASE + '[dedup]\nidentity = "x"\n'))

    def test_no_id(self):
        for raw in ("null", '""', "1.0", "1e1", "true", "[]", "{}", '"\\ud800"'):
            with self.subTest(raw):
                self.assertEqual(self.count(BASE, *2 * [(f'{{"t":"u","k":1,"id":{raw}}}', 0)]), [1, 2])

    def test_only_processed_events_mark_their_id(self):
        dead = JOINED.replace('"null"', '"dead_letter"')
        self.assertEqual(self.count(dead, ('{"t":"l","k":1,"id":7}', 0), ('{"t":"u","k":1,"id":7}', 0)), [1, 2])
        dropped = BASE.replace("[kinds.l]\nkey = \"k\"", "[kinds.l]") + '[engine]\nunknown_kinds = "drop"'
        self.assertEqual(self.count(dropped, ('{"t":"?","id":7}', 0), ('{"t":"l","id":7}', 0)), [2])


class Messages(unittest.TestCase):
    def test_headers(self):
        given = [("A", "1"), ("a", "2"), ("A", "3"), ("Nats-Msg-Id", "x"), ("nats-x", "x"), ("SIDESTREAM-Run", "x"), ("Sidestream", "kept"), ("Natsy", "kept")]
        [(_, headers, _)] = messages(BASE, [event(9, "{}", headers=given, time_ns=5)])
        own = {"Sidestream-Position": ["IN:9:0"], "Sidestream-Time": ["5"]}
        self.assertEqual(headers, {"A": ["1", "3"], "a": ["2"], "Sidestream": ["kept"], "Natsy": ["kept"], **own})

    def test_subjects(self):
        config = 'input.stream = "IN"\nevent.kind = "t"\nkinds."*" = {}\nkinds."u".key = "k"\noutput.subject = "o.%s"\ndead_letters.subject = "d.{reason}.%s"'
        cases = [
            ("{kind}", "lesson:a:b", "lesson_a_b"), ("{type}", "lesson:a:b", "lesson"), ("{subtype}", "lesson:a:b", "a"), ("{subtype}", "lesson", "_"),
            ("{subtype}", "lesson:", "_"), ("{type}", ":a", "_"), ("{kind}", "a.b > *é\U0001f600", "a_b______"), ("{subject.2}", "x", "s"), ("{subject.3}", "x", "_"),
            ("x-{subject.1}.{type}", "a", "x-in.a"), ("{kind}", "-_09azAZ", "-_09azAZ"),
            ("{kind}", "é" * 64, "_" * 64), ("{kind}", "é" * 65, "_" * 47 + "_" + f"{xxh3_64(('é' * 65).encode()):016x}"),
        ]  # fmt: skip
        for template, kind, expected in cases:
            with self.subTest((template, kind[:20])):
                [(subject, _, _)] = messages(config % (template, "x"), [event(1, json.dumps({"t": kind}))])
                self.assertEqual(subject, "o." + expected)
        every = "{kind}.{type}.{subtype}.{subject.1}"
        unknown = BASE.replace("[output]", f'[output]\nsubject = "o.{every}"') + f'[dead_letters]\nsubject = "d.{{reason}}.{every}"'
        cases = [('{"t":"?:?"}', "o.unknown.unknown.unknown.in"), ("{", "d.not_json.unknown.unknown.unknown.in"), ('{"t":"u"}', "d.no_key.u.u._.in")]
        for payload, expected in cases:
            with self.subTest(payload):
                self.assertEqual(messages(unknown, [event(1, payload)])[0][0], expected)
        self.assertEqual(messages(BASE, [event(1, "{")])[0][0], "dead.not_json")

    def test_dead_letter(self):
        [(_, headers, payload)] = messages(ROWS, [event(4, '{"t":"u","k":"a b%"}', "in.é", [("H", "1"), ("Nats-X", "1")], 5)])
        expected = {
            "H": "1", "Sidestream-Position": "IN:4:0", "Sidestream-Time": "5", "Sidestream-Reason": "no_key", "Sidestream-Error": "why",
            "Sidestream-Subject": "in.%C3%A9", "Sidestream-Kind": "u", "Sidestream-Key": "a%20b%25",
        }  # fmt: skip
        self.assertEqual((headers, payload), ({name: [text] for name, text in expected.items()}, b'{"t":"u","k":"a b%"}'))

    def test_kind_and_key_only_where_known(self):
        cases = {"{": [], '{"t":7,"t":7}': [], '{"t":"u"}': ["Sidestream-Kind"]}
        for payload, expected in cases.items():
            with self.subTest(payload):
                [(_, headers, _)] = messages(BASE, [event(1, payload)])
                self.assertEqual([n for n in ("Sidestream-Kind", "Sidestream-Key") if n in headers], expected)

    def test_percent_encoding(self):
        cases = [
            ("aZ09-_~!", "aZ09-_~!"), ("% \x00\x7f\n", "%25%20%00%7F%0A"), ("é\U0001f600", "%C3%A9%F0%9F%98%80"), ("a" * 1025, "a" * 1024),
            ("a" * 1018 + "éx", "a" * 1018 + "%C3%A9"), ("a" * 1019 + "éx", "a" * 1019), ("a" * 1022 + " ", "a" * 1022),
        ]  # fmt: skip
        for text, expected in cases:
            with self.subTest(text[-5:]):
                self.assertEqual(oracle.encode(text), expected)


class Sizes(unittest.TestCase):
    # The headers of the output of event 1, stored at 1: "Sidestream-Position: IN:1:0" is 19 + 6 + 4, "Sidestream-Time: 1" is 15 + 1 + 4.
    OUTPUT = 29 + 20 + 12 + 256

    def limit(self, n):
        return BASE.replace("[output]", f"[output]\nmax_bytes = {n}")

    def test_output(self):
        payload = '{"t":"?"}'
        size = len('{"t":"?","ok":false}') + self.OUTPUT + len("Hé") + 1 + len("1") + 4
        for limit, dead in ((size, False), (size - 1, True)):
            [(subject, _, _)] = messages(self.limit(limit), [event(1, payload, headers=[("Hé", "1")], time_ns=1)])
            self.assertEqual(subject, "dead.too_large" if dead else "enriched.unknown")

    def test_default_limit(self):
        room = 1_048_576 - self.OUTPUT - len('{"":"","ok":false}')
        self.assertEqual(messages(BASE, [event(1, '{"":"%s"}' % ("x" * room), time_ns=1)])[0][0], "enriched.unknown")
        self.assertEqual(messages(BASE, [event(1, '{"":"%s"}' % ("x" * (room + 1)), time_ns=1)])[0][0], "dead.too_large")

    def test_dead_letter(self):
        # Reason: 17 + 8 + 4; Error: 16 + 3 + 4; Subject: 18 + 4 + 4; Length: 17 + 3 + 4; the copied header: 1 + 9 + 4.
        fixed, length, given = self.OUTPUT + 29 + 23 + 26, 24, 14
        payload, headers = "x" * 100, [("H", "y" * 9)]
        cases = [
            (fixed + given + 100, 100, False, True),
            (fixed + given + 99, 99 - length, True, True),
            (fixed + given + length, 0, True, True),
            (fixed + given + length - 1, given - 1, True, False),
            (fixed + length, 0, True, False),
            (10, 0, True, False),
        ]
        for limit, kept, cut, copied in cases:
            with self.subTest(limit - fixed):
                [(_, found, body)] = messages(self.limit(limit), [event(1, payload, headers=headers, time_ns=1)])
                self.assertEqual((len(body), found.get("Sidestream-Length"), "H" in found), (kept, ["100"] if cut else None, copied))


class Command(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.write("c.toml", JOINED)
        user, lesson = '{"t":"u","k":%d,"x":1,"id":%d}', '{"t":"l","k":%d}'
        payloads = [user % (1, 1), lesson % 1, user % (1, 1), "{", lesson % 2, '{"t":"?"}']
        self.dump("in", [(seq, "in.s", [["H", "v"]], p.encode()) for seq, p in zip((3, 4, 5, 7, 8, 9), payloads)])
        self.assertEqual(self.call("--emit", self.path("out"))[0], 0)
        with open(self.path("out"), encoding="utf-8") as file:
            self.out = [json.loads(line) for line in file]

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def dump(self, name, rows):
        lines = (
            {"seq": seq, "subject": subject, "time_ns": seq, "headers": headers, "payload_b64": base64.b64encode(payload).decode()}
            for seq, subject, headers, payload in rows
        )
        self.write(name, "".join(json.dumps(line) + "\n" for line in lines))

    def call(self, *arguments):
        text = io.StringIO()
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            try:
                code = oracle.main(["--config", self.path("c.toml"), "--input", self.path("in"), *arguments])
            except SystemExit as stop:
                code = stop.code
        return code, text.getvalue()

    def compare(self, out, *arguments):
        """The exit code and the counts of faults for a changed output, given as a list of lines."""
        for seq, line in enumerate(out, 1):
            line["seq"] = seq
        self.write("out", "".join(json.dumps(line) + "\n" for line in out))
        code, text = self.call("--output", self.path("out"), "--json", *arguments)
        return code, {sort: n for sort, n in json.loads(text)["counts"].items() if n}

    def header(self, index, name, text):
        """The output with one header set, or removed where the text is None."""
        headers = [pair for pair in self.out[index]["headers"] if pair[0] != name]
        self.out[index]["headers"] = headers + ([[name, text]] if text is not None else [])
        return self.out

    def test_clean(self):
        positions = [dict(line["headers"])["Sidestream-Position"] for line in self.out]
        self.assertEqual(positions, ["IN:3:0", "IN:4:0", "IN:7:0", "IN:8:0", "IN:9:0"])  # 5 is a duplicate
        self.assertEqual(self.compare(self.out), (0, {}))

    def test_order_and_presence(self):
        a, b, c, d, e = self.out
        foreign = {**a, "headers": []}
        surplus = {**a, "headers": [["Sidestream-Position", "IN:5:0"]]}
        other = {**b, "headers": [["Sidestream-Position", "OUT:4:0"]]}
        cases = [
            ([a, b, d, e], {"missing": 1}), ([a, b, c, d], {"missing": 1}), ([], {"missing": 5}), ([a, b, b, c, d, e], {"doubled": 1}),
            ([a, c, b, d, e], {"out_of_order": 1}), ([b, a, c, e, d], {"out_of_order": 2}), ([a, b, foreign, c, d, e], {"unknown": 1}),
            ([a, b, surplus, c, d, e], {"unknown": 1}), ([a, other, c, d, e], {"missing": 1, "unknown": 1}), ([e, a, b, c, d], {"out_of_order": 4}), ([a, b, c, d, e, a], {"doubled": 1}),
        ]  # fmt: skip
        for number, (out, expected) in enumerate(cases):
            with self.subTest(number):
                self.assertEqual(self.compare([dict(line) for line in out]), (1, expected))

    def test_content(self):
        run = "0abc9.3:fp:1:1"
        changes = {
            "subject": ("subject", "enriched.x"), "payload": ("payload_b64", "e30="),
        }  # fmt: skip
        for name, (field, text) in changes.items():
            with self.subTest(name):
                out = [dict(line) for line in self.out]
                out[1][field] = text
                self.assertEqual(self.compare(out), (1, {"different": 1}))
        cases = [
            (1, "H", "w", 1), (1, "H", None, 1), (1, "Extra", "1", 1), (1, "Nats-Expected-Last-Sequence", "1", 0), (1, "Nats-Msg-Id", "1", 1),
            (0, "Sidestream-Run", run, 1), (1, "Sidestream-Run", None, 1), (1, "Sidestream-Run", "0" * 20 + ".1:fp:1", 1),
            (1, "Sidestream-Run", "A" * 20 + ".1:fp:1:1", 1), (1, "Sidestream-Run", "z" * 20 + ".17:fp:9:9", 0),
            (1, "Sidestream-Time", "5", 1), (2, "Sidestream-Reason", "no_key", 1), (2, "Sidestream-Error", "another sentence", 0),
            (2, "Sidestream-Error", "", 1), (2, "Sidestream-Error", None, 1), (1, "Sidestream-Error", "x", 1),
        ]  # fmt: skip
        for index, name, text, wrong in cases:
            with self.subTest((name, text)):
                saved = [dict(line) for line in self.out]
                self.assertEqual(self.compare(self.header(index, name, text)), (wrong, {"different": 1} if wrong else {}))
                self.out = saved

    def test_a_cut_body_depends_on_the_error(self):
        self.dump("in", [(1, "in.s", [], b"x" * 900)])
        limit = ("--set", "output.max_bytes=1000")
        self.call("--emit", self.path("out"), *limit)
        with open(self.path("out"), encoding="utf-8") as file:
            self.out = [json.loads(line) for line in file]
        body = base64.b64decode(self.out[0]["payload_b64"])
        self.header(0, "Sidestream-Error", "expected: not_json, and more")
        self.assertEqual(self.compare(self.out, *limit), (1, {"different": 1}))
        self.out[0]["payload_b64"] = base64.b64encode(body[:-10]).decode()
        self.assertEqual(self.compare(self.out, *limit), (0, {}))

    def test_settings(self):
        for setting in ("output.mark=done", 'input.stream="OTHER"', "output.max_bytes=300", "engine.unknown_kinds=drop"):
            with self.subTest(setting):
                self.assertEqual(self.compare(self.out, "--set", setting)[0], 1)

    def test_report(self):
        self.out[1]["payload_b64"] = base64.b64encode(b'{"t":"l","k":1,"x":2,"ok":true}').decode()
        self.compare(self.out)
        code, text = self.call("--output", self.path("out"))
        self.assertEqual(code, 1)
        expected = """different: 1\n  position 4: at sequence 2: payload from byte 19: expected b'{"t":"l","k":1,"x":1,"ok":true}', found b'{"t":"l","k":1,"x":2,"ok":true}'"""
        self.assertIn(expected, text)

    def test_unusable(self):
        for name, text in {"empty": "\n", "text": "x\n", "no payload": '{"seq":1}\n', "base64": '{"seq":1,"subject":"","time_ns":1,"payload_b64":"?"}\n'}.items():
            with self.subTest(name):
                self.write("bad", text)
                self.assertEqual(self.call("--output", self.path("bad"))[0], 2)
        for arguments in ([], ["--output", self.path("none")], ["--emit", self.path("no/where")], ["--set", "x", "--emit", self.path("o")], ["--wrong"]):
            with self.subTest(arguments):
                self.assertEqual(self.call(*arguments)[0], 2)
        self.assertEqual(self.call("--set", "kinds=7", "--emit", self.path("o"))[0], 2)
        self.assertEqual(self.call("--set", "input.stream=7", "--emit", self.path("o"))[0], 2)


class Hash(unittest.TestCase):
    def test_known_values(self):
        # From the reference implementation, one for each branch of the algorithm.
        cases = {
            b"": 0x2D06800538D394C2, b"a": 0xE6C632B61E964E1F, b"abcdef": 0xDA87BD32D3C47DB6, b"x" * 12: 0x38D09D542189D4E2, b"x" * 65: 0xF98431ABCF1929F2,
            b"x" * 200: 0x50EF124FB1E4DE53, b"x" * 241: 0x14DA9E5C301A6A1D, b"x" * 1025: 0x9CD2E05A61B8A761, b"x" * 3000: 0xC1B175677A77431E,
        }  # fmt: skip
        for data, expected in cases.items():
            with self.subTest(len(data)):
                self.assertEqual(xxh3_64(data), expected)


if __name__ == "__main__":
    unittest.main()
