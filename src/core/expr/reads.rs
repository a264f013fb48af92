//! What an expression reads: places of the event, what is known about it, and columns of rows.
//!
//! Finds these in the tree of syntax. Whether a field, a table or a column exists is decided by who knows the plan.

use super::fault::ExprFault;
use super::tree::{Form, Tree};
use super::types::ExprType;
use crate::core::plan::check::hint::nearest;
use crate::core::plan::selector::Selector;
use std::ops::Range;

/// What one name of an expression stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// `event.a.b`: the member at this path, never empty.
    Event(Vec<String>),
    /// `meta.kind`.
    Kind,
    /// `meta.key`.
    Key,
    /// `meta.subject[1]`: a token of the event's subject, from 1.
    Subject(usize),
    /// `meta.header["X"]`: the first value of a header.
    Header(String),
    /// `meta.time`: when the input stream stored the event.
    Time,
    /// `meta.stream_time`: the newest time up to this event.
    StreamTime,
    /// `meta.position`: the event's sequence in the input stream.
    Position,
    /// `TABLE.column` or `TABLE[place].column`.
    Column {
        /// The table's name.
        table: String,
        /// Where the event names the row; `None` for the row of the event's own key.
        row: Option<Selector>,
        /// The column's name.
        column: String,
    },
}

/// A read and where it stands first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRead {
    /// What is read.
    pub read: Read,
    /// Its bytes in the expression's text.
    pub at: Range<usize>,
}

/// The names that begin a read and are no tables.
pub const ROOTS: [&str; 2] = ["event", "meta"];

/// What `meta` has.
const META: [&str; 7] = ["kind", "key", "subject", "header", "time", "stream_time", "position"];

impl Read {
    /// The type that the read has whatever the plan says; `None` for fields and columns.
    pub fn own_type(&self) -> Option<ExprType> {
        match self {
            Read::Event(_) | Read::Column { .. } => None,
            Read::Kind | Read::Key | Read::Subject(_) | Read::Header(_) => Some(ExprType::Text),
            Read::Time | Read::StreamTime => Some(ExprType::Time),
            Read::Position => Some(ExprType::Number),
        }
    }
}

/// A member of a member, from its root on.
struct ReadPath<'a> {
    root: &'a str,
    /// Each with the tree that ends with it.
    steps: Vec<(PathStep<'a>, &'a Tree)>,
}

#[derive(Clone, Copy)]
enum PathStep<'a> {
    /// `.name`.
    Name(&'a str),
    /// `["name"]`, and where the text stands.
    Quoted(&'a str, &'a Tree),
    /// `[anything else]`.
    Index(&'a Tree),
}

impl<'a> PathStep<'a> {
    fn name(&self) -> Option<&'a str> {
        match self {
            PathStep::Name(name) | PathStep::Quoted(name, _) => Some(name),
            PathStep::Index(_) => None,
        }
    }
}

impl<'a> ReadPath<'a> {
    fn of(tree: &'a Tree) -> Option<ReadPath<'a>> {
        let (step, inner) = match &tree.form {
            Form::Name(root) => return Some(ReadPath { root, steps: Vec::new() }),
            Form::Member(inner, name) => (PathStep::Name(name), &**inner),
            Form::Index(sides) => {
                let [inner, index] = &**sides;
                match &index.form {
                    Form::Text(name) => (PathStep::Quoted(name, index), inner),
                    _ => (PathStep::Index(index), inner),
                }
            }
            _ => return None,
        };
        let mut path = ReadPath::of(inner)?;
        path.steps.push((step, tree));
        Some(path)
    }

    /// The names before the first other step.
    fn names(&self) -> Vec<&'a str> {
        self.steps.iter().map_while(|(step, _)| step.name()).collect()
    }
}

/// The name that a member of a member begins with.
pub fn root(tree: &Tree) -> Option<&str> {
    ReadPath::of(tree).map(|path| path.root)
}

/// What the tree reads and the part of it that says so: what is around that part is a look inside of what was read. `None`
/// when it does not begin with a name.
pub fn find<'a>(tree: &'a Tree, text: &str) -> Option<Result<(Read, &'a Tree), ExprFault>> {
    let path = ReadPath::of(tree)?;
    Some(match path.root {
        "event" => event(tree, &path),
        "meta" => meta(tree, &path, text),
        _ => column(tree, &path),
    })
}

fn event<'a>(tree: &'a Tree, path: &ReadPath<'a>) -> Result<(Read, &'a Tree), ExprFault> {
    let names = path.names();
    match path.steps.get(names.len().wrapping_sub(1)) {
        Some((_, last)) => Ok((Read::Event(names.iter().map(|name| (*name).to_owned()).collect()), last)),
        None => Err(ExprFault::mistake(tree.at.clone(), "the whole event is no value")
            .hint("name a field of it, such as `event.amount`")),
    }
}

