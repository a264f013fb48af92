//! Subjects of NATS and the filters over them: `*` stands for one token, `>` at the end for one or more.

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

/// What is wrong with a filter, as a sentence.
pub fn filter_fault(filter: &str) -> Option<String> {
    let tokens: Vec<&str> = filter.split('.').collect();
    let bad = |(at, token): (usize, &&str)| {
        let wildcard = *token == "*" || (*token == ">" && at + 1 == tokens.len());
        let unsafe_text = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '*' | '>');
        token.is_empty() || (token.contains(unsafe_text) && !wildcard)
    };
    tokens.iter().enumerate().any(bad).then(|| {
        format!(
            "`{filter}` is no subject filter: tokens stand between single dots, `*` is a whole token, `>` only the last"
        )
    })
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
    fn faults_of_a_filter_are_found() {
        for good in ["a", "a.*.b", "a.>", ">"] {
            assert_eq!(filter_fault(good), None);
        }
        for bad in ["", "a..b", "a*", "a.>.b", "a b"] {
            assert!(filter_fault(bad).is_some(), "{bad}");
        }
    }
}
