//! A store that cannot be written.

use super::stage::Stage;
use crate::harness::Installation;
use crate::tenant::{Disorder, Tenant, UserSpec, sample};

#[tokio::test]
async fn full_disk_costs_no_answer_and_a_restart_loses_nothing() {
    let tenant = Tenant::start_with(sample::company(), Disorder::none()).await;
    let installation = Installation::of(&tenant);
    installation.serve().await.stop().await;
    let daemon = installation.start_with_file_size_limit().await;
    let mut stage = Stage::of(tenant, installation, daemon).await;
    stage.is_unavailable_until_complete().await;
    // More than the limit has room for.
    for number in 0..6000 {
        let upn = format!("recruit{number}@contoso.example");
        stage.tenant.hire(UserSpec::new(&upn).disabled());
    }
    stage.logs_after(0, &["could not be stored"]).await;
    stage.serves_what_it_held().await;
    let Stage {
        tenant,
        installation,
        daemon,
        good,
        ..
    } = stage;
    daemon.kill().await;
    let daemon = installation.serve().await;
    let mut stage = Stage::of(tenant, installation, daemon).await;
    stage.good = good;
    stage.takes_in_a_colleague().await;
}
