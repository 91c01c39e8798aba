//! The server's certificate and key, read from PEM files.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::TlsIdentity;

/// Why a certificate cannot be used. The administrator must act.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The certificate file.
    #[error("ldap.certificate: cannot read a certificate chain from {path}: {source}")]
    Certificate {
        /// As configured.
        path: PathBuf,
        /// Missing, unreadable, or not PEM.
        source: pem::Error,
    },
    /// The file holds no certificate.
    #[error("ldap.certificate: {path} holds no CERTIFICATE block in PEM form")]
    NoCertificate {
        /// As configured.
        path: PathBuf,
    },
    /// The certificate is none of X.509's.
    #[error("ldap.certificate: {path} cannot be understood: {cause}")]
    Unreadable {
        /// As configured.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The key file.
    #[error("ldap.key: cannot read a private key from {path}: {source}")]
    Key {
        /// As configured.
        path: PathBuf,
        /// Missing, unreadable, or not PEM.
        source: pem::Error,
    },
    /// The two do not belong together, or the kind of key is not supported.
    #[error(
        "ldap.certificate and ldap.key cannot be used together ({certificate}, {key}): {source}; \
         name the key that the certificate was made for"
    )]
    Pair {
        /// As configured.
        certificate: PathBuf,
        /// As configured.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

/// Reads the files and prepares handshakes: TLS 1.2 and 1.3, sessions resumable.
pub fn acceptor(identity: &TlsIdentity) -> Result<TlsAcceptor, Error> {
    let TlsIdentity { certificate, key } = identity;
    let chain: Vec<CertificateDer> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|source| Error::Certificate {
            path: certificate.clone(),
            source,
        })?;
    if chain.is_empty() {
        return Err(Error::NoCertificate {
            path: certificate.clone(),
        });
    }
    let private_key = PrivateKeyDer::from_pem_file(key).map_err(|source| Error::Key {
        path: key.clone(),
        source,
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(chain, private_key)
        })
        .map_err(|source| Error::Pair {
            certificate: certificate.clone(),
            key: key.clone(),
            source,
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// When the server's own certificate, the first of the chain, ends (RFC 5280 §4.1.2.5).
pub fn not_after(identity: &TlsIdentity) -> Result<Timestamp, Error> {
    let path = &identity.certificate;
    let der = CertificateDer::from_pem_file(path).map_err(|source| Error::Certificate {
        path: path.clone(),
        source,
    })?;
    let unreadable = |cause: String| Error::Unreadable {
        path: path.clone(),
        cause,
    };
    let (_, certificate) =
        x509_parser::parse_x509_certificate(&der).map_err(|error| unreadable(error.to_string()))?;
    let seconds = certificate.validity().not_after.timestamp();
    Timestamp::from_second(seconds).map_err(|error| unreadable(error.to_string()))
}
