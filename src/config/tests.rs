//! Whole files in, settings or problem lines out.

use std::collections::BTreeSet;
use std::io;

use super::*;
use crate::directory::GroupKind;
use crate::directory::attribute::Mapping;
use crate::directory::registry::UsernameSource;
use crate::dit::{InactiveUsers, PrimaryGroup};
use crate::ldap::UsersMayRead;
use crate::oauth::{Grant, Proof};

const EXAMPLE: &str = include_str!("../../config/ldap365.toml");

/// The least a file must say.
const MINIMAL: &str = r#"
[tenant]
id = "contoso.com"
[[credential]]
name = "primary"
kind = "secret"
client_id = "app"
client_secret = "s3cret"
[directory]
base_dn = "dc=example,dc=com"
[ldap]
listen = ["127.0.0.1:0"]
"#;

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";

/// A file `app.secret` beside the configuration file, an empty one, and one variable.
fn surroundings() -> Surroundings<'static> {
    Surroundings {
        file: Path::new("/etc/ldap365/ldap365.toml"),
        variable: &|name| (name == "APP_SECRET").then(|| "from the environment".to_owned()),
        read_file: &|path| match path.to_str() {
            Some("/etc/ldap365/app.secret") => Ok("from a file\r\n".to_owned()),
            Some("/etc/ldap365/empty") => Ok("\n".to_owned()),
            _ => Err(io::ErrorKind::NotFound.into()),
        },
    }
}

