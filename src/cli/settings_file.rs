//! Local settings as files: CSV or JSON, `-` for the standard streams.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use thiserror::Error;

use super::output::Output;
use crate::admin::client::{self, Client};
use crate::admin::report::act::{Act, Format};
use crate::app::offline;
use crate::config::Config;

/// How a file is written. The comments are the help texts.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormatName {
    /// Comma-separated values, the first line naming the columns
    Csv,
    /// A JSON array of objects
    Json,
}

/// Why a file was not read or written. The administrator names another.
#[derive(Debug, Error)]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Its name says nothing about what is in it.
    #[error("is {} CSV or JSON? its name ends in neither .csv nor .json; say --format csv or --format json", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
}

/// The act that takes a file over.
pub(super) fn import(file: &Path, format: Option<FormatName>) -> Result<Act, Error> {
    Ok(Act::Import {
        format: format_of(file, format)?,
        text: read(file)?,
    })
}

/// Writes everything that is set here into a file, or on standard output.
pub(super) async fn export(
    config: &Config,
    file: Option<&Path>,
    format: Option<FormatName>,
    output: &mut Output,
) -> Result<(), super::Error> {
    let file = file.unwrap_or(Path::new("-"));
    let format = match output.is_json() && is_stream(file) && format.is_none() {
        true => Format::Json,
        false => format_of(file, format)?,
    };
    let answer = Client::new(&config.admin.socket).export(format).await;
    let text = match answer {
        Err(client::Error::NoDaemon { .. }) => offline::export(config, format).await?,
        answer => answer?,
    };
    if is_stream(file) {
        return output.write(&text);
    }
    fs::write(file, text).map_err(|source| Error::Write {
        path: file.to_owned(),
        source,
    })?;
    Ok(())
}

/// The text of a file or of standard input.
pub(super) fn read(file: &Path) -> Result<String, Error> {
    let text = match is_stream(file) {
        true => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map(|_| text)
        }
        false => fs::read_to_string(file),
    };
    text.map_err(|source| Error::Read {
        path: file.to_owned(),
        source,
    })
}

fn is_stream(file: &Path) -> bool {
    file == Path::new("-")
}

fn format_of(file: &Path, format: Option<FormatName>) -> Result<Format, Error> {
    let extension = file
        .extension()
        .map(|extension| extension.to_ascii_lowercase());
    match (format, extension.as_ref().and_then(|e| e.to_str())) {
        (Some(FormatName::Csv), _) | (None, Some("csv")) => Ok(Format::Csv),
        (Some(FormatName::Json), _) | (None, Some("json")) => Ok(Format::Json),
        (None, _) if is_stream(file) => Ok(Format::Csv),
        (None, _) => Err(Error::UnknownFormat {
            path: file.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_what_is_in_it_unless_the_option_does() {
        let format = |file: &str, format| format_of(Path::new(file), format).ok();
        assert_eq!(format("people.CSV", None), Some(Format::Csv));
        assert_eq!(format("people.json", None), Some(Format::Json));
        assert_eq!(format("-", None), Some(Format::Csv));
        assert_eq!(format("people.txt", None), None);
        let json = Some(FormatName::Json);
        assert_eq!(format("people.txt", json), Some(Format::Json));
    }
}
