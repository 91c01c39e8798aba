//! The server under test and the tree it serves.
//!
//! `uid=ada` and `uid=grace` are people, `uid=carl` is inactive; `cn=engineering` holds Ada, Carl and
//! the group `cn=compilers`, which holds Grace; `cn=empty` holds nobody.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use ldap365::auth::password_hash::hash_password;
use ldap365::auth::{self, Authenticator, ServiceAccount};
use ldap365::directory::attribute::Mapping;
use ldap365::directory::decision::Grounds;
use ldap365::directory::registry::Record;
use ldap365::directory::{
    Decision, Directory, Group, GroupId, Member, MemberKind, ObjectId, Reason, Registry, Stamps,
    User, UserId,
};
use ldap365::dit::{self, Dn, Snapshot};
use ldap365::ldap::{self, ListenerKind, TlsIdentity, UsersMayRead};
use ldap365::secret::Secret;
use rustls::pki_types::CertificateDer;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub const BASE: &str = "dc=example,dc=com";
pub const PEOPLE: &str = "ou=people,dc=example,dc=com";
pub const GROUPS: &str = "ou=groups,dc=example,dc=com";
pub const ADA: &str = "uid=ada,ou=people,dc=example,dc=com";
pub const ENGINEERING: &str = "cn=engineering,ou=groups,dc=example,dc=com";
/// A service account, which reads everything.
pub const READER: &str = "cn=reader,dc=example,dc=com";
pub const PASSWORD: &str = "correct horse";

/// Hashing takes its time by design: once is enough.
static PASSWORD_HASH: LazyLock<Arc<Secret>> = LazyLock::new(|| {
    let hash = hash_password(&Secret::new(PASSWORD.into()));
    Arc::new(Secret::new(hash))
});

/// A server on ports of its own, which ends with the test.
pub struct World {
    pub ldap: SocketAddr,
    pub ldaps: SocketAddr,
    /// What a client must trust.
    pub certificate: CertificateDer<'static>,
    pub shutdown: CancellationToken,
    _files: TempDir,
}

impl World {
    pub async fn start() -> Self {
        let files = TempDir::new().unwrap();
        let minted = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
        let identity = TlsIdentity {
            certificate: files.path().join("certificate.pem"),
            key: files.path().join("key.pem"),
        };
        std::fs::write(&identity.certificate, minted.cert.pem()).unwrap();
        std::fs::write(&identity.key, minted.signing_key.serialize_pem()).unwrap();
        let any_port: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let settings = ldap::Settings {
            listen: vec![any_port],
            listen_tls: vec![any_port],
            identity: Some(identity),
            allow_plaintext: false,
            users_may_read: UsersMayRead::OwnEntry,
        };
        let tree = tree_settings();
        let snapshot = Snapshot::build(&directory(), &tree, &mut Stamps::new(), at(1_700_000_000));
        let published = Arc::new(ArcSwapOption::from(Some(Arc::new(snapshot))));
        let server = ldap::Server::bind(&settings, &tree, authenticator(), published)
            .await
            .unwrap();
        let address = |kind| {
            let mut listeners = server.listeners().iter();
            let listener = listeners.find(|listener| listener.kind() == kind);
            listener.unwrap().local_addr().unwrap()
        };
        let shutdown = CancellationToken::new();
        let world = Self {
            ldap: address(ListenerKind::Ldap),
            ldaps: address(ListenerKind::Ldaps),
            certificate: minted.cert.der().clone(),
            shutdown: shutdown.clone(),
            _files: files,
        };
        tokio::spawn(server.serve(shutdown));
        world
    }
}

fn authenticator() -> Arc<Authenticator> {
    let account = ServiceAccount {
        name: "reader".into(),
        password_hash: PASSWORD_HASH.clone(),
        networks: Vec::new(),
    };
    let settings = auth::Settings {
        client_id: None,
        client_secret: None,
        service_accounts: vec![account],
    };
    Arc::new(Authenticator::new(settings, None))
}

fn tree_settings() -> dit::Settings {
    dit::Settings {
        base: Dn::parse(BASE).unwrap(),
        login_shell: "/bin/bash".into(),
        mapping: Mapping::default(),
        inactive_users: dit::InactiveUsers::Hide,
        guests: false,
        primary_group: dit::PrimaryGroup::Private,
        nested_groups: true,
        service_accounts: vec!["reader".into()],
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn object(number: u128) -> ObjectId {
    ObjectId(Uuid::from_u128(number))
}

fn directory() -> Directory {
    let mut directory = Directory::default();
    let included = Decision::Include(Grounds::Default);
    let mut records = Vec::new();
    let excluded = Decision::Exclude(Reason::Disabled);
    let people = [
        (1, "ada", "Ada", "Lovelace", included.clone()),
        (2, "grace", "Grace", "Hopper", included.clone()),
        (3, "carl", "Carl", "Gone", excluded),
    ];
    for (number, name, given_name, surname, decision) in people {
        let id = UserId(object(number));
        let user = User {
            user_principal_name: Some(format!("{name}@contoso.example")),
            mail: Some(format!("{name}@contoso.example")),
            display_name: Some(format!("{given_name} {surname}")),
            given_name: Some(given_name.into()),
            surname: Some(surname.into()),
            created: Some(at(1_600_000_000)),
            ..User::default()
        };
        directory.users.insert(id, Arc::new(user));
        directory.decisions.users.insert(id, decision);
        records.push(record(number, name, Some(format!("/home/{name}"))));
    }
    let (user, nested) = (MemberKind::User, MemberKind::Group);
    let groups = [
        (10, "engineering", vec![(1, user), (3, user), (11, nested)]),
        (11, "compilers", vec![(2, user)]),
        (12, "empty", vec![]),
    ];
    for (number, name, members) in groups {
        let id = GroupId(object(number));
        let members = members
            .into_iter()
            .map(|(id, kind)| (object(id), Member { kind }));
        let group = Group {
            display_name: Some(name.into()),
            members: members.collect(),
            ..Group::default()
        };
        directory.groups.insert(id, Arc::new(group));
        directory.decisions.groups.insert(id, included.clone());
        records.push(record(number, name, None));
    }
    directory.registry = Registry::from_records(records).into();
    directory
}

fn record(number: u128, name: &str, home: Option<String>) -> (ObjectId, Record) {
    let record = Record {
        former_numbers: Vec::new(),
        label: None,
        number: 10_000 + number as u32,
        name: Some(name.into()),
        former_names: Vec::new(),
        home,
        deleted: None,
    };
    (object(number), record)
}
