//! Name/password authentication mechanism of simple bind.

use ldap3_proto::proto::{LdapResultCode, LdapSearchScope};

use crate::client::{Client, search};
use crate::world::{BASE, PASSWORD, READER, World};

#[tokio::test]
async fn a_name_and_its_password_are_a_login() {
    // success establishes the identity; a wrong password is invalidCredentials.
    let world = World::start().await;
    let mut client = Client::connect(&world).await;
    let refused = client.bind(READER, "Correct Horse").await;
    assert_eq!(refused, LdapResultCode::InvalidCredentials);
    let bound = client.bind(READER, PASSWORD).await;
    assert_eq!(bound, LdapResultCode::Success);
    let found = client.found(search(BASE, LdapSearchScope::OneLevel)).await;
    assert_eq!(found, ["cn=reader", "ou=groups", "ou=people"]);
}

#[tokio::test]
async fn no_entry_shows_anything_that_verifies_a_password() {
    // Passwords and their verifiers are protected from disclosure (§6.3.3).
    let world = World::start().await;
    let mut client = Client::bound(&world).await;
    let mut request = search(READER, LdapSearchScope::Base);
    request.attrs = vec!["*".into(), "+".into(), "userPassword".into()];
    let entry = client.entry(request).await;
    let text = format!("{entry:?}").to_lowercase();
    assert!(!text.contains("argon2"), "{text}");
}
