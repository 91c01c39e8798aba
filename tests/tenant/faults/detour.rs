//! Links that lead somewhere, but not on.

use axum::body::Body;
use bytes::Bytes;
use serde_json::{Value, json};

use super::super::delta::page::{Content, Page};
use super::super::graph::DELTA_SPELLINGS;
use super::super::world::World;
use super::NEXT_LINK;

/// `body` with its nextLink leading to the same page under another link; `None` if it has none.
pub fn once_more(world: &mut World, own_url: &str, body: &Bytes) -> Option<Body> {
    let page = page_with_link(body)?;
    Some(lead(world, own_url, page.clone(), Content::Body(page)))
}

/// `body` with its nextLink leading into emptiness; `None` if it has none.
pub fn endless(world: &mut World, own_url: &str, body: &Bytes) -> Option<Body> {
    let page = page_with_link(body)?;
    Some(lead(world, own_url, page, Content::Endless))
}

fn page_with_link(body: &Bytes) -> Option<Value> {
    let page: Value = serde_json::from_slice(body).ok()?;
    page.get(NEXT_LINK).is_some().then_some(page)
}

fn lead(world: &mut World, own_url: &str, mut page: Value, content: Content) -> Body {
    let path = own_url.split('?').next().unwrap_or(own_url);
    let root = format!("{}/v1.0/", world.base_url);
    let path = path.strip_prefix(&root).expect("only Graph has nextLinks");
    let place = match path.rsplit_once('/') {
        Some((collection, last)) if DELTA_SPELLINGS.contains(&last) => {
            format!("{collection}/delta")
        }
        _ => path.to_owned(),
    };
    let link = world.detour(
        &place,
        page["@odata.context"].as_str().unwrap_or_default(),
        content,
    );
    page[NEXT_LINK] = json!(link);
    Body::from(page.to_string())
}

impl World {
    /// A link, never seen before, to a page of `place` that nobody planned.
    fn detour(&mut self, place: &str, context: &str, content: Content) -> String {
        let token = self.random_token(100);
        let page = Page {
            number: 0,
            context: context.to_owned(),
            count: None,
            link: None,
            content,
        };
        self.rounds.keep(place, token.clone(), page);
        format!("{}/v1.0/{place}?$skiptoken={token}", self.base_url)
    }

    /// The body of the page of `place` behind a skip token.
    pub fn kept_page(
        &mut self,
        place: &str,
        token: &str,
    ) -> Result<Value, super::super::graph::refusal::Refusal> {
        let page = self.rounds.page(place, token)?;
        let mut body = page.render();
        if matches!(page.content, Content::Endless) {
            body[NEXT_LINK] = json!(self.detour(place, &page.context, Content::Endless));
        }
        Ok(body)
    }
}
