//! Server-specific data: the root DSE.

use ldap3_proto::proto::{LdapFilter, LdapSearchRequest, LdapSearchScope, OID_WHOAMI};

use crate::client::{Client, OID_START_TLS, read, search, types, values};
use crate::world::{BASE, World};

/// Paged results, sort, assertion, matched values, ManageDsaIT.
const CONTROLS: [&str; 5] = [
    "1.2.840.113556.1.4.319",
    "1.2.840.113556.1.4.473",
    "1.3.6.1.1.12",
    "1.2.826.0.1.3344810.2.3",
    "2.16.840.1.113730.3.4.2",
];
/// RFC 3909 §3
const OID_CANCEL: &str = "1.3.6.1.1.8";

#[tokio::test]
async fn anyone_may_read_the_root_dse() {
    // A base search of the empty name with (objectClass=*) returns the root DSE, to anonymous clients too.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let entry = client.entry(search("", LdapSearchScope::Base)).await;
    assert_eq!(entry.dn, "");
    // All but objectClass are operational: returned on request only.
    assert_eq!(types(&entry), ["objectClass"]);
}

#[tokio::test]
async fn the_root_dse_says_what_the_server_holds_and_can_do() {
    // namingContexts, supportedExtension and the others list what a client may rely on (§5.1.1 to §5.1.6).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let entry = client.entry(read("", &["+"])).await;
    assert_eq!(values(&entry, "namingContexts"), [BASE]);
    assert_eq!(values(&entry, "supportedLDAPVersion"), ["3"]);
    assert_eq!(values(&entry, "subschemaSubentry"), ["cn=Subschema"]);
    let extensions = values(&entry, "supportedExtension");
    assert_eq!(extensions, [OID_START_TLS, OID_CANCEL, OID_WHOAMI]);
    assert_eq!(values(&entry, "supportedControl"), CONTROLS);
    // None is supported, and so none may be listed (§5.1.6).
    assert_eq!(values(&entry, "supportedSASLMechanisms"), [""; 0]);
}

#[tokio::test]
async fn the_root_dse_is_found_by_a_base_search_only() {
    // A subtree search from the root does not include the root DSE.
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let (entries, _) = client.search(search("", LdapSearchScope::Subtree)).await;
    assert!(entries.iter().all(|entry| !entry.dn.is_empty()));
}

#[tokio::test]
async fn a_filter_that_does_not_match_hides_the_root_dse() {
    // The root DSE is matched by the filter like any entry (RFC 4511 §4.5.1.7).
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let request = LdapSearchRequest {
        filter: LdapFilter::Equality("objectClass".into(), "person".into()),
        ..search("", LdapSearchScope::Base)
    };
    assert_eq!(client.found(request).await, [""; 0]);
}
