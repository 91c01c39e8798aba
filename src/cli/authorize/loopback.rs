//! A web server for one visit: the redirect at the end of a sign-in, on a port of 127.0.0.1 that the system chooses.
//!
//! Browsers open connections in advance and ask for icons, so every connection is read on its own, and whoever waits
//! for the redirect decides which request it is.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// Longest request head read; the code of a sign-in is some kilobytes.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// How long a request may take to arrive, and an answer to leave.
const VISIT_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections read at a time; a browser opens a handful.
const VISITS_MAX: usize = 32;

/// The listener, with the connections that have not sent their request yet.
pub(super) struct Loopback {
    listener: TcpListener,
    port: u16,
    visits: JoinSet<Option<Visitor>>,
}

/// A browser that has asked for something, and waits.
pub(super) struct Visitor {
    stream: TcpStream,
    /// Path and query.
    target: String,
}

/// What a browser is shown.
pub(super) enum Page {
    /// The sign-in went well.
    Done {
        /// Who signed in.
        who: String,
    },
    /// It did not.
    Failed {
        /// Why.
        reason: String,
    },
    /// The request was none of the sign-in's.
    NotFound,
}

impl Loopback {
    /// Binds a port of its own. IPv4 only: browsers try it for `localhost`, too, and it is always there.
    pub(super) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        Ok(Self {
            listener,
            port,
            visits: JoinSet::new(),
        })
    }

    /// The redirect address. It says `localhost`, which app registrations allow on any port.
    pub(super) fn redirect(&self) -> Url {
        Url::parse(&format!("http://localhost:{}", self.port)).expect("a host and a port")
    }

    /// The next request. Cancel-safe.
    pub(super) async fn next(&mut self) -> Visitor {
        loop {
            tokio::select! {
                Some(visit) = self.visits.join_next() => {
                    if let Ok(Some(visitor)) = visit {
                        return visitor;
                    }
                }
                accepted = self.listener.accept(), if self.visits.len() < VISITS_MAX => match accepted {
                    Ok((stream, _)) => {
                        self.visits.spawn(read(stream));
                    }
                    // Out of descriptors, most likely, which passes.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                },
            }
        }
    }
}

/// Reads the head of a request (RFC 9112 §3); `None` for what is none.
async fn read(mut stream: TcpStream) -> Option<Visitor> {
    let mut head = Vec::new();
    let reading = async {
        let mut chunk = [0; 4096];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut chunk).await.ok()?;
            if read == 0 || head.len() + read > HEAD_BYTES_MAX {
                return None;
            }
            head.extend_from_slice(&chunk[..read]);
        }
        Some(())
    };
    tokio::time::timeout(VISIT_TIMEOUT, reading).await.ok()??;
    let target = target(&head)?;
    Some(Visitor { stream, target })
}

/// The target of a GET request in origin form (RFC 9112 §3.2.1).
fn target(head: &[u8]) -> Option<String> {
    let line = head.split(|octet| *octet == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_request = method == "GET" && version.starts_with("HTTP/1.") && target.starts_with('/');
    (is_request && words.next().is_none()).then(|| target.to_owned())
}

impl Visitor {
    /// The query of a request for the redirect address itself.
    pub(super) fn query(&self) -> Option<&str> {
        self.target.strip_prefix("/?")
    }

    /// Shows a page and hangs up. A browser that has gone has missed nothing that matters.
    pub(super) async fn answer(mut self, page: &Page) {
        let answer = page.to_response();
        let answering = async {
            self.stream.write_all(answer.as_bytes()).await?;
            self.stream.shutdown().await
        };
        match tokio::time::timeout(VISIT_TIMEOUT, answering).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the browser has gone"),
            Err(_) => tracing::debug!("the browser does not read"),
        }
    }
}

impl Page {
    /// The whole response. Nothing in the page is loaded from anywhere, or run.
    fn to_response(&self) -> String {
        let (status, title, text) = match self {
            Self::Done { who } => (
                "200 OK",
                "Signed in",
                format!("{who} has signed in for ldap365. You can close this window."),
            ),
            Self::Failed { reason } => (
                "200 OK",
                "Not signed in",
                format!("The sign-in for ldap365 failed: {reason}"),
            ),
            Self::NotFound => (
                "404 Not Found",
                "Nothing here",
                "This address takes part in a sign-in for ldap365, and nothing else.".to_owned(),
            ),
        };
        let body = format!(
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
             <h1>{title}</h1><p>{}</p></html>\n",
            escape(&text)
        );
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Content-Security-Policy: default-src 'none'\r\nCache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

/// Text within HTML, quotes included.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn connect(loopback: &Loopback) -> TcpStream {
        let address = loopback.listener.local_addr().unwrap();
        TcpStream::connect(address).await.unwrap()
    }

    async fn request(loopback: &Loopback, head: &str) -> TcpStream {
        let mut stream = connect(loopback).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn silent_connection_and_garbage_do_not_keep_a_request_waiting() {
        let mut loopback = Loopback::bind().await.unwrap();
        let _silent = connect(&loopback).await;
        let _garbage = request(&loopback, "\x16\x03\x01\r\n\r\n").await;
        let _post = request(&loopback, "POST /?code=1 HTTP/1.1\r\n\r\n").await;
        let _real = request(
            &loopback,
            "GET /?code=1&state=2 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        )
        .await;
        assert_eq!(loopback.next().await.query(), Some("code=1&state=2"));
    }

    #[tokio::test]
    async fn request_may_come_in_pieces() {
        let mut loopback = Loopback::bind().await.unwrap();
        let mut stream = request(&loopback, "GET /favicon.ico HT").await;
        let rest = async {
            stream.write_all(b"TP/1.1\r\n").await.unwrap();
            stream.write_all(b"\r\n").await.unwrap();
        };
        let (visitor, ()) = tokio::join!(loopback.next(), rest);
        assert_eq!(
            (visitor.target.as_str(), visitor.query()),
            ("/favicon.ico", None)
        );
    }

    #[tokio::test]
    async fn answer_is_a_whole_page_with_everything_escaped() {
        let mut loopback = Loopback::bind().await.unwrap();
        let mut stream = request(&loopback, "GET /?x HTTP/1.1\r\n\r\n").await;
        let page = Page::Failed {
            reason: "<script>alert('&')</script>".to_owned(),
        };
        loopback.next().await.answer(&page).await;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains("Content-Security-Policy: default-src 'none'"),
            "{head}"
        );
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
        let escaped = "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;";
        assert!(
            body.contains(escaped) && !body.contains("<script"),
            "{body}"
        );
    }
}
