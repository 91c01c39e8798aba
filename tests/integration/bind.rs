//! Binds: people through the tenant, service accounts by their hash.

use ldap3_proto::proto::{LdapResult, LdapResultCode};

use crate::harness::{
    BASE, Daemon, Installation, Options, PEOPLE, READER, READER_PASSWORD, Scope, reader_hash,
};
use crate::tenant::{Tenant, UserSpec, sample};

const GRACE: (&str, &str) = sample::PASSWORDS[1];

/// What a client gets for a wrong password, and for everything that must look like one.
fn invalid_credentials() -> LdapResult {
    LdapResult {
        code: LdapResultCode::InvalidCredentials,
        matcheddn: String::new(),
        message: String::new(),
        referral: Vec::new(),
    }
}

async fn refused(daemon: &Daemon, name: &str, password: &str) {
    let result = daemon.connect_tls().await.bind(name, password).await;
    assert_eq!(result, invalid_credentials(), "{name}");
}

#[tokio::test]
async fn a_person_binds_by_dn_upn_mail_address_and_username() {
    let tenant = Tenant::sample().await;
    let marie = UserSpec::new("m.curie@contoso.example")
        .with("mail", "marie.sklodowska@contoso.example")
        .password("Polonium-1898");
    tenant.hire(marie);
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    for name in [
        "uid=m.curie,ou=people,dc=example,dc=com",
        "UID = M.Curie , OU=People, DC=Example, DC=com",
        "m.curie@contoso.example",
        "M.CURIE@contoso.example",
        "marie.sklodowska@contoso.example",
        "m.curie",
    ] {
        let mut client = daemon.connect_tls().await;
        client.bind_well(name, "Polonium-1898").await;
        let own = client.find(PEOPLE, "(objectClass=posixAccount)").await;
        assert_eq!(own.one("uid"), "m.curie", "{name}");
    }
}

#[tokio::test]
async fn wrong_unknown_and_inactive_look_alike_to_the_client_and_differ_in_the_log() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let (grace, _) = GRACE;
    for (name, password, line) in [
        (grace, "not her password", "AADSTS50126"),
        ("nobody@contoso.example", "whatever", "nobody has this name"),
        (
            "mallory@contoso.example",
            sample::MALLORY_PASSWORD,
            "the person is inactive",
        ),
    ] {
        let logged = daemon.log_length();
        refused(&daemon, name, password).await;
        let line = daemon.logged_after(logged, line).await;
        assert!(line.contains(name), "{line}");
    }
    for name in ["uid=nobody", "uid=mallory", "uid=grace"] {
        refused(&daemon, &format!("{name},{PEOPLE}"), "whatever").await;
    }
    assert_eq!(tenant.password_checks("mallory@contoso.example"), 0);
    for (_, password) in sample::PASSWORDS {
        assert!(!daemon.log().join("\n").contains(password));
    }
}

#[tokio::test]
async fn an_empty_password_is_refused_before_anything_is_looked_up() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let (grace, _) = GRACE;
    let mut client = daemon.connect_tls().await;
    for name in [
        &format!("uid=grace,{PEOPLE}"),
        grace,
        READER,
        "uid=nobody,dc=example,dc=com",
    ] {
        let result = client.bind(name, "").await;
        assert_eq!(result.code, LdapResultCode::UnwillingToPerform, "{name}");
    }
    assert_eq!(tenant.password_checks(grace), 0);
    client.bind_well("", "").await;
    let (_, result) = client
        .try_search(BASE, Scope::Base, "(objectClass=*)", &[])
        .await;
    assert_eq!(
        result.code,
        LdapResultCode::InsufficentAccessRights,
        "anonymous reads no tree"
    );
}

#[tokio::test]
async fn a_right_password_is_not_enough_when_the_tenant_says_no() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    for (name, password, code) in [
        ("edsger", sample::EDSGER_PASSWORD, "AADSTS50076"),
        ("barbara", sample::BARBARA_PASSWORD, "AADSTS53003"),
        ("donald", sample::DONALD_PASSWORD, "AADSTS50055"),
        ("petra", sample::PETRA_PASSWORD, "AADSTS50126"),
    ] {
        let logged = daemon.log_length();
        refused(&daemon, name, password).await;
        daemon.logged_after(logged, code).await;
    }
    let (grace, password) = GRACE;
    for code in [50053, 50057, 50079, 50105, 50158, 53000, 530_035] {
        tenant.script_sign_in(grace, Some(code));
        refused(&daemon, grace, password).await;
    }
    tenant.script_sign_in(grace, None);
    daemon.connect_tls().await.bind_well(grace, password).await;
}

#[tokio::test]
async fn when_nobody_can_tell_the_client_may_try_elsewhere() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let (grace, password) = GRACE;
    let mut client = daemon.connect_tls().await;
    tenant.script_sign_in(grace, Some(90033));
    let passing = client.bind(grace, password).await;
    assert_eq!(passing.code, LdapResultCode::Unavailable);
    tenant.script_sign_in(grace, None);
    tenant.stop().await;
    let unreachable = client.bind(grace, password).await;
    assert_eq!(unreachable.code, LdapResultCode::Unavailable);
    assert!(
        !unreachable.message.contains("127.0.0.1"),
        "{}",
        unreachable.message
    );
    refused(&daemon, "mallory", sample::MALLORY_PASSWORD).await;
    daemon
        .connect_tls()
        .await
        .bind_well(READER, READER_PASSWORD)
        .await;
}

#[tokio::test]
async fn a_password_of_another_account_opens_nothing() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let (grace, password) = GRACE;
    tenant.impersonate(grace, "ada@contoso.example");
    refused(&daemon, grace, password).await;
    daemon
        .logged_after(0, "the tenant accepted the password for another account")
        .await;
}

#[tokio::test]
async fn a_refused_bind_leaves_the_connection_anonymous() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    let daemon = installation.serve().await;
    let mut client = daemon.reader().await;
    client.bind(GRACE.0, "not her password").await;
    let (entries, result) = client
        .try_search(BASE, Scope::Subtree, "(uid=*)", &[])
        .await;
    assert!(entries.is_empty());
    assert_eq!(result.code, LdapResultCode::InsufficentAccessRights);
}

#[tokio::test]
async fn a_service_account_binds_from_its_networks_only() {
    let tenant = Tenant::sample().await;
    let account = |name: &str, network: &str| {
        let hash = reader_hash();
        format!(
            "[[service_account]]\nname = \"{name}\"\npassword_hash = \"{hash}\"\nnetworks = [\"{network}\"]\n"
        )
    };
    let options = Options {
        tables: account("near", "127.0.0.0/8") + &account("far", "10.0.0.0/8"),
        ..Options::of(&tenant)
    };
    let installation = Installation::with(&tenant, &options);
    let daemon = installation.serve().await;
    daemon
        .connect_tls()
        .await
        .bind_well(&format!("cn=near,{BASE}"), READER_PASSWORD)
        .await;
    for (name, password, line) in [
        (
            "far",
            READER_PASSWORD,
            "the address is outside the account's networks",
        ),
        ("near", "not its password", "the password is wrong"),
        (
            "nobody",
            READER_PASSWORD,
            "there is no such service account",
        ),
    ] {
        let logged = daemon.log_length();
        refused(&daemon, &format!("cn={name},{BASE}"), password).await;
        daemon.logged_after(logged, line).await;
    }
}
