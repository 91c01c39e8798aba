//! Keys and certificates are made, and assertions checked, by OpenSSL: not by what signed them.

use std::path::Path;
use std::process::Command;

use super::*;

/// Runs OpenSSL in `folder`.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .expect("openssl is installed");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {words}");
}

/// A folder with `app.pem` and `app.key` (PKCS#8), made by `openssl req -newkey`.
fn pair(newkey: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let request = format!(
        "req -x509 -newkey {newkey} -nodes -days 400 -subj /CN=ldap365 -keyout app.key -out app.pem"
    );
    openssl(folder.path(), &request);
    folder
}

fn text(folder: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join(name)).unwrap()
}

fn load(
    folder: &tempfile::TempDir,
    certificate: &str,
    key: &str,
) -> Result<Certificate, CertificateError> {
    Certificate::from_pem(&text(folder, certificate), &text(folder, key))
}

fn payload(part: &str) -> serde_json::Value {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn openssl_accepts_the_signature_of_an_assertion_as_pss_with_sha256() {
    let folder = pair("rsa:2048");
    let certificate = load(&folder, "app.pem", "app.key").unwrap();
    let assertion = certificate
        .assertion("app", "https://login.example/token")
        .unwrap();
    let (signed, signature) = assertion.expose().rsplit_once('.').unwrap();
    std::fs::write(folder.path().join("signed"), signed).unwrap();
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
    std::fs::write(folder.path().join("signature"), signature).unwrap();
    openssl(
        folder.path(),
        "x509 -in app.pem -pubkey -noout -out app.pub",
    );
    openssl(
        folder.path(),
        "dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32 -verify app.pub -signature signature signed",
    );
}

#[test]
fn assertion_says_what_microsoft_asks_for() {
    let folder = pair("rsa:2048");
    let certificate = load(&folder, "app.pem", "app.key").unwrap();
    let url = "https://login.example/contoso/oauth2/v2.0/token";
    let claims_of = |assertion: &Secret| {
        let parts: Vec<&str> = assertion.expose().split('.').collect();
        (payload(parts[0]), payload(parts[1]))
    };
    let (header, claims) = claims_of(&certificate.assertion("app", url).unwrap());
    openssl(folder.path(), "x509 -in app.pem -outform DER -out app.der");
    let der = std::fs::read(folder.path().join("app.der")).unwrap();
    let thumbprint = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(der));
    assert_eq!(
        header,
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint})
    );
    assert_eq!(claims["aud"], url);
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("app"), &json!("app"))
    );
    let now = Timestamp::now().as_second();
    let seconds = |name: &str| claims[name].as_i64().unwrap();
    assert!(seconds("nbf") < now && seconds("iat") == seconds("nbf"));
    let life = seconds("exp") - seconds("nbf");
    assert!((300..=600).contains(&life), "{life}");
    let (_, again) = claims_of(&certificate.assertion("app", url).unwrap());
    assert_ne!(again["jti"], claims["jti"]);
}

#[test]
fn pkcs1_key_is_read_like_pkcs8() {
    let folder = pair("rsa:2048");
    openssl(folder.path(), "rsa -in app.key -traditional -out app.rsa");
    assert!(text(&folder, "app.rsa").contains("BEGIN RSA PRIVATE KEY"));
    let certificate = load(&folder, "app.pem", "app.rsa").unwrap();
    assert_eq!(certificate.subject(), "CN=ldap365");
    let days = (certificate.not_after() - Timestamp::now()).as_hours() / 24;
    assert!((399..=400).contains(&days), "{days}");
}

#[test]
fn wrong_files_are_told_apart() {
    let folder = pair("rsa:2048");
    assert_eq!(
        load(&folder, "app.key", "app.pem").unwrap_err(),
        CertificateError::Swapped
    );
    assert_eq!(
        load(&folder, "app.key", "app.key").unwrap_err(),
        CertificateError::CertificateMissing
    );
    assert_eq!(
        load(&folder, "app.pem", "app.pem").unwrap_err(),
        CertificateError::KeyMissing
    );
    openssl(folder.path(), "genrsa -out other.key 2048");
    assert_eq!(
        load(&folder, "app.pem", "other.key").unwrap_err(),
        CertificateError::KeyOfAnother
    );
    openssl(
        folder.path(),
        "pkey -in app.key -aes128 -passout pass:x -out locked.key",
    );
    assert_eq!(
        load(&folder, "app.pem", "locked.key").unwrap_err(),
        CertificateError::KeyEncrypted
    );
}

#[test]
fn elliptic_curves_and_short_keys_are_refused() {
    let curve = pair("ec -pkeyopt ec_paramgen_curve:P-256");
    assert_eq!(
        load(&curve, "app.pem", "app.key").unwrap_err(),
        CertificateError::CertificateUnsuited("an EC key".to_owned())
    );
    let short = pair("rsa:1024");
    assert_eq!(
        load(&short, "app.pem", "app.key").unwrap_err(),
        CertificateError::CertificateUnsuited("an RSA key of 1024 bits".to_owned())
    );
    let sound = pair("rsa:2048");
    let error = Certificate::from_pem(&text(&sound, "app.pem"), &text(&curve, "app.key"));
    assert!(matches!(error, Err(CertificateError::KeyUnusable(_))));
}

#[test]
fn debug_shows_no_key() {
    let folder = pair("rsa:2048");
    let shown = format!("{:?}", load(&folder, "app.pem", "app.key").unwrap());
    assert!(
        shown.starts_with("Certificate { subject: \"CN=ldap365\", not_after: "),
        "{shown}"
    );
}
