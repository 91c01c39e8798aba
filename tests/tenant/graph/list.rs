//! Plain lists: everything alive, unset properties as `null`, no memory of what was there before.

use serde_json::{Map, Value, json};

use super::super::company::Object;
use super::super::world::World;
use super::properties::Collection;
use super::query::Query;
use super::refusal::Refusal;

/// `$top` when it is not given, and its limit (Graph, "List users").
const TOP_DEFAULT: usize = 100;
const TOP_MAX: usize = 999;

/// One page of `GET /users` or `GET /groups`.
pub fn page(world: &mut World, collection: Collection, query: &Query) -> Result<Value, Refusal> {
    if let Some(option) = query.others.first() {
        let message = format!("The simulated tenant does not support {option} on lists.");
        return Err(Refusal::unsupported_query(message));
    }
    if let Some(token) = &query.skip_token {
        return world.rounds.page(collection, token);
    }
    let top = top(query)?;
    let properties = selected(collection, query)?;
    let objects: Vec<&Object> = match collection {
        Collection::Users => world
            .company
            .users
            .values()
            .map(|user| &user.object)
            .collect(),
        Collection::Groups => world
            .company
            .groups
            .values()
            .map(|group| &group.object)
            .collect(),
    };
    let alive = objects.into_iter().filter(|object| object.is_alive());
    let rows = alive.map(|object| row(object, &properties)).collect();
    Ok(bind(world, collection, rows, top))
}

fn top(query: &Query) -> Result<usize, Refusal> {
    let Some(text) = &query.top else {
        return Ok(TOP_DEFAULT);
    };
    match text.parse() {
        Ok(top @ 1..=TOP_MAX) => Ok(top),
        _ => Err(Refusal::unsupported_query(format!(
            "Invalid page size specified: '{text}'. Must be between 1 and {TOP_MAX} inclusive."
        ))),
    }
}

fn selected(collection: Collection, query: &Query) -> Result<Vec<String>, Refusal> {
    let Some(select) = &query.select else {
        let defaults = collection.defaults().iter();
        return Ok(defaults.map(|name| (*name).to_owned()).collect());
    };
    for property in select {
        if collection.is_unreadable(property) {
            return Err(Refusal::not_implemented());
        }
        if !collection.knows(property) {
            return Err(Refusal::bad_request(format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{property}' on type \
                 'microsoft.graph.{}'.",
                collection.segment().trim_end_matches('s')
            )));
        }
    }
    Ok(select.clone())
}

fn row(object: &Object, selected: &[String]) -> Value {
    let mut row = Map::new();
    for property in selected {
        let value = object
            .properties
            .get(property)
            .cloned()
            .unwrap_or(Value::Null);
        row.insert(property.clone(), value);
    }
    row.insert("id".to_owned(), json!(object.id));
    Value::Object(row)
}

/// Cuts `objects` into pages of at most `top` and at most what the tenant cares to send, keeps all but the
/// first for later, and returns that.
fn bind(world: &mut World, collection: Collection, objects: Vec<Value>, top: usize) -> Value {
    let page_objects = top.min(world.disorder.list_page_max);
    let mut pages: Vec<Vec<Value>> = objects
        .chunks(page_objects)
        .map(<[Value]>::to_vec)
        .collect();
    let context = format!("{}/v1.0/$metadata#{}", world.base_url, collection.segment());
    let mut following: Option<String> = None;
    let first = if pages.is_empty() {
        Vec::new()
    } else {
        pages.remove(0)
    };
    for value in pages.into_iter().rev() {
        let token = world.random_token(60);
        let body = body(&context, value, following);
        world.rounds.keep(collection, token.clone(), body);
        let root = format!("{}/v1.0/{}", world.base_url, collection.segment());
        following = Some(format!("{root}?$skiptoken={token}"));
    }
    body(&context, first, following)
}

fn body(context: &str, value: Vec<Value>, following: Option<String>) -> Value {
    let mut body = json!({"@odata.context": context, "value": value});
    if let Some(link) = following {
        body["@odata.nextLink"] = json!(link);
    }
    body
}