fn meta<'a>(tree: &'a Tree, path: &ReadPath<'a>, text: &str) -> Result<(Read, &'a Tree), ExprFault> {
    let wrong = |what: String, hint: &str| Err(ExprFault::mistake(tree.at.clone(), what).hint(hint));
    let Some((name, whole)) = path.steps.first().and_then(|(step, whole)| Some((step.name()?, whole))) else {
        return wrong("`meta` is no value".to_owned(), &all_of_meta());
    };
    let second = path.steps.get(1);
    let read = match name {
        "kind" => Read::Kind,
        "key" => Read::Key,
        "time" => Read::Time,
        "stream_time" => Read::StreamTime,
        "position" => Read::Position,
        "subject" => {
            let token = second.and_then(|(step, whole)| match step {
                PathStep::Index(index) if index.form == Form::Number => Some((text.get(index.at.clone())?, whole)),
                _ => None,
            });
            return match token.and_then(|(number, whole)| Some((number.parse().ok().filter(|n| *n > 0)?, whole))) {
                Some((number, whole)) => Ok((Read::Subject(number), whole)),
                None => wrong(
                    "`meta.subject` needs the number of a token".to_owned(),
                    "tokens count from 1, such as `meta.subject[2]`",
                ),
            };
        }
        "header" => {
            let header = second.and_then(|(step, whole)| Some((step.name()?, whole)));
            let usable = |name: &str| Selector::parse(&format!("$header.{name}")).is_ok();
            return match header.filter(|(name, _)| usable(name)) {
                Some((name, whole)) => Ok((Read::Header(name.to_owned()), whole)),
                None => wrong(
                    "`meta.header` needs the name of a header".to_owned(),
                    "a name is printable ASCII without `:`, such as `meta.header[\"Event-Kind\"]`",
                ),
            };
        }
        other => {
            let hint = nearest(other, META).map(|known| format!("did you mean `meta.{known}`?"));
            return wrong(format!("`meta` has no `{other}`"), &hint.unwrap_or_else(all_of_meta));
        }
    };
    Ok((read, whole))
}

fn all_of_meta() -> String {
    "`meta` has `kind`, `key`, `subject[1]`, `header[\"X\"]`, `time`, `stream_time` and `position`".to_owned()
}

fn column<'a>(tree: &'a Tree, path: &ReadPath<'a>) -> Result<(Read, &'a Tree), ExprFault> {
    let table = path.root.to_owned();
    match path.steps.as_slice() {
        [] => {
            let hint = match nearest(&table, ROOTS) {
                Some(root) => format!("did you mean `{root}`?"),
                None => format!("a field of the event is written `event.{table}`, a text \"{table}\""),
            };
            Err(ExprFault::mistake(tree.at.clone(), format!("`{table}` is no value")).hint(hint))
        }
        [(PathStep::Name(column), whole), ..] => {
            Ok((Read::Column { table, row: None, column: (*column).to_owned() }, whole))
        }
        [(step, _), (PathStep::Name(column) | PathStep::Quoted(column, _), whole), ..] => {
            let row = Some(row(step, &table)?);
            Ok((Read::Column { table, row, column: (*column).to_owned() }, whole))
        }
        _ => Err(ExprFault::mistake(tree.at.clone(), "a row is no value")
            .hint(format!("name a column of it, such as `{table}[customer.id].country`"))),
    }
}

/// The place that names a row: `TABLE[customer.id]`, or in quotes whatever a place may be.
fn row(step: &PathStep, table: &str) -> Result<Selector, ExprFault> {
    let index = match step {
        PathStep::Quoted(place, index) => {
            return Selector::parse(place).map_err(|what| ExprFault::mistake(index.at.clone(), what));
        }
        PathStep::Index(index) => index,
        PathStep::Name(_) => unreachable!("a name behind a table is its column"),
    };
    let path = ReadPath::of(index).map(|path| (path.root, path.names(), path.steps.len()));
    match path {
        Some(("event", names, _)) if !names.is_empty() => {
            let place = names.join(".");
            let hint = format!(
                "write `{table}[{place}]`; a member that is named `event` is written `{table}[\"event.{place}\"]`"
            );
            Err(ExprFault::mistake(index.at.clone(), "the place that names a row is written without `event`")
                .hint(hint))
        }
        Some((root, names, steps)) if names.len() == steps => {
            let names = std::iter::once(root).chain(names).map(str::to_owned);
            Ok(Selector::Path(names.collect()))
        }
        _ => Err(ExprFault::mistake(index.at.clone(), "a row is named by a place of the event")
            .hint(format!("such as `{table}[customer.id]` or `{table}[\"$subject.2\"]`"))),
    }
}
