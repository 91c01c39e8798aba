//! `ldap365 init`: a first configuration, from a few questions or from flags.

mod draft;
mod questions;
mod steps;

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::json;
use thiserror::Error;
use uuid::Uuid;

use super::output::Output;
use crate::config::{self, LoadError, Problem};
use crate::secret::Secret;
pub use draft::{Cloud, Kind};
use draft::{Draft, SECRET_FILE, is_initial_domain};
use questions::Questions;
use steps::Steps;

/// Answers given beforehand; what is missing is asked for.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// A domain of the tenant, or its id
    #[arg(long, value_name = "DOMAIN")]
    pub tenant: Option<String>,

    /// The national cloud the tenant lives in
    #[arg(long)]
    pub cloud: Option<Cloud>,

    /// How the sync signs in
    #[arg(long)]
    pub kind: Option<Kind>,

    /// The "Application (client) ID" of the app registration
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,

    /// The app's certificate (PEM), for --kind certificate
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,

    /// The certificate's key (PEM), for --kind certificate
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// A file that holds the app's client secret, for --kind secret (or delegated, for a confidential app)
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,

    /// The top of the LDAP tree; guessed from the tenant's domain
    #[arg(long, value_name = "DN")]
    pub base_dn: Option<String>,

    /// Ask nothing: take the guesses, and fail when something is missing
    #[arg(long, short)]
    pub yes: bool,

    /// Overwrite an existing configuration
    #[arg(long)]
    pub force: bool,
}

