//! Names and numbers ever handed out, and what is set here for single people, read from a view.

use crate::admin::Rows;
use crate::admin::report::act::Format;
use crate::admin::report::identity::{IdentityRow, LocalSettings};
use crate::directory::ObjectId;
use crate::directory::name::fold;

use super::view::View;
use super::{acts, explain, flaws, lookup};

/// Every record of the registry, by name; those without one come last, by number.
pub(crate) fn rows(view: &View) -> Rows<IdentityRow> {
    let registry = &view.state.directory.registry;
    let mut ids: Vec<ObjectId> = registry.iter().map(|(id, _)| id).collect();
    ids.sort_by_cached_key(|&id| {
        let record = registry.get(id);
        let name = record.and_then(|record| record.name.as_deref());
        (
            name.is_none(),
            name.map(fold),
            record.map(|record| record.number),
        )
    });
    let view = view.clone();
    let rows = ids.into_iter().filter_map(move |id| {
        let directory = &view.state.directory;
        let record = directory.registry.get(id)?;
        let former = record.former_names.iter();
        Some(IdentityRow {
            object_id: id.0,
            kind: explain::kind(directory, id, record),
            number: record.number,
            wanted_number: flaws::wanted_number(&view, id),
            name: record.name.clone(),
            former_names: former.map(|former| former.name.clone()).collect(),
            home: record.home.clone(),
            deleted: record.deleted,
        })
    });
    Box::new(rows)
}

/// What is set here for the person of this name.
pub(crate) fn local_settings(view: &View, user: &str) -> Result<LocalSettings, lookup::Error> {
    let directory = &view.state.directory;
    let id = ObjectId::from(lookup::user(directory, user)?);
    let settings = directory.overrides.objects.get(&id).cloned();
    let settings = settings.unwrap_or_default();
    Ok(LocalSettings {
        object_id: id.0,
        label: lookup::label(directory, id),
        number: settings.number,
        login_shell: settings.login_shell,
        home: settings.home,
        home_kept: flaws::home_kept(directory, id),
        ssh_keys: settings.ssh_keys,
    })
}

/// Everything that is set here, as the text of a file.
pub(crate) fn export(view: &View, format: Format) -> String {
    acts::registry::export(&view.state.directory, format)
}
