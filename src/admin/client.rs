//! The command line's end of the socket.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::UnixStream;
use url::Url;

use super::finding::Finding;
pub use super::lines::Lines;
use super::report::act::{Act, Done, Format};
use super::report::explanation::{ExplainQuery, Explanation};
use super::report::identity::{IdentityRow, LocalSettings};
use super::report::pass::{SyncEvent, SyncOrder};
use super::report::roster::{GroupQuery, GroupRow, PersonQuery, PersonRow};
use super::report::status::Status;
use super::{Refusal, RefusalKind};

/// How long the daemon may take to begin an answer; it answers from memory.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an act may take: the whole directory is settled and written, and an import may be long.
const ACT_TIMEOUT: Duration = Duration::from_secs(300);
/// How long the daemon may take where it asks Microsoft first.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(300);

/// Longest answer, or line of one, that is kept in memory.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why the daemon did not answer.
#[derive(Debug, Error)]
pub enum Error {
    /// Nobody listens: the caller may work on the store itself.
    #[error("no daemon is running: nobody listens on {}", path.display())]
    NoDaemon {
        /// The socket.
        path: PathBuf,
    },
    /// The socket belongs to somebody else; the caller must become them.
    #[error("the daemon's socket {} is not open to you; run this as root or as the daemon's user", path.display())]
    NotAdmitted {
        /// The socket.
        path: PathBuf,
    },
    /// The socket cannot be used.
    #[error("cannot connect to the daemon's socket {}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The daemon hung up: it stopped, or took us for a stranger.
    #[error("the daemon broke the connection off")]
    Broken(#[source] hyper::Error),
    /// The daemon is there and does not answer.
    #[error("the daemon did not answer within {} s", patience.as_secs())]
    Silent {
        /// How long it was waited for.
        patience: Duration,
    },
    /// The daemon says no, with a sentence of its own.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Daemon and command speak different versions.
    #[error(
        "the daemon's answer cannot be understood; is it of another version than this command?"
    )]
    Malformed(#[source] serde_json::Error),
    /// More than [`ANSWER_BYTES_MAX`].
    #[error("the daemon's answer is longer than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// The pass ended without a summary, because the daemon stopped.
    #[error("the daemon stopped before the pass was finished; what it had committed stays")]
    Unfinished,
}

/// Asks the daemon behind one socket; a connection for each question.
#[derive(Clone, Debug)]
pub struct Client {
    path: PathBuf,
}

/// A pass in progress. Dropping it leaves the pass running.
#[derive(Debug)]
pub struct Events {
    lines: Lines<SyncEvent>,
    is_finished: bool,
}

impl Client {
    /// A client for the daemon that listens on `path`, if there is one.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// How the daemon is doing.
    pub async fn status(&self) -> Result<Status, Error> {
        self.ask(&["status"]).await
    }

    /// Every person, group or former object that a name fits.
    pub async fn explain(&self, query: &ExplainQuery) -> Result<Vec<Explanation>, Error> {
        let mut url = url_of(&["explain"]);
        url.query_pairs_mut()
            .append_pair("name", &query.name)
            .append_pair("is_group", &query.is_group.to_string());
        self.get(&url).await
    }

    /// The people of the tenant.
    pub async fn people(&self, query: &PersonQuery) -> Result<Lines<PersonRow>, Error> {
        self.rows("users", query.pairs()).await
    }

    /// The groups of the tenant.
    pub async fn groups(&self, query: &GroupQuery) -> Result<Lines<GroupRow>, Error> {
        self.rows("groups", query.pairs()).await
    }

    /// Every name and number ever handed out.
    pub async fn identities(&self) -> Result<Lines<IdentityRow>, Error> {
        self.rows("ids", Vec::new()).await
    }

    /// What is set locally for one person.
    pub async fn local_settings(&self, user: &str) -> Result<LocalSettings, Error> {
        self.ask(&["settings", user]).await
    }

    /// Everything that is set locally, as the text of a file.
    pub async fn export(&self, format: Format) -> Result<String, Error> {
        let mut url = url_of(&["settings"]);
        let format = match format {
            Format::Csv => "csv",
            Format::Json => "json",
        };
        url.query_pairs_mut().append_pair("format", format);
        self.get(&url).await
    }

    /// Has something done.
    pub async fn act(&self, act: &Act) -> Result<Done, Error> {
        let body = serde_json::to_vec(act).map_err(Error::Malformed)?;
        let url = url_of(&["acts"]);
        let request = self.send(Method::POST, &url, body, ACT_TIMEOUT);
        let answer = read_whole(&mut request.await?).await?;
        serde_json::from_slice(&answer).map_err(Error::Malformed)
    }

    /// Orders a pass.
    pub async fn sync(&self, order: SyncOrder) -> Result<Events, Error> {
        let mut url = url_of(&["sync"]);
        url.query_pairs_mut()
            .append_pair("full", &order.full.to_string())
            .append_pair("dry_run", &order.dry_run.to_string())
            .append_pair("accept", &order.accept.to_string());
        let body = self
            .send(Method::POST, &url, Vec::new(), ACT_TIMEOUT)
            .await?;
        Ok(Events {
            lines: Lines::new(body),
            is_finished: false,
        })
    }

