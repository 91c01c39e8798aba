//! Decisions that were taken before and are kept, though the rules would say otherwise now or cannot be asked.

use crate::app::flaws::is_guarded;
use crate::app::view::View;
use crate::directory::guard::Subject;
use crate::directory::{Decision, GroupId, Reason, UserId};

use super::{group_reason, person_reason};

/// The sentence that decided on a person, and why it still counts when it is an earlier one.
pub(crate) fn person(view: &View, id: UserId) -> String {
    let directory = &view.state.directory;
    let decision = directory.decisions.users.get(&id);
    let is_guarded = is_guarded(directory, Subject::Person(id));
    explained(view, decision, is_guarded, person_reason(directory, id))
}

/// The sentence that decided on a group, and why it still counts when it is an earlier one.
pub(crate) fn group(view: &View, id: GroupId) -> String {
    let directory = &view.state.directory;
    let decision = directory.decisions.groups.get(&id);
    let is_guarded = is_guarded(directory, Subject::Group(id));
    explained(view, decision, is_guarded, group_reason(directory, id))
}

fn explained(view: &View, decision: Option<&Decision>, is_guarded: bool, reason: String) -> String {
    let is_unresolved = !view.findings.settled.problems.is_empty();
    match decision {
        Some(Decision::Exclude(Reason::ChangeHeld)) | None => reason,
        Some(_) if is_guarded => format!(
            "the earlier decision is kept, because its change is held back (sync.max_change); it was: {reason}"
        ),
        Some(decision) if is_unresolved && is_by_rule(decision) => format!(
            "the earlier decision is kept, because a group named in the rules cannot be resolved; it was: {reason}"
        ),
        Some(_) => reason,
    }
}

/// The rules took the decision, which is not taken anew while one of them cannot be resolved.
fn is_by_rule(decision: &Decision) -> bool {
    match decision {
        Decision::Include(_) => true,
        Decision::Exclude(reason) => matches!(
            reason,
            Reason::Ignored(_)
                | Reason::NotAllowed
                | Reason::NoMail
                | Reason::PrefixMismatch
                | Reason::KindExcluded(_)
        ),
    }
}
