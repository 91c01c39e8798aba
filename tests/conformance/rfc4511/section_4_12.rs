//! Extended operation.

use ldap3_proto::proto::LdapResultCode;

use crate::client::Client;
use crate::world::World;

#[tokio::test]
async fn a_request_name_that_is_not_recognised_is_a_protocol_error() {
    // An unknown requestName is answered with protocolError, and the session goes on.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let response = client.extended("1.3.6.1.4.1.99999.7").await;
    assert_eq!(response.res.code, LdapResultCode::ProtocolError);
    assert_eq!(client.who_am_i().await, "");
}
