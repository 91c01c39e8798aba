//! The other end of the pipe.

use ldap3_proto::control::LdapControl;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapDerefAliases, LdapExtendedRequest, OID_WHOAMI,
};
use tokio::io::DuplexStream;
use tokio::task::JoinHandle;
use tokio_util::codec::Decoder;

use super::*;

/// Nothing here takes that long, unless the server has hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client, and the connection that serves it in a task of its own.
pub(super) struct Client {
    stream: DuplexStream,
    arrived: BytesMut,
    last_id: i32,
    /// How long to wait for the server; tests of its own patience need more.
    pub patience: Duration,
    pub shutdown: CancellationToken,
    server: JoinHandle<()>,
}

impl Client {
    /// Connects through a pipe that holds `pipe_bytes` in each direction.
    pub fn new(context: Arc<Context>, session: Session, pipe_bytes: usize) -> Self {
        let (stream, server) = tokio::io::duplex(pipe_bytes);
        let shutdown = CancellationToken::new();
        let connection = Connection::new(server, session, context, shutdown.clone());
        Self {
            stream,
            arrived: BytesMut::new(),
            last_id: 0,
            patience: PATIENCE,
            shutdown,
            server: tokio::spawn(async move {
                connection.serve().await;
            }),
        }
    }

    /// Encodes a request under the next message id.
    pub fn encode(&mut self, operation: LdapOp, controls: Vec<LdapControl>) -> (i32, Vec<u8>) {
        self.last_id += 1;
        let message = LdapMsg::new_with_ctrls(self.last_id, operation, controls);
        let mut encoded = BytesMut::new();
        LdapCodec::default().encode(message, &mut encoded).unwrap();
        (self.last_id, encoded.to_vec())
    }

    pub async fn write(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    /// Sends a request and returns its message id.
    pub async fn send(&mut self, operation: LdapOp) -> i32 {
        let (id, encoded) = self.encode(operation, Vec::new());
        self.write(&encoded).await;
        id
    }

    /// Waits for octets and takes in all there are; `false` when the server has closed.
    pub async fn read(&mut self) -> bool {
        self.arrived.reserve(PIPE_BYTES);
        let read = timeout(self.patience, self.stream.read_buf(&mut self.arrived)).await;
        read.expect("the server answers").unwrap() > 0
    }

    /// The next message among the octets that have arrived.
    pub fn decode(&mut self) -> Option<LdapMsg> {
        LdapCodec::default().decode(&mut self.arrived).unwrap()
    }

    /// The next message; `None` when the server has closed.
    pub async fn next(&mut self) -> Option<LdapMsg> {
        loop {
            if let Some(message) = self.decode() {
                return Some(message);
            }
            if !self.read().await {
                assert!(self.arrived.is_empty(), "closed within a message");
                return None;
            }
        }
    }

    /// Tells the server that nothing more will be sent.
    pub async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// Every message until the server closes, which it must.
    pub async fn rest(&mut self) -> Vec<LdapMsg> {
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        self.stream.shutdown().await.unwrap();
        self.ended().await;
        messages
    }

    /// Waits until the server has let go of the connection.
    pub async fn ended(&mut self) {
        let ended = timeout(self.patience, &mut self.server).await;
        ended.expect("the connection ends").unwrap();
    }

    /// Sends a request with one response and returns that.
    pub async fn ask(&mut self, operation: LdapOp) -> LdapOp {
        self.ask_with(operation, Vec::new()).await
    }

    pub async fn ask_with(&mut self, operation: LdapOp, controls: Vec<LdapControl>) -> LdapOp {
        let (id, encoded) = self.encode(operation, controls);
        self.write(&encoded).await;
        let message = self.next().await.expect("the connection stays open");
        assert_eq!(message.msgid, id);
        message.op
    }

    /// The result code of a request with one response.
    pub async fn code(&mut self, operation: LdapOp) -> LdapResultCode {
        result(self.ask(operation).await).code
    }

    pub async fn bind(&mut self, name: &str, password: &str) -> LdapResultCode {
        self.code(bind(name, password)).await
    }

    /// The DNs found, and the result.
    pub async fn search(&mut self, request: LdapSearchRequest) -> (Vec<String>, LdapResult) {
        let id = self.send(LdapOp::SearchRequest(request)).await;
        let mut found = Vec::new();
        loop {
            let message = self.next().await.expect("the connection stays open");
            assert_eq!(message.msgid, id);
            match message.op {
                LdapOp::SearchResultEntry(entry) => found.push(entry.dn),
                LdapOp::SearchResultDone(result) => return (found, result),
                other => panic!("{other:?}"),
            }
        }
    }

    /// The RDNs found by a search that must succeed.
    pub async fn found(&mut self, request: LdapSearchRequest) -> Vec<String> {
        let (found, result) = self.search(request).await;
        assert_eq!(result.code, LdapResultCode::Success, "{result:?}");
        let rdn = |dn: &String| dn.split(',').next().unwrap_or_default().to_string();
        found.iter().map(rdn).collect()
    }

    /// The identity as the server has it.
    pub async fn who_am_i(&mut self) -> String {
        match self.ask(who_am_i()).await {
            LdapOp::ExtendedResponse(response) => {
                assert_eq!(response.res.code, LdapResultCode::Success);
                assert_eq!(response.name, None);
                String::from_utf8(response.value.expect("an identity, maybe empty")).unwrap()
            }
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn bind(name: &str, password: &str) -> LdapOp {
    LdapOp::BindRequest(LdapBindRequest {
        version: 3,
        dn: name.into(),
        cred: LdapBindCred::Simple(password.into()),
    })
}

pub(super) fn who_am_i() -> LdapOp {
    extended(OID_WHOAMI)
}

pub(super) fn extended(oid: &str) -> LdapOp {
    LdapOp::ExtendedRequest(LdapExtendedRequest {
        name: oid.into(),
        value: None,
    })
}

/// A search for everything under a name.
pub(super) fn search(base: &str, scope: LdapSearchScope) -> LdapSearchRequest {
    LdapSearchRequest {
        base: base.into(),
        scope,
        aliases: LdapDerefAliases::Never,
        sizelimit: 0,
        timelimit: 0,
        typesonly: false,
        filter: filter("objectClass"),
        attrs: Vec::new(),
    }
}

pub(super) fn filter(attribute: &str) -> LdapFilter {
    LdapFilter::Present(attribute.into())
}

/// The LDAPResult in a response, whichever it is.
pub(super) fn result(response: LdapOp) -> LdapResult {
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

/// Asserts that these are one Notice of Disconnection (RFC 4511 §4.4.1) and nothing else.
#[track_caller]
pub(super) fn assert_notice(messages: &[LdapMsg], code: LdapResultCode) {
    let [notice] = messages else {
        panic!("a single notice was expected, not {messages:?}");
    };
    assert_eq!(notice.msgid, 0);
    match &notice.op {
        LdapOp::ExtendedResponse(response) => {
            assert_eq!(response.name.as_deref(), Some("1.3.6.1.4.1.1466.20036"));
            assert_eq!(response.res.code, code);
        }
        other => panic!("{other:?}"),
    }
}
