//! How answers travel: compressed, in chunks, and stamped by a clock that may be wrong.

use std::collections::VecDeque;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use hyper::body::Frame;
use jiff::SignedDuration;
use tokio::time::Sleep;

use super::Tenant;
use super::clock::http_date;
use super::faults::HangUp;
use super::world::World;

/// Bytes in a chunk.
const CHUNK_BYTES: usize = 1000;

/// How answers are sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wire {
    gzips: bool,
    chunks: bool,
    skew: SignedDuration,
}

impl World {
    /// The `Date` header of an answer sent now.
    pub fn date_header(&self) -> HeaderValue {
        let date = http_date(self.clock.now() + self.wire.skew);
        HeaderValue::from_str(&date).expect("dates are ASCII")
    }
}

impl Wire {
    /// Packs a whole answer for a client that accepts what `request` says.
    pub async fn pack(self, request: &HeaderMap, response: Response) -> Response {
        let accepted = request.get(header::ACCEPT_ENCODING);
        let accepts_gzip = accepted
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains("gzip"));
        let gzips = self.gzips && accepts_gzip;
        if !gzips && !self.chunks {
            return response;
        }
        let (mut head, body) = response.into_parts();
        let body = body.collect().await.expect("answers are whole in memory");
        let mut body = body.to_bytes();
        head.headers.remove(header::CONTENT_LENGTH);
        if gzips {
            body = gzip(&body);
            let gzip = HeaderValue::from_static("gzip");
            head.headers.insert(header::CONTENT_ENCODING, gzip);
        }
        let body = match self.chunks {
            true => Body::new(Pieces::of(&body, CHUNK_BYTES, None)),
            false => Body::from(body),
        };
        Response::from_parts(head, body)
    }
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    Bytes::from(written.expect("memory takes all that is written"))
}

/// A body of unknown length: HTTP/1.1 sends it chunked.
pub struct Pieces {
    waiting: VecDeque<Bytes>,
    pause: Option<Duration>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Pieces {
    /// `body` in pieces of at most `bytes`, with a pause before each.
    pub fn of(body: &Bytes, bytes: usize, pause: Option<Duration>) -> Self {
        let starts = (0..body.len()).step_by(bytes);
        let pieces = starts.map(|start| body.slice(start..body.len().min(start + bytes)));
        Self {
            waiting: pieces.collect(),
            pause,
            sleep: None,
        }
    }
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = HangUp;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HangUp>>> {
        if let (Some(pause), false) = (self.pause, self.waiting.is_empty()) {
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        let piece = self.waiting.pop_front();
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
}

impl Tenant {
    /// Answers are compressed for clients that accept it.
    pub fn compress(&self, compresses: bool) {
        self.world().wire.gzips = compresses;
    }

    /// Answers come in chunks, without `Content-Length`.
    pub fn chunk(&self, chunks: bool) {
        self.world().wire.chunks = chunks;
    }

    /// The `Date` header is off by this much.
    pub fn skew_dates(&self, skew: SignedDuration) {
        self.world().wire.skew = skew;
    }
}
