//! A client that speaks the NATS protocol in a hundred lines: requests, publishing in bulk, messages as they stand.
//!
//! Blocking, one thread, no reconnecting: an error means a new `Wire`.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long the server may be silent while something is awaited.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Bytes that are gathered before they are written.
const BUFFER: usize = 256 * 1024;

/// One connection.
pub struct Wire {
    reader: BufReader<TcpStream>,
    writer: TcpStream,
    out: Vec<u8>,
    inbox: String,
    requests: u64,
}

/// One message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub subject: String,
    pub reply: String,
    /// The status in the first line of the headers, such as 404 or 408; 0 for an ordinary message.
    pub status: u32,
    /// In order; values without the white space around them; bytes that are no text are replaced.
    pub headers: Vec<(String, String)>,
    pub payload: Vec<u8>,
}

impl Wire {
    /// Connects, and subscribes to the inbox of requests.
    pub fn connect(address: SocketAddr) -> io::Result<Wire> {
        Wire::connect_within(address, ANSWER_WITHIN)
    }

    /// The same for a server that may not answer: a silence of so long is an error, and the connection is to be left.
    pub fn connect_within(address: SocketAddr, silence: Duration) -> io::Result<Wire> {
        Wire::login(address, silence, "")
    }

    /// The same with a login, such as `"user":"a","pass":"b"`: members of the JSON that a client greets with.
    pub fn connect_as(address: SocketAddr, login: &str) -> io::Result<Wire> {
        Wire::login(address, ANSWER_WITHIN, &format!("{login},"))
    }

    fn login(address: SocketAddr, silence: Duration, login: &str) -> io::Result<Wire> {
        let writer = TcpStream::connect_timeout(&address, silence)?;
        writer.set_nodelay(true)?;
        writer.set_read_timeout(Some(silence))?;
        let reader = BufReader::with_capacity(BUFFER, writer.try_clone()?);
        let inbox = format!("_INBOX.test-{}-{}", std::process::id(), writer.local_addr()?.port());
        let mut wire = Wire { reader, writer, out: Vec::new(), inbox, requests: 0 };
        wire.line()?;
        let flags = r#""verbose":false,"pedantic":false,"headers":true,"no_responders":true,"protocol":1"#;
        let hello = format!("CONNECT {{{login}{flags}}}\r\nSUB {}.> 1\r\n", wire.inbox);
        wire.out.extend_from_slice(hello.as_bytes());
        wire.flush()?;
        Ok(wire)
    }

    /// Asks and waits for the answer.
    pub fn request(&mut self, subject: &str, payload: &[u8]) -> io::Result<Message> {
        let reply = self.ask(subject, payload)?;
        loop {
            let message = self.next()?;
            if message.subject == reply {
                return Ok(message);
            }
        }
    }

    /// Asks for something whose answers come through `next`, under the inbox that is returned.
    pub fn ask(&mut self, subject: &str, payload: &[u8]) -> io::Result<String> {
        self.requests += 1;
        let reply = format!("{}.{}", self.inbox, self.requests);
        self.out.extend_from_slice(format!("PUB {subject} {reply} {}\r\n", payload.len()).as_bytes());
        self.out.extend_from_slice(payload);
        self.out.extend_from_slice(b"\r\n");
        self.write()?;
        Ok(reply)
    }

    /// Has the messages of another subject come through `next`, too.
    pub fn subscribe(&mut self, subject: &str) -> io::Result<()> {
        self.out.extend_from_slice(format!("SUB {subject} 2\r\n").as_bytes());
        self.flush()
    }

    /// What every reply subject of this connection begins with.
    pub fn inbox(&self) -> &str {
        &self.inbox
    }

    /// A name that nobody else on the server has.
    pub fn unique(&mut self) -> String {
        self.requests += 1;
        format!("{}-{}", self.inbox.trim_start_matches("_INBOX."), self.requests)
    }