fn read(text: &str) -> Config {
    parse(text, &surroundings()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// `MINIMAL` with one line replaced by others.
fn minimal_with(line: &str, replacement: &str) -> String {
    assert!(MINIMAL.contains(line), "{line}");
    MINIMAL.replace(line, replacement)
}

/// The secret of the first credential.
fn client_secret(config: &Config) -> String {
    match &config.credentials[0].grant {
        Grant::App(Proof::Secret(secret)) => secret.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn check(text: &str, expected: &[&str]) {
    let problems = parse(text, &surroundings()).err().unwrap_or_default();
    let lines: Vec<String> = problems.iter().map(Problem::to_string).collect();
    assert_eq!(lines, expected, "{text}");
}

/// Checks a file that is `MINIMAL` and a few more lines, which start at line 14.
fn check_more(more: &str, expected: &[&str]) {
    check(&format!("{MINIMAL}\n{more}"), expected);
}

#[test]
fn the_least_file_gets_every_default() {
    let config = read(MINIMAL);
    assert_eq!(config.file, Path::new("/etc/ldap365/ldap365.toml"));
    assert_eq!(config.data_dir, Path::new("/var/lib/ldap365"));
    assert_eq!(config.oauth.tenant, "contoso.com");
    assert_eq!(
        config.oauth.login_url.as_str(),
        "https://login.microsoftonline.com/"
    );
    assert_eq!(
        config.graph.graph_url.as_str(),
        "https://graph.microsoft.com/"
    );
    assert_eq!(client_secret(&config), "s3cret");
    assert_eq!(config.sync.interval.as_secs(), 60);
    assert_eq!(config.sync.full_interval.as_secs(), 86_400);
    assert_eq!(
        config.sync.rules.group_kinds,
        BTreeSet::from(GroupKind::ALL)
    );
    assert!(config.sync.rules.nested_groups && config.dit.nested_groups);
    assert!(!config.sync.rules.groups_without_email);
    assert_eq!(config.registry.username, UsernameSource::UpnPrefix);
    assert_eq!(config.registry.id_range, 1_879_048_192..=2_147_352_575);
    assert_eq!(config.registry.home, "/home/{username}");
    assert_eq!(
        config.registry.hold_names.map(|hold| hold.as_secs()),
        Some(15_552_000)
    );
    assert_eq!(config.dit.base.to_string(), "dc=example,dc=com");
    assert_eq!(config.dit.login_shell, "/bin/bash");
    assert_eq!(config.ldap.users_may_read, UsersMayRead::OwnEntry);
    assert_eq!(
        (config.ldap.identity, config.ldap.allow_plaintext),
        (None, false)
    );
    assert!(config.auth.client_id.is_none() && config.auth.service_accounts.is_empty());
    assert_eq!(config.admin.listen.to_string(), "127.0.0.1:8365");
    assert_eq!(config.admin.socket, Path::new("/run/ldap365/admin.sock"));
}

#[test]
fn what_the_file_says_reaches_the_parts() {
    let config = read(&format!(
        r#"{MINIMAL}
listen_tls = ["[::]:636"]
certificate = "tls.pem"
key = "/tls.key"
allow_plaintext = true
[sync]
interval = "90s"
full_interval = "1h"
groups = false
guests = true
max_change = "35%"
groups_without_email = true
group_prefixes = ["eng-"]
allowed_groups = ["Employees"]
ignored_groups = ["Contractors", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"]
nested_groups = false
group_kinds = ["security", "mail-security"]
hold_names = "forever"
[directory.posix]
id_range = [10_000, 59_999]
home = "/srv/{{username}}"
shell = "/bin/zsh"
[auth]
client_id = "ropc"
client_secret = {{ env = "APP_SECRET" }}
[[service_account]]
name = "vpn"
password_hash = "{HASH}"
networks = ["10.0.0.0/8", "192.0.2.7"]
[admin]
listen = "[::1]:0"
socket = "admin.sock"
"#
    ));
    let identity = config.ldap.identity.expect("both files are named");
    assert_eq!(identity.certificate, Path::new("/etc/ldap365/tls.pem"));
    assert_eq!(identity.key, Path::new("/tls.key"));
    assert!(config.ldap.allow_plaintext);
    assert_eq!(config.ldap.listen_tls[0].to_string(), "[::]:636");
    assert_eq!(
        (
            config.sync.interval.as_secs(),
            config.sync.full_interval.as_secs()
        ),
        (90, 3600)
    );
    assert_eq!(
        config.sync.rules,
        crate::sync::Rules {
            users: true,
            groups: false,
            guests: true,
            max_change: 35,
            groups_without_email: true,
            group_prefixes: vec!["eng-".to_owned()],
            allowed_groups: vec!["Employees".to_owned()],
            ignored_groups: vec![
                "Contractors".to_owned(),
                "3f2504e0-4f89-11d3-9a0c-0305e82c3301".to_owned()
            ],
            nested_groups: false,
            group_kinds: BTreeSet::from([GroupKind::Security, GroupKind::MailSecurity]),
        }
    );
    assert!(!config.dit.nested_groups);
    assert_eq!(config.registry.hold_names, None);
    assert_eq!(config.registry.id_range, 10_000..=59_999);
    assert_eq!(
        (
            config.registry.home.as_str(),
            config.dit.login_shell.as_str()
        ),
        ("/srv/{username}", "/bin/zsh")
    );
    assert_eq!(
        config.auth.client_secret.expect("set").expose(),
        "from the environment"
    );
    assert_eq!(config.auth.service_accounts[0].networks.len(), 2);
    assert_eq!(config.dit.service_accounts, ["vpn"]);
    assert_eq!(config.admin.socket, Path::new("/etc/ldap365/admin.sock"));
}

#[test]
fn each_cloud_has_its_hosts_and_a_url_outranks_it() {
    for (cloud, login, graph) in [
        (
            "us-gov",
            "https://login.microsoftonline.us/",
            "https://graph.microsoft.us/",
        ),
        (
            "us-gov-dod",
            "https://login.microsoftonline.us/",
            "https://dod-graph.microsoft.us/",
        ),
        (
            "china",
            "https://login.partner.microsoftonline.cn/",
            "https://microsoftgraph.chinacloudapi.cn/",
        ),
    ] {
        let config = read(&minimal_with(
            "[tenant]",
            &format!("[tenant]\ncloud = \"{cloud}\""),
        ));
        assert_eq!(
            (
                config.oauth.login_url.as_str(),
                config.graph.graph_url.as_str()
            ),
            (login, graph)
        );
    }
    let config = read(&minimal_with(
        "[tenant]",
        "[tenant]\ngraph_url = \"http://127.0.0.1:1\"\nca_file = \"ca.pem\"",
    ));
    assert_eq!(config.graph.graph_url.as_str(), "http://127.0.0.1:1/");
    assert_eq!(config.oauth.graph_url, config.graph.graph_url);
    assert_eq!(
        config.oauth.login_url.as_str(),
        "https://login.microsoftonline.com/"
    );
    assert_eq!(
        config.oauth.ca_file.as_deref(),
        Some(Path::new("/etc/ldap365/ca.pem"))
    );
}

#[test]
fn an_empty_file_is_told_everything_it_lacks() {
    check(
        "",
        &[
            "tenant.id: missing; for example: id = \"contoso.onmicrosoft.com\"",
            "credential: missing; for example: [[credential]] with name, kind = \"secret\", client_id and client_secret",
            "directory.base_dn: missing; for example: base_dn = \"dc=example,dc=com\"",
            "ldap.listen_tls: missing; for example: listen_tls = [\"0.0.0.0:636\"], or listen = [\"0.0.0.0:389\"] for StartTLS",
        ],
    );
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known_one() {
    check_more(
        "[sync]\nintervall = \"1m\"\nallowed-groups = []\nbase_dn = \"x\"\nfrobnicate = 1\n[credentials]\nname = 1",
        &[
            "15:1: sync.intervall: unknown key; did you mean \"interval\"?",
            "16:1: sync.allowed-groups: unknown key; did you mean \"allowed_groups\"?",
            "17:1: sync.base_dn: unknown key; did you mean \"directory.base_dn\"?",
            "18:1: sync.frobnicate: unknown key",
            "19:2: credentials: unknown key; did you mean \"credential\"?",
        ],
    );
}

#[test]
fn values_that_do_not_fit_are_shown_with_what_would() {
    check_more(
        "allow_plaintext = \"yes\"\n[sync]\ninterval = 60\nfull_interval = \"1 day\"\ngroup_kinds = [\"security\", \"teams\"]\n\
         allowed_groups = \"Employees\"\nignored_groups = [\"\"]\nhold_names = \"never\"",
        &[
            "14:1: ldap.allow_plaintext = \"yes\": expected true or false, without quotes, for example true",
            "16:1: sync.interval = 60: expected a duration of at least a second: a whole number and s, m, h or d, for example \"1m\"",
            "17:1: sync.full_interval = \"1 day\": expected a duration of at least a second: a whole number and s, m, h or d, for example \"1m\"",
            "18:28: sync.group_kinds = \"teams\": expected \"microsoft365\", \"security\", \"mail-security\" or \"distribution\", for example \"microsoft365\"",
            "19:1: sync.allowed_groups = \"Employees\": expected a list in square brackets, for example [\"Employees\"]",
            "20:19: sync.ignored_groups = \"\": expected a text in quotes that is not empty, for example \"…\"",
            "21:1: sync.hold_names = \"never\": expected a duration or \"forever\", for example \"180d\"",
        ],
    );
}

#[test]
fn a_table_of_the_wrong_shape_is_one_problem_and_not_a_dozen() {
    check(
        "tenant = 1\ncredential = \"x\"\ndirectory = []\nldap = true\n",
        &[
            "1:1: tenant: expected the table [tenant], not a number, for example [tenant]",
            "2:1: credential: expected a table [[credential]] for each one, not a text, for example [[credential]]",
            "3:1: directory: expected the table [directory], not a list, for example [directory]",
            "4:1: ldap: expected the table [ldap], not true or false, for example [ldap]",
        ],
    );
    check(
        &MINIMAL.replace("[[credential]]", "[credential]"),
        &[
            "4:2: credential: expected a table [[credential]] for each one, not a single table, for example [[credential]]",
        ],
    );
}

#[test]
fn features_of_a_later_version_are_refused_by_name() {
    check_more(
        "[admin]\npublic_url = \"https://x\"",
        &[
            "15:1: admin.public_url = \"https://x\": not available in this version of ldap365; leave it out",
        ],
    );
    check_more(
        "[auth]\ncache_ttl = \"5m\"\noffline_grace = \"1h\"\noffline_denied_groups = [\"a\"]\nmfa = \"accept\"\n\
         local_groups = [\"a\"]\ntrusted_networks = [\"10.0.0.0/8\"]",
        &[
            "15:1: auth.cache_ttl = \"5m\": not available in this version of ldap365; leave it at \"15m\", or use \"0s\"",
            "16:1: auth.offline_grace = \"1h\": not available in this version of ldap365; leave it at \"24h\", or use \"0s\"",
            "17:1: auth.offline_denied_groups = [\"a\"]: not available in this version of ldap365; leave it at []",
            "18:1: auth.mfa = \"accept\": not available in this version of ldap365; leave it at \"reject\"",
            "19:1: auth.local_groups = [\"a\"]: not available in this version of ldap365; leave it at []",
            "20:1: auth.trusted_networks = [\"10.0.0.0/8\"]: not available in this version of ldap365; leave it at []",
        ],
    );
    check(
        &minimal_with(
            "listen = [\"127.0.0.1:0\"]",
            "listen = [\"ldapi:///run/ldapi\"]",
        ),
        &[
            "12:11: ldap.listen = \"ldapi:///run/ldapi\": not available in this version of ldap365; \
           listen on \"127.0.0.1:389\" for this machine",
        ],
    );
}

#[test]
fn the_defaults_of_later_features_may_be_written_out() {
    read(&format!(
        "{MINIMAL}\n[sync]\nusers = true\ngroups = true\nguests = false\nmax_change = \"20%\"\n\
         [auth]\ncache_ttl = \"900s\"\noffline_grace = \"0s\"\noffline_denied_groups = []\nmfa = \"reject\"\n\
         local_groups = []\ntrusted_networks = []"
    ));
}

#[test]
fn mapped_attributes_are_spelled_as_schema_and_graph_have_them() {
    let app = "0123456789abcdef0123456789abcdef";
    let config = read(&format!(
        "{MINIMAL}\n[directory.attributes]\nSSHPUBLICKEY = \"extension_{app}_keys\"\n\
         \"2.5.4.12\" = \"officelocation\"\nloginShell = \"extensionAttribute3\"\n\
         description = \"onPremisesExtensionAttributes.extensionAttribute3\"\n\
         gidNumber = \"extension_{app}_gid\"\nuidNumber = \"employeeId\""
    ));
    let spelled = |mapped: &[MappedAttribute]| -> Vec<(&'static str, String)> {
        mapped
            .iter()
            .map(|each| (each.attribute.name, each.property.clone()))
            .collect()
    };
    let third = "onPremisesExtensionAttributes.extensionAttribute3".to_owned();
    assert_eq!(
        spelled(&config.dit.mapping.user),
        [
            ("sshPublicKey", format!("extension_{app}_keys")),
            ("title", "officeLocation".to_owned()),
            ("loginShell", third.clone()),
            ("description", third.clone()),
            ("uidNumber", "employeeId".to_owned()),
        ]
    );
    assert_eq!(
        spelled(&config.dit.mapping.group),
        [("gidNumber", format!("extension_{app}_gid"))]
    );
    assert_eq!(
        config.graph.mapped_user,
        [
            "employeeId".to_owned(),
            format!("extension_{app}_keys"),
            "officeLocation".to_owned(),
            third
        ]
    );
    assert_eq!(config.graph.mapped_group, [format!("extension_{app}_gid")]);
}

#[test]
fn mapped_attributes_that_cannot_be_are_refused_each_with_its_line() {
    let these = crate::dit::mapping::mappable_names().join(", ");
    let of_user = "expected a property of Graph's users by its name, extensionAttribute1 to 15, or a directory \
                   extension (extension_, the app's id without hyphens, _, a name), for example \
                   \"extension_00000000000000000000000000000000_sshPublicKey\"";
    check_more(
        "[directory.attributes]\nshoeSize = \"city\"\nuid = \"city\"\ntitle = \"shoeSize\"\nsn = \"city\"\n\
         surname = \"city\"\ngecos = 7\ngidNumber = \"extensionAttribute1\"",
        &[
            &format!(
                "15:1: directory.attributes.shoeSize: no such attribute is in the schema; these can: {these}"
            ),
            &format!(
                "16:1: directory.attributes.uid: uid cannot be taken from a property of choice; these can: {these}"
            ),
            &format!("17:1: directory.attributes.title = \"shoeSize\": {of_user}"),
            "19:1: directory.attributes.surname: sn is mapped already, by the key \"sn\"; keep one of them",
            &format!("20:1: directory.attributes.gecos = 7: {of_user}"),
            "21:1: directory.attributes.gidNumber = \"extensionAttribute1\": expected a property of Graph's groups by its \
             name, or a directory extension (extension_, the app's id without hyphens, _, a name), for example \
             \"extension_00000000000000000000000000000000_gidNumber\"",
        ],
    );
    check(
        &minimal_with("[directory]", "[directory]\nattributes = 1"),
        &[
            "10:1: directory.attributes = 1: expected a table of LDAP attributes, for example [directory.attributes]",
        ],
    );
}

#[test]
fn inactive_people_and_the_primary_group_are_as_the_file_says() {
    let config = read(&format!(
        "{MINIMAL}\n[directory.posix]\nprimary_group = \"staff\"\n[directory.attributes]"
    ));
    assert_eq!(
        config.dit.primary_group,
        PrimaryGroup::Shared("staff".to_owned())
    );
    assert_eq!(config.dit.inactive_users, InactiveUsers::Hide);
    assert_eq!(config.dit.mapping, Mapping::default());
    let config = read(&format!(
        "{MINIMAL}\n[directory.posix]\nprimary_group = \"private\""
    ));
    assert_eq!(config.dit.primary_group, PrimaryGroup::Private);
    let config = read(&minimal_with(
        "[directory]",
        "[directory]\ninactive_users = \"show\"",
    ));
    assert_eq!(config.dit.inactive_users, InactiveUsers::Show);
}

#[test]
fn secrets_come_from_files_and_the_environment() {
    let secret = |toml| {
        let config = read(&minimal_with("\"s3cret\"", toml));
        client_secret(&config)
    };
    assert_eq!(secret("{ file = \"app.secret\" }"), "from a file");
    assert_eq!(secret("{ env = \"APP_SECRET\" }"), "from the environment");
}

#[test]
fn a_secret_that_cannot_be_had_is_a_problem_with_its_key() {
    let refused = |toml, problem| check(&minimal_with("\"s3cret\"", toml), &[problem]);
    refused(
        "{ file = \"nowhere\" }",
        "8:1: credential.client_secret: cannot read /etc/ldap365/nowhere: entity not found",
    );
    refused(
        "{ file = \"empty\" }",
        "8:1: credential.client_secret: /etc/ldap365/empty is empty; write the secret into it",
    );
    refused(
        "{ env = \"NOT_SET\" }",
        "8:1: credential.client_secret: the environment variable NOT_SET is unset or empty",
    );
    for toml in [
        "\"\"",
        "{ file = \"app.secret\", env = \"APP_SECRET\" }",
        "{ path = \"app.secret\" }",
        "{ file = 1 }",
        "{}",
    ] {
        refused(
            toml,
            "8:1: credential.client_secret: expected a text that is not empty, { file = \"…\" } or { env = \"…\" }, \
             for example { file = \"app.secret\" }",
        );
    }
}

#[test]
fn secrets_never_appear_in_problems_or_debug_output() {
    let text = format!(
        "{}\n[auth]\nclient_id = 1\nclient_secret = 424242\nclient_secrett = \"hunter2\"\n\
         [[service_account]]\nname = \"vpn\"\npassword_hash = \"hunter2\"\n",
        minimal_with(
            "[tenant]",
            "[tenant]\nlogin_url = \"https://joe:hunter2@login.example.com\""
        )
    );
    let problems = parse(&text, &surroundings()).expect_err("there is much to refuse");
    let shown = LoadError::Invalid {
        path: "x".into(),
        problems: problems.clone(),
    }
    .to_string();
    assert_eq!(problems.len(), 5, "{shown}");
    assert!(
        !shown.contains("hunter2") && !shown.contains("424242"),
        "{shown}"
    );
    let syntax = parse("client_secret = hunter2\n", &surroundings()).expect_err("not TOML");
    assert!(!format!("{syntax:?}").contains("hunter2"), "{syntax:?}");
    assert!(!format!("{:?}", read(MINIMAL)).contains("s3cret"));
}

/// `MINIMAL` with the credential's kind, secret and what else comes with it replaced.
fn with_credential(lines: &str) -> String {
    MINIMAL.replace(
        "kind = \"secret\"\nclient_id = \"app\"\nclient_secret = \"s3cret\"",
        &format!("client_id = \"app\"\n{lines}"),
    )
}

/// `app.pem` and `app.key` belong together, `other.key` to neither; all are in the folder of the file.
fn parse_beside_certificate(text: &str) -> Result<Config, Vec<Problem>> {
    let (certificate, key) = rsa_pair();
    let (_, other) = rsa_pair();
    let surroundings = Surroundings {
        read_file: &|path| match path.to_str() {
            Some("/etc/ldap365/app.pem") => Ok(certificate.clone()),
            Some("/etc/ldap365/app.key") => Ok(key.clone()),
            Some("/etc/ldap365/other.key") => Ok(other.clone()),
            _ => Err(io::ErrorKind::NotFound.into()),
        },
        ..surroundings()
    };
    parse(text, &surroundings)
}

/// A certificate and its key in PEM.
fn rsa_pair() -> (String, String) {
    let output = std::process::Command::new("openssl")
        .args("req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=app -keyout -".split(' '))
        .output()
        .expect("openssl is installed");
    let both = String::from_utf8(output.stdout).expect("PEM is ASCII");
    let (key, certificate) = both.split_at(
        both.find("-----BEGIN CERTIFICATE")
            .expect("a certificate is written"),
    );
    (certificate.to_owned(), key.to_owned())
}

#[test]
fn certificate_and_key_are_read_and_belong_together() {
    let read = |lines: &str| {
        let config = parse_beside_certificate(&with_credential(lines)).expect("it is sound");
        config.credentials[0].grant.clone()
    };
    let files = "certificate = \"app.pem\"\nkey = \"app.key\"";
    let Grant::App(Proof::Certificate(certificate)) =
        read(&format!("kind = \"certificate\"\n{files}"))
    else {
        panic!("no certificate")
    };
    assert_eq!(certificate.subject(), "CN=app");
    assert!(matches!(
        read(&format!("kind = \"delegated\"\n{files}")),
        Grant::Delegated(Some(Proof::Certificate(_)))
    ));
    assert!(matches!(
        read("kind = \"delegated\""),
        Grant::Delegated(None)
    ));
    assert!(matches!(
        read("kind = \"delegated\"\nclient_secret = \"s\""),
        Grant::Delegated(Some(Proof::Secret(_)))
    ));
}

#[test]
fn certificate_that_cannot_be_used_is_a_problem_with_its_key() {
    let refused = |lines: &str, expected: &[&str]| {
        let problems = parse_beside_certificate(&with_credential(lines)).expect_err(lines);
        let shown: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(shown, expected, "{lines}");
    };
    refused(
        "kind = \"certificate\"\ncertificate = \"app.pem\"\nkey = \"other.key\"",
        &[
            "9:1: credential.key: /etc/ldap365/other.key cannot be used: the key does not belong to the certificate: \
           their public keys differ",
        ],
    );
    refused(
        "kind = \"certificate\"\ncertificate = \"app.key\"\nkey = \"app.pem\"",
        &[
            "8:1: credential.certificate: /etc/ldap365/app.key cannot be used: certificate and key are swapped: the first \
           file holds the key, the second the certificate",
        ],
    );
    refused(
        "kind = \"certificate\"\ncertificate = \"gone.pem\"",
        &[
            "4:1: credential.key: missing; for example: key = \"app.key\"",
            "8:1: credential.certificate: cannot read /etc/ldap365/gone.pem: entity not found",
        ],
    );
}

#[test]
fn proof_that_does_not_go_with_the_kind_is_refused() {
    let check = |lines, expected: &[&str]| check(&with_credential(lines), expected);
    check(
        "kind = \"secret\"\nclient_secret = \"s\"\ncertificate = \"a\"\nkey = \"b\"",
        &[
            "9:1: credential.certificate: kind = \"secret\" does not use it; remove it, or change kind",
            "10:1: credential.key: kind = \"secret\" does not use it; remove it, or change kind",
        ],
    );
    check(
        "kind = \"delegated\"\nclient_secret = { file = \"app.secret\" }\ncertificate = \"app.secret\"\nkey = \"app.secret\"",
        &[
            "8:1: credential.client_secret: the app proves itself by a secret or by a certificate; remove one of them",
            "9:1: credential.certificate: /etc/ldap365/app.secret cannot be used: there is no certificate in it: it must \
           be PEM (-----BEGIN CERTIFICATE-----)",
        ],
    );
}

#[test]
fn contradictions_are_refused() {
    check_more(
        "[sync]\ninterval = \"1h\"\nfull_interval = \"10m\"\n[auth]\nclient_secret = \"x\"",
        &[
            "16:1: sync.full_interval: shorter than sync.interval; a full enumeration is one of the passes",
            "18:1: auth.client_secret: without auth.client_id nobody uses it; name the app registration it belongs to",
        ],
    );
    let account =
        |name| format!("[[service_account]]\nname = \"{name}\"\npassword_hash = \"{HASH}\"\n");
    check_more(
        &format!(
            "{}{}[[credential]]\nname = \"primary\"\nkind = \"secret\"\nclient_id = \"b\"\nclient_secret = \"c\"",
            account("vpn"),
            account("VPN")
        ),
        &[
            "18:1: service_account.name: there is a service account \"VPN\" already; give each a name of its own",
            "21:1: credential.name: there is a credential \"primary\" already; give each a name of its own",
        ],
    );
}

#[test]
fn listening_needs_addresses_and_tls_needs_a_certificate() {
    let listen = |replacement, expected: &[&str]| {
        check(
            &minimal_with("listen = [\"127.0.0.1:0\"]", replacement),
            expected,
        )
    };
    listen(
        "listen = [\"localhost:389\"]",
        &[
            "12:11: ldap.listen = \"localhost:389\": expected an IP address with a port (no host name, no ldap://), for example \"0.0.0.0:389\"",
        ],
    );
    listen(
        "listen = []\nlisten_tls = [\"0.0.0.0:636\"]",
        &[
            "11:2: ldap.certificate: missing; for example: certificate = \"/etc/ldap365/tls.pem\"",
            "11:2: ldap.key: missing; for example: key = \"/etc/ldap365/tls.key\"",
        ],
    );
    listen(
        "listen = [\"127.0.0.1:0\"]\ncertificate = \"tls.pem\"",
        &["11:2: ldap.key: missing; for example: key = \"/etc/ldap365/tls.key\""],
    );
    listen(
        "listen = []\nlisten_tls = []",
        &[
            "13:1: ldap.listen_tls: missing; for example: listen_tls = [\"0.0.0.0:636\"], or listen = [\"0.0.0.0:389\"] for StartTLS",
        ],
    );
}

#[test]
fn posix_values_must_work_on_a_host() {
    check_more(
        "[directory.posix]\nid_range = [5000, 4000]\nhome = \"/home\"\nshell = \"bash\"",
        &[
            "15:1: directory.posix.id_range: [5000, 4000] is upside down: the smaller number comes first",
            "16:1: directory.posix.home = \"/home\": expected an absolute path with {username} in it, without colon, for example \"/home/{username}\"",
            "17:1: directory.posix.shell = \"bash\": expected an absolute path without colon, for example \"/bin/bash\"",
        ],
    );
    check_more(
        "[directory.posix]\nid_range = [1000]",
        &[
            "15:1: directory.posix.id_range = [1000]: expected two numbers: the first and the last of the range, for example [1879048192, 2147352575]",
        ],
    );
    check_more(
        "[directory.posix]\nid_range = [1000, -1]",
        &[
            "15:19: directory.posix.id_range = -1: expected a number from 1000 to 4294967294, without quotes, for example 1879048192",
        ],
    );
}

#[test]
fn reserved_names_are_folded_and_the_builtin_ones_expanded() {
    let names = |list| {
        read(&minimal_with(
            "[directory]",
            &format!("[directory]\nreserved_names = {list}"),
        ))
        .registry
        .reserved_names
    };
    assert_eq!(names("[\"VPN\"]"), BTreeSet::from(["vpn".to_owned()]));
    assert!(names("[]").is_empty());
    let with_builtin = names("[\"+builtin\", \"vpn\"]");
    for name in crate::directory::name::BUILTIN_RESERVED {
        assert!(with_builtin.contains(&name.to_lowercase()), "{name}");
    }
    check(
        &minimal_with("[directory]", "[directory]\nreserved_names = [\"+all\"]"),
        &[
            "10:19: directory.reserved_names = \"+all\": expected a name, or \"+builtin\" for the names every Linux system has, for example \"+builtin\"",
        ],
    );
}

#[test]
fn every_syntax_error_is_placed_and_nothing_else_is_guessed() {
    let problems = parse(
        "a = \n[tenant]\nid = \"x\nfrobnicate = 1\n",
        &surroundings(),
    )
    .expect_err("not TOML");
    let lines: Vec<_> = problems
        .iter()
        .filter_map(|problem| Some(problem.position?.line))
        .collect();
    assert_eq!(lines, [1, 3], "{problems:#?}");
    assert!(
        problems
            .iter()
            .all(|problem| matches!(problem.fault, Fault::Syntax(_))),
        "{problems:#?}"
    );
}

#[test]
fn a_listing_has_the_file_and_line_of_each_problem() {
    let problems =
        parse("[sync]\nintervall = \"1m\"\n", &surroundings()).expect_err("much is missing");
    let listing = LoadError::Invalid {
        path: "config/ldap365.toml".into(),
        problems,
    }
    .to_string();
    let mut lines = listing.lines();
    let unknown =
        "config/ldap365.toml:2:1: sync.intervall: unknown key; did you mean \"interval\"?";
    assert_eq!(lines.next(), Some(unknown));
    let missing =
        "config/ldap365.toml: tenant.id: missing; for example: id = \"contoso.onmicrosoft.com\"";
    assert_eq!(lines.next(), Some(missing));
}

#[test]
fn the_example_file_is_valid_and_says_the_defaults() {
    let example = read(EXAMPLE);
    let minimal = read(MINIMAL);
    assert_eq!(example.sync.rules, minimal.sync.rules);
    assert_eq!(example.registry, minimal.registry);
}

/// A commented default that no longer parses, or is none, would mislead whoever uncomments it.
#[test]
fn the_commented_lines_of_the_example_file_are_valid_too() {
    const NOT_DEFAULTS: [&str; 6] = [
        "ca_file",
        "certificate",
        "key",
        "sshPublicKey",
        "public_url",
        "password_hash",
    ];
    let uncomment = |line: &str| match line.strip_prefix("# ") {
        Some(rest) if is_setting(rest) && !NOT_DEFAULTS.iter().any(|key| rest.starts_with(key)) => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    let text: Vec<String> = EXAMPLE.lines().map(uncomment).collect();
    let text = text
        .join("\n")
        .replace(
            "[[service_account]]",
            &format!("[[service_account]]\npassword_hash = \"{HASH}\""),
        )
        .replace(
            "listen_tls = [",
            "certificate = \"a\"\nkey = \"b\"\nlisten_tls = [",
        )
        .replace("LDAP365_AUTH_SECRET", "APP_SECRET");
    let example = read(&text);
    let minimal = read(MINIMAL);
    assert_eq!(example.data_dir, minimal.data_dir);
    assert_eq!(example.sync.rules, minimal.sync.rules);
    assert_eq!(
        (example.sync.interval, example.sync.full_interval),
        (minimal.sync.interval, minimal.sync.full_interval)
    );
    assert_eq!(example.registry, minimal.registry);
    assert_eq!(example.dit.login_shell, minimal.dit.login_shell);
    assert_eq!(example.ldap.users_may_read, minimal.ldap.users_may_read);
    assert_eq!(example.ldap.allow_plaintext, minimal.ldap.allow_plaintext);
    assert_eq!(example.oauth.login_url, minimal.oauth.login_url);
    assert_eq!(example.graph.graph_url, minimal.graph.graph_url);
    assert_eq!(
        (example.admin.listen, &example.admin.socket),
        (minimal.admin.listen, &minimal.admin.socket)
    );
    assert_eq!(example.auth.service_accounts.len(), 1);
}

#[test]
fn every_key_the_reader_knows_stands_in_the_example_file() {
    let text = format!("{EXAMPLE}\n[[service_account]]\nname = \"x\"\n");
    let surroundings = surroundings();
    let root = DeTable::parse(&text).expect("the example is TOML");
    let document = Document::new(&text, &surroundings);
    super::read(&document.root(root.get_ref()));

    let shown = keys_shown(EXAMPLE);
    let hidden: Vec<String> = document
        .known_keys()
        .into_iter()
        .filter(|key| !shown.contains(key))
        .collect();
    assert!(hidden.is_empty(), "not in config/ldap365.toml: {hidden:?}");
}

/// Tables and keys of the example file, commented or not, with their tables.
fn keys_shown(text: &str) -> BTreeSet<String> {
    let mut table = String::new();
    let mut shown = BTreeSet::new();
    for line in text.lines() {
        let line = line.strip_prefix("# ").unwrap_or(line);
        if line.starts_with('[') {
            table = line.trim_matches(['[', ']']).to_owned();
            shown.insert(table.clone());
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| is_setting(line)) {
            shown.insert(if table.is_empty() {
                key.to_owned()
            } else {
                format!("{table}.{key}")
            });
        }
    }
    shown
}

/// A table header or `key = value`, as opposed to prose.
fn is_setting(line: &str) -> bool {
    let is_key = |key: &str| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    line.starts_with("[[")
        || line.starts_with("[directory.")
        || line.split_once(" = ").is_some_and(|(key, _)| is_key(key))
}
