//! RFC 4526: absolute true and false filters.

use ldap3_proto::proto::{LdapFilter, LdapSearchRequest, LdapSearchScope};

use crate::client::{Client, read, search, values};
use crate::world::{PEOPLE, World};

fn people(filter: LdapFilter) -> LdapSearchRequest {
    LdapSearchRequest {
        filter,
        ..search(PEOPLE, LdapSearchScope::OneLevel)
    }
}

#[tokio::test]
async fn an_empty_and_is_true_and_an_empty_or_is_false() {
    // An And without elements is True, an Or without elements is False (§2).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let everyone = ["uid=ada", "uid=grace"];
    let (yes, no) = (LdapFilter::And(vec![]), LdapFilter::Or(vec![]));
    assert_eq!(client.found(people(yes.clone())).await, everyone);
    assert_eq!(client.found(people(no.clone())).await, [""; 0]);
    let not = |filter| LdapFilter::Not(Box::new(filter));
    assert_eq!(client.found(people(not(yes))).await, [""; 0]);
    assert_eq!(client.found(people(not(no))).await, everyone);
}

#[tokio::test]
async fn the_feature_is_announced() {
    // A server with this feature lists 1.3.6.1.4.1.4203.1.5.3 among supportedFeatures (§2).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let root_dse = client.entry(read("", &["supportedFeatures"])).await;
    let features = values(&root_dse, "supportedFeatures");
    assert!(features.contains(&"1.3.6.1.4.1.4203.1.5.3"), "{features:?}");
}
