//! A store that cannot be written.

use std::path::Path;

use super::stage::Stage;
use crate::harness::{BASE, Installation};
use crate::tenant::Tenant;

#[tokio::test]
async fn full_disk_costs_no_answer_and_a_restart_loses_nothing() {
    let tenant = Tenant::sample().await;
    let installation = Installation::of(&tenant);
    installation.serve().await.stop().await;
    let octets = largest_file(&installation.path("data"));
    let daemon = installation.start_with_file_size_limit(octets).await;
    let mut stage = Stage::of(tenant, installation, daemon).await;
    stage.is_unavailable_until_complete().await;
    let mut last = String::new();
    for round in 0.. {
        assert!(round < 40, "the disk never fills up");
        let title = "x".repeat(40_000);
        last = stage.hire();
        let upn = format!("{last}@contoso.example");
        stage.tenant.set(&upn, "jobTitle", title);
        let done = stage.installation.json(&["sync"]).await;
        println!("{done}");
        if done["failures"].to_string().contains("could not be stored") {
            break;
        }
        stage.good = stage.reader.search(BASE, "(objectClass=*)").await;
    }
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
    stage.is_taken_in(&last).await;
}

/// The size of the largest file in a directory, in octets.
fn largest_file(directory: &Path) -> u64 {
    let files = std::fs::read_dir(directory).unwrap();
    let sizes = files.map(|file| file.unwrap().metadata().unwrap().len());
    sizes.max().expect("there is a file")
}
