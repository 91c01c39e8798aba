//! Results on standard output, progress on standard error; text for people or JSON for scripts.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use super::Error;

/// Where a command writes to.
pub(super) struct Output {
    is_json: bool,
    results: Box<dyn Write>,
    progress: Box<dyn Write>,
    messages: Box<dyn Write>,
    /// The last line of `progress` is to be overwritten.
    has_progress: bool,
}

/// Goes back to the start of a terminal's line and clears it.
const ERASE_LINE: &str = "\r\u{1b}[K";

impl Output {
    /// The standard streams. Progress is for people who watch: without a terminal there is none.
    pub fn new(is_json: bool) -> Self {
        let stderr = io::stderr();
        let progress: Box<dyn Write> = if stderr.is_terminal() {
            Box::new(stderr)
        } else {
            Box::new(io::sink())
        };
        Self {
            is_json,
            results: Box::new(io::stdout()),
            progress,
            messages: Box::new(io::stderr()),
            has_progress: false,
        }
    }

    /// Results are for scripts.
    pub fn is_json(&self) -> bool {
        self.is_json
    }

    /// Writes a result as it is: the text of a file.
    pub fn write(&mut self, text: &str) -> Result<(), Error> {
        self.results
            .write_all(text.as_bytes())
            .and_then(|()| self.results.flush())
            .map_err(Error::Output)
    }

    /// Writes a result, as text or as one line of JSON.
    pub fn show<T: Serialize + ?Sized>(
        &mut self,
        json: &T,
        text: &dyn Display,
    ) -> Result<(), Error> {
        if std::mem::take(&mut self.has_progress) {
            write!(self.progress, "{ERASE_LINE}")
                .and_then(|()| self.progress.flush())
                .map_err(Error::Output)?;
        }
        let line = if self.is_json {
            serde_json::to_string(json).map_err(|error| Error::Output(error.into()))?
        } else {
            printable(&text.to_string())
        };
        write_line(&mut self.results, &line)
    }

    /// Writes what somebody must read for the command to go on: to standard error, terminal or not; for scripts, as
    /// one of the results.
    pub fn tell<T: Serialize + ?Sized>(
        &mut self,
        json: &T,
        text: &dyn Display,
    ) -> Result<(), Error> {
        if self.is_json {
            return self.show(json, text);
        }
        write_line(&mut self.messages, &printable(&text.to_string()))
    }

    /// Writes a step on the way: for people over the step before, for scripts among the results.
    pub fn show_progress<T: Serialize + Display>(&mut self, step: &T) -> Result<(), Error> {
        if self.is_json {
            self.show(step, step)
        } else {
            self.has_progress = true;
            write!(
                self.progress,
                "{ERASE_LINE}{}",
                printable(&step.to_string())
            )
            .and_then(|()| self.progress.flush())
            .map_err(Error::Output)
        }
    }
}

fn write_line(stream: &mut dyn Write, line: &str) -> Result<(), Error> {
    writeln!(stream, "{line}")
        .and_then(|()| stream.flush())
        .map_err(Error::Output)
}

/// Names come from the tenant, where anybody may have chosen them: they must not steer the terminal.
fn printable(text: &str) -> String {
    let is_hostile = |c: char| c.is_control() && c != '\n';
    text.replace(is_hostile, "\u{fffd}")
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A stream that remembers what was written.
    #[derive(Clone, Default)]
    pub struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Memory {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("no panic").clone()).expect("text")
        }
    }

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// An output, and what arrives in its two streams.
    pub fn in_memory(is_json: bool) -> (Output, Memory, Memory) {
        let (results, progress) = (Memory::default(), Memory::default());
        let output = Output {
            is_json,
            results: Box::new(results.clone()),
            progress: Box::new(progress.clone()),
            messages: Box::new(progress.clone()),
            has_progress: false,
        };
        (output, results, progress)
    }

    #[test]
    fn names_from_the_tenant_cannot_steer_the_terminal() {
        let (mut output, results, _) = in_memory(false);
        output
            .show("", &"Ada\u{1b}[2J\nLovelace\r")
            .expect("written");
        assert_eq!(results.text(), "Ada\u{fffd}[2J\nLovelace\u{fffd}\n");
    }

    #[test]
    fn scripts_find_progress_among_the_results() {
        let (mut output, results, progress) = in_memory(true);
        output.show_progress(&"step").expect("written");
        assert_eq!(
            (results.text().as_str(), progress.text().as_str()),
            ("\"step\"\n", "")
        );
        let (mut output, results, progress) = in_memory(false);
        output.show_progress(&"step").expect("written");
        assert_eq!(
            (results.text().as_str(), progress.text().as_str()),
            ("", "\r\u{1b}[Kstep")
        );
    }
}
