//! A client that shows what is on the wire.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapDerefAliases, LdapExtendedRequest, LdapExtendedResponse,
    LdapFilter, LdapMsg, LdapOp, LdapResult, LdapResultCode, LdapSearchRequest,
    LdapSearchResultEntry, LdapSearchScope, OID_WHOAMI,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::codec::{Decoder, Encoder};

use super::world::{PASSWORD, READER, World};

/// Nothing here takes that long, unless the server has hung.
const PATIENCE: Duration = Duration::from_secs(60);

pub const OID_START_TLS: &str = "1.3.6.1.4.1.1466.20037";

pub struct Client<S> {
    stream: S,
    arrived: BytesMut,
    last_id: i32,
}

impl Client<TcpStream> {
    pub async fn connect(world: &World) -> Self {
        Self::connect_to(world.ldap).await
    }

    pub async fn connect_to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }

    /// A client bound as the service account that reads everything.
    pub async fn bound(world: &World) -> Self {
        let mut client = Self::connect(world).await;
        let code = client.bind(READER, PASSWORD).await;
        assert_eq!(code, LdapResultCode::Success);
        client
    }

    /// Goes on under TLS, after the server has agreed to it.
    pub async fn handshake(self, world: &World) -> Client<TlsStream<TcpStream>> {
        assert!(self.arrived.is_empty());
        let stream = tls(world).connect(localhost(), self.stream).await.unwrap();
        Client {
            stream,
            arrived: BytesMut::new(),
            last_id: self.last_id,
        }
    }
}

impl Client<TlsStream<TcpStream>> {
    pub async fn connect_tls(world: &World) -> Self {
        let stream = TcpStream::connect(world.ldaps).await.unwrap();
        Self::over(tls(world).connect(localhost(), stream).await.unwrap())
    }
}

