//! Questions to a person at a terminal, one line each.

use std::io::{self, BufRead, Write};

use super::Error;

/// Longest answer read; certificates and secrets are files.
const ANSWER_BYTES_MAX: u64 = 4096;

/// Where questions go and answers come from.
pub(super) struct Questions<'a> {
    pub input: &'a mut dyn BufRead,
    pub output: &'a mut dyn Write,
}

impl Questions<'_> {
    /// Asks until `take` has no objection; an empty answer means `default`, where there is one.
    pub(super) fn ask(
        &mut self,
        question: &str,
        default: Option<&str>,
        mut take: impl FnMut(&str) -> Result<(), String>,
    ) -> Result<(), Error> {
        loop {
            let suffix = default.map(|text| format!(" [{text}]")).unwrap_or_default();
            self.say(&format!("{question}{suffix}: "))?;
            let answer = self.read_line()?;
            let answer = match (answer.trim(), default) {
                ("", Some(default)) => default,
                ("", None) => continue,
                (answer, _) => answer,
            };
            match take(answer) {
                Ok(()) => return Ok(()),
                Err(objection) => self.say(&format!("{objection}\n"))?,
            }
        }
    }

    pub(super) fn say(&mut self, text: &str) -> Result<(), Error> {
        self.output
            .write_all(text.as_bytes())
            .and_then(|()| self.output.flush())
            .map_err(Error::Terminal)
    }

    fn read_line(&mut self) -> Result<String, Error> {
        let mut line = String::new();
        let mut bounded = io::Read::take(&mut *self.input, ANSWER_BYTES_MAX);
        match bounded.read_line(&mut line).map_err(Error::Terminal)? {
            0 => Err(Error::Ended),
            _ => Ok(line),
        }
    }
}
