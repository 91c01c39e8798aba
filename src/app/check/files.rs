//! What lies on this host's disk: the data directory, and files that hold secrets.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::admin::finding::Finding;
use crate::config::{self, Config, Surroundings};
use crate::store;

/// The bits of a mode that let in whoever is neither the owner nor of the group. A group of the daemon's own is fine.
const EVERYBODY: u32 = 0o007;

/// The data directory, then each file that everybody on this host can read and should not.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    let mut findings = vec![data_dir(&config.data_dir)];
    findings.extend(
        private_files(config)
            .iter()
            .filter_map(|path| exposed(path)),
    );
    findings
}

fn data_dir(dir: &Path) -> Finding {
    let subject = "data_dir";
    match store::check_data_dir(dir).and_then(|()| store::check_vault_key(dir)) {
        Ok(()) if dir.exists() => Finding::ok(subject, format!("{} can be used", dir.display())),
        Ok(()) => Finding::ok(
            subject,
            format!("{} is made at the first start", dir.display()),
        ),
        // Whoever checks need not be who serves.
        Err(error @ store::Error::OtherOwner { .. }) => {
            Finding::warning(subject, format!("not looked into: {error}"))
        }
        Err(error) => Finding::failed(subject, error.to_string()),
    }
}

/// The configuration, which holds hashes of passwords, and every file with a key or a secret that it names.
fn private_files(config: &Config) -> Vec<PathBuf> {
    let named = RefCell::new(vec![config.file.clone()]);
    if let Some(identity) = &config.ldap.identity {
        named.borrow_mut().push(identity.key.clone());
    }
    let read_file = |path: &Path| {
        let text = fs::read_to_string(path)?;
        if !is_certificate(&text) {
            named.borrow_mut().push(path.to_owned());
        }
        Ok(text)
    };
    let surroundings = Surroundings {
        file: &config.file,
        variable: &|name| std::env::var(name).ok(),
        read_file: &read_file,
    };
    if let Ok(text) = fs::read_to_string(&config.file) {
        // Only for the files it asks for: what it says was accepted already.
        let _ = config::parse(&text, &surroundings);
    }
    let mut files = named.into_inner();
    files.sort();
    files.dedup();
    files
}

/// A certificate alone is public; with its key in the same file it is not.
fn is_certificate(text: &str) -> bool {
    text.contains("-----BEGIN CERTIFICATE-----") && !text.contains("PRIVATE KEY-----")
}

fn exposed(path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o7777;
    let file = path.display();
    (mode & EVERYBODY != 0).then(|| {
        let detail = format!(
            "{file} has mode {mode:04o}, so everybody on this host can read the secrets in it: run `chmod o= {file}`"
        );
        Finding::warning("file permissions", detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::finding::Outcome;

    fn file(dir: &Path, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn files_with_secrets_that_everybody_can_read_are_warned_of() {
        let dir = tempfile::tempdir().unwrap();
        let secret = file(dir.path(), "app.secret", "s3cret", 0o644);
        let text = "data_dir = \"data\"\n[tenant]\nid = \"contoso.com\"\n[[credential]]\nname = \"primary\"\n\
                    kind = \"secret\"\nclient_id = \"11111111-2222-3333-4444-555555555555\"\n\
                    client_secret = { file = \"app.secret\" }\n[directory]\nbase_dn = \"dc=contoso,dc=com\"\n\
                    [ldap]\nlisten = [\"127.0.0.1:389\"]\n";
        let path = file(dir.path(), "ldap365.toml", text, 0o640);
        let config = config::load(&path).unwrap();
        let findings = check(&config);
        assert_eq!(findings.len(), 2, "{findings:#?}");
        assert_eq!(findings[0].outcome, Outcome::Ok, "{}", findings[0]);
        assert_eq!(findings[1].outcome, Outcome::Warning);
        let advice = format!("chmod o= {}", secret.display());
        assert!(findings[1].detail.contains(&advice), "{}", findings[1]);
    }

    #[test]
    fn data_dir_that_others_can_reach_fails() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let finding = data_dir(dir.path());
        assert_eq!(finding.outcome, Outcome::Failed, "{finding}");
        assert!(finding.detail.contains("chmod 700"), "{finding}");
    }

    #[test]
    fn certificate_with_its_key_is_a_secret() {
        let certificate = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n";
        assert!(is_certificate(certificate));
        assert!(!is_certificate(&format!(
            "{certificate}-----BEGIN PRIVATE KEY-----\n"
        )));
        assert!(!is_certificate("s3cret"));
    }
}
