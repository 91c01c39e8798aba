//! Who may do what: binds, confidentiality, and what each identity sees.

use ldap3_proto::proto::{
    LdapBindCred, LdapBindRequest, LdapCompareRequest, LdapExtendedResponse, SaslCredentials,
};

use super::client::{bind, extended, result, who_am_i};
use super::*;
use crate::dit::PrimaryGroup;
use crate::dit::tests::directory;

#[tokio::test]
async fn anyone_may_read_the_root_dse_and_the_subschema() {
    let mut client = World::new().connect();
    assert_eq!(client.found(search("", LdapSearchScope::Base)).await, [""]);
    let subschema = search("cn=Subschema", LdapSearchScope::Base);
    assert_eq!(client.found(subschema).await, ["cn=Subschema"]);
}

#[tokio::test]
async fn anonymous_clients_may_not_search_or_compare_in_the_tree() {
    let mut client = World::new().connect();
    for base in ["", BASE, ADA, "uid=nobody,ou=people,dc=example,dc=com"] {
        let (found, result) = client.search(search(base, LdapSearchScope::Subtree)).await;
        assert_eq!(found, [""; 0]);
        assert_eq!(result.code, LdapResultCode::InsufficentAccessRights);
        assert_eq!(result.matcheddn, "");
    }
    let code = client.code(compare(ADA, "uid", "ada")).await;
    assert_eq!(code, LdapResultCode::InsufficentAccessRights);
}

fn compare(dn: &str, attribute: &str, value: &str) -> LdapOp {
    LdapOp::CompareRequest(LdapCompareRequest {
        dn: dn.into(),
        atype: attribute.into(),
        val: value.into(),
    })
}

#[tokio::test]
async fn in_the_clear_nothing_is_looked_at_but_the_server_itself() {
    // Without a tree, whatever looked there first would answer unavailable.
    let context = World::serving(None).context();
    let mut client = Client::new(context, session(false), PIPE_BYTES);
    let refused = LdapResultCode::ConfidentialityRequired;
    for name in [VPN, ADA, "ada@contoso.example", "nobody"] {
        assert_eq!(client.bind(name, PASSWORD).await, refused, "{name}");
    }
    for base in ["", BASE, "uid=nobody,dc=example,dc=com", "dc=elsewhere"] {
        let (_, result) = client.search(search(base, LdapSearchScope::Subtree)).await;
        assert_eq!(result.code, refused, "{base}");
    }
    assert_eq!(client.code(compare(ADA, "uid", "ada")).await, refused);
    assert_eq!(client.bind("", "").await, LdapResultCode::Success);
    assert_eq!(client.found(search("", LdapSearchScope::Base)).await, [""]);
    let subschema = search("cn=Subschema", LdapSearchScope::Base);
    assert_eq!(client.found(subschema).await, ["cn=Subschema"]);
    assert_eq!(client.who_am_i().await, "");
}

#[tokio::test]
async fn a_service_account_binds_by_any_spelling_of_its_dn() {
    let mut client = World::new().connect();
    for name in [
        VPN,
        "CN=VPN, DC=Example, DC=com",
        "2.5.4.3=vpn;dc=example;dc=com",
    ] {
        assert_eq!(client.bind(name, PASSWORD).await, LdapResultCode::Success);
        assert_eq!(client.who_am_i().await, format!("dn:{VPN}"));
    }
}

#[tokio::test]
async fn a_failed_bind_leaves_the_session_anonymous_and_open() {
    let mut client = World::new().connect();
    for (name, password) in [
        (VPN, "wrong"),
        ("cn=nobody,dc=example,dc=com", PASSWORD),
        // There is no sign-in service behind this server; Carl is disabled besides.
        (ADA, PASSWORD),
        ("carl@contoso.example", PASSWORD),
        ("nobody", PASSWORD),
    ] {
        assert_eq!(client.bind(VPN, PASSWORD).await, LdapResultCode::Success);
        let refused = result(client.ask(bind(name, password)).await);
        assert_eq!(refused.code, LdapResultCode::InvalidCredentials, "{name}");
        assert_eq!((refused.matcheddn, refused.message), Default::default());
        assert_eq!(client.who_am_i().await, "");
    }
}

#[tokio::test]
async fn a_name_without_a_password_is_refused_before_it_is_looked_up() {
    let mut client = World::serving(None).connect();
    for name in [VPN, ADA, "nobody", "\u{0}"] {
        let code = client.bind(name, "").await;
        assert_eq!(code, LdapResultCode::UnwillingToPerform, "{name}");
        assert_eq!(client.who_am_i().await, "");
    }
}

#[tokio::test]
async fn an_anonymous_bind_gives_an_identity_up() {
    let mut client = World::new().connect_as(vpn());
    assert_eq!(client.bind("", "").await, LdapResultCode::Success);
    assert_eq!(client.who_am_i().await, "");
}

#[tokio::test]
async fn sasl_is_refused_and_leaves_the_session_anonymous() {
    let mut client = World::new().connect_as(vpn());
    let cred = LdapBindCred::SASL(SaslCredentials {
        mechanism: "EXTERNAL".into(),
        credentials: Vec::new(),
    });
    let request = LdapBindRequest {
        version: 3,
        dn: String::new(),
        cred,
    };
    let code = client.code(LdapOp::BindRequest(request)).await;
    assert_eq!(code, LdapResultCode::AuthMethodNotSupported);
    assert_eq!(client.who_am_i().await, "");
}

