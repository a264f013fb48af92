//! A request's body: within its bound and its time, and unpacked within the same bound.

use super::server::Limits;
use crate::protocol::gateway::problem::{At, BAD_GZIP, Fault, LENGTH, MEDIA_TYPE, TIMEOUT, TOO_LARGE};
use crate::protocol::gateway::request::Request;
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use std::convert::Infallible;
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};

/// How a body is packed, and how many bytes of memory it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    packed: bool,
    /// What is reserved for it.
    pub(super) bytes: usize,
}

/// What the headers say of a body.
pub(super) fn shape(head: &Request, limits: &Limits) -> Result<Shape, Fault> {
    let packed = match head.header("content-encoding").map(str::trim) {
        None | Some("" | "identity") => false,
        Some(gzip) if gzip.eq_ignore_ascii_case("gzip") => true,
        Some(_) => {
            let at = At::Header("content-encoding".to_owned());
            return Err(Fault::new(MEDIA_TYPE, "a body may be packed with gzip, and with nothing else").at(at));
        }
    };
    let length = match (head.header("content-length"), head.header("transfer-encoding")) {
        (None, None) => return Err(Fault::new(LENGTH, "it has neither Content-Length nor Transfer-Encoding")),
        (Some(length), _) => length.trim().parse::<usize>().unwrap_or(usize::MAX),
        (None, Some(_)) => limits.body,
    };
    if length > limits.body {
        return Err(large(limits));
    }
    // Packed, both what comes and what is in it are held for a moment.
    let bytes = if packed { length.saturating_add(limits.body) } else { length };
    Ok(Shape { packed, bytes })
}

/// Reads a body. After a fault the rest of it is not read.
pub(super) async fn read(payload: &mut Payload, shape: Shape, limits: &Limits) -> Result<Bytes, Fault> {
    let read = tokio::time::timeout(limits.within, gather(payload, limits)).await;
    let late = format!("the body did not come within {} ms", limits.within.as_millis());
    let body = read.unwrap_or_else(|_| Err(Fault::new(TIMEOUT, late)))?;
    if shape.packed { unpacked(&body, limits) } else { Ok(body) }
}

async fn gather(payload: &mut Payload, limits: &Limits) -> Result<Bytes, Fault> {
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let Ok(piece) = piece else {
            return Err(Fault::new(TIMEOUT, "the body ended before its end"));
        };
        if body.len() + piece.len() > limits.body {
            return Err(large(limits));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// No more than the bound is ever unpacked.
fn unpacked(body: &[u8], limits: &Limits) -> Result<Bytes, Fault> {
    let mut text = Vec::new();
    let most = limits.body as u64;
    let read = MultiGzDecoder::new(body).take(most + 1).read_to_end(&mut text);
    if text.len() > limits.body {
        return Err(large(limits));
    }
    read.map(|_| Bytes::from(text)).map_err(|_| Fault::new(BAD_GZIP, "the body cannot be unpacked"))
}

fn large(limits: &Limits) -> Fault {
    Fault::new(TOO_LARGE, format!("a body has {} bytes at most, unpacked, too", limits.body))
}

/// An answer's text, and the request's body for as long as the answer is under way: where the body was not read to its end, the
/// library then ends the connection. Were it let go before, an endless body would be read for ever to use the connection once more.
pub(super) struct Kept {
    text: Option<Bytes>,
    length: u64,
    _body: Payload,
}

impl Kept {
    /// An answer's text beside the body of its request.
    pub(super) fn new(text: String, body: Payload) -> Kept {
        Kept { length: text.len() as u64, text: Some(text.into()), _body: body }
    }
}

impl MessageBody for Kept {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.text.take().map(Ok))
    }
}
