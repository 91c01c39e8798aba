//! A certificate authority that nobody trusts yet, and a server certificate by it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// Where the files are.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// What a client must be told to trust.
    pub ca: PathBuf,
    /// The server's certificate, an ECDSA one.
    pub server: PathBuf,
    /// Its private key, readable by its owner only.
    pub key: PathBuf,
}

impl Certificates {
    /// Mints both into `directory`. The server goes by `localhost`, the loopback addresses, the name of the
    /// machine, because libldap replaces `localhost` by that, and the name that the recipes for clients give it. The authority's own key is thrown away.
    pub fn mint(directory: &Path) -> io::Result<Self> {
        let files = Self {
            ca: directory.join("ca.pem"),
            server: directory.join("tls.pem"),
            key: directory.join("tls.key"),
        };
        let (authority, certificate, key) = sign().map_err(io::Error::other)?;
        fs::write(&files.ca, authority)?;
        fs::write(&files.server, certificate)?;
        write_private(&files.key, &key)?;
        Ok(files)
    }
}

/// The authority's certificate, the server's, and the server's key, in PEM.
fn sign() -> Result<(String, String, String), rcgen::Error> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new([])?;
    name(&mut authority, "ldap365 throw-away CA");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_certificate = authority.self_signed(&authority_key)?;

    let server_key = KeyPair::generate()?;
    let mut server = CertificateParams::new(server_names())?;
    name(&mut server, "localhost");
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let issuer = Issuer::new(authority, authority_key);
    let server_certificate = server.signed_by(&server_key, &issuer)?;
    Ok((
        authority_certificate.pem(),
        server_certificate.pem(),
        server_key.serialize_pem(),
    ))
}

fn name(parameters: &mut CertificateParams, common_name: &str) {
    let names = &mut parameters.distinguished_name;
    names.push(DnType::CommonName, common_name);
}

fn server_names() -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1", "ldap.example.com"]
        .map(String::from)
        .to_vec();
    let machine = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = machine.trim();
    if !machine.is_empty() && machine.is_ascii() && !names.iter().any(|name| name == machine) {
        names.push(machine.to_owned());
    }
    names
}

/// Writes a file that only its owner may read, from the first byte on.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}
