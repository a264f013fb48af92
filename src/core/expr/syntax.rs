//! The parser: the grammar of CEL without messages and maps.
//!
//! Knows no name: whether `event.amount` is a field or `size` a function is decided behind it, in `resolve`. It is our own
//! because its recursion has to be bounded by little, and to speak of `=` and `and` as those do who write them.

use super::fault::ExprFault;
use super::lexer::{Token, Word};
use super::tree::{DEEPEST, Form, Tree, deepest, span, too_deep};
use std::ops::Range;

/// The signs between two sides, from the weakest binding to the strongest; `&&`, `||` and `?` bind weaker still.
const INFIX: [&[&str]; 3] = [&["==", "!=", "<", "<=", ">", ">=", "in"], &["+", "-"], &["*", "/", "%"]];

/// CEL keeps these words for itself, so that no name of a function or a table can be mistaken for one.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Makes the tree of a whole text of `length` bytes.
pub fn parse(words: &[Word], length: usize) -> Result<Tree, ExprFault> {
    if words.is_empty() {
        return Err(ExprFault::mistake(0..length, "the expression is empty"));
    }
    let mut parser = Parser { words, length, open: 0 };
    let tree = parser.expression()?;
    match parser.words.first() {
        None => Ok(tree),
        Some(word) => Err(parser.no_operator(word)),
    }
}

