//! Who belongs to what: members of groups, groups and roles of people, both also through nesting.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::company::{Company, Group, MemberKind, role};
use super::super::delta::page::Row;
use super::super::world::World;
use super::caller::Caller;
use super::list::List;
use super::properties::Collection;
use super::query::Query;
use super::refusal::Refusal;

const ROLE_TYPE: &str = "#microsoft.graph.directoryRole";

/// Without `$select`, of members of any type.
const DEFAULTS: [&str; 6] = [
    "displayName",
    "mail",
    "userPrincipalName",
    "description",
    "roleTemplateId",
    "deletedDateTime",
];

/// What is shown of a member without `$select`.
pub fn default_selection() -> Vec<String> {
    DEFAULTS.map(str::to_owned).into()
}

/// One page of `/groups/{id}/members` and its like; `cast` leaves one type of object.
pub fn page(
    world: &mut World,
    caller: &Caller,
    path: &Path,
    query: &Query,
) -> Result<Value, Refusal> {
    let supported = ["$select", "$top", "$skiptoken", "$count"];
    if let Some(option) = query.beyond(&supported) {
        let message = format!("The simulated tenant does not support {option} here.");
        return Err(Refusal::unsupported_query(message));
    }
    if path.cast.is_some() || query.count {
        query.require_advanced()?;
    }
    let place = path.text();
    if let Some(token) = &query.skip_token {
        return world.kept_page(&place, token);
    }
    let rows = rows(world, caller, path)?;
    let wanted = path.cast.as_ref().map(|cast| format!("#{cast}"));
    let is_wanted = |row: &Row| wanted.is_none() || row.odata_type == wanted.as_deref();
    let list = List {
        place,
        context: "directoryObjects".to_owned(),
        top: query.top()?,
        counts: query.count,
        selected: Arc::new(query.select.clone().unwrap_or_else(default_selection)),
    };
    Ok(list.bind(world, rows.into_iter().filter(is_wanted).collect()))
}

/// `{root}/{relation}[/{cast}]`
pub struct Path {
    /// `groups/{id}`, `users/{id}`, `me`
    pub root: String,
    /// Of which object.
    pub id: Uuid,
    /// `members`, `transitiveMemberOf`
    pub relation: String,
    /// `microsoft.graph.user`
    pub cast: Option<String>,
}

impl Path {
    fn text(&self) -> String {
        let cast = self.cast.as_ref().map(|cast| format!("/{cast}"));
        let cast = cast.unwrap_or_default();
        format!("{}/{}{cast}", self.root, self.relation)
    }
}

fn rows(world: &World, caller: &Caller, path: &Path) -> Result<Vec<Row>, Refusal> {
    let company = &world.company;
    let group = company.groups.get(&path.id);
    match (path.relation.as_str(), group) {
        ("members", Some(group)) => Ok(direct_members(world, caller, group)),
        ("transitiveMembers", Some(group)) => Ok(all_members(world, caller, group)),
        ("memberOf", _) => Ok(belongings(world, caller, path.id, false)),
        ("transitiveMemberOf", _) => Ok(belongings(world, caller, path.id, true)),
        _ => Err(Refusal::unknown_segment()),
    }
}

/// The direct members of `group`, as far as `caller` may see them.
pub fn direct_members(world: &World, caller: &Caller, group: &Group) -> Vec<Row> {
    if is_hidden(group, caller) {
        return Vec::new();
    }
    let members = group.visible_members().iter();
    members
        .filter_map(|(id, kind)| member(&world.company, caller, *id, *kind))
        .collect()
}

fn all_members(world: &World, caller: &Caller, group: &Group) -> Vec<Row> {
    let company = &world.company;
    let mut seen = BTreeSet::from([group.object.id]);
    let mut waiting = vec![group];
    let mut rows = Vec::new();
    while let Some(group) = waiting.pop() {
        if is_hidden(group, caller) {
            continue;
        }
        for (id, kind) in group.visible_members() {
            if seen.insert(*id) {
                rows.extend(member(company, caller, *id, *kind));
                waiting.extend(company.groups.get(id));
            }
        }
    }
    rows
}

fn is_hidden(group: &Group, caller: &Caller) -> bool {
    group.hides_members() && !caller.sees(&["Member.Read.Hidden"])
}

/// The row of a member; `None` if it is deleted. Of types that the caller may not read, only type and id are said.
fn member(company: &Company, caller: &Caller, id: Uuid, kind: MemberKind) -> Option<Row> {
    let (properties, permissions): (_, &[&str]) = match kind {
        MemberKind::User => (
            company.users.get(&id)?.object.visibly_alive()?.clone(),
            Collection::Users.permissions(),
        ),
        MemberKind::Group => (
            company.groups.get(&id)?.object.visibly_alive()?.clone(),
            Collection::Groups.permissions(),
        ),
        MemberKind::Device => (
            thing(company, id),
            &["Device.Read.All", "Directory.Read.All"],
        ),
        MemberKind::Contact => (
            thing(company, id),
            &["OrgContact.Read.All", "Directory.Read.All"],
        ),
        MemberKind::ServicePrincipal => (
            thing(company, id),
            &["Application.Read.All", "Directory.Read.All"],
        ),
    };
    Some(Row {
        id,
        odata_type: Some(kind.odata_type()),
        properties: caller.sees(permissions).then_some(properties),
        extra: None,
    })
}

fn thing(company: &Company, id: Uuid) -> Arc<Map<String, Value>> {
    let name = company.things.get(&id);
    Arc::new(Map::from_iter([("displayName".to_owned(), json!(name))]))
}

/// The groups and directory roles that `id` belongs to.
fn belongings(world: &World, caller: &Caller, id: Uuid, is_transitive: bool) -> Vec<Row> {
    let company = &world.company;
    let mut rows = Vec::new();
    let mut seen = BTreeSet::from([id]);
    let mut waiting = vec![id];
    while let Some(member_id) = waiting.pop() {
        let groups = company.groups.values();
        for group in groups.filter(|group| group.visible_members().contains_key(&member_id)) {
            let is_own = caller.person == Some(id);
            if !seen.insert(group.object.id) || (is_hidden(group, caller) && !is_own) {
                continue;
            }
            rows.extend(member(company, caller, group.object.id, MemberKind::Group));
            if is_transitive {
                waiting.push(group.object.id);
            }
        }
    }
    let roles = company.users.get(&id).map(|user| &user.account.roles);
    let roles = roles.into_iter().flatten();
    rows.extend(roles.map(|template_id| role_row(company, *template_id)));
    rows
}

fn role_row(company: &Company, template_id: Uuid) -> Row {
    let name = role::display_name(template_id);
    let properties = json!({
        "displayName": name,
        "description": format!("Members have the rights of a {name}."),
        "roleTemplateId": template_id,
    });
    let Value::Object(properties) = properties else {
        unreachable!("the literal above is an object");
    };
    Row {
        id: Uuid::new_v5(&company.tenant_id, format!("role/{template_id}").as_bytes()),
        odata_type: Some(ROLE_TYPE),
        properties: Some(Arc::new(properties)),
        extra: None,
    }
}
