//! One connection: frames in, operations begun in order, answers out in as few writes as possible.
//!
//! Everything that has arrived is decoded and answered into one buffer before it is written. A frame
//! is cut off by its length before anything in it is decoded. Searches too long for that go on beside whatever
//! else the client asks ([`Outstanding`]); what they find is written as it comes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use ldap3_proto::proto::{LdapResult, LdapResultCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::Context;
use super::control::{Controls, ResponseControl};
use super::outstanding::{Delivered, Outstanding};
use super::refusal::Refusal;
use super::request::{Envelope, Error, tag};
use super::response::Response;
use super::search::pages::Pages;
use super::search::{self, Begun, Ending, WRITE_BYTES};
use super::session::{Identity, Session};
use super::{bind, compare, extended};
use crate::ber;

/// Largest message of a client that has not bound: room for a bind and for any root DSE search.
pub const ANONYMOUS_MESSAGE_BYTES_MAX: usize = 256 * 1024;
/// Largest message of a client that has bound: filters that programs put together get long.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long a client may leave a message half sent.
const PARTIAL_MESSAGE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client may stay silent between messages. SSSD and VPN gateways keep connections for hours.
const IDLE_TIMEOUT: Duration = Duration::from_secs(2 * 60 * 60);
/// How long a client that has not bound may stay silent.
const ANONYMOUS_IDLE_TIMEOUT: Duration = Duration::from_secs(10 * 60);
/// How long a client may leave our answers unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a connection stays open for reading after we have ended it.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long searches under way may take to end when the server does.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(5);
/// Octets asked for in one read.
const READ_BYTES: usize = 16 * 1024;

/// OID of the Notice of Disconnection (RFC 4511 §4.4.1).
const NOTICE_OF_DISCONNECTION: &str = "1.3.6.1.4.1.1466.20036";

/// A client and what it has sent that was not answered yet.
pub struct Connection<S> {
    stream: S,
    inbound: BytesMut,
    outbound: Vec<u8>,
    session: Session,
    context: Arc<Context>,
    shutdown: CancellationToken,
    /// When the message that is half in `inbound` must be whole.
    partial_deadline: Option<Instant>,
    /// Searches under way.
    outstanding: Outstanding,
    /// Paged searches between two pages.
    pages: Pages,
    /// When searches under way must have ended, once the server shuts down.
    shutdown_deadline: Option<Instant>,
    /// The client will send nothing more.
    is_half_closed: bool,
    /// A whole message in `inbound` waits for a search under way to end.
    is_held_up: bool,
}

/// How a connection came to its end.
pub enum End<S> {
    /// It is over.
    Closed,
    /// The client asked for TLS, and was told to go ahead: the handshake is next.
    StartTls(S, Session),
}

