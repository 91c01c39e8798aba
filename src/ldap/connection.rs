//! One connection: frames in, operations in order, answers out in as few writes as possible.
//!
//! Everything that has arrived is decoded and answered into one buffer before it is written. A frame
//! is cut off by its length before anything in it is decoded. Long searches write as they go, and
//! look between writes whether the client has abandoned them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{LdapExtendedResponse, LdapMsg, LdapOp, LdapResult, LdapResultCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::codec::Encoder;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::Context;
use super::refusal::Refusal;
use super::request::{Envelope, Error, Search, tag};
use super::search::{self, Running, Step};
use super::session::{Identity, Session};
use super::{bind, compare, extended};
use crate::ber;
use crate::dit::Dn;

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
/// Answers are written once this much has gathered.
pub const WRITE_BYTES: usize = 64 * 1024;
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
            if self.shutdown.is_cancelled() {
                self.disconnect(LdapResultCode::Unavailable, "the server is shutting down")
                    .await?;
                return Ok(After::Close);
            }
            if !self.read().await? {
                return Ok(After::Close);
            }
        }
    }

    /// Answers every whole message in the inbound buffer, in order.
    async fn answer_arrived(&mut self) -> io::Result<After> {
        loop {
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
        match self.dispatch(&envelope).await? {
            Ok(after) => Ok(after),
            // Its structure could not be read, so nothing after it can be trusted either.
            Err(error @ Error::Structure(_)) => self.give_up(error).await,
            Err(error) => {
                self.respond(&envelope, Refusal::from(error).into());
                Ok(After::Continue)
            }
        }
    }

    async fn dispatch(&mut self, envelope: &Envelope<'_>) -> io::Result<Result<After, Error>> {
        // Neither has an answer, so no control of theirs can be refused (RFC 4511 §4.1.11).
        match envelope.operation {
            tag::UNBIND => return Ok(Ok(After::Close)),
            // Operations are answered in order: what this would abandon is done, or was seen by the search.
            tag::ABANDON => return Ok(Ok(After::Continue)),
            _ => {}
        }
        if envelope.operation == tag::BIND {
            // The session is anonymous from the moment a bind arrives (RFC 4511 §4.2.1).
            self.session.identity = Identity::Anonymous;
        }
        if envelope.critical_control.is_some() {
            let refusal = Refusal::new(
                LdapResultCode::UnavailableCriticalExtension,
                "a control that this server does not have was marked critical",
            );
            self.respond(envelope, refusal.into());
            return Ok(Ok(After::Continue));
        }
        let outcome = match envelope.operation {
            tag::SEARCH => return self.search(envelope).await,
            tag::BIND => bind::answer(&self.context, &mut self.session, envelope.content).await,
            tag::COMPARE => compare::answer(&self.context, &self.session, envelope),
            tag::EXTENDED => return Ok(self.extended(envelope)),
            _ => Ok(Refusal::new(
                LdapResultCode::UnwillingToPerform,
                "the tenant is the master: this directory is changed in Office 365",
            )
            .into()),
        };
        Ok(outcome.map(|result| {
            self.respond(envelope, result);
            After::Continue
        }))
    }

    fn extended(&mut self, envelope: &Envelope) -> Result<After, Error> {
        let leftover = !self.inbound.is_empty();
        let answer = extended::answer(&self.context, &self.session, envelope, leftover)?;
        let after = if answer.start_tls {
            After::StartTls
        } else {
            After::Continue
        };
        self.push(
            envelope.message_id,
            LdapOp::ExtendedResponse(answer.response),
        );
        Ok(after)
    }

    async fn search(&mut self, envelope: &Envelope<'_>) -> io::Result<Result<After, Error>> {
        let search = match Search::decode(envelope.content) {
            Ok(search) => search,
            Err(error) => return Ok(Err(error)),
        };
        let result = match search::parse_name(search.base) {
            Ok(base) => {
                self.search_from(envelope.message_id, &search, &base)
                    .await?
            }
            Err(refusal) => Some(refusal.into()),
        };
        if let Some(result) = result {
            self.respond(envelope, result);
        }
        Ok(Ok(After::Continue))
    }

    /// Searches below a name; `None` when the search was abandoned and must not be answered.
    async fn search_from(
        &mut self,
        message_id: u32,
        search: &Search<'_>,
        base: &Dn,
    ) -> io::Result<Option<LdapResult>> {
        let context = self.context.clone();
        if let Some(region) = search::server_region(&context, base, search.scope) {
            return self
                .run_search(Running::start(
                    message_id,
                    search,
                    &context.server_entries,
                    region,
                ))
                .await;
        }
        if !self.session.is_confidential {
            return Ok(Some(Refusal::confidentiality_required().into()));
        }
        let Some(snapshot) = context.snapshot() else {
            return Ok(Some(Refusal::no_snapshot().into()));
        };
        match search::tree_region(&context, &self.session, &snapshot, base, search.scope) {
            Ok(region) => {
                self.run_search(Running::start(message_id, search, &snapshot, region))
                    .await
            }
            Err(refusal) => Ok(Some(refusal.into())),
        }
    }

    async fn run_search(&mut self, mut running: Running<'_>) -> io::Result<Option<LdapResult>> {
        loop {
            match running.step(WRITE_BYTES, &mut self.outbound) {
                Step::Done(result) => return Ok(Some(result)),
                Step::More => {
                    if self.outbound.len() >= WRITE_BYTES {
                        self.flush().await?;
                    }
                    tokio::task::yield_now().await;
                    self.glance().await?;
                    if self.is_abandoned(running.message_id()) || self.shutdown.is_cancelled() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Takes in what the client has sent meanwhile, without waiting for it.
    async fn glance(&mut self) -> io::Result<()> {
        if self.inbound.len() >= self.message_bytes_max() {
            return Ok(());
        }
        self.inbound.reserve(READ_BYTES);
        tokio::select! {
            biased;
            read = self.stream.read_buf(&mut self.inbound) => match read? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(()),
            },
            () = std::future::ready(()) => Ok(()),
        }
    }

    /// Whether an Abandon of the message, or an Unbind, waits in the inbound buffer.
    fn is_abandoned(&self, message_id: u32) -> bool {
        let mut rest = &self.inbound[..];
        while let Ok(Some(header)) = ber::header(rest) {
            let Some(frame) = rest.get(..header.header_bytes + header.content_bytes) else {
                return false;
            };
            rest = &rest[frame.len()..];
            match Envelope::decode(frame) {
                Ok(Envelope {
                    operation: tag::UNBIND,
                    ..
                }) => return true,
                Ok(Envelope {
                    operation: tag::ABANDON,
                    content,
                    ..
                }) if ber::number(content) == Ok(i64::from(message_id)) => {
                    return true;
                }
                _ => {}
            }
        }
        false
    }

    /// Waits for more to arrive; `false` when the client has left, or must.
    async fn read(&mut self) -> io::Result<bool> {
        let patience = match (self.inbound.is_empty(), &self.session.identity) {
            (false, _) => PARTIAL_MESSAGE_TIMEOUT,
            (true, Identity::Anonymous) => ANONYMOUS_IDLE_TIMEOUT,
            (true, _) => IDLE_TIMEOUT,
        };
        self.inbound.reserve(READ_BYTES);
        let read = tokio::select! {
            () = self.shutdown.cancelled() => return Ok(true),
            read = timeout(patience, self.stream.read_buf(&mut self.inbound)) => read,
        };
        match read {
            Ok(read) => Ok(read? > 0),
            Err(_) => {
                self.disconnect(
                    LdapResultCode::Unavailable,
                    "nothing was heard for too long",
                )
                .await?;
                Ok(false)
            }
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
        let res = LdapResult {
            code,
            matcheddn: String::new(),
            message: diagnostic.into(),
            referral: Vec::new(),
        };
        let name = Some(NOTICE_OF_DISCONNECTION.to_string());
        self.push(
            0,
            LdapOp::ExtendedResponse(LdapExtendedResponse {
                res,
                name,
                value: None,
            }),
        );
        self.flush().await
    }

    /// Answers a request with the kind of response that belongs to it.
    fn respond(&mut self, envelope: &Envelope, result: LdapResult) {
        let response = match envelope.operation {
            tag::BIND => LdapOp::BindResponse(ldap3_proto::proto::LdapBindResponse {
                res: result,
                saslcreds: None,
            }),
            tag::SEARCH => LdapOp::SearchResultDone(result),
            tag::MODIFY => LdapOp::ModifyResponse(result),
            tag::ADD => LdapOp::AddResponse(result),
            tag::DELETE => LdapOp::DelResponse(result),
            tag::MODIFY_DN => LdapOp::ModifyDNResponse(result),
            tag::COMPARE => LdapOp::CompareResult(result),
            _ => LdapOp::ExtendedResponse(LdapExtendedResponse {
                res: result,
                name: None,
                value: None,
            }),
        };
        self.push(envelope.message_id, response);
    }

    fn push(&mut self, message_id: u32, response: LdapOp) {
        let message = LdapMsg::new(message_id as i32, response);
        let mut encoded = BytesMut::new();
        LdapCodec::default()
            .encode(message, &mut encoded)
            .expect("a response in memory can always be encoded");
        self.outbound.extend_from_slice(&encoded);
    }
}

#[cfg(test)]
mod tests;
