//! `ldap365 explain USER`

use super::Error;
use super::output::Output;
use crate::admin::client::{self, Client};
use crate::app::offline;
use crate::config::Config;

/// Prints why each person whom `user` may mean is active or not.
pub(super) async fn run(config: &Config, user: &str, output: &mut Output) -> Result<(), Error> {
    let explanations = match Client::new(&config.admin.socket).explain(user).await {
        Err(client::Error::NoDaemon { .. }) => offline::explain(config, user).await?,
        answer => answer?,
    };
    if explanations.is_empty() {
        return Err(Error::Unknown {
            user: user.to_owned(),
        });
    }
    let texts: Vec<String> = explanations.iter().map(ToString::to_string).collect();
    output.show(&explanations, &texts.join("\n\n"))
}
