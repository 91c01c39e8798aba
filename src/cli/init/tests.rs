use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::cli::output::tests::in_memory;

const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn config(&self) -> PathBuf {
        self.dir.path().join("etc/ldap365.toml")
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A certificate and its key, made by the very line that people are shown.
    fn certificate(&self) -> (PathBuf, PathBuf) {
        let made = Command::new("sh")
            .args(["-c", steps::OPENSSL])
            .current_dir(self.dir.path())
            .output()
            .expect("a shell");
        let words = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "openssl: {words}");
        let file = |name| self.dir.path().join(name);
        (file("app.pem"), file("app.key"))
    }

    /// Flags that answer everything for a kind.
    fn flags(&self, kind: Kind, cloud: Cloud) -> Options {
        let mut options = Options {
            tenant: Some("contoso.com".to_owned()),
            cloud: Some(cloud),
            kind: Some(kind),
            client_id: Some(CLIENT_ID.to_owned()),
            yes: true,
            ..Options::default()
        };
        match kind {
            Kind::Certificate => {
                let (certificate, key) = self.certificate();
                options.certificate = Some(certificate);
                options.key = Some(key);
            }
            Kind::Secret => {
                options.client_secret_file = Some(self.file("given.secret", "s3cret\n"))
            }
            Kind::Delegated => {}
        }
        options
    }

    /// Runs with flags alone; what was printed.
    fn run(&self, options: &Options) -> Result<String, super::super::Error> {
        let (mut output, results, _) = in_memory(false);
        init(&self.config(), options, None, &mut output)?;
        Ok(results.text())
    }

    /// Runs with a person who types these lines; what they were asked.
    fn interview(&self, options: &Options, lines: &str) -> Result<String, super::super::Error> {
        let (mut output, _, _) = in_memory(false);
        let (mut input, mut asked) = (lines.as_bytes(), Vec::new());
        let questions = Questions {
            input: &mut input,
            output: &mut asked,
        };
        let mut secret = || Ok(Secret::new("typed~secret".to_owned()));
        init(
            &self.config(),
            options,
            Some((questions, &mut secret)),
            &mut output,
        )?;
        Ok(String::from_utf8(asked).unwrap())
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn init_error(error: super::super::Error) -> Error {
    match error {
        super::super::Error::Init(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_in_every_cloud_gives_a_file_that_is_accepted() {
    for kind in Kind::value_variants() {
        for cloud in Cloud::value_variants() {
            let place = Place::new();
            place.run(&place.flags(*kind, *cloud)).unwrap();
            let config = config::load(&place.config()).unwrap();
            assert_eq!(config.credentials[0].kind(), kind.name());
            assert_eq!(config.credentials[0].client_id, CLIENT_ID);
            assert_eq!(config.dit.base.to_string(), "dc=contoso,dc=com");
            assert_eq!(config.auth.client_id.as_deref(), Some(CLIENT_ID));
            assert_eq!(mode(&place.config()), 0o600);
        }
    }
}

#[test]
fn without_a_terminal_the_missing_flags_are_named() {
    let place = Place::new();
    let missing = |options: Options| match init_error(place.run(&options).unwrap_err()) {
        Error::MissingFlags { flags } => flags,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        missing(Options::default()),
        ["--tenant", "--kind", "--client-id"]
    );
    let certificate = Options {
        certificate: None,
        key: None,
        ..place.flags(Kind::Certificate, Cloud::Global)
    };
    assert_eq!(missing(certificate), ["--certificate", "--key"]);
    let by_id = Options {
        tenant: Some("7c1b8d6e-2f0a-4d35-9f0e-3a4b5c6d7e8f".to_owned()),
        ..place.flags(Kind::Delegated, Cloud::Global)
    };
    assert_eq!(missing(by_id), ["--base-dn"]);
    assert!(!place.config().exists());
}

#[test]
fn flags_that_cannot_be_write_nothing() {
    let place = Place::new();
    let options = Options {
        tenant: Some("common".to_owned()),
        base_dn: Some("contoso.com".to_owned()),
        ..place.flags(Kind::Delegated, Cloud::Global)
    };
    let error = init_error(place.run(&options).unwrap_err()).to_string();
    assert!(error.contains("tenant.id = \"common\""), "{error}");
    assert!(
        error.contains("directory.base_dn = \"contoso.com\""),
        "{error}"
    );
    assert!(!place.config().exists());
}

#[test]
fn existing_file_is_overwritten_only_by_force() {
    let place = Place::new();
    let mut options = place.flags(Kind::Delegated, Cloud::Global);
    fs::create_dir_all(place.config().parent().unwrap()).unwrap();
    fs::write(place.config(), "mine").unwrap();
    let error = init_error(place.run(&options).unwrap_err());
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");
    assert_eq!(fs::read(place.config()).unwrap(), b"mine");
    options.force = true;
    place.run(&options).unwrap();
    assert_eq!(mode(&place.config()), 0o600);
    assert!(
        fs::read_to_string(place.config())
            .unwrap()
            .contains("[tenant]")
    );
}

#[test]
fn person_is_asked_again_until_the_configuration_takes_the_answer() {
    let place = Place::new();
    let typed =
        format!("common\ncontoso.onmicrosoft.com\nmars\n\nsecret\n{CLIENT_ID}\nnonsense\n\n");
    let asked = place.interview(&Options::default(), &typed).unwrap();
    assert!(
        asked.contains("tenant.id = \"common\": expected"),
        "{asked}"
    );
    assert!(
        asked.contains("guessed from the tenant's first domain"),
        "{asked}"
    );
    assert!(asked.contains("[dc=contoso,dc=com]"), "{asked}");
    let config = config::load(&place.config()).unwrap();
    assert_eq!(config.oauth.tenant, "contoso.onmicrosoft.com");
    assert_eq!(config.dit.base.to_string(), "dc=contoso,dc=com");
}

#[test]
fn typed_secret_goes_to_a_file_of_its_own() {
    let place = Place::new();
    let typed = format!("contoso.com\n\nsecret\n{CLIENT_ID}\n\n");
    let asked = place.interview(&Options::default(), &typed).unwrap();
    assert!(!asked.contains("typed~secret"));
    let secret = place.config().with_file_name(SECRET_FILE);
    assert_eq!(fs::read_to_string(&secret).unwrap(), "typed~secret");
    assert_eq!(mode(&secret), 0o600);
    assert!(
        !fs::read_to_string(place.config())
            .unwrap()
            .contains("typed~secret")
    );
}

#[test]
fn what_is_no_id_and_what_is_only_one_are_refused() {
    let place = Place::new();
    let refusal = |options: &Options| init_error(place.run(options).unwrap_err());
    let mut options = place.flags(Kind::Secret, Cloud::Global);
    options.client_secret_file = Some(place.file("id.secret", CLIENT_ID));
    let error = refusal(&options);
    assert!(matches!(error, Error::SecretId { .. }), "{error:?}");
    options.client_id = Some("hello".to_owned());
    let error = refusal(&options);
    assert!(matches!(error, Error::ClientId { .. }), "{error:?}");
    let typed = format!("contoso.com\n\ndelegated\nhello\n{CLIENT_ID}\n\n");
    let asked = place.interview(&Options::default(), &typed).unwrap();
    assert!(asked.contains("\"hello\" is not an"), "{asked}");
}

#[test]
fn directory_in_the_place_of_the_file_is_refused() {
    let place = Place::new();
    fs::create_dir_all(place.config()).unwrap();
    let mut options = place.flags(Kind::Delegated, Cloud::Global);
    options.force = true;
    let error = init_error(place.run(&options).unwrap_err());
    assert!(matches!(error, Error::Directory { .. }), "{error:?}");
}

#[test]
fn secret_of_another_configuration_is_left_alone() {
    let place = Place::new();
    let usual = place.config().with_file_name(SECRET_FILE);
    fs::create_dir_all(usual.parent().unwrap()).unwrap();
    fs::write(&usual, "another").unwrap();
    let typed = format!("contoso.com\n\nsecret\n{CLIENT_ID}\n\n");
    place.interview(&Options::default(), &typed).unwrap();
    assert_eq!(fs::read_to_string(&usual).unwrap(), "another");
    let own = place.config().with_file_name("ldap365.secret");
    assert_eq!(fs::read_to_string(own).unwrap(), "typed~secret");
    fs::remove_file(place.config()).unwrap();
    let error = init_error(place.interview(&Options::default(), "").unwrap_err());
    assert!(matches!(error, Error::Exists { .. }), "{error:?}");
}

#[test]
fn input_that_ends_early_writes_nothing() {
    let place = Place::new();
    let error = init_error(
        place
            .interview(&Options::default(), "contoso.com\n")
            .unwrap_err(),
    );
    assert!(matches!(error, Error::Ended), "{error:?}");
    assert!(!place.config().exists());
}
