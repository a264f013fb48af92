//! The enriched bytes of an event: the original with members added, replaced or left out.
//!
//! No byte changes that an edit does not name: white space, number texts and the order of members stay. Used
//! once per output, after the joins. The rules of removal keep the text valid JSON whatever is taken away.

use super::cursor::{Cursor, Defect, Scratch};
use super::fields::{Span, Tail};
use super::text::escape_into;
use bytes::BufMut;

/// A member's name, ready to be written: comma, quoted name, colon. Made once per plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(Box<[u8]>);

impl Label {
    /// The label of a name, which is escaped where JSON asks for it.
    pub fn new(name: &str) -> Label {
        let mut label = vec![b','];
        escape_into(&mut label, name);
        label.push(b':');
        Label(label.into())
    }
}

/// What becomes of one member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added<'a> {
    /// It gets this value, raw JSON text.
    Value(&'a [u8]),
    /// It is not added, and removed where the event has it.
    Omit,
}

/// One member of a target object.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'a> {
    /// Its name.
    pub label: &'a Label,
    /// What becomes of it.
    pub added: Added<'a>,
    /// Its value in the event, where it has one.
    pub there: Span,
}

/// The edits of one event; its memory is used again for the next.
#[derive(Clone, Debug, Default)]
pub struct Splice {
    cuts: Vec<Replacement>,
    /// The new bytes of all cuts, one after the other.
    added: Vec<u8>,
    /// Where the values of the members begin that the current object loses.
    omitted: Vec<u32>,
    scratch: Scratch,
}

/// Bytes of the event that are replaced by new ones; either may be none.
#[derive(Clone, Copy, Debug)]
struct Replacement {
    start: u32,
    end: u32,
    /// The range of the new bytes in [`Splice::added`]; it grows from cut to cut.
    from: usize,
    to: usize,
}

impl Splice {
    /// Notes the edits of one target object, which a scan of this text found at `tail`.
    ///
    /// Members that are not there are added in the order of `edits`. Each object is edited at most once per
    /// event; an object inside a member that another edit replaces or removes goes with that member.
    pub fn object<'e>(&mut self, text: &[u8], tail: Tail, edits: impl IntoIterator<Item = Edit<'e>>) {
        let first = self.cuts.len();
        self.omitted.clear();
        for Edit { label, added, there } in edits {
            match added {
                Added::Value(value) if there.is_absent() => self.append(first, tail, label, value),
                Added::Value(value) => {
                    let from = self.added.len();
                    self.added.extend_from_slice(value);
                    self.cuts.push(Replacement { start: there.start, end: there.end, from, to: self.added.len() });
                }
                Added::Omit if there.is_absent() => {}
                Added::Omit => self.omitted.push(there.start),
            }
        }
        let kept = if self.omitted.is_empty() { !tail.is_empty() } else { self.remove(text, tail) };
        if !kept {
            let is_append = |cut: &&mut Replacement| cut.start == tail.insert_at && cut.end == tail.insert_at;
            if let Some(cut) = self.cuts.iter_mut().skip(first).find(is_append) {
                cut.from += 1;
            }
        }
    }

    /// Whether no edit was noted since the last write.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty()
    }

    /// Bytes that the noted edits add.
    pub fn added(&self) -> usize {
        self.added.len()
    }

    /// Drops all edits that were noted since the last write.
    pub fn clear(&mut self) {
        self.cuts.clear();
        self.added.clear();
    }

    /// Appends the text with all edits to `out`, and forgets them.
    pub fn write(&mut self, text: &[u8], out: &mut impl BufMut) {
        // Cuts with the same start are additions to one object: their new bytes tell their order.
        self.cuts.sort_unstable_by_key(|cut| (cut.start, cut.from));
        let mut done = 0;
        for cut in &self.cuts {
            // What lies inside bytes that are already gone goes with them.
            if cut.start < done {
                continue;
            }
            out.put_slice(text.get(done as usize..cut.start as usize).expect("cuts lie in the text, in order"));
            out.put_slice(self.added.get(cut.from..cut.to).expect("what a cut adds was added"));
            done = cut.end;
        }
        out.put_slice(text.get(done as usize..).expect("the last cut ends in the text"));
        self.clear();
    }

    /// Adds a member at the object's tail; consecutive additions become one cut.
    fn append(&mut self, first: usize, tail: Tail, label: &Label, value: &[u8]) {
        let from = self.added.len();
        self.added.extend_from_slice(&label.0);
        self.added.extend_from_slice(value);
        let to = self.added.len();
        match self.cuts.get_mut(first..).and_then(<[Replacement]>::last_mut) {
            Some(last) if last.start == tail.insert_at => last.to = to,
            _ => self.cuts.push(Replacement { start: tail.insert_at, end: tail.insert_at, from, to }),
        }
    }

    /// Takes the omitted members out of the object; true when it keeps at least one.
    #[cold]
    fn remove(&mut self, text: &[u8], tail: Tail) -> bool {
        let from = self.added.len();
        let Splice { cuts, omitted, scratch, .. } = self;
        let mut cut = |start: usize, end: usize| {
            // Offsets of a scanned text fit: longer ones were refused.
            cuts.push(Replacement { start: start as u32, end: end as u32, from, to: from });
        };
        let mut leading: Option<usize> = None;
        let mut kept = false;
        let mut before = tail.open as usize;
        let walked = members(text, tail, scratch, |member| {
            let removed = omitted.contains(&(member.value as u32));
            match (removed, kept) {
                // Nothing stands before it to take the comma from: the cut goes on to the next name.
                (true, false) => leading = leading.or(Some(member.name)),
                (true, true) => cut(before, member.end),
                (false, false) => {
                    kept = true;
                    if let Some(start) = leading.take() {
                        cut(start, member.name);
                    }
                }
                (false, true) => {}
            }
            before = member.end;
        });
        debug_assert!(walked.is_ok(), "the text was scanned before");
        if let Some(start) = leading {
            cut(start, before);
        }
        kept
    }
}

/// Where a member begins, where its value begins, and where it ends.
struct MemberSpan {
    name: usize,
    value: usize,
    end: usize,
}

/// Goes through an object's members once more, in order.
fn members(text: &[u8], tail: Tail, scratch: &mut Scratch, mut each: impl FnMut(MemberSpan)) -> Result<(), Defect> {
    let mut cursor = Cursor::new(text, tail.open as usize, scratch);
    let mut more = cursor.open(b'}', 0);
    while more {
        let name = cursor.at();
        cursor.name()?;
        let value = cursor.at();
        cursor.skip(1)?;
        each(MemberSpan { name, value, end: cursor.at() });
        more = cursor.more(b'}')?;
    }
    Ok(())
}
