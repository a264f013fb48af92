//! The names that a plan reads or adds, as a trie, and the places where a scan found them.
//!
//! Built once per plan and then only read. Of an event nothing is seen here but the name that is looked up; `scan` sees the
//! rest.

/// Slots of a table for each child: so many that one look tells most names that are not there.
const ROOM: usize = 4;

/// Which of a scan's spans holds a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(pub u32);

/// Which of a scan's spans holds the place in an object where members are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectSlot(pub u32);

/// The raw bytes of a value, as offsets into the event; no white space around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One beyond the last byte.
    pub end: u32,
}

/// Where an object stands and where members are added to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The offset of its `{`.
    pub open: u32,
    /// Directly after the last member's value, or directly after the `{` of an empty object.
    pub insert_at: u32,
}

/// The set of paths that a scan looks for. An empty path is the event's whole value, and a part such as `[0]` is a member of
/// an array.
#[derive(Clone, Debug)]
pub struct Fields {
    nodes: Vec<PathNode>,
    len: u32,
}

/// One name of the trie, under the names that lead to it.
#[derive(Clone, Debug, Default)]
pub(super) struct PathNode {
    name: Box<[u8]>,
    /// Its children by hash, each in the first free slot from its own on; empty for a leaf, else a power of two of slots.
    table: Vec<Option<Edge>>,
    /// Its members by number, where it is an array.
    items: Vec<(usize, usize)>,
    /// The value's span. Every named node has one, because it also tells a name's second occurrence.
    pub(super) slot: Option<Slot>,
    /// The tail's span, when members may be added to the object at this path.
    pub(super) object: Option<ObjectSlot>,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    ends: Ends,
    node: usize,
}

/// A name's length and both of its ends, which overlap in short names: all of a name of up to 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    length: usize,
    first: u64,
    last: u64,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields { nodes: vec![PathNode::default()], len: 0 }
    }
}

impl Fields {
    /// The slot of the value at this path; the same path always gets the same slot.
    pub fn field(&mut self, path: &[String]) -> Slot {
        let at = self.node(path);
        let fresh = Slot(self.len);
        match self.nodes.get_mut(at) {
            Some(PathNode { slot: Some(known), .. }) => *known,
            Some(node) => {
                node.slot = Some(fresh);
                self.len += 1;
                fresh
            }
            None => fresh,
        }
    }

    /// The slot of the object at this path, for members to be added; an empty path is the top level.
    pub fn object(&mut self, path: &[String]) -> ObjectSlot {
        let at = self.node(path);
        let fresh = ObjectSlot(self.len);
        match self.nodes.get_mut(at) {
            Some(PathNode { object: Some(known), .. }) => *known,
            Some(node) => {
                node.object = Some(fresh);
                self.len += 1;
                fresh
            }
            None => fresh,
        }
    }

    /// The node of a member of an array, by its number.
    pub(super) fn item(&self, parent: &PathNode, number: usize) -> Option<&PathNode> {
        let (_, node) = parent.items.iter().find(|(known, _)| *known == number)?;
        self.nodes.get(*node)
    }

    /// How many spans a scan fills: one for each name on any path, one for each object.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether no path was asked for.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The top-level value's node.
    pub(super) fn root(&self) -> Option<&PathNode> {
        self.nodes.first()
    }

    /// The node of a member, by its unescaped name.
    #[inline]
    pub(super) fn child(&self, parent: &PathNode, name: &[u8]) -> Option<&PathNode> {
        self.find(parent, Ends::of(name), name)
    }

    /// The node of a member whose name has no escapes and stands between these offsets of the text.
    #[inline]
    pub(super) fn child_within(&self, parent: &PathNode, text: &[u8], start: usize, end: usize) -> Option<&PathNode> {
        self.find(parent, Ends::within(text, start, end), text.get(start..end)?)
    }

