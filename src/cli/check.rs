//! `ldap365 check`

use super::Error;
use super::output::Output;
use crate::app::check::{self, groups};
use crate::config::Config;

/// Prints every group of the tenant, with its fate.
pub(super) async fn run_groups(config: &Config, output: &mut Output) -> Result<(), Error> {
    let fates = groups::read(config).await?;
    output.show(&fates, &fates)?;
    match fates.failures.is_empty() {
        true => Ok(()),
        false => Err(Error::CheckFailed),
    }
}

impl From<groups::Unread> for Error {
    fn from(error: groups::Unread) -> Self {
        match error {
            groups::Unread::Daemon(error) => error.into(),
            groups::Unread::Own(error) => error.into(),
        }
    }
}

/// Prints each finding as it is known.
pub(super) async fn run(config: &Config, output: &mut Output) -> Result<(), Error> {
    let mut written = Ok(());
    let is_sound = check::check(config, |finding| {
        if written.is_ok() {
            written = output.show(finding, finding);
        }
    })
    .await;
    written?;
    if is_sound {
        Ok(())
    } else {
        Err(Error::CheckFailed)
    }
}
