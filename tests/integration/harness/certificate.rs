//! A certificate authority of the test's own, and a certificate for loopback.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::rustls::pki_types::CertificateDer;

/// Writes `tls.pem`, `tls.key` and `ca.pem`; returns the authority for clients to trust.
pub fn write_to(directory: &Path) -> CertificateDer<'static> {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let leaf = CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    for (name, text) in [
        ("tls.pem", leaf.pem()),
        ("tls.key", key.serialize_pem()),
        ("ca.pem", certificate.pem()),
    ] {
        super::write_private(&directory.join(name), &text);
    }
    certificate.der().clone()
}
