//! `ldap365 status`

use super::Error;
use super::output::Output;
use crate::admin::client::Client;

/// Prints how the daemon is doing.
pub(super) async fn run(client: &Client, output: &mut Output) -> Result<(), Error> {
    let status = client.status().await?;
    output.show(&status, &status)
}
