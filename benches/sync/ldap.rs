//! One LDAP connection that asks for one attribute of one person, again and again.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use bytes::BytesMut;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapDerefAliases, LdapFilter, LdapMsg, LdapOp, LdapResultCode,
    LdapSearchRequest, LdapSearchScope,
};
use tokio_util::codec::{Decoder, Encoder};

use crate::harness::settings::{BASE, SERVICE_DN, SERVICE_PASSWORD};

/// A bound connection.
pub struct Connection {
    stream: TcpStream,
    codec: LdapCodec,
    unread: BytesMut,
    last_id: i32,
}

impl Connection {
    /// Connects and binds as the service account.
    pub fn open(address: SocketAddr) -> Self {
        let mut connection = Self {
            stream: TcpStream::connect(address).expect("the daemon listens"),
            codec: LdapCodec::new(None, None),
            unread: BytesMut::new(),
            last_id: 0,
        };
        connection.send(LdapOp::BindRequest(LdapBindRequest {
            version: 3,
            dn: SERVICE_DN.to_owned(),
            cred: LdapBindCred::Simple(SERVICE_PASSWORD.to_owned()),
        }));
        match connection.receive() {
            LdapOp::BindResponse(response) if response.res.code == LdapResultCode::Success => {}
            other => panic!("the service account was not let in: {other:?}"),
        }
        connection
    }

    /// The `title` of a person.
    pub fn title(&mut self, uid: &str) -> Option<String> {
        self.send(LdapOp::SearchRequest(LdapSearchRequest {
            base: format!("uid={uid},ou=people,{BASE}"),
            scope: LdapSearchScope::Base,
            aliases: LdapDerefAliases::Never,
            sizelimit: 0,
            timelimit: 0,
            typesonly: false,
            filter: LdapFilter::Present("objectClass".to_owned()),
            attrs: vec!["title".to_owned()],
        }));
        let mut title = None;
        loop {
            match self.receive() {
                LdapOp::SearchResultEntry(entry) => {
                    let mut values = entry.attributes.into_iter().flat_map(|it| it.vals);
                    title = values
                        .next()
                        .and_then(|value| String::from_utf8(value).ok());
                }
                _ => return title,
            }
        }
    }

    fn send(&mut self, op: LdapOp) {
        self.last_id += 1;
        let mut bytes = BytesMut::new();
        let message = LdapMsg::new(self.last_id, op);
        self.codec.encode(message, &mut bytes).expect("a message");
        self.stream.write_all(&bytes).expect("the daemon listens");
    }

    fn receive(&mut self) -> LdapOp {
        loop {
            if let Some(message) = self.codec.decode(&mut self.unread).expect("a message") {
                return message.op;
            }
            let mut piece = [0; 4096];
            let length = self.stream.read(&mut piece).expect("the daemon answers");
            assert!(length > 0, "the daemon has closed the connection");
            self.unread.extend_from_slice(&piece[..length]);
        }
    }
}
