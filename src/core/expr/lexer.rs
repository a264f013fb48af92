//! The words of an expression: CEL's lexical syntax, without bytes, unsigned numbers and texts in three quotes.
//!
//! Knows no grammar. A slip that shows in a single word, such as `=` for `==`, is named here.

use super::fault::ExprFault;
use std::ops::Range;

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A number, as written.
    Number,
    /// A text, without its quotes and escapes.
    Text(String),
    /// A name or a reserved word.
    Name(String),
    /// A name in backquotes, without them.
    Quoted(String),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub token: Token,
    pub at: Range<usize>,
}

/// All signs, the longer ones first.
const SIGNS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ".", ",", "(", ")", "[", "]",
    "{", "}", ";",
];

/// What is written elsewhere in the place of one of our signs, the longer ones first; and ours.
const SLIPS: [(&str, &str); 6] = [("===", "=="), ("!==", "!="), ("<>", "!="), ("=", "=="), ("&", "&&"), ("|", "||")];

/// Cuts a text into words.
pub fn words(text: &str) -> Result<Vec<Word>, ExprFault> {
    let mut lexer = Lexer { text, at: 0 };
    let mut words = Vec::new();
    while let Some(word) = lexer.word()? {
        words.push(word);
    }
    Ok(words)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, accepted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !accepted(c)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn word(&mut self) -> Result<Option<Word>, ExprFault> {
        loop {
            self.eat(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.rest().starts_with("//") {
                break;
            }
            self.eat(|c| c != '\n');
        }
        let (rest, start) = (self.rest(), self.at);
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let digit_behind = rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
        let token = match first {
            '0'..='9' => self.number()?,
            '.' if digit_behind => self.number()?,
            '"' | '\'' => self.quoted(false)?,
            'r' | 'R' if matches!(rest.as_bytes().get(1), Some(b'"' | b'\'')) => {
                self.at += 1;
                self.quoted(true)?
            }
            'a'..='z' | 'A'..='Z' | '_' => Token::Name(self.eat(|c| c.is_ascii_alphanumeric() || c == '_').to_owned()),
            '`' => self.backquoted()?,
            _ => self.sign(first)?,
        };
        Ok(Some(Word { token, at: start..self.at }))
    }

    fn sign(&mut self, first: char) -> Result<Token, ExprFault> {
        let rest = self.rest();
        let slip = SLIPS.iter().find(|(slip, ours)| {
            // `==` begins with `=` and `&&` with `&`; those are no slips.
            rest.starts_with(slip) && !(slip.len() == 1 && rest.starts_with(ours))
        });
        if let Some((slip, ours)) = slip {
            let at = self.at..self.at + slip.len();
            return Err(ExprFault::mistake(at, format!("`{slip}` is no operator")).hint(format!("write `{ours}`")));
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.at += sign.len();
            return Ok(Token::Sign(sign));
        }
        let at = self.at..self.at + first.len_utf8();
        let fault = ExprFault::mistake(at, format!("`{first}` means nothing in an expression"));
        Err(match first {
            '$' => fault.hint(
                "the places outside the JSON are `meta.kind`, `meta.subject[1]`, `meta.header[\"X\"]` and others",
            ),
            '“' | '”' | '„' | '‘' | '’' => fault.hint("a text stands between `\"` or `'`"),
            c if c.is_alphabetic() => {
                fault.hint("names with other letters than a to z stand in backquotes: event.`größe`")
            }
            _ => fault,
        })
    }

    fn number(&mut self) -> Result<Token, ExprFault> {
        let start = self.at;
        self.eat(|c| c.is_ascii_digit());
        let rest = self.rest();
        if rest.starts_with('.') && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.eat(|c| c.is_ascii_digit());
        }
        if self.rest().starts_with(['e', 'E']) {
            let before = self.at;
            self.at += 1;
            if self.rest().starts_with(['+', '-']) {
                self.at += 1;
            }
            if self.eat(|c| c.is_ascii_digit()).is_empty() {
                self.at = before;
            }
        }
        let tail = self.eat(|c| c.is_ascii_alphanumeric() || c == '_');
        if tail.is_empty() {
            return Ok(Token::Number);
        }
        let fault = ExprFault::mistake(start..self.at, "this is no number".to_owned());
        Err(match tail {
            "u" | "U" => fault.hint("there is one type of numbers: leave out the `u`"),
            "d" | "h" | "m" | "s" | "ms" | "us" | "ns" => fault.hint("a length of time is written `duration(\"1h\")`"),
            _ => fault.hint("numbers are decimal, such as `1000`, `0.25` or `1.5e6`; names begin with a letter"),
        })
    }

    fn backquoted(&mut self) -> Result<Token, ExprFault> {
        let start = self.at;
        self.at += 1;
        let name = self.eat(|c| c != '`' && c != '\n');
        if !self.rest().starts_with('`') {
            return Err(ExprFault::mistake(start..self.at, "the name's backquote is not closed"));
        }
        self.at += 1;
        if name.is_empty() {
            return Err(ExprFault::mistake(start..self.at, "there is no name between the backquotes"));
        }
        Ok(Token::Quoted(name.to_owned()))
    }

    /// A text from its opening quote on; without escapes when it is raw.
    fn quoted(&mut self, raw: bool) -> Result<Token, ExprFault> {
        let start = self.at;
        let rest = self.rest();
        let quote = if rest.starts_with('\'') { '\'' } else { '"' };
        if rest.starts_with("\"\"\"") || rest.starts_with("'''") {
            return Err(ExprFault::mistake(start..start + 3, "a text stands between one `\"` or `'` on each side"));
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            text.push_str(self.eat(|c| c != quote && c != '\n' && (raw || c != '\\')));
            let at = self.at;
            match self.rest().chars().next() {
                Some('\\') => text.push(self.escape()?),
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(Token::Text(text));
                }
                _ => {
                    return Err(ExprFault::mistake(start..at, "the text's quote is not closed")
                        .hint(format!("close it with `{quote}`; a line's end cannot stand in a text")));
                }
            }
        }
    }

    /// One escape from its backslash on (CEL's language definition, "String and Bytes Values").
    fn escape(&mut self) -> Result<char, ExprFault> {
        let start = self.at;
        let mut rest = self.rest().chars().skip(1);
        let second = rest.next();
        let simple = match second {
            Some(same @ ('\\' | '"' | '\'' | '`' | '?')) => Some(same),
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('v') => Some('\u{b}'),
            _ => None,
        };
        if let Some(character) = simple {
            self.at += 2;
            return Ok(character);
        }
        let (skip, length, radix) = match second {
            Some('x' | 'X') => (2, 2, 16),
            Some('u') => (2, 4, 16),
            Some('U') => (2, 8, 16),
            Some('0'..='3') => (1, 3, 8),
            _ => (2, 0, 16),
        };
        let digits = self.rest().get(skip..skip + length).filter(|digits| digits.chars().all(|c| c.is_digit(radix)));
        let character = digits.and_then(|d| u32::from_str_radix(d, radix).ok()).and_then(char::from_u32);
        let Some(character) = character else {
            let shown = self.rest().chars().take(2).map(char::len_utf8).sum::<usize>();
            return Err(ExprFault::mistake(start..start + shown, "this is no escape that a text may have")
                .hint("write a backslash as `\\\\`, or the text with an `r` in front: r\"\\d+\""));
        };
        self.at += skip + length;
        Ok(character)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        words(text).unwrap().into_iter().map(|word| word.token).collect()
    }

    #[test]
    fn texts_are_read_with_their_escapes() {
        for (text, expected) in [
            (r#""a""#, "a"),
            (r"'a\'b'", "a'b"),
            (r#""\n\t\\\"\u00e9\x41\101\U0001F600""#, "\n\t\\\"éAA😀"),
            (r#"r"\d+""#, r"\d+"),
            (r"R'a'", "a"),
            ("''", ""),
            ("'é\"'", "é\""),
        ] {
            assert_eq!(tokens(text), [Token::Text(expected.to_owned())], "{text}");
        }
    }

    #[test]
    fn words_know_their_places() {
        let found: Vec<(Token, Range<usize>)> = words("é".replace('é', "a.`b-c` >= 1.5e3 // why").as_str())
            .unwrap()
            .into_iter()
            .map(|w| (w.token, w.at))
            .collect();
        let name = |name: &str| Token::Name(name.to_owned());
        assert_eq!(
            found,
            [
                (name("a"), 0..1),
                (Token::Sign("."), 1..2),
                (Token::Quoted("b-c".to_owned()), 2..7),
                (Token::Sign(">="), 8..10),
                (Token::Number, 11..16),
            ]
        );
        assert_eq!(tokens("1.e"), [Token::Number, Token::Sign("."), name("e")]);
        assert_eq!(tokens(".5"), [Token::Number]);
    }
}
