//! `cargo run --example simulated_tenant [-- --port N]`: the sample tenant, for a daemon to be pointed at.

#[path = "mod.rs"]
mod tenant;

use clap::Parser;
use tenant::{Disorder, Tenant, sample};

/// A simulated Office 365 tenant on loopback, until Ctrl-C.
#[derive(Parser)]
struct Arguments {
    /// The port to listen on; any free one by default.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let arguments = Arguments::parse();
    let tenant = Tenant::start_on(arguments.port, sample::company(), Disorder::default()).await;
    print_settings(&tenant);
    tokio::signal::ctrl_c().await
}

/// What to put into the daemon's configuration file, and who can sign in.
fn print_settings(tenant: &Tenant) {
    println!("[tenant]");
    println!("id        = {:?}", tenant.domain());
    println!("login_url = {:?}", tenant.login_url());
    println!("graph_url = {:?}", tenant.graph_url());
    println!();
    println!("[[credential]]");
    println!("name          = \"simulated\"");
    println!("kind          = \"secret\"");
    println!("client_id     = {:?}", tenant.client_id());
    println!("client_secret = {:?}", tenant.client_secret());
    println!();
    println!("[auth]");
    println!("client_id     = {:?}", tenant.client_id());
    println!("client_secret = {:?}", tenant.client_secret());
    println!();
    println!("# tenant id: {}", tenant.tenant_id());
    println!(
        "# a public client for delegated sign-in: {}",
        tenant.public_client_id()
    );
    println!(
        "# an administrator for its consent page (no password asked): {}",
        sample::ADMINISTRATOR
    );
    for (upn, password) in sample::PASSWORDS {
        println!("# password of {upn}: {password}");
    }
}
