//! What an administrator may have done: each act is one amendment of the directory, the same with a daemon and without.

mod person;
pub(crate) mod registry;

use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;

use super::keeper::{AmendError, Amendment, Keeper};
use super::lookup;
use super::report::with_causes;
use super::syncer::Acceptance;
use super::view::Terms;
use crate::admin::report::act::{Act, Done};
use crate::admin::{Refusal, RefusalKind};
use crate::directory::Directory;
use crate::sync::guard;

/// Does what an administrator orders; durable and served when it returns.
pub(crate) async fn perform(
    keeper: &Keeper,
    terms: &Arc<Terms>,
    act: Act,
) -> Result<Done, Refusal> {
    let terms = terms.clone();
    match act {
        Act::Repin { rule } => {
            amend(keeper, move |directory| {
                registry::repin(directory, &terms, &rule)
            })
            .await
        }
        Act::ReleaseName { name } => {
            amend(keeper, move |directory| registry::release(directory, &name)).await
        }
        Act::AdoptNumber { whom: Some(whom) } => {
            amend(keeper, move |directory| {
                registry::adopt_one(directory, &terms, &whom)
            })
            .await
        }
        Act::AdoptNumber { whom: None } => {
            amend(keeper, move |directory| {
                registry::adopt_all(directory, &terms)
            })
            .await
        }
        Act::Import { format, text } => {
            let import =
                move |directory: &mut Directory| registry::import(directory, &text, format);
            // The file names people, whoever has the name when they come.
            amend(keeper, move |directory| {
                let done = import(directory)?;
                Ok::<_, registry::ImportError>((done, again(import)))
            })
            .await
        }
        Act::SetShell { user, shell } => {
            amend_person(keeper, user, move |directory, user| {
                person::set_shell(directory, user, shell.as_deref())
            })
            .await
        }
        Act::AddKey { user, key } => {
            amend_person(keeper, user, move |directory, user| {
                person::add_key(directory, user, &key)
            })
            .await
        }
        Act::RemoveKey { user, key } => {
            amend_person(keeper, user, move |directory, user| {
                person::remove_key(directory, user, &key)
            })
            .await
        }
    }
}

/// Lets everything pass that is held back now.
pub(crate) async fn accept(keeper: &Keeper) -> Result<Acceptance, Refusal> {
    let now = Timestamp::now();
    let accept = move |directory: &mut Directory| Ok::<_, Infallible>(accept_held(directory, now));
    let before = keeper.state();
    let objects = keeper.amend(accept).await.map_err(refusal)?;
    Ok(Acceptance {
        objects,
        before,
        after: keeper.state(),
    })
}

/// Accepts what is held back in this directory, and only that in any other.
pub(super) fn accept_held(directory: &mut Directory, now: Timestamp) -> (usize, Amendment) {
    let held = guard::changes_held(directory);
    guard::accept(directory, &held, now);
    let count = held.len();
    let amendment = move |directory: &mut Directory| {
        guard::accept(directory, &held, now);
        Ok(())
    };
    (count, Box::new(amendment))
}

async fn amend<T: Send + 'static, E: std::error::Error + Send + 'static>(
    keeper: &Keeper,
    change: impl FnOnce(&mut Directory) -> Result<(T, Amendment), E> + Send + 'static,
) -> Result<T, Refusal>
where
    Refusal: From<E>,
{
    keeper.amend(change).await.map_err(refusal)
}

/// Changes what is set for one person, who stays the same person when it is done once more.
async fn amend_person(
    keeper: &Keeper,
    user: String,
    change: impl Fn(&mut Directory, &str) -> Result<Done, person::Error> + Send + 'static,
) -> Result<Done, Refusal> {
    amend(keeper, move |directory| {
        let done = change(directory, &user)?;
        let id = lookup::user(directory, &user)?.to_string();
        Ok::<_, person::Error>((done, again(move |directory| change(directory, &id))))
    })
    .await
}

/// The same change once more.
fn again<T, E: std::error::Error + 'static>(
    change: impl Fn(&mut Directory) -> Result<T, E> + Send + 'static,
) -> Amendment {
    Box::new(move |directory| match change(directory) {
        Ok(_) => Ok(()),
        Err(error) => Err(with_causes(&error)),
    })
}

/// An error of the store with all its causes, in one line.
fn refusal<E: std::error::Error + 'static>(error: AmendError<E>) -> Refusal
where
    Refusal: From<E>,
{
    match error {
        AmendError::Refused(error) => error.into(),
        error @ (AmendError::Reopen(_) | AmendError::Store(_)) => {
            Refusal::new(RefusalKind::Failed, with_causes(&error))
        }
    }
}

impl From<Infallible> for Refusal {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<crate::directory::registry::AdoptError> for Refusal {
    fn from(error: crate::directory::registry::AdoptError) -> Self {
        Self::new(RefusalKind::Conflict, error)
    }
}
