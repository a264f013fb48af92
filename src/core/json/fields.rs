//! The names that a plan reads or adds, as a trie, and the places where a scan found them.
//!
//! Built once per plan and then only read. Nothing here looks at an event; `scan` does.

/// The buckets of one table of children: a power of two, so that a mask picks one.
const BUCKETS: usize = 32;

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

/// The set of paths that a scan looks for. An empty path is the event's whole value.
#[derive(Clone, Debug)]
pub struct Fields {
    nodes: Vec<Node>,
    len: u32,
}

/// One name of the trie, under the names that lead to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    /// Empty for a leaf, else [`BUCKETS`] many.
    buckets: Vec<Vec<Edge>>,
    /// The value's span. Every named node has one, because it also tells a name's second occurrence.
    pub(super) slot: Option<Slot>,
    /// The tail's span, when members may be added to the object at this path.
    pub(super) object: Option<ObjectSlot>,
}

#[derive(Clone, Debug)]
struct Edge {
    name: Box<[u8]>,
    node: usize,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields { nodes: vec![Node::default()], len: 0 }
    }
}

impl Fields {
    /// The slot of the value at this path; the same path always gets the same slot.
    pub fn field(&mut self, path: &[String]) -> Slot {
        let at = self.node(path);
        let fresh = Slot(self.len);
        match self.nodes.get_mut(at) {
            Some(Node { slot: Some(known), .. }) => *known,
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
            Some(Node { object: Some(known), .. }) => *known,
            Some(node) => {
                node.object = Some(fresh);
                self.len += 1;
                fresh
            }
            None => fresh,
        }
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
    pub(super) fn root(&self) -> Option<&Node> {
        self.nodes.first()
    }

    /// The node of a member, by its unescaped name.
    #[inline]
    pub(super) fn child(&self, parent: &Node, name: &[u8]) -> Option<&Node> {
        let edge = parent.buckets.get(bucket(name))?.iter().find(|edge| *edge.name == *name)?;
        self.nodes.get(edge.node)
    }

    /// The index of the path's node, made along with all before it where they are missing.
    fn node(&mut self, path: &[String]) -> usize {
        let mut at = 0;
        for name in path {
            let name = name.as_bytes();
            let fresh = self.nodes.len();
            let Some(parent) = self.nodes.get_mut(at) else { break };
            parent.buckets.resize_with(BUCKETS, Vec::new);
            let Some(edges) = parent.buckets.get_mut(bucket(name)) else { break };
            if let Some(edge) = edges.iter().find(|edge| *edge.name == *name) {
                at = edge.node;
                continue;
            }
            edges.push(Edge { name: name.into(), node: fresh });
            self.nodes.push(Node { slot: Some(Slot(self.len)), ..Node::default() });
            self.len += 1;
            at = fresh;
        }
        at
    }
}

impl Node {
    /// Whether the scan has to look into an object at this path.
    #[inline]
    pub(super) fn looks_inside(&self) -> bool {
        self.object.is_some() || !self.buckets.is_empty()
    }
}

/// A bucket from what differs between the names of one object: length, first, middle and last byte.
#[inline]
fn bucket(name: &[u8]) -> usize {
    let byte = |at: usize| name.get(at).copied().map_or(0, usize::from);
    let length = name.len();
    (length.wrapping_mul(7) ^ byte(0) ^ byte(length / 2).wrapping_mul(3) ^ byte(length.wrapping_sub(1)) << 1)
        & (BUCKETS - 1)
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
}
