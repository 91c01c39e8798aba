//! Plain lists: everything alive, unset properties as `null`, no memory of what was there before.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::company::Group;
use super::super::delta::page::{Content, Page, Row};
use super::super::world::World;
use super::caller::Caller;
use super::filter::Filter;
use super::properties::Collection;
use super::query::Query;
use super::refusal::Refusal;
use super::relation;

const SUPPORTED: [&str; 6] = [
    "$select",
    "$top",
    "$skiptoken",
    "$filter",
    "$expand",
    "$count",
];

/// How many members `$expand=members` yields, without saying that there are more ("Query parameters").
const EXPANDED_MAX: usize = 20;

/// One page of `GET /users` or `GET /groups`.
pub fn page(
    world: &mut World,
    caller: &Caller,
    collection: Collection,
    query: &Query,
) -> Result<Value, Refusal> {
    if let Some(option) = query.beyond(&SUPPORTED) {
        let message = format!("The simulated tenant does not support {option} on lists.");
        return Err(Refusal::unsupported_query(message));
    }
    let place = collection.segment();
    if let Some(token) = &query.skip_token {
        return world.kept_page(place, token);
    }
    if query.count && !query.eventual {
        query.require_advanced()?;
    }
    let list = List {
        place: place.to_owned(),
        context: place.to_owned(),
        top: query.top()?,
        counts: query.count,
        selected: Arc::new(selected(world, collection, query)?),
    };
    let filter = Filter::parse(query)?;
    let expands_members = expansion(collection, query)?;
    let is_hollow = !caller.sees(collection.permissions());
    let row = |id: Uuid, properties: &Arc<Map<String, Value>>| Row {
        id,
        odata_type: None,
        properties: (!is_hollow).then(|| properties.clone()),
        extra: None,
    };
    let company = &world.company;
    let rows: Vec<Row> = match collection {
        Collection::Users => company
            .users
            .values()
            .filter_map(|user| Some((user.object.id, user.object.visibly_alive()?)))
            .filter(|(id, properties)| filter.matches(*id, properties))
            .map(|(id, properties)| row(id, properties))
            .collect(),
        Collection::Groups => company
            .groups
            .values()
            .filter_map(|group| Some((group, group.object.visibly_alive()?)))
            .filter(|(group, properties)| filter.matches(group.object.id, properties))
            .map(|(group, properties)| Row {
                extra: expands_members.then(|| ("members", expanded(world, caller, group))),
                ..row(group.object.id, properties)
            })
            .collect(),
    };
    Ok(list.bind(world, rows))
}

fn expansion(collection: Collection, query: &Query) -> Result<bool, Refusal> {
    match (collection, query.expand.as_deref()) {
        (_, None) => Ok(false),
        (Collection::Groups, Some("members")) => Ok(true),
        (_, Some(other)) => Err(Refusal::unsupported_query(format!(
            "The simulated tenant does not expand {other}."
        ))),
    }
}

/// The first members of a group; the others are not mentioned.
fn expanded(world: &World, caller: &Caller, group: &Group) -> Value {
    let rows = relation::direct_members(world, caller, group);
    let rows = rows.iter().take(EXPANDED_MAX);
    let selected = relation::default_selection();
    Value::Array(rows.map(|row| row.render(&selected)).collect())
}

/// The properties asked for, or those that come unasked.
pub fn selected(
    world: &World,
    collection: Collection,
    query: &Query,
) -> Result<Vec<String>, Refusal> {
    let Some(select) = &query.select else {
        let defaults = collection.defaults().iter();
        return Ok(defaults.map(|name| (*name).to_owned()).collect());
    };
    for property in select {
        if collection.is_unreadable(property) {
            return Err(Refusal::not_implemented());
        }
        if !world.knows(collection, property) {
            return Err(Refusal::bad_request(format!(
                "Parsing OData Select and Expand failed: Could not find a property named '{property}' on type \
                 'microsoft.graph.{}'.",
                collection.segment().trim_end_matches('s')
            )));
        }
    }
    Ok(select.clone())
}

/// How rows become pages.
pub struct List {
    /// Path under `/v1.0`, which is also where further pages are found.
    pub place: String,
    /// What follows `$metadata#`.
    pub context: String,
    /// Rows on a page, at most.
    pub top: usize,
    /// The first page says how many rows there are in all.
    pub counts: bool,
    /// Properties of each row.
    pub selected: Arc<Vec<String>>,
}

impl List {
    /// Cuts `rows` into pages of at most `top` and at most what the tenant cares to send, keeps all but the first
    /// for later, and returns that.
    pub fn bind(self, world: &mut World, rows: Vec<Row>) -> Value {
        let count = self.counts.then_some(rows.len());
        let page_rows = self.top.min(world.disorder.list_page_max);
        let mut pages: Vec<Vec<Row>> = rows.chunks(page_rows).map(<[Row]>::to_vec).collect();
        if pages.is_empty() {
            pages.push(Vec::new());
        }
        let mut link = None;
        loop {
            let rows = pages.pop().expect("a list has at least one page");
            let number = pages.len();
            let page = Page {
                number,
                context: format!("{}/v1.0/$metadata#{}", world.base_url, self.context),
                count: count.filter(|_| number == 0),
                link: link.take(),
                content: Content::Rows(rows, self.selected.clone()),
            };
            if number == 0 {
                return page.render();
            }
            let token = world.random_token(60);
            world.rounds.keep(&self.place, token.clone(), page);
            let url = format!("{}/v1.0/{}?$skiptoken={token}", world.base_url, self.place);
            link = Some(("@odata.nextLink", url));
        }
    }
}

/// A single object, with the properties asked for.
pub fn single(
    world: &World,
    collection: Collection,
    row: &Row,
    query: &Query,
) -> Result<Value, Refusal> {
    let mut body = row.render(&selected(world, collection, query)?);
    body["@odata.context"] = json!(format!(
        "{}/v1.0/$metadata#{}/$entity",
        world.base_url,
        collection.segment()
    ));
    Ok(body)
}