fn tls(world: &World) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(world.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    fn over(stream: S) -> Self {
        Self {
            stream,
            arrived: BytesMut::new(),
            last_id: 0,
        }
    }

    /// Encodes a request under the next message id.
    pub fn encode(&mut self, operation: LdapOp) -> (i32, Vec<u8>) {
        self.encode_with(operation, Vec::new())
    }

    pub fn encode_with(&mut self, operation: LdapOp, controls: Vec<LdapControl>) -> (i32, Vec<u8>) {
        self.last_id += 1;
        let message = LdapMsg::new_with_ctrls(self.last_id, operation, controls);
        let mut encoded = BytesMut::new();
        LdapCodec::default().encode(message, &mut encoded).unwrap();
        (self.last_id, encoded.to_vec())
    }

    pub async fn write(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends a request and returns its message id.
    pub async fn send(&mut self, operation: LdapOp) -> i32 {
        let (id, encoded) = self.encode(operation);
        self.write(&encoded).await;
        id
    }

    /// The next message; `None` when the server has closed.
    pub async fn next(&mut self) -> Option<LdapMsg> {
        loop {
            if let Some(message) = LdapCodec::default().decode(&mut self.arrived).unwrap() {
                return Some(message);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.arrived)).await;
            if read.expect("the server answers").unwrap() == 0 {
                assert!(self.arrived.is_empty(), "closed within a message");
                return None;
            }
        }
    }

    /// Every message until the server closes, which it must.
    pub async fn rest(&mut self) -> Vec<LdapMsg> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }

    /// The octets of one answer that is one write.
    pub async fn octets(&mut self) -> Vec<u8> {
        assert!(self.arrived.is_empty());
        self.arrived.reserve(4096);
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.arrived)).await;
        read.expect("the server answers").unwrap();
        self.arrived.split().to_vec()
    }

    /// Whatever the server sends until it closes, which it must.
    pub async fn octets_until_closed(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        let read = timeout(PATIENCE, self.stream.read_to_end(&mut octets)).await;
        read.expect("the server closes").unwrap();
        octets
    }

    /// Sends a request with one response and returns that.
    pub async fn ask(&mut self, operation: LdapOp) -> LdapOp {
        self.ask_with(operation, Vec::new()).await
    }

    pub async fn ask_with(&mut self, operation: LdapOp, controls: Vec<LdapControl>) -> LdapOp {
        let (id, encoded) = self.encode_with(operation, controls);
        self.write(&encoded).await;
        let message = self.next().await.expect("the connection stays open");
        assert_eq!(message.msgid, id);
        message.op
    }

    pub async fn bind(&mut self, name: &str, password: &str) -> LdapResultCode {
        result(self.ask(bind(name, password)).await).code
    }

    pub async fn extended(&mut self, oid: &str) -> LdapExtendedResponse {
        match self.ask(extended(oid)).await {
            LdapOp::ExtendedResponse(response) => response,
            other => panic!("{other:?}"),
        }
    }

    /// The authorization identity as the server has it.
    pub async fn who_am_i(&mut self) -> String {
        let response = self.extended(OID_WHOAMI).await;
        assert_eq!(response.res.code, LdapResultCode::Success);
        String::from_utf8(response.value.expect("an identity, maybe empty")).unwrap()
    }

    /// The entries found, and the result.
    pub async fn search(
        &mut self,
        request: LdapSearchRequest,
    ) -> (Vec<LdapSearchResultEntry>, LdapResult) {
        let id = self.send(LdapOp::SearchRequest(request)).await;
        let mut entries = Vec::new();
        loop {
            let message = self.next().await.expect("the connection stays open");
            assert_eq!(message.msgid, id);
            match message.op {
                LdapOp::SearchResultEntry(entry) => entries.push(entry),
                LdapOp::SearchResultDone(result) => return (entries, result),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The RDNs found by a search with controls, in the order they came, the result, and the controls with it.
    pub async fn search_with(
        &mut self,
        request: LdapSearchRequest,
        controls: Vec<LdapControl>,
    ) -> (Vec<String>, LdapResult, Vec<LdapControl>) {
        let (id, encoded) = self.encode_with(LdapOp::SearchRequest(request), controls);
        self.write(&encoded).await;
        let mut found = Vec::new();
        loop {
            let message = self.next().await.expect("the connection stays open");
            assert_eq!(message.msgid, id);
            match message.op {
                LdapOp::SearchResultEntry(entry) => found.push(rdn(&entry)),
                LdapOp::SearchResultDone(result) => return (found, result, message.ctrl),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The RDNs found by a search that must succeed, sorted: the RFC promises no order.
    pub async fn found(&mut self, request: LdapSearchRequest) -> Vec<String> {
        let (entries, result) = self.search(request).await;
        assert_eq!(result.code, LdapResultCode::Success, "{result:?}");
        let mut found: Vec<String> = entries.iter().map(rdn).collect();
        found.sort();
        found
    }

    /// The only entry found by a search.
    pub async fn entry(&mut self, request: LdapSearchRequest) -> LdapSearchResultEntry {
        let (mut entries, result) = self.search(request).await;
        assert_eq!(result.code, LdapResultCode::Success, "{result:?}");
        assert_eq!(entries.len(), 1);
        entries.remove(0)
    }
}

fn rdn(entry: &LdapSearchResultEntry) -> String {
    match entry.dn.split_once(',') {
        Some((rdn, _)) => rdn.to_string(),
        None => entry.dn.clone(),
    }
}

/// A control that the codec leaves to us.
pub fn control(oid: &str, criticality: bool, value: Option<Vec<u8>>) -> LdapControl {
    LdapControl::Unknown {
        oid: oid.into(),
        criticality,
        value,
    }
}

/// One BER element.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    ldap365::ber::write_element(&mut out, tag, &parts.concat());
    out
}

/// An equality or another filter item of the same shape, in BER.
pub fn item(tag: u8, attribute: &str, value: &str) -> Vec<u8> {
    let attribute = element(0x04, &[attribute.as_bytes()]);
    let value = element(0x04, &[value.as_bytes()]);
    element(tag, &[&attribute, &value])
}

pub fn bind(name: &str, password: &str) -> LdapOp {
    LdapOp::BindRequest(LdapBindRequest {
        version: 3,
        dn: name.into(),
        cred: LdapBindCred::Simple(password.into()),
    })
}

pub fn extended(oid: &str) -> LdapOp {
    LdapOp::ExtendedRequest(LdapExtendedRequest {
        name: oid.into(),
        value: None,
    })
}

/// A search for everything, with all user attributes.
pub fn search(base: &str, scope: LdapSearchScope) -> LdapSearchRequest {
    LdapSearchRequest {
        base: base.into(),
        scope,
        aliases: LdapDerefAliases::Never,
        sizelimit: 0,
        timelimit: 0,
        typesonly: false,
        filter: LdapFilter::Present("objectClass".into()),
        attrs: Vec::new(),
    }
}

/// A search of the one entry at `base` for certain attributes.
pub fn read(base: &str, attributes: &[&str]) -> LdapSearchRequest {
    LdapSearchRequest {
        attrs: attributes.iter().map(|name| name.to_string()).collect(),
        ..search(base, LdapSearchScope::Base)
    }
}

/// The LDAPResult in a response, whichever it is.
pub fn result(response: LdapOp) -> LdapResult {
    match response {
        LdapOp::BindResponse(response) => response.res,
        LdapOp::ExtendedResponse(response) => response.res,
        LdapOp::SearchResultDone(result)
        | LdapOp::ModifyResponse(result)
        | LdapOp::AddResponse(result)
        | LdapOp::DelResponse(result)
        | LdapOp::ModifyDNResponse(result)
        | LdapOp::CompareResult(result) => result,
        other => panic!("{other:?} carries no result"),
    }
}

/// The names of an entry's attributes, sorted.
pub fn types(entry: &LdapSearchResultEntry) -> Vec<&str> {
    let mut types: Vec<&str> = entry.attributes.iter().map(|a| a.atype.as_str()).collect();
    types.sort();
    types
}

/// The values of an attribute, as text; none when the entry does not have it.
pub fn values<'e>(entry: &'e LdapSearchResultEntry, name: &str) -> Vec<&'e str> {
    let mut attributes = entry.attributes.iter();
    let attribute = attributes.find(|attribute| attribute.atype == name);
    let values = attribute.map_or(&[][..], |attribute| &attribute.vals);
    values
        .iter()
        .map(|value| std::str::from_utf8(value).unwrap())
        .collect()
}

/// Asserts that these are one Notice of Disconnection and nothing else.
#[track_caller]
pub fn assert_notice(messages: &[LdapMsg], code: LdapResultCode) {
    let [notice] = messages else {
        panic!("a single notice was expected, not {messages:?}");
    };
    let LdapOp::ExtendedResponse(response) = &notice.op else {
        panic!("{notice:?}");
    };
    assert_eq!(notice.msgid, 0);
    assert_eq!(response.name.as_deref(), Some("1.3.6.1.4.1.1466.20036"));
    assert_eq!(response.value, None);
    assert_eq!(response.res.code, code);
}
