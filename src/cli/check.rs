//! `ldap365 check`

use super::Error;
use super::output::Output;
use crate::app::check::check;
use crate::config::Config;

/// Prints each finding as it is known.
pub(super) async fn run(config: &Config, output: &mut Output) -> Result<(), Error> {
    let mut written = Ok(());
    let is_sound = check(config, |finding| {
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