    /// Delivers an administrator's authorisation for a credential, which holds a secret; once this returns, it is
    /// stored.
    pub async fn authorize(&self, credential: &str, authorization: &[u8]) -> Result<(), Error> {
        let url = url_of(&["credentials", credential, "authorization"]);
        let body = authorization.to_vec();
        self.send(Method::POST, &url, body, ANSWER_TIMEOUT)
            .await
            .map(drop)
    }

    /// Has the daemon try a delegated credential with Microsoft.
    pub async fn check_credential(&self, credential: &str) -> Result<Vec<Finding>, Error> {
        let url = url_of(&["credentials", credential, "check"]);
        let body = self.send(Method::GET, &url, Vec::new(), TRIAL_TIMEOUT);
        read_json(&mut body.await?).await
    }

    async fn rows<T: DeserializeOwned>(
        &self,
        question: &str,
        pairs: Vec<(&'static str, String)>,
    ) -> Result<Lines<T>, Error> {
        let mut url = url_of(&[question]);
        url.query_pairs_mut().extend_pairs(pairs);
        let body = self.send(Method::GET, &url, Vec::new(), ANSWER_TIMEOUT);
        Ok(Lines::new(body.await?))
    }

    async fn ask<T: DeserializeOwned>(&self, question: &[&str]) -> Result<T, Error> {
        self.get(&url_of(question)).await
    }

    async fn get<T: DeserializeOwned>(&self, url: &Url) -> Result<T, Error> {
        let body = self.send(Method::GET, url, Vec::new(), ANSWER_TIMEOUT);
        read_json(&mut body.await?).await
    }

    /// Sends a request; an answer that is not 200 becomes [`Error::Refused`].
    async fn send(
        &self,
        method: Method,
        url: &Url,
        body: Vec<u8>,
        patience: Duration,
    ) -> Result<Incoming, Error> {
        let stream = UnixStream::connect(&self.path)
            .await
            .map_err(|source| self.unreachable(source))?;
        let exchange = exchange(stream, method, url, body);
        let answered = tokio::time::timeout(patience, exchange)
            .await
            .map_err(|_| Error::Silent { patience })?;
        let (head, mut body) = answered?.into_parts();
        if head.status == StatusCode::OK {
            return Ok(body);
        }
        let answer = read_whole(&mut body).await?;
        Err(Error::Refused(refusal(head.status, &answer)))
    }

    fn unreachable(&self, source: io::Error) -> Error {
        let path = self.path.clone();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Error::NoDaemon { path },
            io::ErrorKind::PermissionDenied => Error::NotAdmitted { path },
            _ => Error::Connect { path, source },
        }
    }
}

impl Events {
    /// The next event; `None` after [`SyncEvent::Finished`].
    ///
    /// Cancel-safe: what was read of an event is kept for the next call.
    pub async fn next(&mut self) -> Result<Option<SyncEvent>, Error> {
        if self.is_finished {
            return Ok(None);
        }
        let event = self.lines.next().await?.ok_or(Error::Unfinished)?;
        self.is_finished = matches!(event, SyncEvent::Finished(_));
        Ok(Some(event))
    }
}

/// What a daemon, of whatever version, says instead of an answer.
fn refusal(status: StatusCode, answer: &[u8]) -> Refusal {
    serde_json::from_slice(answer).unwrap_or_else(|_| {
        let said = String::from_utf8_lossy(answer);
        let sentence = format!("the daemon refuses the question ({status}): {said}");
        Refusal::new(RefusalKind::Invalid, sentence)
    })
}

async fn exchange(
    stream: UnixStream,
    method: Method,
    url: &Url,
    body: Vec<u8>,
) -> Result<Response<Incoming>, Error> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(Error::Broken)?;
    // It ends when the answer has been read; its errors also reach us through the body.
    tokio::spawn(connection);
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let request = Request::builder()
        .method(method)
        .uri(target)
        .header(header::HOST, "ldap365")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .expect("an encoded path and fixed headers make a request");
    sender.send_request(request).await.map_err(Error::Broken)
}

/// The address of a question. Only path and query are used; the host is there because a URL needs one.
fn url_of(question: &[&str]) -> Url {
    let mut url = Url::parse("http://ldap365/api/v1").expect("a constant");
    url.path_segments_mut()
        .expect("http URLs have segments")
        .extend(question);
    url
}

async fn read_json<T: DeserializeOwned>(body: &mut Incoming) -> Result<T, Error> {
    let answer = read_whole(body).await?;
    serde_json::from_slice(&answer).map_err(Error::Malformed)
}

async fn read_whole(body: &mut Incoming) -> Result<BytesMut, Error> {
    let mut whole = BytesMut::new();
    while let Some(chunk) = read_chunk(body).await? {
        append(&mut whole, &chunk)?;
    }
    Ok(whole)
}

pub(super) async fn read_chunk(body: &mut Incoming) -> Result<Option<Bytes>, Error> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(Error::Broken)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

pub(super) fn append(buffer: &mut BytesMut, chunk: &[u8]) -> Result<(), Error> {
    if buffer.len() + chunk.len() > ANSWER_BYTES_MAX {
        return Err(Error::TooLong);
    }
    buffer.extend_from_slice(chunk);
    Ok(())
}
