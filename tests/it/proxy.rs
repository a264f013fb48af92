//! A TCP proxy that breaks connections in the ways that networks do.
//!
//! It knows nothing of NATS. Faults hold for both directions of every connection through it.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the proxy does to bytes just now.
#[derive(Clone, Copy, Debug, Default)]
struct Fault {
    /// Connections of an older generation are closed.
    generation: u64,
    /// Bytes are read no more, connections stay open.
    half_open: bool,
    /// New connections are closed at once.
    refuse: bool,
    /// How long each chunk is held back.
    delay: Duration,
}

/// A running proxy; it ends with the runtime of its test.
pub struct Proxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
}

impl Proxy {
    /// Listens on a free loopback port and forwards to `target`.
    pub async fn start(target: SocketAddr) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, seen) = watch::channel(Fault::default());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if seen.borrow().refuse {
                    continue;
                }
                if let Ok(server) = TcpStream::connect(target).await {
                    client.set_nodelay(true).unwrap();
                    server.set_nodelay(true).unwrap();
                    tokio::spawn(carry(client, server, seen.clone()));
                }
            }
        });
        Proxy { address, fault }
    }

    /// The proxy's address as a NATS URL.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Closes every connection that is open now; new ones are taken.
    pub fn cut(&self) {
        self.fault.send_modify(|fault| fault.generation += 1);
    }

    /// Closes every connection and takes no new ones until `restore`.
    pub fn refuse(&self) {
        self.fault.send_modify(|fault| {
            fault.generation += 1;
            fault.refuse = true;
        });
    }

    /// Stops forwarding without closing: the other side looks alive and is silent.
    pub fn half_open(&self) {
        self.fault.send_modify(|fault| fault.half_open = true);
    }

    /// Holds every chunk back for so long, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.fault.send_modify(|fault| fault.delay = delay);
    }

    /// Ends every fault.
    pub fn restore(&self) {
        self.fault.send_modify(|fault| *fault = Fault { generation: fault.generation, ..Fault::default() });
    }
}

/// Carries one connection until an end closes it or a cut does.
async fn carry(client: TcpStream, server: TcpStream, seen: watch::Receiver<Fault>) {
    let generation = seen.borrow().generation;
    let (mut client_read, mut client_write) = client.into_split();
    let (mut server_read, mut server_write) = server.into_split();
    let mut cuts = seen.clone();
    tokio::select! {
        _ = pump(&mut client_read, &mut server_write, seen.clone()) => {}
        _ = pump(&mut server_read, &mut client_write, seen) => {}
        _ = cuts.wait_for(|fault| fault.generation != generation) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    mut seen: watch::Receiver<Fault>,
) -> Option<()> {
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        let delay = seen.wait_for(|fault| !fault.half_open).await.ok()?.delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        to.write_all(&chunk[..length]).await.ok()?;
    }
}
