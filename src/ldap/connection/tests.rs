//! A connection driven with bytes over a pipe in memory.

mod access;
mod client;
mod concurrency;
mod framing;
mod lifetime;
mod operations;
mod searches;

use std::sync::LazyLock;

use arc_swap::ArcSwapOption;
use ldap3_proto::LdapCodec;
use ldap3_proto::proto::{LdapFilter, LdapMsg, LdapOp, LdapSearchRequest, LdapSearchScope};
use tokio_util::codec::Encoder;
use uuid::Uuid;

use super::*;
use crate::auth::{self, Authenticator, ServiceAccount, password_hash::hash_password};
use crate::directory::decision::Grounds;
use crate::directory::registry::Record;
use crate::directory::{Decision, Directory, ObjectId, Registry, Stamps, User, UserId};
use crate::dit::tests::{at, object, settings, snapshot};
use crate::dit::{Dn, Snapshot};
use crate::ldap::{self, Published, UsersMayRead};
use crate::secret::Secret;
use client::{Client, filter, search};

/// Hashing takes its time by design: once is enough.
static PASSWORD_HASH: LazyLock<Arc<Secret>> = LazyLock::new(|| {
    let hash = hash_password(&Secret::new(PASSWORD.into()));
    Arc::new(Secret::new(hash))
});

const PASSWORD: &str = "correct horse";
const BASE: &str = "dc=example,dc=com";
const VPN: &str = "cn=vpn,dc=example,dc=com";
const ADA: &str = "uid=ada,ou=people,dc=example,dc=com";
const PEOPLE: &str = "ou=people,dc=example,dc=com";

/// A server without sockets.
struct World {
    published: Published,
    users_may_read: UsersMayRead,
}

impl World {
    /// Serves the sample tree to service account and people; people see what is their own.
    fn new() -> Self {
        Self::serving(Some(snapshot()))
    }

    fn serving(snapshot: Option<Snapshot>) -> Self {
        Self {
            published: Arc::new(ArcSwapOption::from(snapshot.map(Arc::new))),
            users_may_read: UsersMayRead::OwnEntry,
        }
    }

    fn context(&self) -> Arc<Context> {
        let account = ServiceAccount {
            name: "vpn".into(),
            password_hash: PASSWORD_HASH.clone(),
            networks: Vec::new(),
        };
        let auth = auth::Settings {
            client_id: None,
            client_secret: None,
            service_accounts: vec![account],
        };
        let listening = ldap::Settings {
            listen: Vec::new(),
            listen_tls: Vec::new(),
            identity: None,
            allow_plaintext: false,
            users_may_read: self.users_may_read,
        };
        let authenticator = Arc::new(Authenticator::new(auth, None));
        let published = self.published.clone();
        Arc::new(Context::new(&listening, &settings(), authenticator, published).unwrap())
    }

    /// A client that nobody has bound, over a confidential connection.
    fn connect(&self) -> Client {
        self.connect_as(Identity::Anonymous)
    }

    /// A client that is bound already.
    fn connect_as(&self, identity: Identity) -> Client {
        let session = Session {
            identity,
            ..session(true)
        };
        Client::new(self.context(), session, PIPE_BYTES)
    }
}

/// What a pipe holds: less than one write of a long search, more than any other answer.
const PIPE_BYTES: usize = WRITE_BYTES / 2;

fn session(is_confidential: bool) -> Session {
    Session::new("192.0.2.1:40000".parse().unwrap(), is_confidential, false)
}

fn vpn() -> Identity {
    Identity::ServiceAccount {
        name: "vpn".into(),
        dn: Dn::parse(VPN).unwrap(),
    }
}

fn person(number: u128) -> Identity {
    Identity::Person(UserId(object(number)))
}

/// A directory of so many people and nobody else, called `PREFIX0`, `PREFIX1` and so on: their entries
/// fill many writes.
fn crowd(prefix: &str, people: u128) -> Snapshot {
    let mut directory = Directory::default();
    let mut records = Vec::new();
    for number in 0..people {
        let id = UserId(ObjectId(Uuid::from_u128(number + 1)));
        let name = format!("{prefix}{number}");
        let user = User {
            display_name: Some(format!("Person {number} of the crowd")),
            ..User::default()
        };
        directory.users.insert(id, Arc::new(user));
        let decision = Decision::Include(Grounds::Default);
        directory.decisions.users.insert(id, decision);
        let record = Record {
            number: 10_000 + number as u32,
            home: Some(format!("/home/{name}")),
            name: Some(name),
            ..Record::default()
        };
        records.push((ObjectId::from(id), record));
    }
    directory.registry = Registry::from_records(records).into();
    Snapshot::build(
        &directory,
        &settings(),
        &mut Stamps::new(),
        at(1_700_000_000),
    )
}
