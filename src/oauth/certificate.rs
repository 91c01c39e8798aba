//! The app's certificate, and the assertion that is signed with its key instead of sending a secret.
//!
//! Source: Microsoft identity platform, "Application authentication certificate credentials"; RFC 7515,
//! RFC 7518 §3.5 (PS256), RFC 7523.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::rsa::KeyPair;
use ring::signature::{self, KeyPair as _};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use x509_parser::public_key::PublicKey;

use super::Error;
use crate::secret::Secret;

/// The smallest modulus that is accepted.
const KEY_BITS_MIN: usize = 2048;
/// How early an assertion starts to be valid, so that a clock a little ahead of Microsoft's does not hurt.
const EARLY: SignedDuration = SignedDuration::from_secs(30);
/// How long an assertion is valid after it was made.
const LIFETIME: SignedDuration = SignedDuration::from_mins(8);

/// A certificate of the app registration with its private key. `Debug` does not show the key.
pub struct Certificate {
    key: KeyPair,
    thumbprint: [u8; 32],
    subject: String,
    not_after: Timestamp,
}

/// Why a certificate and key cannot be used; the administrator must mend one of the files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Each file holds what the other should.
    #[error(
        "certificate and key are swapped: the first file holds the key, the second the certificate"
    )]
    Swapped,
    /// There is no certificate in the certificate's file.
    #[error("there is no certificate in it: it must be PEM (-----BEGIN CERTIFICATE-----)")]
    CertificateMissing,
    /// It is not X.509.
    #[error("the certificate cannot be read: {0}")]
    CertificateUnreadable(String),
    /// Microsoft takes RSA only, of a size that is still safe.
    #[error("the certificate is for {0}: Microsoft takes RSA of 2048 bits or more")]
    CertificateUnsuited(String),
    /// There is no private key in the key's file.
    #[error("there is no private key in it: it must be PEM (-----BEGIN PRIVATE KEY-----)")]
    KeyMissing,
    /// The key is protected by a password that nobody can enter.
    #[error(
        "the key is encrypted: remove its password (openssl pkey -in KEY -out NEW) and protect the file by its mode"
    )]
    KeyEncrypted,
    /// Not an RSA key, or one that cannot be used.
    #[error(
        "the key cannot be used ({0}): it must be RSA of 2048 to 4096 bits in PKCS#8 or PKCS#1"
    )]
    KeyUnusable(String),
    /// The key is another certificate's.
    #[error("the key does not belong to the certificate: their public keys differ")]
    KeyOfAnother,
}

impl CertificateError {
    /// Whether it is the key's file that must be mended, and not the certificate's.
    pub fn is_of_key(&self) -> bool {
        matches!(
            self,
            Self::KeyMissing | Self::KeyEncrypted | Self::KeyUnusable(_) | Self::KeyOfAnother
        )
    }
}

impl Certificate {
    /// Reads the first certificate of one PEM text and the private key of another.
    ///
    /// An expired certificate is not refused: see [`not_after`](Self::not_after).
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, CertificateError> {
        let has_certificate = |pem: &str| pem.contains("-----BEGIN CERTIFICATE-----");
        let has_key = |pem: &str| pem.contains("PRIVATE KEY-----");
        if has_key(certificate_pem)
            && !has_certificate(certificate_pem)
            && has_certificate(key_pem)
            && !has_key(key_pem)
        {
            return Err(CertificateError::Swapped);
        }
        let der = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|_| CertificateError::CertificateMissing)?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&der)
            .map_err(|error| CertificateError::CertificateUnreadable(error.to_string()))?;
        check_suited(&parsed.public_key().parsed())?;
        let key = read_key(key_pem)?;
        if key.public_key().as_ref() != &*parsed.public_key().subject_public_key.data {
            return Err(CertificateError::KeyOfAnother);
        }
        let not_after = parsed.validity().not_after.timestamp();
        Ok(Self {
            key,
            thumbprint: Sha256::digest(&der).into(),
            subject: parsed.subject().to_string(),
            not_after: Timestamp::from_second(not_after)
                .map_err(|error| CertificateError::CertificateUnreadable(error.to_string()))?,
        })
    }

    /// When Microsoft stops accepting it.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The subject's distinguished name.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// SHA-256 of the certificate's DER, base64url without padding: `x5t#S256` (RFC 7515 §4.1.8).
    pub fn thumbprint(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.thumbprint)
    }

    /// A new assertion that the app `client_id` speaks to the token endpoint at `token_url`.
    pub(super) fn assertion(&self, client_id: &str, token_url: &str) -> Result<Secret, Error> {
        let now = Timestamp::now();
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.thumbprint()});
        let claims = json!({
            "aud": token_url,
            "iss": client_id,
            "sub": client_id,
            "jti": Uuid::new_v4(),
            "nbf": (now - EARLY).as_second(),
            "iat": (now - EARLY).as_second(),
            "exp": (now + LIFETIME).as_second(),
        });
        let encode = |json: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(
                &signature::RSA_PSS_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| Error::Unsigned)?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(Secret::new(format!("{signed}.{signature}")))
    }
}

/// Refuses what Microsoft does not take.
fn check_suited(
    key: &Result<PublicKey<'_>, x509_parser::error::X509Error>,
) -> Result<(), CertificateError> {
    let unsuited = |what: String| Err(CertificateError::CertificateUnsuited(what));
    match key {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() >= KEY_BITS_MIN => Ok(()),
        Ok(PublicKey::RSA(rsa)) => unsuited(format!("an RSA key of {} bits", rsa.key_size())),
        Ok(PublicKey::EC(_)) => unsuited("an EC key".to_owned()),
        _ => unsuited("a key that is not RSA".to_owned()),
    }
}

/// The private key of a PEM text, PKCS#8 (RFC 5958) or PKCS#1 (RFC 8017 A.1.2).
fn read_key(pem: &str) -> Result<KeyPair, CertificateError> {
    let unusable = |cause: &dyn fmt::Display| CertificateError::KeyUnusable(cause.to_string());
    if pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || pem.contains("Proc-Type: 4,ENCRYPTED")
    {
        return Err(CertificateError::KeyEncrypted);
    }
    if pem.contains("-----BEGIN EC PRIVATE KEY-----") {
        return Err(unusable(&"an EC key"));
    }
    if let Ok(der) = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()) {
        return KeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|error| unusable(&error));
    }
    let der = PrivatePkcs1KeyDer::from_pem_slice(pem.as_bytes())
        .map_err(|_| CertificateError::KeyMissing)?;
    KeyPair::from_der(der.secret_pkcs1_der()).map_err(|error| unusable(&error))
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