struct Parser<'a> {
    /// Those that are not read yet.
    words: &'a [Word],
    length: usize,
    /// How many brackets and operators are open around the next word.
    open: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&'static str> {
        match &self.words.first()?.token {
            Token::Sign(sign) => Some(sign),
            Token::Name(name) if name == "in" => Some("in"),
            _ => None,
        }
    }

    /// Where the next word stands, or the text's end.
    fn here(&self) -> Range<usize> {
        self.words.first().map_or(self.length..self.length, |word| word.at.clone())
    }

    fn next(&mut self) -> Range<usize> {
        let at = self.here();
        self.words = self.words.get(1..).unwrap_or_default();
        at
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.peek() == Some(sign);
        if found {
            self.next();
        }
        found
    }

    fn close(&mut self, opened: Range<usize>, close: &'static str) -> Result<usize, ExprFault> {
        if self.peek() == Some(close) {
            return Ok(self.next().end);
        }
        match self.words.first() {
            None => Err(ExprFault::mistake(opened, format!("this bracket is not closed by `{close}`"))),
            Some(word) => Err(self.no_operator(word)),
        }
    }

    /// What to say about a word that stands where an operator or the end should be.
    fn no_operator(&self, word: &Word) -> ExprFault {
        let at = word.at.clone();
        match &word.token {
            Token::Name(name) if ["and", "or", "is", "AND", "OR", "like", "LIKE"].contains(&name.as_str()) => {
                let ours = match name.to_lowercase().as_str() {
                    "and" => "`&&`",
                    "or" => "`||`",
                    "is" => "`==`",
                    _ => "`.matches(\"a.*\")`, `.contains(\"a\")` or `.startsWith(\"a\")`",
                };
                ExprFault::mistake(at, format!("`{name}` is no operator")).hint(format!("write {ours}"))
            }
            Token::Name(name) if name == "not" => {
                ExprFault::mistake(at, "`not` is no operator").hint("write `!`, or `!(a in b)`")
            }
            Token::Sign(sign @ (")" | "]" | "}")) => {
                ExprFault::mistake(at, format!("nothing is opened that `{sign}` closes"))
            }
            Token::Sign(";") => ExprFault::mistake(at, "an expression has no end mark").hint("leave out the `;`"),
            Token::Sign(sign) => ExprFault::mistake(at, format!("`{sign}` has no place here")),
            _ => ExprFault::mistake(at, "there is no operator in front of this")
                .hint("join two conditions with `&&` or `||`"),
        }
    }

    /// `a ? b : c`, or what binds more strongly.
    fn expression(&mut self) -> Result<Tree, ExprFault> {
        if self.open >= DEEPEST {
            return Err(too_deep(self.here()));
        }
        self.open += 1;
        let condition = self.any()?;
        let tree = if self.peek() == Some("?") { self.choose(condition)? } else { condition };
        self.open -= 1;
        Ok(tree)
    }

    fn choose(&mut self, condition: Tree) -> Result<Tree, ExprFault> {
        let question = self.next();
        let yes = self.any()?;
        if !self.eat(":") {
            let at = if self.words.is_empty() { question } else { self.here() };
            return Err(
                ExprFault::mistake(at, "a choice needs its other side").hint("write `condition ? value : other`")
            );
        }
        let no = self.expression()?;
        let parts = [condition, yes, no];
        let (at, below) = (span(&parts), deepest(&parts));
        Tree::new(at, Form::Choose(Box::new(parts)), below)
    }

    fn any(&mut self) -> Result<Tree, ExprFault> {
        self.chain("||", Form::Any, |parser| parser.chain("&&", Form::All, |parser| parser.infix(0)))
    }

    fn chain(
        &mut self,
        sign: &str,
        form: fn(Vec<Tree>) -> Form,
        term: impl Fn(&mut Self) -> Result<Tree, ExprFault>,
    ) -> Result<Tree, ExprFault> {
        let first = term(self)?;
        if self.peek() != Some(sign) {
            return Ok(first);
        }
        let mut terms = vec![first];
        while self.eat(sign) {
            terms.push(term(self)?);
        }
        let (at, below) = (span(&terms), deepest(&terms));
        Tree::new(at, form(terms), below)
    }

    /// Signs of one strength and all stronger ones; those of one strength bind to the left.
    fn infix(&mut self, strength: usize) -> Result<Tree, ExprFault> {
        let Some(signs) = INFIX.get(strength) else { return self.unary() };
        let mut left = self.infix(strength + 1)?;
        while let Some(sign) = self.peek().filter(|sign| signs.contains(sign)) {
            let signed = self.next();
            let sides = [left, self.infix(strength + 1)?];
            let (at, below) = (span(&sides), deepest(&sides));
            left = Tree::new(at, Form::Infix { sign, signed, sides: Box::new(sides) }, below)?;
        }
        Ok(left)
    }

    /// Any number of one of the signs in front; two of them cancel each other out.
    fn unary(&mut self) -> Result<Tree, ExprFault> {
        let start = self.here().start;
        let Some(sign @ ("!" | "-")) = self.peek() else { return self.member() };
        let mut count = 0_usize;
        while self.eat(sign) {
            count += 1;
        }
        let inner = self.member()?;
        let (at, below) = (start..inner.at.end, inner.depth);
        let form = if sign == "!" { Form::Not } else { Form::Minus };
        let once = Tree::new(at.clone(), form(Box::new(inner)), below)?;
        // Twice is not nothing: `!!1` is as wrong as `!1`.
        if count % 2 == 1 { Ok(once) } else { Tree::new(at, form(Box::new(once)), below + 1) }
    }

    fn member(&mut self) -> Result<Tree, ExprFault> {
        let mut tree = self.primary()?;
        loop {
            if self.eat(".") {
                tree = self.behind_a_dot(tree)?;
            } else if self.peek() == Some("[") {
                let opened = self.next();
                let inside = self.expression()?;
                let end = self.close(opened, "]")?;
                let parts = [tree, inside];
                let (at, below) = (span(&parts).start..end, deepest(&parts));
                tree = Tree::new(at, Form::Index(Box::new(parts)), below)?;
            } else {
                return Ok(tree);
            }
        }
    }

    fn behind_a_dot(&mut self, target: Tree) -> Result<Tree, ExprFault> {
        let (name, quoted) = match self.words.first().map(|word| &word.token) {
            Some(Token::Name(name)) => (name.clone(), false),
            Some(Token::Quoted(name)) => (name.clone(), true),
            Some(Token::Number) => {
                return Err(ExprFault::mistake(self.here(), "a member's name cannot begin with a digit here").hint(
                    "write it in backquotes, event.`2nd`, or the number of an element in brackets, event.list[0]",
                ));
            }
            _ => return Err(ExprFault::mistake(self.here(), "there is no name behind the dot")),
        };
        let named = self.next();
        let (start, below) = (target.at.start, target.depth);
        if quoted || self.peek() != Some("(") {
            return Tree::new(start..named.end, Form::Member(Box::new(target), name), below);
        }
        let (arguments, end) = self.arguments()?;
        let below = below.max(deepest(&arguments));
        let form = Form::Call { name, named, target: Some(Box::new(target)), arguments };
        Tree::new(start..end, form, below)
    }

    fn arguments(&mut self) -> Result<(Vec<Tree>, usize), ExprFault> {
        let opened = self.next();
        let mut arguments = Vec::new();
        if self.peek() == Some(")") {
            return Ok((arguments, self.next().end));
        }
        loop {
            arguments.push(self.expression()?);
            if !self.eat(",") {
                return Ok((arguments, self.close(opened, ")")?));
            }
        }
    }

    fn primary(&mut self) -> Result<Tree, ExprFault> {
        let Some(word) = self.words.first() else {
            return Err(ExprFault::mistake(self.here(), "the expression ends where a value should stand"));
        };
        let at = word.at.clone();
        let form = match &word.token {
            Token::Number => Form::Number,
            Token::Text(text) => Form::Text(text.clone()),
            Token::Name(name) => return self.named(name.clone()),
            Token::Sign("(") => {
                self.next();
                let inner = self.expression()?;
                self.close(at, ")")?;
                return Ok(inner);
            }
            Token::Sign("[") => return self.list(),
            Token::Sign("{") => {
                return Err(ExprFault::mistake(at, "objects cannot be written in an expression"));
            }
            Token::Quoted(name) => {
                return Err(ExprFault::mistake(at, format!("`{name}` has nothing in front of it"))
                    .hint(format!("a field of the event is written event.`{name}`")));
            }
            Token::Sign(sign) => {
                return Err(ExprFault::mistake(at, format!("a value should stand here, not `{sign}`")));
            }
        };
        self.next();
        Tree::new(at, form, 0)
    }

    fn named(&mut self, name: String) -> Result<Tree, ExprFault> {
        let at = self.next();
        let called = self.peek() == Some("(");
        let form = match name.as_str() {
            "true" => Form::Bool(true),
            "false" => Form::Bool(false),
            "null" => Form::Null,
            "in" => return Err(ExprFault::mistake(at, "a value should stand here, not `in`")),
            "not" | "NOT" => return Err(ExprFault::mistake(at, "`not` is no operator").hint("write `!`")),
            reserved if RESERVED.contains(&reserved) => {
                let fault = ExprFault::mistake(at, format!("`{reserved}` is a reserved word"));
                return Err(match reserved {
                    "if" | "else" => fault.hint("write `condition ? value : other`"),
                    _ => fault,
                });
            }
            _ if called => {
                let (arguments, end) = self.arguments()?;
                let (all, below) = (at.start..end, deepest(&arguments));
                return Tree::new(all, Form::Call { name, named: at, target: None, arguments }, below);
            }
            _ => Form::Name(name),
        };
        Tree::new(at, form, 0)
    }

    fn list(&mut self) -> Result<Tree, ExprFault> {
        let opened = self.next();
        let mut elements = Vec::new();
        // As in CEL, a comma may follow the last element.
        while self.peek() != Some("]") {
            elements.push(self.expression()?);
            if !self.eat(",") {
                break;
            }
        }
        let end = self.close(opened.clone(), "]")?;
        let below = deepest(&elements);
        Tree::new(opened.start..end, Form::List(elements), below)
    }
}
