# SPDX-License-Identifier: Apache-2.0
"""The strict grammar of RFC 8259, without recursion, and where everything stands in the text.

Python's own json module takes NaN and gives up on deep nesting, so it is no judge here; it only unescapes single strings whose
grammar was checked before.
"""

import json
import re

SPACE = r"[ \t\n\r]*+"
STRING = r'"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+"'
NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
VALUE = rf"{SPACE}(?:({STRING}|{NUMBER}|true|false|null)|([{{\[]))"
MEMBER = re.compile(rf"{SPACE}({STRING}){SPACE}:{VALUE}")
ELEMENT = re.compile("()" + VALUE)  # the same three groups as a member, with an empty name
AFTER = re.compile(SPACE + r"([,\]}])")
END = re.compile(SPACE + r"\Z")
CLOSE = {"{": "}", "[": "]"}
INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)")

# A member of an object is a list of: its unescaped name, where the name's quote starts, where the value starts and ends, and
# the members of the value when that is an object.
NAME, NAME_AT, AT, TO, MEMBERS = range(5)


def scan(text):
    """The deepest nesting and the top value (as a member without a name), or None if `text` is not RFC 8259."""
    top, deepest, open_, members = None, 0, [], None
    match = ELEMENT.match(text)
    while match:
        name, scalar, bracket = match.groups()
        at = match.end() - 1 if bracket else match.start(2)
        name = name[1:-1] if "\\" not in name else json.loads(name)
        member = [name, match.start(1), at, match.end(), None]
        position = match.end()
        if members is not None:
            members.append(member)
        if top is None:
            top = member
        if bracket:
            member[MEMBERS] = members = [] if bracket == "{" else None
            open_.append((member, CLOSE[bracket]))
            deepest = max(deepest, len(open_))
            after = AFTER.match(text, position)
            if not after or after[1] != CLOSE[bracket]:  # not empty: its first member must come
                match = (ELEMENT if members is None else MEMBER).match(text, position)
                continue
        while open_:
            after = AFTER.match(text, position)
            if not after:
                return None
            position = after.end()
            if after[1] == ",":
                break
            closed, bracket = open_.pop()
            if after[1] != bracket:
                return None
            closed[TO] = position
            members = open_[-1][0][MEMBERS] if open_ else None
        else:
            return (deepest, top) if END.match(text, position) else None
        match = (ELEMENT if members is None else MEMBER).match(text, position)
    return None


def string(raw):
    """The text of a JSON string, or None for any other value and for one with a lone surrogate."""
    if raw is None or raw[0] != '"':
        return None
    if "\\" not in raw:
        return raw[1:-1]
    text = json.loads(raw)  # the grammar was checked before
    return None if any("\ud800" <= c <= "\udfff" for c in text) else text


def quote(text):
    """A JSON string with no more escapes than needed: \\" \\\\ \\b \\f \\n \\r \\t and \\u00xx."""
    return json.dumps(text, ensure_ascii=False)
