//! Abandon operation.

use ldap3_proto::proto::LdapOp;

use crate::client::Client;
use crate::world::World;

#[tokio::test]
async fn abandon_has_no_response_and_an_unknown_id_does_no_harm() {
    // Abandon has no response; one of an id that fits nothing is discarded.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    for id in [1, 4711] {
        client.send(LdapOp::AbandonRequest(id)).await;
        // Asks the next response to be that of its own request.
        assert_eq!(client.who_am_i().await, "");
    }
}
