//! An administrator's credential that dies with the account, and the one behind it.

use super::stage::Stage;
use crate::harness::{Installation, eventually};
use crate::tenant::sample::ADMINISTRATOR;
use crate::tenant::{Disorder, Tenant, sample};

/// In front: an administrator who has signed in. Behind: the app by its secret.
async fn authorised() -> (Tenant, Installation) {
    let tenant = Tenant::start_with(sample::company(), Disorder::none()).await;
    tenant.administrator(ADMINISTRATOR);
    tenant.set_device_interval(std::time::Duration::from_secs(1));
    let installation = Installation::of(&tenant);
    let text = std::fs::read_to_string(installation.config_file()).unwrap();
    let client_id = tenant.public_client_id();
    let first = format!(
        "[[credential]]\nname = \"erik\"\nkind = \"delegated\"\nclient_id = \"{client_id}\"\n\n[[credential]]"
    );
    let text = text.replacen("[[credential]]", &first, 1);
    std::fs::write(installation.config_file(), text).unwrap();
    authorize(&tenant, &installation).await;
    (tenant, installation)
}

/// The administrator signs in, from another device.
async fn authorize(tenant: &Tenant, installation: &Installation) {
    let approve = async {
        let code = eventually("a code is shown", async || {
            tenant.waiting_user_codes().pop()
        })
        .await;
        tenant.approve_device(&code, ADMINISTRATOR);
    };
    let arguments = ["--json", "authorize", "erik"];
    let (ended, ()) = tokio::join!(installation.run(&arguments), approve);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

/// The credential that the sync reads with.
async fn in_use(installation: &Installation) -> Option<String> {
    let status = installation.status().await;
    let credentials = status["credentials"].as_array().expect("a list");
    let used = credentials.iter().find(|it| it["in_use"] == true)?;
    Some(used["name"].as_str().expect("a name").to_owned())
}

#[tokio::test]
async fn disabled_administrator_makes_way_within_the_pass() {
    let (tenant, installation) = authorised().await;
    let daemon = installation.serve().await;
    let mut stage = Stage::of(tenant, installation, daemon).await;
    stage.is_unavailable_until_complete().await;
    assert_eq!(in_use(&stage.installation).await.as_deref(), Some("erik"));
    let logged = stage.daemon.log_length();
    stage.tenant.script_refresh(ADMINISTRATOR, Some(50_057));
    stage.tenant.revoke_access_tokens();
    stage.takes_in_a_colleague().await;
    assert_eq!(
        in_use(&stage.installation).await.as_deref(),
        Some("primary")
    );
    stage.logs_after(logged, &["erik", "AADSTS50057"]).await;
    let failed = stage.daemon.log();
    let failed = failed.iter().skip(logged);
    let failed: Vec<_> = failed.filter(|line| line.contains("sync: the ")).collect();
    assert!(failed.is_empty(), "no pass failed: {failed:?}");

    stage.tenant.script_refresh(ADMINISTRATOR, None);
    authorize(&stage.tenant, &stage.installation).await;
    stage.takes_in_a_colleague().await;
    let taken_back = in_use(&stage.installation).await;
    assert_eq!(taken_back.as_deref(), Some("erik"));
}
