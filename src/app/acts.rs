//! What an administrator may have done: each act is one amendment of the directory, the same with a daemon and without.

use std::convert::Infallible;

use jiff::Timestamp;

use super::keeper::{AmendError, Amended, Keeper};
use super::lookup;
use super::view::Terms;
use crate::admin::report::act::{Act, Done};
use crate::admin::{Refusal, RefusalKind};
use crate::directory::{Directory, ObjectId};
use crate::sync::guard;

/// Does what an administrator orders; durable and served when it returns.
pub(crate) async fn perform(
    keeper: &Keeper,
    terms: &Terms,
    act: Act,
) -> Result<Amended<Done>, Refusal> {
    let amended = match act {
        Act::SetShell { user, shell } => {
            keeper
                .amend(move |directory| set_shell(directory, &user, shell.as_deref()))
                .await
        }
        Act::AddKey { user, key } => {
            keeper
                .amend(move |directory| add_key(directory, &user, &key))
                .await
        }
        Act::RemoveKey { user, key } => {
            keeper
                .amend(move |directory| remove_key(directory, &user, &key))
                .await
        }
    };
    amended.map_err(Refusal::from)
}

/// Lets everything pass that is held back now; how many people, groups and memberships that is.
pub(crate) async fn accept(keeper: &Keeper) -> Result<Amended<usize>, Refusal> {
    let now = Timestamp::now();
    let accept = move |directory: &mut Directory| Ok::<_, Infallible>(guard::accept(directory, now));
    keeper.amend(accept).await.map_err(Refusal::from)
}
