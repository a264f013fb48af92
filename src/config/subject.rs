//! Subjects with wildcards: what the server takes, and whether two of them can meet.
//!
//! Follows the NATS subject rules (`*` is one token, `>` is one or more at the end); it fills no templates.

/// Says what is wrong with a subject that a stream is to listen on.
pub(super) fn check(subject: &str) -> Result<String, String> {
    let tokens: Vec<&str> = subject.split('.').collect();
    let last = tokens.len() - 1;
    let bad = tokens.iter().enumerate().any(|(index, token)| {
        let wildcard = *token == "*" || (*token == ">" && index == last);
        token.is_empty() || token.contains(|c: char| c.is_whitespace() || c.is_control()) || {
            token.contains(['*', '>']) && !wildcard
        }
    });
    if bad {
        return Err(format!(
            "`{subject}` is no subject: tokens stand between single dots, `*` is a whole token, `>` only the last"
        ));
    }
    if subject.starts_with("$JS.") || subject.starts_with("$SYS.") {
        return Err(format!("`{subject}`: subjects beginning with `$JS` or `$SYS` belong to the server"));
    }
    Ok(subject.to_owned())
}

/// Whether one message could have a subject that both cover.
pub(super) fn overlap(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        match (left.next(), right.next()) {
            (Some(">"), Some(_)) | (Some(_), Some(">")) | (None, None) => return true,
            (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_meet_where_one_message_fits_both() {
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
            assert_eq!((overlap(left, right), overlap(right, left)), (expected, expected), "{left} {right}");
        }
    }

    #[test]
    fn only_whole_tokens_are_wildcards() {
        for good in ["a", "a.*.b", "a.>", ">", "$KV.x.>"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "a..b", ".a", "a.", "a b", "a*", "a.>.b", "$JS.API.>", "a\tb"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
