//! Client assertions: a JWT signed with the key of a registered certificate (certificate credentials, RFC 7523).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use serde_json::Value;
use webpki::EndEntityCert;
use webpki::ring::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256_LEGACY_KEY};

use super::super::company::Registration;
use super::super::world::World;
use super::Form;
use super::refusal::Refusal;

/// The only `client_assertion_type`.
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Clocks may differ by this much (seconds).
const SKEW_SECONDS: i64 = 300;

/// Whether `form` carries an assertion; `Err` if it carries a wrong one.
pub fn verify(
    world: &mut World,
    registration: &Registration,
    form: &Form,
) -> Result<bool, Refusal> {
    let Some(text) = form.get("client_assertion") else {
        return Ok(false);
    };
    if form.require("client_assertion_type")? != ASSERTION_TYPE {
        return Err(Refusal::of(50027));
    }
    let assertion = Assertion::parse(text).ok_or_else(|| Refusal::of(50027))?;
    assertion.check_signature(registration)?;
    assertion.check_claims(world, registration)?;
    Ok(true)
}

/// A JWT taken apart.
struct Assertion<'a> {
    header: Value,
    claims: Value,
    /// What is signed: header and claims as sent.
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Assertion<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self {
            header: json(header)?,
            claims: json(claims)?,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    fn check_signature(&self, registration: &Registration) -> Result<(), Refusal> {
        let thumbprint = |name: &str| self.header[name].as_str();
        let (algorithm, sent): (&'static Algorithm, &str) =
            match (thumbprint("x5t#S256"), thumbprint("x5t")) {
                (Some(sha256), _) => (&SHA256, sha256),
                (None, Some(sha1)) => (&SHA1_FOR_LEGACY_USE_ONLY, sha1),
                (None, None) => return Err(Refusal::of(50012)),
            };
        let is_meant = |der: &&Vec<u8>| URL_SAFE_NO_PAD.encode(digest(algorithm, der)) == sent;
        let Some(der) = registration.certificates.iter().find(is_meant) else {
            return Err(Refusal::saying(
                700027,
                "Client assertion failed signature validation. [Reason - The key was not found.]",
            ));
        };
        let scheme: &dyn SignatureVerificationAlgorithm = match self.header["alg"].as_str() {
            Some("PS256") => RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
            Some("RS256") => RSA_PKCS1_2048_8192_SHA256,
            _ => return Err(Refusal::of(50012)),
        };
        let der = CertificateDer::from(der.as_slice());
        let certificate = EndEntityCert::try_from(&der).expect("tests register certificates");
        certificate
            .verify_signature(scheme, self.signed.as_bytes(), &self.signature)
            .map_err(|_| {
                Refusal::saying(
                    700027,
                    "Client assertion failed signature validation. [Reason - The provided signature value did not \
                     match the expected signature value.]",
                )
            })
    }

    fn check_claims(&self, world: &mut World, registration: &Registration) -> Result<(), Refusal> {
        let claim = |name: &str| self.claims[name].as_str();
        let client_id = registration.client_id.to_string();
        if claim("iss") != Some(&client_id) {
            return Err(Refusal::of(50012));
        }
        if claim("sub") != claim("iss") {
            return Err(Refusal::of(50048));
        }
        if !claim("aud").is_some_and(|audience| is_token_endpoint(world, audience)) {
            return Err(Refusal::saying(
                50013,
                "Assertion failed audience check: it is not meant for this token endpoint.",
            ));
        }
        let now = world.clock.now().as_second();
        let time = |name: &str| self.claims[name].as_i64();
        let is_begun = time("nbf").is_none_or(|nbf| nbf <= now + SKEW_SECONDS);
        let is_alive = time("exp").is_some_and(|exp| now < exp + SKEW_SECONDS);
        if !is_begun || !is_alive {
            return Err(Refusal::of(500133));
        }
        let jti = claim("jti").ok_or_else(|| Refusal::of(50027))?;
        if !world.sign_in.assertions_seen.insert(jti.to_owned()) {
            return Err(Refusal::saying(
                50013,
                "Assertion was presented before: its jti repeats.",
            ));
        }
        Ok(())
    }
}

fn is_token_endpoint(world: &World, audience: &str) -> bool {
    let id = world.company.tenant_id.to_string();
    let domains = world.company.domains.iter();
    let names = domains.map(|domain| domain.name.clone()).chain([id]);
    names
        .map(|name| format!("{}/{name}/oauth2/v2.0/token", world.base_url))
        .any(|endpoint| endpoint.eq_ignore_ascii_case(audience))
}
