//! Who may send: a file of names, scopes and the SHA-256 of tokens, so that the file itself lets nobody in.
//!
//! One line a token, `NAME SCOPE[,SCOPE…] SHA256`; a scope is `ingest`, or `ingest:KIND` with `*` at the end for a beginning.

use sha2::{Digest, Sha256};

/// The length of a digest in hexadecimal digits.
const DIGITS: usize = 64;

/// A sender that was let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The token's name.
    pub name: String,
    scopes: Vec<TokenScope>,
}

/// What a token may do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum TokenScope {
    /// Send events of every kind.
    Ingest,
    /// Send events of one kind.
    Kind(String),
    /// Send events of the kinds that begin so.
    Beginning(String),
}

impl Sender {
    /// Whoever sends where no tokens are configured.
    pub fn anybody() -> Sender {
        Sender { name: "anybody".to_owned(), scopes: vec![TokenScope::Ingest] }
    }

    /// Whether it may send events of a kind.
    pub fn may_send(&self, kind: &str) -> bool {
        self.scopes.iter().any(|scope| match scope {
            TokenScope::Ingest => true,
            TokenScope::Kind(own) => own == kind,
            TokenScope::Beginning(beginning) => kind.starts_with(beginning.as_str()),
        })
    }
}

/// The tokens of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    list: Vec<(Vec<u8>, Sender)>,
}

impl Tokens {
    /// Reads the text of a file; the error says what is wrong with which line, without any of it.
    pub fn parse(text: &str) -> Result<Tokens, String> {
        let mut tokens = Tokens::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (digest, sender) = entry(line).map_err(|why| format!("line {number}: {why}"))?;
            if tokens.list.iter().any(|(known, other)| *known == digest || other.name == sender.name) {
                return Err(format!("line {number}: the token or its name stands there twice"));
            }
            tokens.list.push((digest, sender));
        }
        if tokens.list.is_empty() { Err("it has no token".to_owned()) } else { Ok(tokens) }
    }

    /// Whose token this is. Every known digest is compared to its last byte, so that time tells nothing.
    pub fn find(&self, token: &str) -> Option<&Sender> {
        let digest = Sha256::digest(token.as_bytes());
        let equal =
            |known: &[u8]| known.iter().zip(digest.iter()).fold(0, |all, (one, other)| all | (one ^ other)) == 0;
        self.list.iter().fold(None, |found, (known, sender)| if equal(known) { Some(sender) } else { found })
    }

    /// The token of an `Authorization` header.
    pub fn bearer(header: &str) -> Option<&str> {
        let (scheme, token) = header.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim()).filter(|token| !token.is_empty())
    }
}

fn entry(line: &str) -> Result<(Vec<u8>, Sender), &'static str> {
    let mut words = line.split_ascii_whitespace();
    let (Some(name), Some(scopes), Some(digest), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("a name, scopes and a digest are needed, as in `shop ingest 9f86d0…`");
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.len() > 64 || !name.bytes().all(plain) {
        return Err("a name has letters, digits, `-`, `_` and `.`, 64 at most");
    }
    let scopes: Option<Vec<Option<TokenScope>>> = scopes.split(',').map(scope).collect();
    let scopes = scopes.ok_or("a scope is `ingest`, `ingest:KIND`, `read` or `write`")?;
    if digest.len() != DIGITS || !digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err("the digest is the SHA-256 of the token, 64 hexadecimal digits");
    }
    let byte = |at: usize| digest.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let digest = (0..DIGITS).step_by(2).filter_map(byte).collect();
    Ok((digest, Sender { name: name.to_owned(), scopes: scopes.into_iter().flatten().collect() }))
}

/// A scope; `Some(None)` for one that is another listener's.
fn scope(word: &str) -> Option<Option<TokenScope>> {
    match word {
        "read" | "write" => Some(None),
        "ingest" => Some(Some(TokenScope::Ingest)),
        _ => {
            let kind = word.strip_prefix("ingest:").filter(|kind| !kind.is_empty())?;
            Some(Some(match kind.strip_suffix('*') {
                Some(beginning) => TokenScope::Beginning(beginning.to_owned()),
                None => TokenScope::Kind(kind.to_owned()),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, scopes: &str, token: &str) -> String {
        let digest: String = Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{name} {scopes} {digest}\n")
    }

    #[test]
    fn a_token_is_found_by_its_digest_and_sends_what_its_scopes_say() {
        let text = format!("# senders\n\n{}{}", line("shop", "ingest", "s1"), line("bus", "read,ingest:lesson*", "s2"));
        let tokens = Tokens::parse(&text).unwrap();
        assert_eq!(tokens.find("s1").map(|sender| (&*sender.name, sender.may_send("x"))), Some(("shop", true)));
        let bus = tokens.find("s2").unwrap();
        assert!(bus.may_send("lesson:a") && bus.may_send("lesson") && !bus.may_send("user"));
        assert_eq!((tokens.find("s3"), tokens.find("")), (None, None));
        assert_eq!(Tokens::bearer("Bearer  s1"), Some("s1"));
        assert_eq!(
            (Tokens::bearer("Basic s1"), Tokens::bearer("Bearer"), Tokens::bearer("bearer ")),
            (None, None, None)
        );
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_without_its_secrets() {
        let twice = line("a", "ingest", "x") + &line("b", "ingest", "x");
        for (text, why) in [
            ("", "no token"),
            ("shop ingest", "line 1: a name"),
            ("shop admin 00", "line 1: a scope"),
            ("\nshop ingest secret", "line 2: the digest"),
            ("sh op ingest x", "line 1: a name"),
            ("ü ingest x", "line 1: a name has"),
            ("shop ingest: x", "line 1: a scope"),
            (&*twice, "line 2: the token"),
        ] {
            let error = Tokens::parse(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{text:?}: {error}");
        }
    }
}
