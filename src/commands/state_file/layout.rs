//! The state file, byte by byte: numbers are big endian, check sums are XXH3-64.
//!
//! ```text
//! file     "sidestream-state\n" | version u8 | header | blocks | end; nothing follows
//! header   bytes u32 | the format settings, JSON | sum of the file so far u64
//! block    1 u8 | its number from 0 u64 | bytes of its entries u32 | entries | sum of all this u64
//! entry    space u16 (the key group, or 65535 for the meta space) | bytes of the key u16 | bytes of the value u32 | key | value
//! end      2 u8 | blocks u64 | entries u64 | sum over the blocks' sums in their order u64 | sum of all this u64
//! ```
//!
//! Entries ascend by space and key. A block ends with the entry that takes it to 64 KiB. So one state makes one file.

use crate::core::ids::{KEY_GROUPS, KeyGroup};
use crate::ports::store::Space;

/// The first bytes of the file.
pub const MAGIC: &[u8; 17] = b"sidestream-state\n";

/// The version that follows.
pub const VERSION: u8 = 1;

/// What begins a block.
pub const BLOCK: u8 = 1;

/// What begins the end.
pub const END: u8 = 2;

/// A block has at least so many bytes of entries, but for the last.
pub const BLOCK_BYTES: usize = 64 * 1024;

/// A block never has more: the last entry's key and value at their longest.
pub const BLOCK_MOST: usize = BLOCK_BYTES + ENTRY_HEAD + u16::MAX as usize + VALUE_MOST;

/// The longest value that a store is given, with much to spare.
pub const VALUE_MOST: usize = 1 << 20;

/// Bytes of an entry before its key.
pub const ENTRY_HEAD: usize = 8;

/// Bytes of the end behind its first: three numbers and its sum.
pub const END_BYTES: usize = 32;

/// The longest header.
pub const HEADER_MOST: usize = 4096;

/// A space's number.
pub fn number(space: Space) -> u16 {
    match space {
        Space::Group(KeyGroup(group)) => group,
        Space::Meta => u16::MAX,
    }
}

/// The space of a number; `None` where there is none.
pub fn space(number: u16) -> Option<Space> {
    match number {
        u16::MAX => Some(Space::Meta),
        group if group < KEY_GROUPS => Some(Space::Group(KeyGroup(group))),
        _ => None,
    }
}

/// Every space in the file's order: the meta space, with the record of S, comes last.
pub fn spaces() -> impl Iterator<Item = Space> {
    KeyGroup::all().map(Space::Group).chain([Space::Meta])
}