/// Why no configuration was written.
#[derive(Debug, Error)]
pub enum Error {
    /// There is a configuration, and it is not thrown away unasked.
    #[error("{} exists already; give --force to overwrite it, or another name with --config", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The name of a file is needed.
    #[error("{} is a directory; name the file in it with --config, as in {}", path.display(), path.join("ldap365.toml").display())]
    Directory {
        /// What --config names.
        path: PathBuf,
    },
    /// What was given is not the id of an app.
    #[error("{}", not_an_id(given))]
    ClientId {
        /// What was given instead.
        given: String,
    },
    /// The portal shows an id beside each secret, which is of no use here.
    #[error("{SECRET_ID} (in {})", path.display())]
    SecretId {
        /// The file that holds it.
        path: PathBuf,
    },
    /// Nobody can be asked, and flags are missing.
    #[error("nobody is asked without a terminal, or with --yes; give {}", flags.join(", "))]
    MissingFlags {
        /// What to give.
        flags: Vec<&'static str>,
    },
    /// An answer given as a flag cannot be.
    #[error("{}", lines(problems))]
    Unfit {
        /// What the configuration says about it.
        problems: Vec<Problem>,
    },
    /// Standard input ended before the last answer.
    #[error("the input ended before everything was answered; nothing was written")]
    Ended,
    /// The terminal cannot be used.
    #[error("cannot ask on this terminal")]
    Terminal(#[source] io::Error),
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// What was written is refused, which is a fault of ours or of whoever changed files meanwhile.
    #[error("the configuration was written, but is not accepted")]
    Refused(#[source] LoadError),
}

/// What is said to somebody who gave the id of a secret.
const SECRET_ID: &str =
    "that is the \"Secret ID\", and no secret: make a new one, and copy its \"Value\"";

fn not_an_id(given: &str) -> String {
    format!(
        "{given:?} is not an \"Application (client) ID\", which the app's overview shows and which looks like \
         00000000-0000-0000-0000-000000000000"
    )
}

fn is_guid(text: &str) -> bool {
    Uuid::try_parse(text.trim()).is_ok()
}

fn lines(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| {
        let spoken = Problem {
            position: None,
            ..problem.clone()
        };
        spoken.to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Asks, shows the steps of the app registration, writes the configuration to `path`.
pub(super) fn run(path: &Path, options: &Options, output: &mut Output) -> Result<(), super::Error> {
    let is_asking = io::stdin().is_terminal() && !options.yes;
    let (mut stdin, mut stderr) = (io::stdin().lock(), io::stderr());
    let questions = Questions {
        input: &mut stdin,
        output: &mut stderr,
    };
    let mut ask_secret = || rpassword::prompt_password("The secret's value: ").map(Secret::new);
    let questions = is_asking.then_some((questions, &mut ask_secret as AskSecret<'_>));
    init(path, options, questions, output)
}

/// Reads a secret that is not shown.
type AskSecret<'a> = &'a mut dyn FnMut() -> io::Result<Secret>;

fn init(
    path: &Path,
    options: &Options,
    questions: Option<(Questions<'_>, AskSecret<'_>)>,
    output: &mut Output,
) -> Result<(), super::Error> {
    // Before anybody has answered anything.
    if path.is_dir() {
        let path = path.to_owned();
        return Err(Error::Directory { path }.into());
    }
    if path.exists() && !options.force {
        let path = path.to_owned();
        return Err(Error::Exists { path }.into());
    }
    let mut draft = Draft {
        tenant: options.tenant.clone(),
        cloud: options.cloud.unwrap_or_default(),
        kind: options.kind,
        client_id: options.client_id.clone(),
        certificate: options.certificate.clone().map(absolute),
        key: options.key.clone().map(absolute),
        secret_file: options.client_secret_file.clone().map(absolute),
        base_dn: options.base_dn.clone(),
    };
    refuse_strange_flags(&draft)?;
    let secret = match questions {
        Some((questions, ask_secret)) => {
            interview(path, options, &mut draft, questions, ask_secret, output)?
        }
        None => {
            complete(&mut draft)?;
            show_steps(&draft, output)?;
            None
        }
    };
    let problems = draft.problems(path);
    if !problems.is_empty() {
        return Err(Error::Unfit { problems }.into());
    }
    write(path, &draft, secret.as_ref(), options.force)?;
    config::load(path).map_err(Error::Refused)?;
    let written = format!("Wrote {}, which ldap365 accepts.", path.display());
    let kind = draft.kind.unwrap_or(Kind::Delegated);
    let next = steps::afterwards(kind, &path.display().to_string());
    output.show(&json!({ "config": path }), &format!("{written}\n{next}"))
}

/// Objects to flags that the configuration would take, and Microsoft would not.
fn refuse_strange_flags(draft: &Draft) -> Result<(), Error> {
    if let Some(given) = draft.client_id.clone().filter(|id| !is_guid(id)) {
        return Err(Error::ClientId { given });
    }
    let Some(path) = &draft.secret_file else {
        return Ok(());
    };
    // A file that cannot be read is objected to together with everything else.
    match fs::read_to_string(path).map(Secret::new) {
        Ok(secret) if is_guid(secret.expose()) => Err(Error::SecretId { path: path.clone() }),
        _ => Ok(()),
    }
}

/// Paths in the file start from its directory, those of the command line from where the command runs.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// Without anybody to ask: guesses for what can be guessed, an error for the rest.
fn complete(draft: &mut Draft) -> Result<(), Error> {
    draft.base_dn = draft.base_dn.take().or_else(|| draft.guessed_base());
    let needs_certificate = draft.kind == Some(Kind::Certificate);
    let wanted = [
        ("--tenant", draft.tenant.is_none()),
        ("--kind", draft.kind.is_none()),
        ("--client-id", draft.client_id.is_none()),
        (
            "--certificate",
            needs_certificate && draft.certificate.is_none(),
        ),
        ("--key", needs_certificate && draft.key.is_none()),
        (
            "--client-secret-file",
            draft.kind == Some(Kind::Secret) && draft.secret_file.is_none(),
        ),
        (
            "--base-dn",
            draft.tenant.is_some() && draft.base_dn.is_none(),
        ),
    ];
    let missing = wanted.into_iter().filter(|(_, is_missing)| *is_missing);
    let flags: Vec<_> = missing.map(|(flag, _)| flag).collect();
    match flags.is_empty() {
        true => Ok(()),
        false => Err(Error::MissingFlags { flags }),
    }
}

fn show_steps(draft: &Draft, output: &mut Output) -> Result<(), super::Error> {
    let kind = draft.kind.unwrap_or(Kind::Delegated);
    let steps = Steps::of(draft.cloud, kind, draft);
    output.show(&steps, &steps)
}

/// Asks for what the flags have not said. The secret, if one was typed.
fn interview(
    path: &Path,
    options: &Options,
    draft: &mut Draft,
    mut questions: Questions<'_>,
    ask_secret: AskSecret<'_>,
    output: &mut Output,
) -> Result<Option<Secret>, super::Error> {
    // Before the questions too: a file that is not thrown away is found here, and not after the last of them.
    let typed_secret_file = free_secret_file(path, options.force)?;
    if draft.tenant.is_none() {
        questions.ask("A domain of the tenant, or its id", None, |answer| {
            draft.tenant = Some(answer.to_owned());
            objection(draft, path, "tenant.id")
        })?;
    }
    if options.cloud.is_none() {
        let names = "Cloud: global, us-gov, us-gov-dod or china";
        questions.ask(names, Some("global"), |answer| {
            draft.cloud = Cloud::from_str(answer, true)?;
            Ok(())
        })?;
    }
    if draft.kind.is_none() {
        let names =
            "Sign in by: certificate (best), secret or delegated (an administrator signs in once)";
        questions.ask(names, Some("certificate"), |answer| {
            draft.kind = Some(Kind::from_str(answer, true)?);
            Ok(())
        })?;
    }
    show_steps(draft, output)?;
    if draft.client_id.is_none() {
        questions.ask("Application (client) ID", None, |answer| {
            if !is_guid(answer) {
                return Err(not_an_id(answer));
            }
            draft.client_id = Some(answer.to_owned());
            objection(draft, path, "credential.client_id")
        })?;
    }
    let secret = ask_proof(path, draft, &mut questions, ask_secret, typed_secret_file)?;
    if draft.base_dn.is_none() {
        let guess = draft.guessed_base();
        let is_rough = draft.tenant.as_deref().is_some_and(is_initial_domain);
        let question = if is_rough {
            "The top of the LDAP tree (guessed from the tenant's first domain; take your company's own if it differs)"
        } else {
            "The top of the LDAP tree"
        };
        questions.ask(question, guess.as_deref(), |answer| {
            draft.base_dn = Some(answer.to_owned());
            objection(draft, path, "directory.base_dn")
        })?;
    }
    Ok(secret)
}

fn ask_proof(
    path: &Path,
    draft: &mut Draft,
    questions: &mut Questions<'_>,
    ask_secret: AskSecret<'_>,
    typed_secret_file: PathBuf,
) -> Result<Option<Secret>, Error> {
    let directory = absolute(path.to_owned());
    let directory = directory.parent().unwrap_or(Path::new("/"));
    let beside = |name: &str| directory.join(name).display().to_string();
    match draft.kind {
        Some(Kind::Certificate) => {
            if draft.certificate.is_none() {
                questions.ask("The certificate file", Some(&beside("app.pem")), |answer| {
                    exists(answer)?;
                    draft.certificate = Some(absolute(answer.into()));
                    Ok(())
                })?;
            }
            if draft.key.is_none() {
                questions.ask("The key file", Some(&beside("app.key")), |answer| {
                    exists(answer)?;
                    draft.key = Some(absolute(answer.into()));
                    objection(draft, path, "credential.key")
                })?;
            }
            Ok(None)
        }
        Some(Kind::Secret) if draft.secret_file.is_none() => loop {
            let secret = ask_secret().map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => Error::Ended,
                _ => Error::Terminal(error),
            })?;
            if is_guid(secret.expose()) {
                questions.say(&format!("{SECRET_ID}\n"))?;
            } else if !secret.expose().trim().is_empty() {
                draft.secret_file = Some(typed_secret_file);
                return Ok(Some(Secret::new(secret.expose().trim().to_owned())));
            }
        },
        _ => Ok(None),
    }
}

/// Where a secret that is typed goes, beside the configuration: a name of its own where the usual one is taken, as by
/// the secret of another configuration.
fn free_secret_file(path: &Path, force: bool) -> Result<PathBuf, Error> {
    let usual = PathBuf::from(SECRET_FILE);
    let own = PathBuf::from(path.file_name().unwrap_or_default()).with_extension("secret");
    let is_free = |name: &Path| force || !path.with_file_name(name).exists();
    if is_free(&usual) {
        return Ok(usual);
    }
    if is_free(&own) {
        return Ok(own);
    }
    Err(Error::Exists {
        path: path.with_file_name(own),
    })
}

fn exists(file: &str) -> Result<(), String> {
    File::open(file)
        .map(drop)
        .map_err(|error| format!("cannot read {file}: {error}"))
}

fn objection(draft: &Draft, path: &Path, key: &str) -> Result<(), String> {
    draft.objection(path, key).map_or(Ok(()), Err)
}

/// The secret first: a configuration that names a missing file would be refused.
fn write(path: &Path, draft: &Draft, secret: Option<&Secret>, force: bool) -> Result<(), Error> {
    if let Some(directory) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::create_dir_all(directory).map_err(failed(directory))?;
    }
    if let Some(secret) = secret {
        let name = draft
            .secret_file
            .as_deref()
            .unwrap_or(Path::new(SECRET_FILE));
        let file = path.with_file_name(name);
        write_private(&file, secret.expose().as_bytes(), force)?;
    }
    write_private(path, draft.to_string().as_bytes(), force)
}

/// Writes a file of mode 0600, whole or not at all. Without `force`, only where there is none.
fn write_private(path: &Path, content: &[u8], force: bool) -> Result<(), Error> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    // Whatever an interrupted run left there; its mode may be any.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed(&temporary)(error));
        }
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(failed(&temporary))?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    let placed = written.and_then(|()| match force {
        true => fs::rename(&temporary, path),
        // Fails where a file is, even if it came this very moment.
        false => fs::hard_link(&temporary, path),
    });
    if !force || placed.is_err() {
        // The content is in place under its own name, or the write failed; either way this one is superfluous.
        let _ = fs::remove_file(&temporary);
    }
    placed.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists {
            path: path.to_owned(),
        },
        _ => failed(path)(error),
    })
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path, source }
}

#[cfg(test)]
mod tests;
