//! Single objects: `/users/{id}`, `/groups/{id}`, `/me`, and what lies in the recycle bin.

use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::super::company::{Life, Object};
use super::super::delta::page::Row;
use super::super::world::World;
use super::caller::Caller;
use super::list::{self, List, selected};
use super::properties::Collection;
use super::query::Query;
use super::refusal::Refusal;

/// The living object named in a path: by id, or a person by UPN.
pub fn find(world: &World, collection: Collection, name: &str) -> Result<Uuid, Refusal> {
    let company = &world.company;
    let id = match (Uuid::parse_str(name), collection) {
        (Ok(id), _) => Some(id),
        (Err(_), Collection::Users) => company.find_user(name).map(|user| user.object.id),
        (Err(_), Collection::Groups) => None,
    };
    let object = id.and_then(|id| match collection {
        Collection::Users => company.users.get(&id).map(|user| &user.object),
        Collection::Groups => company.groups.get(&id).map(|group| &group.object),
    });
    match object.filter(|object| object.visibly_alive().is_some()) {
        Some(object) => Ok(object.id),
        None => Err(Refusal::not_found(name)),
    }
}

/// `GET /users/{id}`, `GET /groups/{id}`
pub fn get(
    world: &World,
    caller: &Caller,
    collection: Collection,
    id: Uuid,
    query: &Query,
) -> Result<Value, Refusal> {
    let object = match collection {
        Collection::Users => &world.company.users[&id].object,
        Collection::Groups => &world.company.groups[&id].object,
    };
    let is_self = caller.person == Some(id);
    let sees = is_self || caller.sees(collection.permissions());
    let row = Row {
        id,
        odata_type: None,
        properties: object.visibly_alive().filter(|_| sees).cloned(),
        extra: None,
    };
    list::single(world, collection, &row, query)
}

/// One page of `GET /directory/deletedItems/microsoft.graph.user` or `….group`.
pub fn deleted(
    world: &mut World,
    collection: Collection,
    place: &str,
    query: &Query,
) -> Result<Value, Refusal> {
    if let Some(option) = query.beyond(&["$select", "$top", "$skiptoken"]) {
        let message = format!("The simulated tenant does not support {option} here.");
        return Err(Refusal::unsupported_query(message));
    }
    if let Some(token) = &query.skip_token {
        return world.kept_page(place, token);
    }
    let mut names = query.clone();
    if let Some(select) = &mut names.select {
        select.retain(|name| name != "deletedDateTime");
    }
    let mut selected = selected(world, collection, &names)?;
    selected.push("deletedDateTime".to_owned());
    let company = &world.company;
    let rows: Vec<Row> = match collection {
        Collection::Users => company
            .users
            .values()
            .filter_map(|user| deleted_row(&user.object))
            .collect(),
        Collection::Groups => company
            .groups
            .values()
            .filter_map(|group| deleted_row(&group.object))
            .collect(),
    };
    let list = List {
        place: place.to_owned(),
        context: collection.segment().to_owned(),
        top: query.top()?,
        counts: false,
        selected: Arc::new(selected),
    };
    Ok(list.bind(world, rows))
}

fn deleted_row(object: &Object) -> Option<Row> {
    let (properties, Life::SoftDeleted(since)) = object.visible()? else {
        return None;
    };
    let mut properties = properties.clone();
    let since = Value::String(since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    Arc::make_mut(&mut properties).insert("deletedDateTime".to_owned(), since);
    Some(Row {
        id: object.id,
        odata_type: None,
        properties: Some(properties),
        extra: None,
    })
}