/// What happens to the session after an operation.
enum After {
    Continue,
    Close,
    StartTls,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection on which nothing was read yet.
    pub fn new(
        stream: S,
        session: Session,
        context: Arc<Context>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            stream,
            inbound: BytesMut::new(),
            outbound: Vec::new(),
            session,
            context,
            shutdown,
            partial_deadline: None,
            outstanding: Outstanding::new(),
            pages: Pages::default(),
            shutdown_deadline: None,
            is_half_closed: false,
            is_held_up: false,
        }
    }

    /// Serves the client until it leaves, misbehaves, or asks for TLS.
    pub async fn serve(mut self) -> End<S> {
        let ended = self.run().await;
        if let Ok(After::StartTls) = ended {
            return End::StartTls(self.stream, self.session);
        }
        // The client may be gone already; there is nobody to tell.
        let _ = timeout(WRITE_TIMEOUT, self.stream.shutdown()).await;
        match ended {
            Ok(_) => self.linger().await,
            Err(error) => debug!(%error, "connection lost"),
        }
        End::Closed
    }

    /// Reads on without listening until the client closes: a socket closed with octets unread is reset,
    /// and what was written last, such as the reason for ending the session, never arrives.
    async fn linger(&mut self) {
        let discard = async {
            loop {
                self.inbound.clear();
                match self.stream.read_buf(&mut self.inbound).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
            }
        };
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            _ = timeout(LINGER_TIMEOUT, discard) => {}
        }
    }

    async fn run(&mut self) -> io::Result<After> {
        loop {
            let after = self.answer_arrived().await?;
            self.flush().await?;
            match after {
                After::Continue => {}
                end => return Ok(end),
            }
            if self.outstanding.is_empty() {
                if self.shutdown.is_cancelled() {
                    self.disconnect(LdapResultCode::Unavailable, "the server is shutting down")
                        .await?;
                    return Ok(After::Close);
                }
                if self.is_half_closed {
                    return Ok(After::Close);
                }
            }
            if let After::Close = self.wait().await? {
                return Ok(After::Close);
            }
        }
    }

    /// Answers every whole message in the inbound buffer, in order, or begins to.
    async fn answer_arrived(&mut self) -> io::Result<After> {
        self.is_held_up = false;
        loop {
            // Pipelined requests may be many; what was not begun at shutdown is not begun any more.
            if self.shutdown.is_cancelled() {
                return Ok(After::Continue);
            }
            if self.must_wait() {
                if let After::Close = self.heed_abandons() {
                    return Ok(After::Close);
                }
                // An Abandon may have ended what it waited for.
                if self.must_wait() {
                    self.is_held_up = true;
                    return Ok(After::Continue);
                }
            }
            let frame = match self.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(After::Continue),
                Err(error) => return self.give_up(error).await,
            };
            match self.answer(&frame).await? {
                After::Continue => {}
                end => return Ok(end),
            }
            if self.outbound.len() >= WRITE_BYTES {
                self.flush().await?;
            }
        }
    }

    /// Whether the next message must wait for a search under way: operations are settled before a bind
    /// (RFC 4511 §4.2.1) and before StartTLS (§4.14.1), and there are only so many at once.
    fn must_wait(&self) -> bool {
        if self.outstanding.is_empty() {
            return false;
        }
        let mut frames = Frames(&self.inbound);
        frames
            .next()
            .is_some_and(|envelope| match envelope.operation {
                tag::BIND => true,
                tag::EXTENDED => extended::is_start_tls(&envelope),
                tag::SEARCH => self.outstanding.is_full(),
                _ => false,
            })
    }

    /// Heeds the Abandons and the Unbind among messages that wait.
    fn heed_abandons(&mut self) -> After {
        for envelope in Frames(&self.inbound) {
            match envelope.operation {
                tag::UNBIND => return After::Close,
                tag::ABANDON => abandon(&mut self.outstanding, &envelope),
                _ => {}
            }
        }
        After::Continue
    }

    /// Cuts the next whole message off the inbound buffer; `None` while it is incomplete.
    fn next_frame(&mut self) -> Result<Option<BytesMut>, Error> {
        let Some(header) = ber::header(&self.inbound)? else {
            return Ok(None);
        };
        if header.tag != ber::SEQUENCE {
            return Err(ber::Error::Unexpected {
                expected: ber::SEQUENCE,
                found: header.tag,
            }
            .into());
        }
        let message_bytes = header.header_bytes + header.content_bytes;
        if message_bytes > self.message_bytes_max() {
            return Err(Error::Field(
                "the message is longer than this server accepts",
            ));
        }
        if self.inbound.len() < message_bytes {
            return Ok(None);
        }
        self.partial_deadline = None;
        Ok(Some(self.inbound.split_to(message_bytes)))
    }

    fn message_bytes_max(&self) -> usize {
        match self.session.identity {
            Identity::Anonymous => ANONYMOUS_MESSAGE_BYTES_MAX,
            _ => MESSAGE_BYTES_MAX,
        }
    }

    async fn answer(&mut self, frame: &[u8]) -> io::Result<After> {
        let envelope = match Envelope::decode(frame) {
            Ok(envelope) => envelope,
            Err(error) => return self.give_up(error).await,
        };
        Ok(match self.dispatch(&envelope).await {
            Ok(after) => after,
            Err(refusal) => {
                self.respond(&envelope, refusal.into());
                After::Continue
            }
        })
    }

    async fn dispatch(&mut self, envelope: &Envelope<'_>) -> Result<After, Refusal> {
        let controls = envelope.decode_controls();
        match envelope.operation {
            // Criticality means nothing here, as there is no response to refuse with (RFC 4511 §4.1.11).
            tag::UNBIND => return Ok(After::Close),
            tag::ABANDON => {
                if controls.is_ok() {
                    abandon(&mut self.outstanding, envelope);
                }
                return Ok(After::Continue);
            }
            tag::BIND => {
                // The session is anonymous from the moment a bind arrives (RFC 4511 §4.2.1).
                self.session.identity = Identity::Anonymous;
                self.pages.clear();
            }
            _ => {}
        }
        let controls = controls?;
        let result = match envelope.operation {
            tag::SEARCH => return self.search(envelope, &controls),
            tag::EXTENDED => return self.extended(envelope),
            tag::BIND => bind::answer(&self.context, &mut self.session, envelope.content).await?,
            tag::COMPARE => compare::answer(&self.context, &self.session, envelope, &controls)?,
            _ => {
                return Err(Refusal::new(
                    LdapResultCode::UnwillingToPerform,
                    "the tenant is the master: this directory is changed in Office 365",
                ));
            }
        };
        self.respond(envelope, result);
        Ok(After::Continue)
    }

    fn search(&mut self, envelope: &Envelope, controls: &Controls) -> Result<After, Refusal> {
        let begun = search::begin(
            &self.context,
            &self.session,
            &mut self.pages,
            envelope,
            controls,
            &mut self.outbound,
        )?;
        match begun {
            Begun::Ended(ending) => self.end_search(envelope.message_id, ending),
            Begun::Unfinished(job) => self.outstanding.start(envelope.message_id, job),
        }
        Ok(After::Continue)
    }

    /// Answers a search with its result and the controls that go with it.
    fn end_search(&mut self, message_id: u32, ending: Ending) {
        let mut response = Response::to(tag::SEARCH, ending.result);
        if let Some(outcome) = &ending.sorted {
            response.controls.push(ResponseControl::sorted(outcome));
        }
        if ending.is_paged {
            let cookie = ending.waiting.map(|walk| self.pages.keep(walk));
            let cookie = cookie.as_ref().map_or(&[][..], |cookie| cookie);
            response.controls.push(ResponseControl::page(0, cookie));
        }
        response.write(message_id, &mut self.outbound);
    }

    fn extended(&mut self, envelope: &Envelope) -> Result<After, Refusal> {
        let leftover = !self.inbound.is_empty();
        let answer = extended::answer(&self.context, &self.session, envelope, leftover)?;
        let (response, after) = match answer {
            extended::Answer::Response(response) => (response, After::Continue),
            extended::Answer::StartTls(response) => (response, After::StartTls),
            extended::Answer::Cancel(id) => (self.cancel(id), After::Continue),
        };
        response.write(envelope.message_id, &mut self.outbound);
        Ok(after)
    }

    /// Ends an operation and answers it with canceled (RFC 3909 §2.2). Only searches are ever under way.
    fn cancel(&mut self, message_id: u32) -> Response {
        let found = self.outstanding.abandon(message_id);
        if found {
            let canceled = Refusal::new(LdapResultCode::Canceled, "");
            Response::to(tag::SEARCH, canceled.into()).write(message_id, &mut self.outbound);
        }
        extended::cancelled(found)
    }

    /// Waits until there is something to do: octets to read, something that a search has found, the shutdown, or
    /// the end of somebody's patience.
    async fn wait(&mut self) -> io::Result<After> {
        let deadline = self.deadline();
        let next_wake = self
            .pages
            .next_expiry()
            .map_or(deadline, |expiry| expiry.min(deadline));
        let is_shutting_down = self.shutdown.is_cancelled();
        let reads = !self.is_half_closed
            && !is_shutting_down
            && (!self.is_held_up || self.inbound.len() < self.message_bytes_max());
        if self.inbound.is_empty() && self.inbound.capacity() > WRITE_BYTES {
            // One long message must not keep its buffer for the hours a connection may last.
            self.inbound = BytesMut::new();
        }
        self.inbound.reserve(READ_BYTES);
        tokio::select! {
            read = self.stream.read_buf(&mut self.inbound), if reads => {
                self.is_half_closed = read? == 0;
            }
            delivered = self.outstanding.next(), if !self.outstanding.is_empty() => {
                self.deliver(delivered);
            }
            () = self.shutdown.cancelled(), if !is_shutting_down => {}
            () = sleep_until(next_wake) => {
                self.pages.expire();
                if next_wake == deadline {
                    return self.lose_patience().await;
                }
            }
        }
        Ok(After::Continue)
    }

    /// When waiting must end.
    fn deadline(&mut self) -> Instant {
        let now = Instant::now();
        if self.shutdown.is_cancelled() {
            *self
                .shutdown_deadline
                .get_or_insert(now + SHUTDOWN_PATIENCE)
        } else if !self.inbound.is_empty() && !self.is_held_up {
            // Counted from where the message began: an octet a minute must not keep it open for ever.
            *self
                .partial_deadline
                .get_or_insert(now + PARTIAL_MESSAGE_TIMEOUT)
        } else if self.session.identity == Identity::Anonymous {
            now + ANONYMOUS_IDLE_TIMEOUT
        } else {
            now + IDLE_TIMEOUT
        }
    }

    /// Ends what has been waited for long enough.
    async fn lose_patience(&mut self) -> io::Result<After> {
        if self.shutdown.is_cancelled() {
            self.outstanding.abandon_all();
            return Ok(After::Continue);
        }
        self.disconnect(
            LdapResultCode::Unavailable,
            "nothing was heard for too long",
        )
        .await?;
        Ok(After::Close)
    }

    /// Takes over what a search has found.
    fn deliver(&mut self, delivered: Delivered) {
        self.outbound.extend_from_slice(&delivered.octets);
        if let Some(ending) = delivered.ending {
            self.end_search(delivered.message_id, ending);
        }
    }

    async fn flush(&mut self) -> io::Result<()> {
        if self.outbound.is_empty() {
            return Ok(());
        }
        let write = async {
            self.stream.write_all(&self.outbound).await?;
            self.stream.flush().await
        };
        timeout(WRITE_TIMEOUT, write)
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.outbound.clear();
        // One long answer must not keep its buffer for the hours a connection may last.
        self.outbound.shrink_to(2 * WRITE_BYTES);
        Ok(())
    }

    /// Ends the session over a message that cannot be read.
    async fn give_up(&mut self, error: Error) -> io::Result<After> {
        info!(%error, "message undecodable, disconnecting");
        self.disconnect(LdapResultCode::ProtocolError, &error.to_string())
            .await?;
        Ok(After::Close)
    }

    /// Sends the Notice of Disconnection (RFC 4511 §4.4.1).
    async fn disconnect(&mut self, code: LdapResultCode, diagnostic: &str) -> io::Result<()> {
        let result = Refusal::new(code, diagnostic.to_string()).into();
        Response::extended(result, Some(NOTICE_OF_DISCONNECTION), None)
            .write(0, &mut self.outbound);
        self.flush().await
    }

    /// Answers a request with the kind of response that belongs to it.
    fn respond(&mut self, envelope: &Envelope, result: LdapResult) {
        Response::to(envelope.operation, result).write(envelope.message_id, &mut self.outbound);
    }
}

/// Ends the search that an Abandon names; one that is unknown or done does not matter (RFC 4511 §4.11).
fn abandon(outstanding: &mut Outstanding, envelope: &Envelope) {
    if let Ok(id) = ber::number(envelope.content)
        && let Ok(id) = u32::try_from(id)
    {
        outstanding.abandon(id);
    }
}

/// The whole messages at the front of a buffer, as far as they can be read.
struct Frames<'b>(&'b [u8]);

impl<'b> Iterator for Frames<'b> {
    type Item = Envelope<'b>;

    fn next(&mut self) -> Option<Envelope<'b>> {
        let header = ber::header(self.0).ok().flatten()?;
        let frame = self.0.get(..header.header_bytes + header.content_bytes)?;
        self.0 = &self.0[frame.len()..];
        Envelope::decode(frame).ok()
    }
}

#[cfg(test)]
mod tests;
