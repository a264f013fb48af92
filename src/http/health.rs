//! stand-in
#![allow(missing_docs)]
use std::sync::{Arc, Mutex};
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    Connecting,
    Recovering { why: String, done: u64, total: u64 },
    Ready,
    Draining,
    Waiting { why: String },
    Stopped,
}
#[derive(Clone)]
pub struct Health(Arc<Mutex<(Phase, bool)>>);
impl Health {
    pub fn new() -> Health {
        Health(Arc::new(Mutex::new((Phase::Connecting, false))))
    }
    pub fn set(&self, p: Phase) {
        let mut g = self.0.lock().expect("x");
        g.1 |= p == Phase::Ready;
        g.0 = p;
    }
    pub fn was_ready(&self) -> bool {
        std::mem::take(&mut self.0.lock().expect("x").1)
    }
}
