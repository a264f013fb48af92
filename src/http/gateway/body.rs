//! A request's body: within its bound and its time, and unpacked within the same bound.

use super::server::ServerLimits;
use crate::protocol::gateway::problem::{BAD_GZIP, LENGTH, MEDIA_TYPE, RequestFault, RequestPart, TIMEOUT, TOO_LARGE};
use crate::protocol::gateway::request::PublishRequest;
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
pub(super) struct BodyShape {
    packed: bool,
    /// What is reserved for it.
    pub(super) bytes: usize,
}

/// What the headers say of a body.
pub(super) fn shape(head: &PublishRequest, limits: &ServerLimits) -> Result<BodyShape, RequestFault> {
    let packed = match head.header("content-encoding").map(str::trim) {
        None | Some("" | "identity") => false,
        Some(gzip) if gzip.eq_ignore_ascii_case("gzip") => true,
        Some(_) => {
            let at = RequestPart::Header("content-encoding".to_owned());
            return Err(RequestFault::new(MEDIA_TYPE, "a body may be packed with gzip, and with nothing else").at(at));
        }
    };
    let length = match (head.header("content-length"), head.header("transfer-encoding")) {
        (None, None) => return Err(RequestFault::new(LENGTH, "it has neither Content-Length nor Transfer-Encoding")),
        (Some(length), _) => length.trim().parse::<usize>().unwrap_or(usize::MAX),
        (None, Some(_)) => limits.body,
    };
    if length > limits.body {
        return Err(large(limits));
    }
    // Packed, both what comes and what is in it are held for a moment.
    let bytes = if packed { length.saturating_add(limits.body) } else { length };
    Ok(BodyShape { packed, bytes })
}

/// Reads a body. After a fault the rest of it is not read.
pub(super) async fn read(
    payload: &mut Payload,
    shape: BodyShape,
    limits: &ServerLimits,
) -> Result<Bytes, RequestFault> {
    let read = tokio::time::timeout(limits.within, gather(payload, limits)).await;
    let late = format!("the body did not come within {} ms", limits.within.as_millis());
    let body = read.unwrap_or_else(|_| Err(RequestFault::new(TIMEOUT, late)))?;
    if shape.packed { unpacked(&body, limits) } else { Ok(body) }
}

async fn gather(payload: &mut Payload, limits: &ServerLimits) -> Result<Bytes, RequestFault> {
    let mut body = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let Ok(piece) = piece else {
            return Err(RequestFault::new(TIMEOUT, "the body ended before its end"));
        };
        if body.len() + piece.len() > limits.body {
            return Err(large(limits));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// No more than the bound is ever unpacked.
fn unpacked(body: &[u8], limits: &ServerLimits) -> Result<Bytes, RequestFault> {
    let mut text = Vec::new();
    let most = limits.body as u64;
    let read = MultiGzDecoder::new(body).take(most + 1).read_to_end(&mut text);
    if text.len() > limits.body {
        return Err(large(limits));
    }
    read.map(|_| Bytes::from(text)).map_err(|_| RequestFault::new(BAD_GZIP, "the body cannot be unpacked"))
}

fn large(limits: &ServerLimits) -> RequestFault {
    RequestFault::new(TOO_LARGE, format!("a body has {} bytes at most, unpacked, too", limits.body))
}

/// An answer's text, and the request's body for as long as the answer is under way: where the body was not read to its end, the
/// library then ends the connection. Were it let go before, an endless body would be read for ever to use the connection once more.
pub(super) struct KeptBody {
    text: Option<Bytes>,
    length: u64,
    _body: Payload,
}

impl KeptBody {
    /// An answer's text beside the body of its request.
    pub(super) fn new(text: String, body: Payload) -> KeptBody {
        KeptBody { length: text.len() as u64, text: Some(text.into()), _body: body }
    }
}

impl MessageBody for KeptBody {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.length)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.text.take().map(Ok))
    }
}
