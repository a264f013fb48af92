//! How much may be on its way to the lane: one set of figures for the sequencer, the lane's writer and the channel between.
//!
//! Figures and their relations only; `outlet` and the writer's batch book keep to them.

/// How much may be with the writer and unconfirmed.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Outputs: enough to keep the server busy, few enough for its ingest queue.
    pub outputs: u64,
    /// Their bytes: large outputs must not fill memory while the server is slow.
    pub bytes: usize,
    /// The most outputs in one `Publish`.
    pub chunk: usize,
}

/// Messages between two acks inside a batch; the server allows 500 for a single batch on a stream.
pub const FLOW: u64 = 500;

/// What may be with the writer and unconfirmed. The writer itself waits at the same number of outputs.
pub const WINDOW: Window = Window { outputs: 8_000, bytes: 32 << 20, chunk: FLOW as usize };

/// What the channel to the writer must hold: each message on it carries at least one unconfirmed output.
pub const PUBLISHES: usize = WINDOW.outputs as usize;

/// The server's queue for one stream: messages, and bytes.
const SERVER_QUEUE: (u64, usize) = (100_000, 128 << 20);

const _: () = assert!(FLOW <= 500, "the server lowers a larger flow by itself, and acks then come at other places");
const _: () = assert!(WINDOW.chunk > 0 && WINDOW.chunk as u64 <= WINDOW.outputs);
const _: () = assert!(
    WINDOW.outputs >= 4 * FLOW,
    "a batch stays open from twice the flow on, and must be acked before it is full"
);
const _: () = assert!(WINDOW.outputs < SERVER_QUEUE.0 / 4 && WINDOW.bytes < SERVER_QUEUE.1 / 2);