    #[inline]
    fn find(&self, parent: &PathNode, ends: Ends, name: &[u8]) -> Option<&PathNode> {
        let mut at = ends.hash();
        // There always is a free slot, if there are any.
        while let Some(edge) = parent.table.get(at & parent.table.len().wrapping_sub(1))? {
            if edge.ends == ends {
                let node = self.nodes.get(edge.node)?;
                if ends.are_all() || *node.name == *name {
                    return Some(node);
                }
            }
            at += 1;
        }
        None
    }

    /// The index of the path's node, made along with all before it where they are missing.
    fn node(&mut self, path: &[String]) -> usize {
        let mut at = 0;
        for name in path {
            let fresh = self.nodes.len();
            if let Some(number) = number_of(name) {
                let Some(parent) = self.nodes.get_mut(at) else { break };
                if let Some((_, node)) = parent.items.iter().find(|(known, _)| *known == number) {
                    at = *node;
                    continue;
                }
                parent.items.push((number, fresh));
                self.nodes.push(PathNode { slot: Some(Slot(self.len)), ..PathNode::default() });
                self.len += 1;
                at = fresh;
                continue;
            }
            let name = name.as_bytes();
            let Some(parent) = self.nodes.get(at) else { break };
            let known = |edge: &&Edge| self.nodes.get(edge.node).is_some_and(|node| *node.name == *name);
            if let Some(edge) = parent.table.iter().flatten().find(known) {
                at = edge.node;
                continue;
            }
            if let Some(parent) = self.nodes.get_mut(at) {
                parent.add(Edge { ends: Ends::of(name), node: fresh });
            }
            self.nodes.push(PathNode { name: name.into(), slot: Some(Slot(self.len)), ..PathNode::default() });
            self.len += 1;
            at = fresh;
        }
        at
    }
}

