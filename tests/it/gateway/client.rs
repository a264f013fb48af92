//! The plainest possible client: requests as bytes, one connection each unless it is kept.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(30);

/// The type of plain events.
pub const JSON: (&str, &str) = ("Content-Type", "application/json");

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The name of the problem.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body = self.json();
        assert_eq!(body["status"], self.status, "{self:?}");
        body["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned()
    }

    /// Where the only event stands, and whether it is a duplicate.
    pub fn stored(&self) -> (u64, bool) {
        assert_eq!(self.status, 202, "{self:?}");
        let item = &self.json()["items"][0];
        (item["position"].as_u64().unwrap(), item["duplicate"].as_bool().unwrap())
    }
}

/// Posts a body with these headers.
pub fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    try_post(address, path, headers, body).unwrap_or_else(|| panic!("no answer to {path} {headers:?}"))
}

/// The same where there may be no answer.
pub fn try_post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    raw(address, &[head.as_bytes(), b"Connection: close\r\n\r\n", body].concat())
}

/// Gets a page.
pub fn get(address: SocketAddr, path: &str) -> Answer {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    raw(address, request.as_bytes()).unwrap_or_else(|| panic!("no answer to {path}"))
}

/// Sends bytes as they are, and reads one answer.
pub fn raw(address: SocketAddr, request: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(WITHIN)).unwrap();
    // A server that has said no need not read all of it.
    let _ = stream.write_all(request);
    answer(&mut BufReader::new(stream))
}

/// A connection that is kept for many requests.
pub struct Kept {
    address: SocketAddr,
    reader: BufReader<TcpStream>,
}

impl Kept {
    pub fn connect(address: SocketAddr) -> Option<Kept> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(WITHIN)).unwrap();
        stream.set_nodelay(true).unwrap();
        Some(Kept { address, reader: BufReader::new(stream) })
    }

    /// Posts a plain event.
    pub fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n", self.address, body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.reader.get_mut().write_all(&[head.as_bytes(), b"\r\n", body].concat()).ok()?;
        answer(&mut self.reader)
    }
}

/// One answer of a connection.
pub fn answer(reader: &mut impl BufRead) -> Option<Answer> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Answer { status, headers, body: String::from_utf8(body).unwrap() })
}
