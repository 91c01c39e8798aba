//! `ldap365 sync`

use std::cell::RefCell;

use clap::Args;

use super::Error;
use super::output::Output;
use crate::admin::client::{self, Client};
use crate::admin::report::pass::{SyncEvent, SyncOrder};
use crate::app::offline;
use crate::config::Config;

/// What kind of pass.
#[derive(Clone, Copy, Debug, Args)]
pub struct Options {
    /// Enumerate everything again, instead of asking for changes
    #[arg(long)]
    full: bool,
    /// Only list what a pass would change, and why; nothing is changed
    #[arg(long)]
    dry_run: bool,
    /// First let the changes pass that the mass-change guard holds back now
    #[arg(long, conflicts_with = "dry_run")]
    accept: bool,
}

impl From<Options> for SyncOrder {
    fn from(options: Options) -> Self {
        Self {
            full: options.full,
            dry_run: options.dry_run,
            accept: options.accept,
        }
    }
}

/// Has the daemon run a pass, or runs one on the store when there is no daemon.
pub(super) async fn run(
    config: &Config,
    options: Options,
    output: &mut Output,
) -> Result<(), Error> {
    let order = SyncOrder::from(options);
    match follow(&Client::new(&config.admin.socket), order, output).await {
        Err(Error::Daemon(client::Error::NoDaemon { .. })) => {
            run_offline(config, order, output).await
        }
        done => done,
    }
}

async fn run_offline(config: &Config, order: SyncOrder, output: &mut Output) -> Result<(), Error> {
    let watcher = RefCell::new(Watcher::new(output));
    let written = RefCell::new(Ok(()));
    let progress = |event: SyncEvent| {
        let mut written = written.borrow_mut();
        if written.is_ok() {
            *written = watcher.borrow_mut().see(&event);
        }
    };
    if order.dry_run {
        let events = offline::dry_run(config, order.full, progress).await?;
        written.into_inner()?;
        let mut watcher = watcher.into_inner();
        for event in events {
            watcher.see(&event)?;
        }
        return watcher.end();
    }
    let summary = offline::sync(config, order, progress).await?;
    written.into_inner()?;
    let mut watcher = watcher.into_inner();
    watcher.see(&SyncEvent::Finished(summary))?;
    watcher.end()
}

/// Orders a pass and follows it to its end. A pass that failed in part is an error, after its summary was printed.
async fn follow(client: &Client, order: SyncOrder, output: &mut Output) -> Result<(), Error> {
    let mut events = client.sync(order).await?;
    let mut watcher = Watcher::new(output);
    while let Some(event) = events.next().await? {
        watcher.see(&event)?;
    }
    watcher.end()
}

/// Shows events as they happen, and remembers how the pass ended.
struct Watcher<'a> {
    output: &'a mut Output,
    has_failed: bool,
    planned: usize,
}

impl<'a> Watcher<'a> {
    fn new(output: &'a mut Output) -> Self {
        Self {
            output,
            has_failed: false,
            planned: 0,
        }
    }

    fn see(&mut self, event: &SyncEvent) -> Result<(), Error> {
        match event {
            SyncEvent::Read { .. } | SyncEvent::Waiting { .. } => self.output.show_progress(event),
            SyncEvent::Accepted { .. } => self.output.show(event, event),
            SyncEvent::Planned(_) => {
                self.planned += 1;
                self.output.show(event, event)
            }
            SyncEvent::Finished(summary) => {
                self.has_failed = !summary.failures.is_empty();
                if summary.is_dry_run && self.planned == 0 && !self.output.is_json() {
                    self.output.show("", &"nothing would change")?;
                }
                self.output.show(event, event)
            }
        }
    }

    fn end(self) -> Result<(), Error> {
        match self.has_failed {
            true => Err(Error::PassFailed),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::tests::{Program, start_program};
    use crate::cli::output::tests::in_memory;

    fn order(full: bool) -> SyncOrder {
        SyncOrder {
            full,
            ..SyncOrder::default()
        }
    }

    #[tokio::test]
    async fn progress_and_summary_go_their_own_ways() {
        let running = start_program(Program::default()).await;
        let (mut output, results, progress) = in_memory(false);
        follow(&running.client(), order(true), &mut output)
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
        let result = follow(&running.client(), order(false), &mut output).await;
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
        follow(&running.client(), order(false), &mut output)
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