/// The number of a member of an array, of a part of a path that stands for one.
fn number_of(part: &str) -> Option<usize> {
    part.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

impl PathNode {
    /// Whether the scan has to look into an array at this path.
    #[inline]
    pub(super) fn has_items(&self) -> bool {
        !self.items.is_empty()
    }

    /// Whether the scan has to look into an object at this path.
    #[inline]
    pub(super) fn looks_inside(&self) -> bool {
        self.object.is_some() || !self.table.is_empty()
    }

    /// Adds a child: the table is made anew, with room.
    fn add(&mut self, edge: Edge) {
        let edges: Vec<Edge> = self.table.drain(..).flatten().chain([edge]).collect();
        self.table = vec![None; (edges.len() * ROOM).next_power_of_two()];
        let mask = self.table.len() - 1;
        for edge in edges {
            let mut at = edge.ends.hash();
            while let Some(Some(_)) = self.table.get(at & mask) {
                at += 1;
            }
            if let Some(slot) = self.table.get_mut(at & mask) {
                *slot = Some(edge);
            }
        }
    }
}

impl Ends {
    #[inline]
    fn of(name: &[u8]) -> Ends {
        let (first, last) = match (name.first_chunk(), name.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => {
                let word = name.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
                (word, word)
            }
        };
        Ends { length: name.len(), first, last }
    }

    /// The ends of a name inside a text, which mostly goes on for long enough to read a short name with one look.
    #[inline]
    fn within(text: &[u8], start: usize, end: usize) -> Ends {
        let length = end.wrapping_sub(start);
        match text.get(start..).and_then(|text| text.first_chunk()) {
            Some(eight) if length < 8 => {
                let word = u64::from_le_bytes(*eight) & ((1 << (8 * length)) - 1);
                Ends { length, first: word, last: word }
            }
            _ => Ends::of(text.get(start..end).unwrap_or_default()),
        }
    }

    /// Whether the ends are the whole name.
    #[inline]
    fn are_all(self) -> bool {
        self.length <= 16
    }

    /// Multiplication by the golden ratio's 64 bits (Fibonacci hashing); the upper half is the better one.
    #[inline]
    fn hash(self) -> usize {
        let mixed = (self.first ^ self.last.rotate_left(29)).wrapping_add(self.length as u64);
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize
    }
}

impl Span {
    /// The span of a value that the event does not have.
    pub const ABSENT: Span = Span { start: u32::MAX, end: u32::MAX };

    /// Whether the event lacks the value.
    #[inline]
    pub fn is_absent(self) -> bool {
        self.start == u32::MAX
    }

    /// The value's bytes in the text that was scanned; `None` when absent.
    #[inline]
    pub fn of(self, text: &[u8]) -> Option<&[u8]> {
        text.get(self.start as usize..self.end as usize)
    }
}

impl Slot {
    /// The field's span among those that one scan filled.
    #[inline]
    pub fn of(self, spans: &[Span]) -> Span {
        spans.get(self.0 as usize).copied().unwrap_or(Span::ABSENT)
    }
}

impl ObjectSlot {
    /// The object's tail among the spans that one scan filled; `None` when it is missing or no object.
    #[inline]
    pub fn of(self, spans: &[Span]) -> Option<Tail> {
        let span = spans.get(self.0 as usize).copied().filter(|span| !span.is_absent())?;
        Some(Tail { open: span.start, insert_at: span.end })
    }
}

impl Tail {
    /// Whether the object has no members.
    #[inline]
    pub fn is_empty(self) -> bool {
        // A member takes at least four bytes, so only an empty object is added to right after its `{`.
        self.insert_at == self.open.wrapping_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(dotted: &str) -> Vec<String> {
        dotted.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn equal_paths_share_a_slot_and_prefixes_have_their_own() {
        let mut fields = Fields::default();
        assert!(fields.is_empty());
        let uuid = fields.field(&path("properties.uuid"));
        let properties = fields.field(&path("properties"));
        assert_ne!(uuid, properties);
        assert_eq!(fields.len(), 2);
        assert_eq!(fields.field(&path("properties.uuid")), uuid);
        let object = fields.object(&path("properties"));
        assert_eq!(fields.object(&path("properties")), object);
        let top = fields.object(&[]);
        let whole = fields.field(&[]);
        assert_eq!(fields.field(&[]), whole);
        let mut slots = vec![uuid.0, properties.0, object.0, top.0, whole.0];
        slots.sort_unstable();
        assert_eq!(slots, [0, 1, 2, 3, 4]);
        assert_eq!(fields.len(), 5);
    }

    #[test]
    fn every_name_of_a_large_object_is_found() {
        let mut fields = Fields::default();
        let slots: Vec<Slot> = (0..500).map(|n| fields.field(&[format!("field_{n}")])).collect();
        let root = fields.root().unwrap();
        for (n, slot) in slots.iter().enumerate() {
            let node = fields.child(root, format!("field_{n}").as_bytes());
            assert_eq!(node.and_then(|node| node.slot), Some(*slot));
        }
        assert!(fields.child(root, b"field_500").is_none());
        assert!(fields.child(root, b"").is_none());
    }

    #[test]
    fn a_name_is_the_same_wherever_it_stands() {
        let text = b"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq!stuvwxyz";
        for (start, length) in (0..text.len()).flat_map(|start| (0..30).map(move |length| (start, length))) {
            let Some(name) = text.get(start..start + length) else { continue };
            assert_eq!(Ends::within(text, start, start + length), Ends::of(name), "{length} from {start}");
        }
        // Long names that differ in their middle alone.
        let mut fields = Fields::default();
        let names = ["first-and-long-the-last", "first-and-soon-the-last"].map(str::to_owned);
        let [one, other] = names.clone().map(|name| fields.field(&[name]));
        let found = |name: &str| {
            let quoted = format!("\"{name}\"");
            let within = fields.child_within(fields.root()?, quoted.as_bytes(), 1, 1 + name.len())?.slot;
            assert_eq!(within, fields.child(fields.root()?, name.as_bytes())?.slot);
            within
        };
        assert_ne!(one, other);
        assert_eq!(names.map(|name| found(&name)), [Some(one), Some(other)]);
        assert_eq!(found("first-and-none-the-last"), None);
    }
}
