//! A small LDAP client: one connection, one operation at a time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapDerefAliases, LdapExtendedRequest, LdapMsg, LdapOp,
    LdapResult, LdapResultCode, LdapSearchRequest,
};
use ldap3_proto::{LdapCodec, parse_ldap_filter_str};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::codec::{Decoder, Encoder};

use super::within;

pub use ldap3_proto::proto::LdapSearchScope as Scope;

/// StartTLS (RFC 4511 §4.14.1).
const START_TLS: &str = "1.3.6.1.4.1.1466.20037";
/// The longest message the client takes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection.
pub struct Client {
    stream: Box<dyn Stream>,
    codec: LdapCodec,
    unread: BytesMut,
    last_id: i32,
}

/// An entry as it came; values that are no text do not occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub dn: String,
    attributes: BTreeMap<String, Vec<String>>,
}

impl Entry {
    /// The values of an attribute in the order they came; none when it is absent.
    pub fn all(&self, attribute: &str) -> &[String] {
        self.attributes.get(attribute).map_or(&[], Vec::as_slice)
    }

    /// The entry without the values that `is_meant`, and without the attributes that have no other.
    pub fn without_value(&self, is_meant: impl Fn(&str) -> bool) -> Self {
        let mut entry = self.clone();
        for values in entry.attributes.values_mut() {
            values.retain(|value| !is_meant(value));
        }
        entry.attributes.retain(|_, values| !values.is_empty());
        entry
    }

    /// The only value of an attribute.
    pub fn one(&self, attribute: &str) -> &str {
        match self.all(attribute) {
            [value] => value,
            values => panic!("{attribute} of {} has the values {values:?}", self.dn),
        }
    }
}

impl Client {
    /// Connects in the clear.
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(Box::new(tcp(address).await))
    }

    /// Connects over TLS, trusting `authority` only.
    pub async fn connect_tls(address: SocketAddr, authority: &CertificateDer<'static>) -> Self {
        let stream: Box<dyn Stream> = Box::new(tcp(address).await);
        Self::over(secured(stream, authority).await)
    }

    /// Has the connection secured by StartTLS.
    pub async fn start_tls(mut self, authority: &CertificateDer<'static>) -> Self {
        let request = LdapExtendedRequest {
            name: START_TLS.to_owned(),
            value: None,
        };
        let answers = self.ask(LdapOp::ExtendedRequest(request)).await;
        let Some(LdapOp::ExtendedResponse(response)) = answers.last() else {
            panic!("StartTLS was answered by {answers:?}");
        };
        assert_eq!(response.res.code, LdapResultCode::Success);
        Self::over(secured(self.stream, authority).await)
    }

    fn over(stream: Box<dyn Stream>) -> Self {
        Self {
            stream,
            codec: LdapCodec::new(Some(MESSAGE_BYTES_MAX), None),
            unread: BytesMut::new(),
            last_id: 0,
        }
    }

    /// A simple bind.
    pub async fn bind(&mut self, name: &str, password: &str) -> LdapResult {
        let request = LdapBindRequest {
            version: 3,
            dn: name.to_owned(),
            cred: LdapBindCred::Simple(password.to_owned()),
        };
        let mut answers = self.ask(LdapOp::BindRequest(request)).await;
        match answers.pop() {
            Some(LdapOp::BindResponse(response)) => response.res,
            other => panic!("a bind was answered by {other:?}"),
        }
    }

    /// A simple bind that must succeed.
    pub async fn bind_well(&mut self, name: &str, password: &str) {
        let result = self.bind(name, password).await;
        assert_eq!(result.code, LdapResultCode::Success, "{name}: {result:?}");
    }

    /// The entries at and below `base` that `filter` fits, with all user attributes; the search must succeed.
    pub async fn search(&mut self, base: &str, filter: &str) -> Vec<Entry> {
        self.select(base, Scope::Subtree, filter, &[]).await
    }

    /// The same with a scope and attributes of the test's choice.
    pub async fn select(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Vec<Entry> {
        let (entries, result) = self.try_search(base, scope, filter, attributes).await;
        assert_eq!(result.code, LdapResultCode::Success, "{filter}: {result:?}");
        entries
    }

    /// The one entry that `filter` fits.
    pub async fn find(&mut self, base: &str, filter: &str) -> Entry {
        let mut entries = self.select(base, Scope::Subtree, filter, &["*", "+"]).await;
        assert_eq!(entries.len(), 1, "{filter} finds {entries:?}");
        entries.remove(0)
    }

    /// A search, however it ends.
    pub async fn try_search(
        &mut self,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> (Vec<Entry>, LdapResult) {
        let request = LdapSearchRequest {
            base: base.to_owned(),
            scope,
            aliases: LdapDerefAliases::Never,
            sizelimit: 0,
            timelimit: 0,
            typesonly: false,
            filter: parse_ldap_filter_str(filter).unwrap(),
            attrs: attributes.iter().map(ToString::to_string).collect(),
        };
        let mut answers = self.ask(LdapOp::SearchRequest(request)).await;
        let Some(LdapOp::SearchResultDone(result)) = answers.pop() else {
            panic!("a search ended with {answers:?}");
        };
        (answers.into_iter().map(entry).collect(), result)
    }

    /// The next message, whatever it answers; `None` when the server has closed the connection.
    pub async fn next(&mut self) -> Option<LdapMsg> {
        loop {
            if let Some(message) = self.codec.decode(&mut self.unread).unwrap() {
                return Some(message);
            }
            let read = self.stream.read_buf(&mut self.unread);
            if within("the server sends something", read).await.ok()? == 0 {
                return None;
            }
        }
    }

    /// Sends a request and reads up to the message that ends its answer.
    async fn ask(&mut self, request: LdapOp) -> Vec<LdapOp> {
        self.last_id += 1;
        let mut bytes = BytesMut::new();
        let message = LdapMsg::new(self.last_id, request);
        self.codec.encode(message, &mut bytes).unwrap();
        self.stream.write_all(&bytes).await.unwrap();
        self.stream.flush().await.unwrap();
        let mut answers = Vec::new();
        loop {
            let message = self.next().await.expect("an answer");
            assert_eq!(message.msgid, self.last_id, "{message:?}");
            let is_entry = matches!(message.op, LdapOp::SearchResultEntry(_));
            answers.push(message.op);
            if !is_entry {
                return answers;
            }
        }
    }
}

fn entry(answer: LdapOp) -> Entry {
    let LdapOp::SearchResultEntry(entry) = answer else {
        panic!("a search was answered by {answer:?}");
    };
    let text = |value| String::from_utf8(value).expect("all values are text");
    let attributes = entry.attributes.into_iter();
    Entry {
        dn: entry.dn,
        attributes: attributes
            .map(|attribute| {
                let values = attribute.vals.into_iter().map(text).collect();
                (attribute.atype, values)
            })
            .collect(),
    }
}

async fn tcp(address: SocketAddr) -> TcpStream {
    let connected = within("a connection", TcpStream::connect(address)).await;
    connected.unwrap_or_else(|error| panic!("{address}: {error}"))
}

async fn secured(stream: Box<dyn Stream>, authority: &CertificateDer<'static>) -> Box<dyn Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    Box::new(within("a TLS handshake", handshake).await.unwrap())
}
