//! The elements of a list and the members of an object in JSON text that a scan has found valid.
//!
//! Never recurses, and never looks at more bytes for one evaluation than it may.

use super::datum::text;
use super::why::Why;
use std::cell::Cell;

/// How many bytes of lists and objects one evaluation looks at. A question about each element that asks about each element
/// again would otherwise hold up the engine for as long as a producer likes.
const MOST: usize = 16 << 20;
/// What to look at one element costs beside its bytes.
const EACH: usize = 16;

/// What one evaluation may still look at.
#[derive(Debug)]
pub struct EvaluationBudget(Cell<usize>);

impl Default for EvaluationBudget {
    fn default() -> EvaluationBudget {
        EvaluationBudget(Cell::new(MOST))
    }
}

impl EvaluationBudget {
    /// Takes note of so many bytes that are looked at.
    pub fn spend(&self, bytes: usize) -> Result<(), Why> {
        let left = self.0.get().checked_sub(bytes);
        self.0.set(left.unwrap_or(0));
        left.map(|_| ()).ok_or(Why::Broken)
    }
}

/// The raw elements of an array.
pub fn elements<'a>(raw: &'a [u8], work: &EvaluationBudget) -> impl Iterator<Item = Result<&'a [u8], Why>> {
    let mut rest = raw.get(1..).unwrap_or_default();
    std::iter::from_fn(move || {
        let element;
        (element, rest) = value(separated(rest)?)?;
        Some(work.spend(element.len() + EACH).map(|()| element))
    })
}

/// The raw value of an object's member; of the last one with this name, as most readers of JSON take it.
pub fn member<'a>(raw: &'a [u8], wanted: &str, work: &EvaluationBudget) -> Result<Option<&'a [u8]>, Why> {
    work.spend(raw.len())?;
    let mut found = None;
    let mut rest = raw.get(1..).unwrap_or_default();
    while let Some((name, after)) = separated(rest).and_then(value) {
        let Some((member, behind)) = separated(after).and_then(value) else { break };
        rest = behind;
        let name = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
        if name == wanted.as_bytes() || name.contains(&b'\\') && text(name).is_ok_and(|name| name == wanted) {
            found = Some(member);
        }
    }
    Ok(found)
}

/// The text from the next value on; `None` at the end of what is around it.
fn separated(text: &[u8]) -> Option<&[u8]> {
    let start = text.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':'))?;
    text.get(start..).filter(|text| !matches!(text.first(), Some(b']' | b'}')))
}

/// The value that the text begins with, and what is behind it.
fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = match text.first()? {
        b'"' => string_end(text)?,
        b'[' | b'{' => container_end(text)?,
        _ => text
            .iter()
            .position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r'))
            .unwrap_or(text.len()),
    };
    // What is no JSON could make no progress.
    text.split_at_checked(end).filter(|_| end > 0)
}

fn string_end(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += text.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        match text.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

fn container_end(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        at += text.get(at..)?.iter().position(|byte| matches!(byte, b'"' | b'[' | b'{' | b']' | b'}'))?;
        match text.get(at)? {
            b'"' => at += string_end(text.get(at..)?)?,
            b'[' | b'{' => {
                depth += 1;
                at += 1;
            }
            _ => {
                depth = depth.checked_sub(1)?;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
    }
}
