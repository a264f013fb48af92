//! What all machines have in common: a message goes in, and acts come out.
//!
//! Acts are data. A host carries them out in their order and never leaves one out, unless one fails, which ends the start.

/// A state machine that others host.
pub trait Machine {
    /// What it is told.
    type Message;
    /// What it asks its host to do.
    type Act;

    /// The start begins; called before the first message.
    fn begin(&mut self, _acts: &mut Vec<Self::Act>) {}

    /// Takes a message. What is to be done about it goes to the end of `acts`.
    fn on(&mut self, message: Self::Message, acts: &mut Vec<Self::Act>);

    /// Everything that it asked for is done: what follows from that goes to the end of `acts`. Called after the acts of each
    /// message, and again until none follow, before the next message.
    fn done(&mut self, _acts: &mut Vec<Self::Act>) {}
}

/// A place at which a test makes the process abort, by its name in the crash table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashPoint(pub &'static str);
