//! `ldap365 explain NAME`

use super::Error;
use super::output::Output;
use crate::admin::client::{self, Client};
use crate::admin::report::explanation::{ExplainQuery, Explanation};
use crate::app::offline;
use crate::config::Config;

/// Prints why each person, or group, whom `name` may mean is served or not.
pub(super) async fn run(
    config: &Config,
    name: &str,
    is_group: bool,
    output: &mut Output,
) -> Result<(), Error> {
    let query = ExplainQuery {
        name: name.to_owned(),
        is_group,
    };
    let explanations = match Client::new(&config.admin.socket).explain(&query).await {
        Err(client::Error::NoDaemon { .. }) => offline::explain(config, &query).await?,
        answer => answer?,
    };
    let texts: Vec<String> = explanations.iter().map(Explanation::to_string).collect();
    output.show(&explanations, &texts.join("\n\n"))
}
