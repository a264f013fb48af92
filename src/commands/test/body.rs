//! Two bodies, one of which may have gaps: whether they agree, and in which members they differ.
//!
//! Compares texts, never numbers or escapes, and takes objects apart only as far as it must to name a member.

use super::output::GAP;
use std::ops::Range;

/// A member in which two bodies differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BodyDifference {
    /// Its name, behind those of the objects around it.
    pub(super) name: String,
    /// Where its value is in what was expected: the whole member where it is only there.
    pub(super) expected: Option<Range<usize>>,
    /// The same in what came out.
    pub(super) was: Option<Range<usize>>,
}

/// Whether a text fits one in which `…` stands for anything, also for nothing.
pub(super) fn fits(expected: &str, was: &str) -> bool {
    let Some((head, rest)) = expected.split_once(GAP) else { return expected == was };
    let Some(mut was) = was.strip_prefix(head) else { return false };
    let (middle, tail) = rest.rsplit_once(GAP).unwrap_or(("", rest));
    for piece in middle.split(GAP) {
        // The first fit leaves the most for the others.
        match was.split_once(piece) {
            Some((_, behind)) => was = behind,
            None => return false,
        }
    }
    was.ends_with(tail)
}

/// How a case wants bodies compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CompareManner {
    /// `out`: byte for byte, gaps aside.
    Bytes,
    /// `out_like`: the members named, the others are free.
    Members,
}

/// Whether a body is as expected.
pub(super) fn agree(expected: &str, was: &str, manner: CompareManner) -> bool {
    fits(expected, was) || (manner == CompareManner::Members && compare(expected, was, manner).is_empty())
}

/// The members that differ, in the order of what came out, those that did not come last. Where no member explains why two
/// texts differ, none is named.
pub(super) fn differences(expected: &str, was: &str, manner: CompareManner) -> Vec<BodyDifference> {
    let mut found = compare(expected, was, manner);
    found.retain(|difference| !difference.name.is_empty());
    found.sort_by_key(|difference| difference.was.as_ref().map_or(usize::MAX, |at| at.start));
    found
}

fn compare(expected: &str, was: &str, manner: CompareManner) -> Vec<BodyDifference> {
    let mut found = Vec::new();
    let (whole_expected, whole_was) = (0..expected.len(), 0..was.len());
    value("", (expected, whole_expected), (was, whole_was), manner, &mut found);
    found
}

/// A part of a text.
type TextPart<'t> = (&'t str, Range<usize>);

fn text<'t>(part: &TextPart<'t>) -> &'t str {
    part.0.get(part.1.clone()).unwrap_or_default().trim()
}

fn value(
    name: &str,
    expected: TextPart<'_>,
    was: TextPart<'_>,
    manner: CompareManner,
    found: &mut Vec<BodyDifference>,
) {
    if fits(text(&expected), text(&was)) {
        return;
    }
    match (members(&expected), members(&was)) {
        (Some(wanted), Some(there)) => object(name, (expected.0, wanted), (was.0, there), manner, found),
        _ => found.push(BodyDifference { name: name.to_owned(), expected: Some(expected.1), was: Some(was.1) }),
    }
}

fn object(
    name: &str,
    (expected, wanted): (&str, Vec<BodyMember<'_>>),
    (was, there): (&str, Vec<BodyMember<'_>>),
    manner: CompareManner,
    found: &mut Vec<BodyDifference>,
) {
    let path = |member: &str| if name.is_empty() { member.to_owned() } else { format!("{name}.{member}") };
    let open = manner == CompareManner::Members || wanted.iter().any(|member| member.name == GAP);
    for member in wanted.iter().filter(|member| member.name != GAP) {
        let wanted = (expected, member.value.clone());
        match there.iter().find(|other| other.name == member.name) {
            Some(other) => value(&path(member.name), wanted, (was, other.value.clone()), manner, found),
            None => {
                found.push(BodyDifference { name: path(member.name), expected: Some(member.whole.clone()), was: None });
            }
        }
    }
    for member in there.iter().filter(|_| !open) {
        if !wanted.iter().any(|other| other.name == member.name) {
            found.push(BodyDifference { name: path(member.name), expected: None, was: Some(member.whole.clone()) });
        }
    }
}

/// A member of an object, or a gap between members.
struct BodyMember<'t> {
    /// The name between its quotes; a gap's is `…`.
    name: &'t str,
    whole: Range<usize>,
    value: Range<usize>,
}

/// The members of what looks like an object; `None` for everything else.
fn members<'t>(part: &TextPart<'t>) -> Option<Vec<BodyMember<'t>>> {
    let text = part.0.get(part.1.clone())?;
    let start = part.1.start + (text.len() - text.trim_start().len());
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut members = Vec::new();
    for piece in split(inner, ',')? {
        let Some(whole) = trimmed(part.0, start + 1 + piece.start..start + 1 + piece.end) else { continue };
        let member = part.0.get(whole.clone())?;
        if member == GAP {
            members.push(BodyMember { name: GAP, value: whole.clone(), whole });
            continue;
        }
        let colon = split(member, ':')?.into_iter().next()?.end;
        let name = member.get(..colon)?.trim().strip_prefix('"')?.strip_suffix('"')?;
        let value = trimmed(part.0, whole.start + colon + 1..whole.end)?;
        members.push(BodyMember { name, whole, value });
    }
    Some(members)
}

/// A range without the white space at its ends; `None` where nothing is left.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let inner = text.get(range.clone())?;
    let start = range.start + (inner.len() - inner.trim_start().len());
    (!inner.trim().is_empty()).then(|| start..start + inner.trim().len())
}

/// The pieces between such characters outside of texts and brackets; `None` where brackets do not match.
fn split(text: &str, at: char) -> Option<Vec<Range<usize>>> {
    let (mut depth, mut within, mut escaped, mut begin) = (0_usize, false, false, 0);
    let mut pieces = Vec::new();
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => within = !within,
            _ if within => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.checked_sub(1)?,
            _ if depth == 0 && c == at => {
                pieces.push(begin..index);
                begin = index + 1;
            }
            _ => {}
        }
    }
    pieces.push(begin..text.len());
    (depth == 0 && !within).then_some(pieces)
}
