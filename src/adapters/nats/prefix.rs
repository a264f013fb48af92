//! The subjects on which the JetStream API answers, which may differ between the input and the output.
//!
//! A domain's API answers at `$JS.DOMAIN.API`, an imported one wherever the account says. What is no stream of its
//! own side of the engine belongs to the output: its redrives, its replays, its dead letters.

/// Where the API of the account itself answers.
pub const API: &str = "$JS.API";

/// The API prefix of each stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefixes {
    /// What belongs to no stream: the account's own figures.
    pub account: String,
    /// The input stream's name and where its API answers.
    pub input: Option<(String, String)>,
    /// Where the API of the output and of every other stream answers.
    pub output: String,
}

impl Default for Prefixes {
    fn default() -> Prefixes {
        Prefixes { account: API.to_owned(), input: None, output: API.to_owned() }
    }
}

impl Prefixes {
    /// Where the API answers for a stream.
    pub fn of(&self, stream: &str) -> &str {
        match &self.input {
            Some((name, prefix)) if name == stream => prefix,
            _ => &self.output,
        }
    }

    /// The subject of a call on a stream, such as `STREAM.INFO`.
    pub fn subject(&self, call: &str, stream: &str) -> String {
        format!("{}.{call}.{stream}", self.of(stream))
    }
}

/// Where the API of a JetStream domain answers.
pub fn of_domain(domain: &str) -> String {
    format!("$JS.{domain}.API")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_is_asked_where_its_api_answers() {
        let plain = Prefixes::default();
        assert_eq!(plain.subject("STREAM.INFO", "EVENTS"), "$JS.API.STREAM.INFO.EVENTS");
        let apart = Prefixes {
            account: API.to_owned(),
            input: Some(("EVENTS".to_owned(), of_domain("hub"))),
            output: "engine.api".to_owned(),
        };
        assert_eq!(apart.subject("STREAM.INFO", "EVENTS"), "$JS.hub.API.STREAM.INFO.EVENTS");
        for other in ["ENRICHED", "ENRICHED_REDRIVES"] {
            assert_eq!(apart.subject("STREAM.INFO", other), format!("engine.api.STREAM.INFO.{other}"));
        }
    }
}
