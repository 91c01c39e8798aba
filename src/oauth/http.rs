//! The one HTTP client of the process, for the sign-in service and for Graph, and how answers are read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::{Certificate, Client, NoProxy, Proxy, Response, redirect};

use super::Settings;

/// How long a connection may take to come up, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer may fall silent; each request has a total limit of its own beside it.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The `User-Agent` of every request.
const USER_AGENT: &str = concat!("ldap365/", env!("CARGO_PKG_VERSION"));
/// Hosts that are never reached through a proxy, whatever `NO_PROXY` says.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Why the HTTP client could not be built; each is for the administrator of this host to mend.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file in `tenant.ca_file` cannot be read.
    #[error("tenant.ca_file {} cannot be read ({source}): check the path and its permissions", path.display())]
    CaFileUnreadable {
        /// The configured path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file in `tenant.ca_file` holds no certificate in PEM form.
    #[error("tenant.ca_file {} holds no usable certificate: it must be PEM (-----BEGIN CERTIFICATE-----)", path.display())]
    CaFileUnusable {
        /// The configured path.
        path: PathBuf,
    },
    /// There is nothing to check Microsoft's certificate against.
    #[error(
        "this host has no certificate authorities: install the package ca-certificates, or set tenant.ca_file"
    )]
    NoRoots,
    /// `HTTPS_PROXY` or `ALL_PROXY` is not a URL.
    #[error("the environment variable {variable} is not a proxy URL: write it as http://host:port")]
    ProxyUnusable {
        /// The variable.
        variable: &'static str,
    },
    /// The TLS library refused the settings.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(#[source] reqwest::Error),
}

/// Builds the HTTP client for both hosts of the tenant.
///
/// It trusts the system's certificate authorities and those in `ca_file`, follows no redirect (a token
/// must not travel to a host that was not configured), and honours `HTTPS_PROXY`, `ALL_PROXY` and
/// `NO_PROXY`, but never for a loopback host.
///
/// # Errors
/// See [`Error`]. Missing system authorities matter only where a host is reached by https.
pub fn client(settings: &Settings) -> Result<Client, Error> {
    let is_tls = [&settings.login_url, &settings.graph_url]
        .iter()
        .any(|url| url.scheme() == "https");
    let roots = roots(settings.ca_file.as_deref())?;
    if is_tls && roots.is_empty() {
        return Err(Error::NoRoots);
    }
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .redirect(redirect::Policy::none())
        .tls_built_in_root_certs(false)
        .no_proxy();
    for root in roots {
        builder = builder.add_root_certificate(root);
    }
    if let Some(proxy) = proxy(|name| std::env::var(name).ok())? {
        builder = builder.proxy(proxy);
    }
    builder.build().map_err(Error::Setup)
}

/// The system's certificate authorities and those of `ca_file`.
fn roots(ca_file: Option<&Path>) -> Result<Vec<Certificate>, Error> {
    let mut roots: Vec<Certificate> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        // One odd certificate in the system's store must not stop the daemon.
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect();
    if let Some(path) = ca_file {
        let pem = std::fs::read(path).map_err(|source| Error::CaFileUnreadable {
            path: path.to_owned(),
            source,
        })?;
        match Certificate::from_pem_bundle(&pem) {
            Ok(extra) if !extra.is_empty() => roots.extend(extra),
            _ => {
                return Err(Error::CaFileUnusable {
                    path: path.to_owned(),
                });
            }
        }
    }
    Ok(roots)
}

/// The proxy for https, as the usual environment variables name it.
fn proxy(env: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, Error> {
    let named = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .into_iter()
        .find_map(|variable| Some((variable, env(variable).filter(|value| !value.is_empty())?)));
    let Some((variable, url)) = named else {
        return Ok(None);
    };
    let proxy = Proxy::https(&url).map_err(|_| Error::ProxyUnusable { variable })?;
    let exempt = env("NO_PROXY")
        .or_else(|| env("no_proxy"))
        .unwrap_or_default();
    Ok(Some(proxy.no_proxy(NoProxy::from_string(&format!(
        "{LOOPBACK},{exempt}"
    )))))
}

/// Why the body of an answer is not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// The connection broke or fell silent before the end.
    #[error("the answer broke off: {0}")]
    Broken(#[source] reqwest::Error),
    /// The body is longer than the caller bears.
    #[error("the answer is longer than {octets_max} octets")]
    TooLong { octets_max: usize },
}

/// Reads a whole body of at most `octets_max` octets, counted after decompression.
pub(crate) async fn read_body(
    mut response: Response,
    octets_max: usize,
) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| BodyError::Broken(error.without_url()))?
    {
        if body.len() + chunk.len() > octets_max {
            return Err(BodyError::TooLong { octets_max });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The wait that `Retry-After` asks for: whole seconds or a date (RFC 9110 §10.2.3), or the decimal
/// seconds that Graph sends ("Microsoft Graph throttling guidance"). `None` when it is absent or nonsense.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = rfc2822::parse(text).ok()?.timestamp();
    // A date gone by asks for no wait at all.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

/// An error's own words and those of everything below it: reqwest keeps the reason in the sources.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(below) = source {
        words.push_str(": ");
        words.push_str(&below.to_string());
        source = below.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(ca_file: Option<PathBuf>) -> Settings {
        Settings {
            login_url: "https://login.example.com".parse().unwrap(),
            graph_url: "https://graph.example.com".parse().unwrap(),
            tenant: "contoso.example".to_owned(),
            ca_file,
        }
    }

    fn wait(value: &str) -> Option<Duration> {
        let now = "1994-11-06T08:49:30Z".parse().unwrap();
        let headers = HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]);
        retry_after(&headers, now)
    }

    #[test]
    fn retry_after_is_read_as_seconds_decimal_seconds_or_date() {
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("2.128"), Some(Duration::from_millis(2128)));
        assert_eq!(
            wait("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Duration::from_secs(7))
        );
    }

    #[test]
    fn retry_after_in_the_past_is_no_wait_and_nonsense_is_none() {
        assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("-3"), None);
        assert_eq!(wait("1e300"), None);
        assert_eq!(wait("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn unreadable_ca_file_is_named() {
        let error = client(&settings(Some("/nonexistent/ca.pem".into()))).unwrap_err();
        assert!(matches!(error, Error::CaFileUnreadable { .. }));
        assert!(error.to_string().contains("/nonexistent/ca.pem"), "{error}");
    }

    #[test]
    fn ca_file_without_a_certificate_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a certificate").unwrap();
        let error = client(&settings(Some(file.path().to_owned()))).unwrap_err();
        assert!(matches!(error, Error::CaFileUnusable { .. }), "{error}");
    }

    #[test]
    fn unusable_proxy_is_named_by_its_variable() {
        let env = |name: &str| (name == "HTTPS_PROXY").then(|| "http://[".to_owned());
        assert!(matches!(
            proxy(env),
            Err(Error::ProxyUnusable {
                variable: "HTTPS_PROXY"
            })
        ));
        assert!(proxy(|_| None).unwrap().is_none());
    }
}
