//! What stands between the lake and its bucket: it spoils answers to creates in the ways that stores and networks do.
//!
//! The request reaches the server as it is, and what the server did stays done, except where it says otherwise.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What becomes of a create's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoil {
    /// It passes.
    Pass,
    /// It is lost after the server has created the object.
    Lost,
    /// It is `503 Slow Down` although the server has created the object.
    Busy,
    /// It is `409 Conflict` although the server has created the object.
    Conflict,
    /// It is `409 Conflict`, and the server has not even seen the request.
    Refused,
    /// It is `503 Slow Down`, and the server has not seen the request.
    Down,
}

/// What a store is that ignores the condition: every create succeeds.
const ALWAYS: &str = "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A listener in front of a server; it ends with the test's process.
pub struct Between {
    pub address: SocketAddr,
    creates: Arc<AtomicUsize>,
}

impl Between {
    /// Spoils the answers to creates in turn. `None` is a store that ignores the condition.
    pub fn start(server: SocketAddr, turns: Option<&'static [Spoil]>) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let creates = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&creates);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let count = Arc::clone(&count);
                std::thread::spawn(move || carry(client, server, turns, &count));
            }
        });
        Between { address, creates }
    }

    /// How many creates there were.
    pub fn creates(&self) -> usize {
        self.creates.load(Ordering::Relaxed)
    }
}

/// Carries a connection's request; each answer ends its connection, as `ask` tells the server.
fn carry(
    mut client: TcpStream,
    server: SocketAddr,
    turns: Option<&'static [Spoil]>,
    creates: &AtomicUsize,
) -> Option<()> {
    let (head, body) = request(&mut BufReader::new(client.try_clone().ok()?))?;
    let create = head.to_lowercase().contains("\r\nif-none-match:");
    let turn = create.then(|| creates.fetch_add(1, Ordering::Relaxed));
    let Some(turns) = turns else {
        let answer = if create { ALWAYS.as_bytes().to_vec() } else { ask(server, &head, &body)? };
        return client.write_all(&answer).ok();
    };
    let spoil = turn.map_or(Spoil::Pass, |turn| turns[turn % turns.len()]);
    let answer = match spoil {
        Spoil::Refused => said("409 Conflict", "ConditionalRequestConflict"),
        Spoil::Down => said("503 Slow Down", "SlowDown"),
        _ => ask(server, &head, &body)?,
    };
    let answer = match spoil {
        Spoil::Lost => return None,
        Spoil::Busy => said("503 Slow Down", "SlowDown"),
        Spoil::Conflict => said("409 Conflict", "ConditionalRequestConflict"),
        _ => answer,
    };
    client.write_all(&answer).ok()
}

fn said(status: &str, code: &str) -> Vec<u8> {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>spoilt</Message></Error>");
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

/// The head with its empty line, and the body.
fn request(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// The server's whole answer.
fn ask(server: SocketAddr, head: &str, body: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(server).ok()?;
    let (line, rest) = head.split_once("\r\n")?;
    let rest: String =
        rest.split_inclusive("\r\n").filter(|line| !line.to_lowercase().starts_with("connection:")).collect();
    stream.write_all(format!("{line}\r\nConnection: close\r\n{rest}").as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(answer)
}
