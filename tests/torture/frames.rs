//! A proxy that knows where a message of the NATS protocol begins and ends, and keeps chosen ones to itself.
//!
//! Only what the server sends is looked at; what the client sends, and whatever is no message, passes as it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// Messages of one sort: how many are still to be swallowed, and how many were.
#[derive(Debug, Default)]
struct Hunger {
    wanted: AtomicU64,
    swallowed: AtomicU64,
}

impl Hunger {
    fn eats(&self) -> bool {
        let eats =
            self.wanted.fetch_update(Ordering::AcqRel, Ordering::Acquire, |wanted| wanted.checked_sub(1)).is_ok();
        if eats {
            self.swallowed.fetch_add(1, Ordering::Release);
        }
        eats
    }
}

/// A running proxy; it ends with the runtime of its round.
pub struct Frames {
    address: SocketAddr,
    acks: Arc<Hunger>,
    deliveries: Arc<Hunger>,
}

impl Frames {
    /// Listens on a free loopback port and forwards to `target`.
    pub async fn start(target: SocketAddr) -> Frames {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let frames =
            Frames { address: listener.local_addr().unwrap(), acks: Arc::default(), deliveries: Arc::default() };
        let (acks, deliveries) = (frames.acks.clone(), frames.deliveries.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(target).await else { continue };
                client.set_nodelay(true).unwrap();
                server.set_nodelay(true).unwrap();
                let (acks, deliveries) = (acks.clone(), deliveries.clone());
                tokio::spawn(async move {
                    let (mut client_read, client_write) = client.into_split();
                    let (server_read, mut server_write) = server.into_split();
                    tokio::select! {
                        _ = tokio::io::copy(&mut client_read, &mut server_write) => {}
                        _ = sift(server_read, client_write, &acks, &deliveries) => {}
                    }
                });
            }
        });
        frames
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a NATS URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Swallows the next so many answers to the lane's batches; 0 ends it.
    pub fn swallow_acks(&self, count: u64) {
        self.acks.wanted.store(count, Ordering::Release);
    }

    /// Swallows the next so many deliveries of consumers; 0 ends it.
    pub fn swallow_deliveries(&self, count: u64) {
        self.deliveries.wanted.store(count, Ordering::Release);
    }

    /// How many answers and deliveries were swallowed so far.
    pub fn swallowed(&self) -> (u64, u64) {
        (self.acks.swallowed.load(Ordering::Acquire), self.deliveries.swallowed.load(Ordering::Acquire))
    }
}

/// Carries what the server sends, message by message.
async fn sift(server: OwnedReadHalf, client: OwnedWriteHalf, acks: &Hunger, deliveries: &Hunger) -> Option<()> {
    let mut server = BufReader::with_capacity(256 * 1024, server);
    let mut client = BufWriter::with_capacity(256 * 1024, client);
    let mut frame = Vec::new();
    loop {
        frame.clear();
        if server.read_until(b'\n', &mut frame).await.ok()? == 0 {
            return None;
        }
        let mut hungry = None;
        if let Some((sort, length)) = message(&frame) {
            let head = frame.len();
            frame.resize(head + length + 2, 0);
            server.read_exact(&mut frame[head..]).await.ok()?;
            hungry = match sort {
                Sort::Ack => Some(acks),
                Sort::Delivery => Some(deliveries),
                Sort::Other => None,
            };
        }
        if !hungry.is_some_and(Hunger::eats) {
            client.write_all(&frame).await.ok()?;
        }
        if server.buffer().is_empty() {
            client.flush().await.ok()?;
        }
    }
}

enum Sort {
    /// Of the lane's batch inbox.
    Ack,
    /// Of a consumer.
    Delivery,
    Other,
}

/// What sort of message a line begins, and how many bytes follow it; `None` if it begins none.
fn message(line: &[u8]) -> Option<(Sort, usize)> {
    // A subject may hold bytes that are no text.
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let reply = match (*words.first()?, words.len()) {
        ("MSG", 4) | ("HMSG", 5) => "",
        ("MSG", 5) | ("HMSG", 6) => words[3],
        _ => return None,
    };
    let length = words.last()?.parse().ok()?;
    let sort = if words[1].ends_with(".$FI") {
        Sort::Ack
    } else if reply.starts_with("$JS.ACK.") {
        Sort::Delivery
    } else {
        Sort::Other
    };
    Some((sort, length))
}