    /// Publishes without an answer; the message leaves with the next flush at the latest.
    pub fn publish(&mut self, subject: &str, headers: &[(String, String)], payload: &[u8]) -> io::Result<()> {
        let mut block = Vec::new();
        for (name, value) in headers {
            block.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        self.publish_raw(subject, &block, payload)
    }

    /// Publishes with header lines as they are, each ended by CR LF; none: without headers.
    pub fn publish_raw(&mut self, subject: &str, lines: &[u8], payload: &[u8]) -> io::Result<()> {
        self.publish_to(subject, "", lines, payload)
    }

    /// The same with a reply subject, or with an empty one for none; answers under the inbox come through `next`.
    pub fn publish_to(&mut self, subject: &str, reply: &str, lines: &[u8], payload: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            self.out.extend_from_slice(format!("PUB {subject} {reply} {}\r\n", payload.len()).as_bytes());
        } else {
            let block = [b"NATS/1.0\r\n", lines, b"\r\n"].concat();
            let total = block.len() + payload.len();
            self.out.extend_from_slice(format!("HPUB {subject} {reply} {} {total}\r\n", block.len()).as_bytes());
            self.out.extend_from_slice(&block);
        }
        self.out.extend_from_slice(payload);
        self.out.extend_from_slice(b"\r\n");
        if self.out.len() > BUFFER { self.write() } else { Ok(()) }
    }

    /// Publishes with a subject and a header block of any bytes; the server looks at neither.
    pub fn publish_as_it_is(&mut self, subject: &[u8], block: &[u8], payload: &[u8]) -> io::Result<()> {
        let (word, lengths) = match block.len() {
            0 => ("PUB", payload.len().to_string()),
            length => ("HPUB", format!("{length} {}", length + payload.len())),
        };
        for part in [word.as_bytes(), b" ", subject, b" ", lengths.as_bytes(), b"\r\n", block, payload, b"\r\n"] {
            self.out.extend_from_slice(part);
        }
        if self.out.len() > BUFFER { self.write() } else { Ok(()) }
    }

    /// Returns once the server has read everything.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.extend_from_slice(b"PING\r\n");
        self.write()?;
        while self.line()? != "PONG" {}
        Ok(())
    }

    /// The next message.
    pub fn next(&mut self) -> io::Result<Message> {
        loop {
            let line = self.line()?;
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let broken = || Error::new(ErrorKind::InvalidData, line.clone());
            let number = |from_end: usize| {
                words.iter().rev().nth(from_end).and_then(|word| word.parse::<usize>().ok()).ok_or_else(broken)
            };
            let (block, total, reply) = match (words.first().copied(), words.len()) {
                (Some("MSG"), length) => (0, number(0)?, if length == 5 { words[3] } else { "" }),
                (Some("HMSG"), length) => (number(1)?, number(0)?, if length == 6 { words[3] } else { "" }),
                _ => continue,
            };
            let mut bytes = vec![0; total + 2];
            self.reader.read_exact(&mut bytes)?;
            let (status, headers) = headers(&bytes[..block]);
            let payload = bytes[block..total].to_vec();
            return Ok(Message { subject: words[1].to_owned(), reply: reply.to_owned(), status, headers, payload });
        }
    }

    /// Sends what is gathered.
    pub fn write(&mut self) -> io::Result<()> {
        self.writer.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// One line of the protocol; pings are answered, errors are errors.
    fn line(&mut self) -> io::Result<String> {
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            match line.as_str() {
                "PING" => self.writer.write_all(b"PONG\r\n")?,
                error if error.starts_with("-ERR") => return Err(Error::other(line)),
                _ => return Ok(line),
            }
        }
    }
}

/// The status and the headers of a block.
fn headers(block: &[u8]) -> (u32, Vec<(String, String)>) {
    let text = String::from_utf8_lossy(block);
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|first| first.split(' ').nth(1)).and_then(|word| word.parse().ok());
    let pair = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    (status.unwrap_or(0), lines.filter_map(pair).collect())
}
