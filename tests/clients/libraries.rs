//! LDAP libraries that applications are built on, each in a small program of `programs/` that prints what it finds.

use std::path::{Path, PathBuf};

use crate::client::Answer;
use crate::harness::settings::{BASE, SERVICE_DN, SERVICE_PASSWORD};
use crate::jail::{AUTHORITIES, Jail};
use crate::world::{HOST, World, password_of};

const ADA: &str = "uid=ada,ou=people,dc=contoso,dc=example";

/// Whom the programs bind as, in this order: the service account, then Ada.
fn logins() -> [&'static str; 4] {
    let password = password_of("ada@contoso.example");
    [SERVICE_DN, SERVICE_PASSWORD, ADA, password]
}

fn program(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/clients/programs").join(name)
}

/// Runs a program in Python with Debian's libraries.
async fn python(world: &World, name: &str) -> Answer {
    let jail = Jail::open(world).await;
    let text = std::fs::read_to_string(program(name)).expect("the program is in the repository");
    jail.write("/root/program.py", &text);
    let uri = format!("ldaps://{HOST}:{}", world.daemon.ldaps.port());
    let words = ["python3", "/root/program.py", &uri, AUTHORITIES, BASE];
    jail.run(&[&words[..], &logins()].concat()).await
}

#[tokio::test]
async fn python_ldap_reads_the_schema_and_every_entry_obeys_it() {
    let world = World::start().await;
    let answer = python(&world, "python_ldap.py").await.ended_with(0);
    assert_eq!(
        answer.output.lines().collect::<Vec<_>>(),
        [
            "subschema cn=Subschema",
            "whoami dn:cn=vpn,dc=contoso,dc=example",
            "compare True",
            "refused; then anonymous",
            "whoami dn:uid=ada,ou=people,dc=contoso,dc=example",
        ]
    );
}

#[tokio::test]
async fn ldap3_checks_names_by_the_schema_it_was_served() {
    let world = World::start().await;
    let answer = python(&world, "ldap3_client.py").await.ended_with(0);
    assert_eq!(
        answer.output.lines().collect::<Vec<_>>(),
        [
            "contexts dc=contoso,dc=example",
            "classes inetOrgPerson posixAccount",
            "whoami dn:cn=vpn,dc=contoso,dc=example",
            "found True ada Ada Lovelace int",
            "changed True",
            "an unknown attribute is found out by the client",
            "paged True True",
            "compare True",
            "refused",
            "whoami dn:uid=ada,ou=people,dc=contoso,dc=example",
        ]
    );
}

#[tokio::test]
async fn jndi_pages_sorts_and_binds_over_ldaps() {
    let world = World::start().await;
    let store = world.certificates.ca.with_file_name("trust.p12");
    let store = store.display().to_string();
    let ca = world.certificates.ca.display().to_string();
    let keytool = world.client("keytool");
    let import = ["-importcert", "-noprompt", "-alias", "ca", "-file", &ca];
    let import = keytool.arguments(&import).arguments(&["-keystore", &store]);
    let import = import.arguments(&["-storetype", "PKCS12", "-storepass", "changeit"]);
    import.run().await.ended_with(0);

    let uri = format!("ldaps://localhost:{}", world.daemon.ldaps.port());
    let trust = [
        &format!("-Djavax.net.ssl.trustStore={store}"),
        "-Djavax.net.ssl.trustStorePassword=changeit",
    ];
    let source = program("Jndi.java").display().to_string();
    let java = world.client("java").arguments(&trust);
    let java = java.arguments(&[&source, &uri, BASE]);
    let answer = java.arguments(&logins()).run().await.ended_with(0);
    assert_eq!(
        answer.output.lines().collect::<Vec<_>>(),
        [
            "paged true true true",
            "sorted amira george ruth viktor",
            "class false",
            "read sn: Lovelace",
            "refused true",
            "bound",
        ]
    );
}

#[tokio::test]
async fn ldapts_pages_and_binds_with_ldaps_and_with_starttls() {
    let world = World::start().await;
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/clients/node/node_modules");
    let source = program("ldapts.cjs").display().to_string();
    let ca = world.certificates.ca.display().to_string();
    let ldaps = format!("ldaps://localhost:{}", world.daemon.ldaps.port());
    let ldap = format!("ldap://localhost:{}", world.daemon.ldap.port());
    let node = world.client("node").variable("NODE_PATH", modules);
    let node = node.arguments(&[&source, &ldaps, &ldap, &ca, BASE]);
    let answer = node.arguments(&logins()).run().await.ended_with(0);
    assert_eq!(
        answer.output.lines().collect::<Vec<_>>(),
        [
            "paged true true",
            "compare true",
            "refused true",
            r#"read [{"dn":"uid=ada,ou=people,dc=contoso,dc=example","cn":"Ada Lovelace","mail":["ada@contoso.example","ada.2@contoso.onmicrosoft.com"]}]"#,
            "bound after StartTLS",
        ]
    );
}
