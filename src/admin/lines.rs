//! Answers of many lines, one JSON object each: written as bodies by the daemon, read back by the command line.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use hyper::body::{Frame, Incoming};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::Rows;
use super::client::{Error, append, read_chunk};

/// How much is gathered of an answer before it is sent on.
const CHUNK_BYTES: usize = 64 << 10;

/// Events as a body, each sent as soon as it happens.
pub(super) struct Received<T>(pub mpsc::Receiver<T>);

/// Rows as a body, made as fast as they are read.
pub(super) struct Written<T>(pub Rows<T>);

impl<T: Serialize> hyper::body::Body for Received<T> {
    type Data = Bytes;
    type Error = serde_json::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, serde_json::Error>>> {
        let line = |event: T| {
            let mut line = Vec::new();
            write(&mut line, &event).map(|()| Frame::data(line.into()))
        };
        self.0.poll_recv(context).map(|event| event.map(line))
    }
}

impl<T: Serialize> hyper::body::Body for Written<T> {
    type Data = Bytes;
    type Error = serde_json::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, serde_json::Error>>> {
        let mut chunk = Vec::new();
        while chunk.len() < CHUNK_BYTES {
            let Some(row) = self.0.next() else { break };
            if let Err(error) = write(&mut chunk, &row) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        let is_over = chunk.is_empty();
        Poll::Ready((!is_over).then(|| Ok(Frame::data(chunk.into()))))
    }
}

fn write<T: Serialize>(line: &mut Vec<u8>, value: &T) -> Result<(), serde_json::Error> {
    serde_json::to_writer(&mut *line, value)?;
    line.push(b'\n');
    Ok(())
}

/// The lines of an answer, read one by one. Dropping it hangs up.
#[derive(Debug)]
pub struct Lines<T> {
    body: Incoming,
    unread: BytesMut,
    /// Where to go on looking for the end of the line.
    searched: usize,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(body: Incoming) -> Self {
        Self {
            body,
            unread: BytesMut::new(),
            searched: 0,
            of: PhantomData,
        }
    }

    /// The next line; `None` at the end of the answer.
    ///
    /// Cancel-safe: what was read of a line is kept for the next call.
    ///
    /// # Errors
    /// [`Error::Broken`] when the daemon stopped in the middle, [`Error::Malformed`] and [`Error::TooLong`] when the
    /// line is none of ours.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        loop {
            let unsearched = &self.unread[self.searched..];
            if let Some(end) = memchr::memchr(b'\n', unsearched) {
                let line = self.unread.split_to(self.searched + end + 1);
                self.searched = 0;
                return serde_json::from_slice(&line)
                    .map(Some)
                    .map_err(Error::Malformed);
            }
            self.searched = self.unread.len();
            match read_chunk(&mut self.body).await? {
                Some(chunk) => append(&mut self.unread, &chunk)?,
                None => return Ok(None),
            }
        }
    }
}
