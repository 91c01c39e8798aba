//! Notice of Disconnection.

use ldap3_proto::proto::LdapResultCode;

use crate::client::{Client, assert_notice};
use crate::world::World;

#[tokio::test]
async fn a_server_that_shuts_down_says_that_it_is_unavailable() {
    // The notice has message id 0 and responseName 1.3.6.1.4.1.1466.20036; a server going down says unavailable.
    let world = World::start().await;
    let mut anonymous = Client::connect(&world).await;
    assert_eq!(anonymous.who_am_i().await, "");
    let mut bound = Client::bound(&world).await;
    let mut over_tls = Client::connect_tls(&world).await;
    assert_eq!(over_tls.who_am_i().await, "");
    world.shutdown.cancel();
    assert_notice(&anonymous.rest().await, LdapResultCode::Unavailable);
    assert_notice(&bound.rest().await, LdapResultCode::Unavailable);
    assert_notice(&over_tls.rest().await, LdapResultCode::Unavailable);
}
