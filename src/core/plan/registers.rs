//! The registers of a kind: which spans of a scan its events keep.
//!
//! A scan looks for the names of all kinds, because a name that occurs twice is a fault whatever the kind. Behind it an
//! event needs the fields of its own kind alone: with a hundred kinds all the others would only push it out of the near caches.

use crate::json::fields::{Fields, ObjectSlot, Slot, Span};

/// A plan of no more fields than these leaves each event all of them: copying them in one go is cheaper than choosing.
pub const FEW: usize = 32;

/// The scan's slots that one kind keeps, in the order of its registers. Paths that are asked for get the register's number
/// for a slot.
#[derive(Clone, Debug, Default)]
pub struct Registers {
    slots: Vec<u32>,
    /// Whether each slot of the scan is the register of the same number.
    all: bool,
}

impl Registers {
    /// Registers that keep everything that a scan finds.
    pub fn all() -> Registers {
        Registers { slots: Vec::new(), all: true }
    }

    /// The register of the value at this path; the same path always gets the same one.
    pub fn field(&mut self, fields: &mut Fields, path: &[String]) -> Slot {
        Slot(self.of(fields.field(path).0))
    }

    /// The register of the object at this path, for members to be added.
    pub fn object(&mut self, fields: &mut Fields, path: &[String]) -> ObjectSlot {
        ObjectSlot(self.of(fields.object(path).0))
    }

    fn of(&mut self, slot: u32) -> u32 {
        if self.all {
            return slot;
        }
        let at = self.slots.iter().position(|known| *known == slot).unwrap_or_else(|| {
            self.slots.push(slot);
            self.slots.len() - 1
        });
        u32::try_from(at).expect("there are fewer registers than slots")
    }

    /// To be called when no path of any kind is left to be asked for.
    pub fn complete(&mut self, fields: &Fields) {
        if self.all {
            self.slots = (0..u32::try_from(fields.len()).expect("slots are counted so")).collect();
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the kind reads and adds nothing.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Appends what these registers keep of a scan.
    #[inline]
    pub fn keep(&self, scanned: &[Span], kept: &mut Vec<Span>) {
        if self.all {
            kept.extend_from_slice(scanned);
        } else {
            kept.extend(self.slots.iter().map(|slot| Slot(*slot).of(scanned)));
        }
    }

    /// Appends registers without anything in them.
    pub fn keep_nothing(&self, kept: &mut Vec<Span>) {
        kept.resize(kept.len() + self.slots.len(), Span::ABSENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(dotted: &str) -> Vec<String> {
        dotted.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn a_kind_keeps_its_own_fields_alone_in_the_order_in_which_it_asked() {
        let mut fields = Fields::default();
        let (mut one, mut other) = (Registers::default(), Registers::default());
        let first = one.field(&mut fields, &path("a.x"));
        let there = other.field(&mut fields, &path("b.y"));
        let again = other.field(&mut fields, &path("a.x"));
        let object = other.object(&mut fields, &path("b"));
        assert_eq!((first, there, again, object), (Slot(0), Slot(0), Slot(1), ObjectSlot(2)));
        assert_eq!(other.field(&mut fields, &path("b.y")), there);
        let scanned: Vec<Span> = (0..fields.len() as u32).map(|n| Span { start: n, end: n + 1 }).collect();
        let (mut kept, mut of_scan) = (Vec::new(), fields.clone());
        other.keep(&scanned, &mut kept);
        assert_eq!(there.of(&kept), of_scan.field(&path("b.y")).of(&scanned));
        assert_eq!(again.of(&kept), of_scan.field(&path("a.x")).of(&scanned));
        assert_eq!(object.of(&kept), of_scan.object(&path("b")).of(&scanned));
        one.keep_nothing(&mut kept);
        assert_eq!((kept.len(), kept[3]), (4, Span::ABSENT));
    }

    #[test]
    fn a_small_plan_keeps_the_scan_as_it_is() {
        let (mut fields, mut all) = (Fields::default(), Registers::all());
        let (first, object) = (all.field(&mut fields, &path("a.x")), all.object(&mut fields, &path("a")));
        let slots = (fields.field(&path("a.x")), fields.object(&path("a")));
        assert_eq!((first, object), slots);
        all.complete(&fields);
        let scanned: Vec<Span> = (0..fields.len() as u32).map(|n| Span { start: n, end: n + 1 }).collect();
        let mut kept = Vec::new();
        all.keep(&scanned, &mut kept);
        assert_eq!((kept, all.len()), (scanned, fields.len()));
    }
}
