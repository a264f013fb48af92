//! Subjects of NATS and the filters over them: `*` stands for one token, `>` at the end for one or more. And the names of
//! streams.

/// The longest stream name that the server takes, in bytes.
const STREAM_NAME_MAX: usize = 255;

/// Whether a filter takes a subject, or, of another filter, every subject that it stands for.
pub fn covers(filter: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for part in filter.split('.') {
        match (part, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(token)) if token != ">" => {}
            (part, Some(token)) if part == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

/// Whether one message could have a subject that both filters take.
pub fn meet(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (Some(">"), Some(_)) | (Some(_), Some(">")) | (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
            _ => return false,
        }
    }
}

/// What is wrong with a filter, to be said behind it.
pub fn filter_fault(filter: &str) -> Option<&'static str> {
    let last = filter.split('.').count() - 1;
    let bad = |(at, token): (usize, &str)| {
        let wildcard = token == "*" || (token == ">" && at == last);
        let unsafe_text = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>');
        token.is_empty() || (token.contains(unsafe_text) && !wildcard)
    };
    let rule = "tokens stand between single dots, `*` is a whole token, `>` only the last";
    filter.split('.').enumerate().any(bad).then_some(rule)
}

/// Follows the server's rules for stream names; they also stand in headers, hence printable ASCII.
pub fn stream_name(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'.' | b'*' | b'>' | b'/' | b'\\');
    if text.is_empty() || text.len() > STREAM_NAME_MAX || !text.bytes().all(good) {
        return Err(format!(
            "`{text}` is no stream name: 1 to {STREAM_NAME_MAX} letters, digits, `-` and `_`, without `.`, `*`, `>`, `/`, `\\` or spaces"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_follow_the_rules_of_nats() {
        for (filter, subject, expected) in [
            ("events.user", "events.user", true),
            ("events.user", "events.users", false),
            ("events.*", "events.user", true),
            ("events.*", "events.user.x", false),
            ("events.>", "events.user.x", true),
            ("events.>", "events", false),
            (">", "a", true),
            ("*.user", "events.user", true),
            ("events", "events.user", false),
        ] {
            assert_eq!(covers(filter, subject), expected, "{filter} {subject}");
        }
    }

    #[test]
    fn a_filter_covers_another_one_when_it_takes_all_of_it() {
        for (filter, other, expected) in [
            ("enriched.>", "enriched.*", true),
            ("enriched.*", "enriched.*", true),
            ("*.*", "enriched.*", true),
            ("enriched.a", "enriched.*", false),
            ("enriched", "enriched.*", false),
            ("enriched.*", "enriched.>", false),
            ("enriched.>", "enriched.>", true),
            ("*", "a.b", false),
        ] {
            assert_eq!(covers(filter, other), expected, "{filter} {other}");
        }
    }

    #[test]
    fn filters_meet_where_one_message_fits_both() {
        for (left, right, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("a.*", "a.b", true),
            ("a.*", "*.b", true),
            ("a.*", "a.b.c", false),
            ("a.>", "a", false),
            ("a.>", "a.b.c", true),
            (">", "x", true),
            ("a.*.c", "a.b.>", true),
            ("a.b", "a", false),
        ] {
            assert_eq!((meet(left, right), meet(right, left)), (expected, expected), "{left} {right}");
        }
    }

    #[test]
    fn only_whole_tokens_are_wildcards() {
        for good in ["a", "a.*.b", "a.>", ">", "$KV.x.>"] {
            assert_eq!(filter_fault(good), None, "{good}");
        }
        for bad in ["", "a..b", ".a", "a.", "a b", "a*", "a.>.b", "a\tb"] {
            assert!(filter_fault(bad).is_some(), "{bad}");
        }
    }
}
