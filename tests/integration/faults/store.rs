//! A store that cannot be written.

use super::stage::Stage;
use crate::harness::Installation;
use crate::tenant::{Tenant, UserSpec};

#[tokio::test]
async fn full_disk_costs_no_answer_and_a_restart_loses_nothing() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    installation.serve().await.stop().await;
    let daemon = installation.start_with_file_size_limit(0).await;
    let mut stage = Stage::of(tenant, installation, daemon).await;
    stage.is_unavailable_until_complete().await;
    stage
        .tenant
        .hire(UserSpec::new("rosalind@contoso.example").in_group("eng-data"));
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
    stage.is_taken_in("rosalind").await;
}
