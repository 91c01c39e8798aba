//! Unbind operation.

use ldap3_proto::proto::{LdapOp, OID_WHOAMI};

use crate::client::{Client, extended};
use crate::world::World;

#[tokio::test]
async fn unbind_has_no_response_and_ends_the_session() {
    // On Unbind the server ends the session; nothing is answered.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let (_, mut together) = client.encode(LdapOp::UnbindRequest);
    together.extend(client.encode(extended(OID_WHOAMI)).1);
    client.write(&together).await;
    assert_eq!(client.rest().await, []);
}
