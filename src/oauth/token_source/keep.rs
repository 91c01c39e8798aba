//! Where a renewed authorization is made durable: not here.

use std::fmt;
use std::pin::Pin;

use crate::oauth::Authorization;

/// Why a renewed authorization could not be kept.
pub type KeepError = Box<dyn std::error::Error + Send + Sync>;

/// Makes renewed authorizations durable.
///
/// [`TokenSource`](super::TokenSource) calls it with each new refresh token before it uses the token that came
/// with it. The old one may be forgotten only once the new one is on disk.
pub trait Keep: fmt::Debug + Send + Sync {
    /// Stores the authorization of the credential `name` in place of the one before.
    fn keep<'a>(
        &'a self,
        name: &'a str,
        authorization: &'a Authorization,
    ) -> Pin<Box<dyn Future<Output = Result<(), KeepError>> + Send + 'a>>;
}

/// Keeps nothing: for one command, which leaves the stored authorization as it is. Microsoft does not revoke a
/// refresh token that was used, so nothing is lost.
#[derive(Clone, Copy, Debug)]
pub struct KeepNothing;

impl Keep for KeepNothing {
    fn keep<'a>(
        &'a self,
        _: &'a str,
        _: &'a Authorization,
    ) -> Pin<Box<dyn Future<Output = Result<(), KeepError>> + Send + 'a>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
