//! Bind operation.

use ldap3_proto::proto::{LdapBindCred, LdapBindRequest, LdapOp, LdapResultCode, SaslCredentials};

use crate::client::{Client, result};
use crate::world::{ADA, PASSWORD, READER, World};

#[tokio::test]
async fn a_failed_bind_leaves_the_session_anonymous_and_open() {
    // An unsuccessful bind leaves the session anonymous (§4.2.1).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let refused = client.bind(READER, "wrong").await;
    assert_eq!(refused, LdapResultCode::InvalidCredentials);
    assert_eq!(client.who_am_i().await, "");
    let bound = client.bind(READER, PASSWORD).await;
    assert_eq!(bound, LdapResultCode::Success);
}

#[tokio::test]
async fn a_bind_that_is_turned_down_unread_leaves_the_session_anonymous_too() {
    // The session is anonymous from the moment a BindRequest arrives (§4.2.1).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let refused = client.bind(READER, "").await;
    assert_eq!(refused, LdapResultCode::UnwillingToPerform);
    assert_eq!(client.who_am_i().await, "");
}

#[tokio::test]
async fn the_answer_does_not_tell_who_exists() {
    // A wrong password and an unknown name look alike (RFC 4513 §6.3.1).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let names = [
        READER,
        ADA,
        "uid=carl,ou=people,dc=example,dc=com",
        "uid=x",
        "x",
    ];
    for name in names {
        let request = crate::client::bind(name, "wrong");
        let refused = result(client.ask(request).await);
        assert_eq!(refused.code, LdapResultCode::InvalidCredentials, "{name}");
        assert_eq!((refused.matcheddn, refused.message), Default::default());
    }
}

#[tokio::test]
async fn a_version_other_than_3_is_a_protocol_error() {
    // A version that is not supported is answered with protocolError.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    for version in [2, 4] {
        let request = LdapBindRequest {
            version,
            dn: READER.into(),
            cred: LdapBindCred::Simple(PASSWORD.into()),
        };
        let response = client.ask(LdapOp::BindRequest(request)).await;
        assert_eq!(result(response).code, LdapResultCode::ProtocolError);
    }
}

#[tokio::test]
async fn an_authentication_choice_that_is_not_supported_is_refused_as_that() {
    // A choice that is not supported is answered with authMethodNotSupported.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let sasl = LdapBindRequest {
        version: 3,
        dn: String::new(),
        cred: LdapBindCred::SASL(SaslCredentials {
            mechanism: "GSSAPI".into(),
            credentials: Vec::new(),
        }),
    };
    let response = client.ask(LdapOp::BindRequest(sasl)).await;
    assert_eq!(
        result(response).code,
        LdapResultCode::AuthMethodNotSupported
    );
}
