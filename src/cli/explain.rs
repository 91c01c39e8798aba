//! `ldap365 explain USER`

use super::Error;
use super::output::Output;
use crate::admin::client::Client;

/// Prints why each person whom `user` may mean is active or not.
pub(super) async fn run(client: &Client, user: &str, output: &mut Output) -> Result<(), Error> {
    let explanations = client.explain(user).await?;
    let texts: Vec<String> = explanations.iter().map(ToString::to_string).collect();
    output.show(&explanations, &texts.join("\n\n"))
}
