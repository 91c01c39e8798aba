//! PostgreSQL with LDAP authentication, in both of its modes.

use crate::client::Answer;
use crate::jail::{Jail, free_port};
use crate::tenant::sample;
use crate::world::{World, password_of};

const DATA: &str = "/var/lib/postgresql/data";

/// A throw-away cluster whose people sign in as the recipe says; the superuser does from inside.
struct Cluster {
    jail: Jail,
    port: String,
    log: String,
}

impl Cluster {
    async fn start(world: &World, recipe: &str) -> Self {
        let mut jail = Jail::open(world).await;
        let binaries = jail
            .run(&["sh", "-c", "echo /usr/lib/postgresql/*/bin"])
            .await;
        let binaries = binaries.output.trim().to_owned();
        let postgres = [
            "setpriv",
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
        ];
        let directory = ["install", "-d", "-o", "postgres", DATA, "/run/postgresql"];
        jail.run(&directory).await.ended_with(0);
        let initdb = format!("{binaries}/initdb");
        let initdb = [&initdb, "-D", DATA, "--no-sync", "--auth=trust"];
        jail.run(&[&postgres[..], &initdb].concat())
            .await
            .ended_with(0);

        let port = free_port().to_string();
        // TLS towards PostgreSQL is PostgreSQL's own matter.
        let people = world.recipe(recipe).replace("hostssl ", "host ");
        let rules = format!("local all postgres trust\n{people}");
        jail.write(&format!("{DATA}/pg_hba.conf"), &rules);
        let server = format!("{binaries}/postgres");
        let server = [
            &server,
            "-D",
            DATA,
            "-p",
            &port,
            "-c",
            "listen_addresses=127.0.0.1",
        ];
        let quick = ["-c", "fsync=off", "-c", "dynamic_shared_memory_type=mmap"];
        let log = jail.start(&[&postgres[..], &server, &quick].concat());
        let statement =
            "CREATE ROLE ada LOGIN; CREATE ROLE mallory LOGIN; CREATE ROLE \"svc-backup\" LOGIN";
        let psql = ["psql", "-U", "postgres", "-p", &port, "-c", statement];
        jail.eventually(&psql).await;
        Self { jail, port, log }
    }

    async fn sign_in(&self, role: &str, password: &str) -> Answer {
        let server = ["psql", "-h", "127.0.0.1", "-p", &self.port, "-U", role];
        let words = [
            &server[..],
            &["-d", "postgres", "-Atc", "SELECT current_user"],
        ]
        .concat();
        let client = self.jail.client(&words).variable("PGPASSWORD", password);
        client.run().await
    }

    async fn lets_in(&self, name: &str) {
        let password = password_of(&format!("{name}@contoso.example"));
        let answer = self.sign_in(name, password).await;
        assert_eq!(
            answer.output.trim(),
            name,
            "{answer:?}\n{}",
            self.jail.read(&self.log)
        );
    }

    async fn refuses(&self, role: &str, password: &str) {
        let answer = self.sign_in(role, password).await;
        let refusal = format!("LDAP authentication failed for user \"{role}\"");
        assert!(
            answer.errors.contains(&refusal),
            "{answer:?}\n{}",
            self.jail.read(&self.log)
        );
    }
}

#[tokio::test]
async fn postgresql_binds_as_the_role() {
    let world = World::start().await;
    let cluster = Cluster::start(&world, "postgresql.simple.conf").await;
    cluster.lets_in("ada").await;
    cluster.lets_in("svc-backup").await;
    cluster.refuses("ada", "wrong").await;
    cluster.refuses("mallory", sample::MALLORY_PASSWORD).await;
}

#[tokio::test]
async fn postgresql_finds_the_role_in_a_group_and_binds() {
    let world = World::start().await;
    let cluster = Cluster::start(&world, "postgresql.search.conf").await;
    cluster.lets_in("ada").await;
    cluster.refuses("ada", "wrong").await;
    cluster.refuses("mallory", sample::MALLORY_PASSWORD).await;
    let outsider = password_of("svc-backup@contoso.example");
    cluster.refuses("svc-backup", outsider).await;
}
