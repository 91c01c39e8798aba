//! RFC 3296: the ManageDsaIT control (§3).

use ldap3_proto::proto::{LdapOp, LdapResultCode};

use crate::client::{Client, bind, control, read, result};
use crate::world::{ADA, PASSWORD, READER, World};

const OID: &str = "2.16.840.1.113730.3.4.2";

#[tokio::test]
async fn a_search_with_the_control_finds_what_one_without_finds() {
    // It makes referral objects look like entries, of which there are none.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let asked = vec![control(OID, true, None)];
    let (found, result, _) = client.search_with(read(ADA, &[]), asked).await;
    assert_eq!(result.code, LdapResultCode::Success);
    assert_eq!(found, ["uid=ada"]);
}

#[tokio::test]
async fn on_a_bind_it_has_no_meaning() {
    // The control goes with the operations of §3.1; JNDI and phpLDAPadmin send it with all.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let request: LdapOp = bind(READER, PASSWORD);
    let response = client
        .ask_with(request, vec![control(OID, false, None)])
        .await;
    assert_eq!(result(response).code, LdapResultCode::Success);
}
