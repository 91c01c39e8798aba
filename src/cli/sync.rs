//! `ldap365 sync`

use std::cell::RefCell;

use super::Error;
use super::output::Output;
use crate::admin::client::{self, Client};
use crate::admin::report::SyncEvent;
use crate::app::offline;
use crate::config::Config;

/// Has the daemon run a pass, or runs one on the store when there is no daemon.
pub(super) async fn run(config: &Config, full: bool, output: &mut Output) -> Result<(), Error> {
    match follow(&Client::new(&config.admin.socket), full, output).await {
        Err(Error::Daemon(client::Error::NoDaemon { .. })) => {
            run_offline(config, full, output).await
        }
        done => done,
    }
}

async fn run_offline(config: &Config, full: bool, output: &mut Output) -> Result<(), Error> {
    let output = RefCell::new(output);
    let written = RefCell::new(Ok(()));
    let summary = offline::sync(config, full, |event| {
        let mut written = written.borrow_mut();
        if written.is_ok() {
            *written = output.borrow_mut().show_progress(&event);
        }
    })
    .await?;
    written.into_inner()?;
    let has_failed = !summary.failures.is_empty();
    let event = SyncEvent::Finished(summary);
    output.into_inner().show(&event, &event)?;
    if has_failed {
        Err(Error::PassFailed)
    } else {
        Ok(())
    }
}

/// Orders a pass and follows it to its end. A pass that failed in part is an error, after its summary was printed.
async fn follow(client: &Client, full: bool, output: &mut Output) -> Result<(), Error> {
    let mut events = client.sync(full).await?;
    let mut has_failed = false;
    while let Some(event) = events.next().await? {
        match &event {
            SyncEvent::Read { .. } => output.show_progress(&event)?,
            SyncEvent::Finished(summary) => {
                output.show(&event, &event)?;
                has_failed = !summary.failures.is_empty();
            }
        }
    }
    if has_failed {
        Err(Error::PassFailed)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::tests::{Program, start_program};
    use crate::cli::output::tests::in_memory;

    #[tokio::test]
    async fn progress_and_summary_go_their_own_ways() {
        let running = start_program(Program::default()).await;
        let (mut output, results, progress) = in_memory(false);
        follow(&running.client(), true, &mut output)
            .await
            .expect("a clean pass");
        assert_eq!(progress.text(), "\r\u{1b}[Kusers: 5 read\r\u{1b}[K");
        assert_eq!(
            results.text(),
            "users:  0 added, 0 changed, 0 removed; 0 activated, 0 deactivated\n\
             groups: 0 added, 0 changed, 0 removed; 0 newly imported, 0 no longer\n\
             9 requests in 0.0 s\n"
        );
    }

    #[tokio::test]
    async fn a_pass_that_failed_in_part_shows_its_summary_and_fails() {
        let failures = vec!["groups: Graph cannot be reached".to_owned()];
        let running = start_program(Program {
            failures,
            ..Program::default()
        })
        .await;
        let (mut output, results, _) = in_memory(false);
        let result = follow(&running.client(), false, &mut output).await;
        assert!(matches!(result, Err(Error::PassFailed)), "{result:?}");
        assert!(
            results
                .text()
                .ends_with("failed: groups: Graph cannot be reached\n"),
            "{}",
            results.text()
        );
    }

    #[tokio::test]
    async fn scripts_read_events_line_by_line() {
        let running = start_program(Program::default()).await;
        let (mut output, results, _) = in_memory(true);
        follow(&running.client(), false, &mut output)
            .await
            .expect("a clean pass");
        let lines: Vec<SyncEvent> = results
            .text()
            .lines()
            .map(|line| serde_json::from_str(line).expect("an event"))
            .collect();
        assert!(
            matches!(lines[..], [SyncEvent::Read { .. }, SyncEvent::Finished(_)]),
            "{lines:?}"
        );
    }
}
