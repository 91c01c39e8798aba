//! What an administrator may have done: each act is one amendment of the directory, the same with a daemon and without.

mod person;
pub(crate) mod registry;

use std::convert::Infallible;
use std::sync::Arc;

use jiff::Timestamp;

use super::keeper::{AmendError, Amended, Keeper};
use super::report::with_causes;
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
) -> Result<Amended<Done>, Refusal> {
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
            amend(keeper, move |directory| {
                registry::import(directory, &text, format)
            })
            .await
        }
        Act::SetShell { user, shell } => {
            amend(keeper, move |directory| {
                person::set_shell(directory, &user, shell.as_deref())
            })
            .await
        }
        Act::AddKey { user, key } => {
            amend(keeper, move |directory| {
                person::add_key(directory, &user, &key)
            })
            .await
        }
        Act::RemoveKey { user, key } => {
            amend(keeper, move |directory| {
                person::remove_key(directory, &user, &key)
            })
            .await
        }
    }
}

/// Lets everything pass that is held back now; how many people, groups and memberships that is.
pub(crate) async fn accept(keeper: &Keeper) -> Result<Amended<usize>, Refusal> {
    let now = Timestamp::now();
    let accept =
        move |directory: &mut Directory| Ok::<_, Infallible>(guard::accept(directory, now));
    keeper.amend(accept).await.map_err(refusal)
}

async fn amend<T: Send + 'static, E: std::error::Error + Send + 'static>(
    keeper: &Keeper,
    change: impl Fn(&mut Directory) -> Result<T, E> + Send + 'static,
) -> Result<Amended<T>, Refusal>
where
    Refusal: From<E>,
{
    keeper.amend(change).await.map_err(refusal)
}

/// An error of the store with all its causes, in one line.
fn refusal<E: std::error::Error + 'static>(error: AmendError<E>) -> Refusal
where
    Refusal: From<E>,
{
    match error {
        AmendError::Refused(error) => error.into(),
        error @ AmendError::Store(_) => Refusal::new(RefusalKind::Failed, with_causes(&error)),
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