#[tokio::test]
async fn another_version_of_ldap_is_refused_as_a_protocol_error() {
    let mut client = World::new().connect_as(vpn());
    for version in [1, 2, 4] {
        let request = LdapBindRequest {
            version,
            dn: VPN.into(),
            cred: LdapBindCred::Simple(PASSWORD.into()),
        };
        let code = client.code(LdapOp::BindRequest(request)).await;
        assert_eq!(code, LdapResultCode::ProtocolError);
        assert_eq!(client.who_am_i().await, "");
    }
}

#[tokio::test]
async fn without_a_tree_only_the_configuration_file_can_be_asked() {
    let mut client = World::serving(None).connect();
    let unavailable = LdapResultCode::Unavailable;
    assert_eq!(client.bind(ADA, PASSWORD).await, unavailable);
    assert_eq!(client.bind(VPN, PASSWORD).await, LdapResultCode::Success);
    let (_, result) = client.search(search(BASE, LdapSearchScope::Subtree)).await;
    assert_eq!(result.code, unavailable);
    assert_eq!(client.code(compare(ADA, "uid", "ada")).await, unavailable);
    assert_eq!(client.who_am_i().await, format!("dn:{VPN}"));
}

#[tokio::test]
async fn a_person_sees_themselves_their_groups_and_the_containers() {
    let mut client = World::new().connect_as(person(1));
    assert_eq!(client.who_am_i().await, format!("dn:{ADA}"));
    let visible = [
        "dc=example",
        "ou=people",
        "ou=groups",
        "uid=ada",
        "cn=ada",
        "cn=eng",
        "cn=all",
    ];
    let everything = search(BASE, LdapSearchScope::Subtree);
    assert_eq!(client.found(everything).await, visible);

    let zoe = "uid=zoe,ou=people,dc=example,dc=com";
    let (_, result) = client.search(search(zoe, LdapSearchScope::Base)).await;
    assert_eq!(result.code, LdapResultCode::NoSuchObject);
    assert_eq!(result.matcheddn, PEOPLE);
    let code = client.code(compare(zoe, "uid", "zoe")).await;
    assert_eq!(code, LdapResultCode::NoSuchObject);
    let code = client.code(compare(ADA, "uid", "ada")).await;
    assert_eq!(code, LdapResultCode::CompareTrue);
}

#[tokio::test]
async fn a_person_sees_the_tree_where_the_administrator_says_so() {
    let mut world = World::new();
    world.users_may_read = UsersMayRead::All;
    let mut client = world.connect_as(person(1));
    let people = client.found(search(PEOPLE, LdapSearchScope::OneLevel));
    assert_eq!(people.await, ["uid=ada", "uid=zoe"]);
}

#[tokio::test]
async fn a_person_who_became_inactive_reads_nothing_more() {
    let mut client = World::new().connect_as(person(3));
    let (_, result) = client.search(search(BASE, LdapSearchScope::Subtree)).await;
    assert_eq!(result.code, LdapResultCode::InsufficentAccessRights);
}

#[tokio::test]
async fn start_tls_without_a_certificate_is_refused_and_changes_nothing() {
    let mut client = World::new().connect();
    let response = client.ask(extended("1.3.6.1.4.1.1466.20037")).await;
    let LdapOp::ExtendedResponse(LdapExtendedResponse { res, name, .. }) = response else {
        panic!("not an extended response");
    };
    assert_eq!(res.code, LdapResultCode::Unavailable);
    assert_eq!(name.as_deref(), Some("1.3.6.1.4.1.1466.20037"));
    assert_eq!(client.code(who_am_i()).await, LdapResultCode::Success);
}

#[tokio::test]
async fn whoever_the_guard_bars_reads_nothing_more_though_they_are_shown() {
    let world = World::new();
    let mut client = world.connect_as(person(1));
    assert_eq!(client.who_am_i().await, format!("dn:{ADA}"));
    let mut barring = directory();
    // Deleted in the tenant, which the guard keeps from being served.
    barring.withheld.users.insert(UserId(object(1)), None);
    let snapshot = Snapshot::build(&barring, &settings(), &mut Stamps::default(), at(0));
    world.published.store(Some(Arc::new(snapshot)));
    assert_eq!(client.who_am_i().await, "");
    let own = || search(ADA, LdapSearchScope::Base);
    let (found, result) = client.search(own()).await;
    assert_eq!(found, [""; 0]);
    assert_eq!(result.code, LdapResultCode::InsufficentAccessRights);
    assert_eq!(world.connect_as(vpn()).found(own()).await, ["uid=ada"]);
}

#[tokio::test]
async fn everybody_sees_the_primary_group_they_share() {
    let directory = directory();
    let mut settings = settings();
    let (&group, _) = directory.groups.iter().next().expect("there are groups");
    settings.primary_group = PrimaryGroup::Shared(ObjectId::from(group).to_string());
    let snapshot = Snapshot::build(&directory, &settings, &mut Stamps::default(), at(0));
    let place = snapshot.primary_group().expect("it is served");
    assert_eq!(snapshot.group(place), Some(group));
    for &id in directory.users.keys() {
        if let Some(entry) = snapshot.entry_of_active(id) {
            let reach = Identity::Person(id).reach(&snapshot, UsersMayRead::OwnEntry);
            assert!(reach.includes(&snapshot, place), "{entry}");
        }
    }
    let stranger = Identity::Person(UserId(object(999)));
    let reach = stranger.reach(&snapshot, UsersMayRead::OwnEntry);
    assert!(!reach.includes(&snapshot, place));
}
