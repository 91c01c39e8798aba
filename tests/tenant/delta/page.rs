//! A page as it is kept: cheap until somebody asks for it, and the same whenever they do.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::entries::{Entry, Telling};

/// One page of a round or a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its place in the round or list, from 0.
    pub number: usize,
    /// `@odata.context`
    pub context: String,
    /// `@odata.count`, on first pages that were asked for it.
    pub count: Option<usize>,
    /// Where to go from here.
    pub link: Option<(&'static str, String)>,
    /// `value`
    pub content: Content,
}

/// What a page says.
#[derive(Clone, Debug)]
pub enum Content {
    /// Entries of a delta round, told in that way.
    Entries(Vec<Entry>, Telling),
    /// Rows of a list, with these properties of each.
    Rows(Vec<Row>, Arc<Vec<String>>),
    /// A body that is already made, links and all.
    Body(Value),
    /// Nothing, again and again: the page makes up a further one whenever it is asked for.
    Endless,
}

/// One object of a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whom it is about.
    pub id: Uuid,
    /// `@odata.type`, in lists of mixed types.
    pub odata_type: Option<&'static str>,
    /// What there is to say; nothing for objects whose type the caller may not read.
    pub properties: Option<Arc<Map<String, Value>>>,
    /// Said whatever was selected: expanded links.
    pub extra: Option<(&'static str, Value)>,
}

impl Row {
    /// A row with the `selected` properties, unset ones as `null`.
    pub fn render(&self, selected: &[String]) -> Value {
        let mut row = Map::new();
        if let Some(odata_type) = self.odata_type {
            row.insert("@odata.type".to_owned(), json!(odata_type));
        }
        for property in selected {
            let known = self.properties.as_ref();
            let value = known.and_then(|known| known.get(property));
            row.insert(property.clone(), value.cloned().unwrap_or(Value::Null));
        }
        row.insert("id".to_owned(), json!(self.id));
        if let Some((key, value)) = &self.extra {
            row.insert((*key).to_owned(), value.clone());
        }
        Value::Object(row)
    }
}

impl Page {
    /// The body.
    pub fn render(&self) -> Value {
        let value: Vec<Value> = match &self.content {
            Content::Body(body) => return body.clone(),
            Content::Entries(entries, telling) => {
                entries.iter().map(|entry| entry.render(telling)).collect()
            }
            Content::Rows(rows, selected) => rows.iter().map(|row| row.render(selected)).collect(),
            Content::Endless => Vec::new(),
        };
        let mut body = json!({"@odata.context": self.context});
        if let Some(count) = self.count {
            body["@odata.count"] = json!(count);
        }
        if let Some((key, link)) = &self.link {
            body[*key] = json!(link);
        }
        body["value"] = Value::Array(value);
        body
    }
}
