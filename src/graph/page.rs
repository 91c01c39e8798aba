//! One page of a delta round.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::problem::Problem;
use super::{Link, Settings};
use crate::directory::DeltaLink;

/// What one page says, and where the next one is.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<C> {
    /// The changes in the order given; one object may come several times. Empty is normal.
    pub changes: Vec<C>,
    /// What could not be read.
    pub problems: Vec<Problem>,
    /// Where to go on.
    pub next: Next,
}

/// What follows a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// `@odata.nextLink`: the round goes on.
    More(Link),
    /// `@odata.deltaLink`: the round is complete; the next one starts here.
    Done(DeltaLink),
}

/// The reason of an `@removed` annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// `changed`: deleted, and restorable for 30 days.
    Soft,
    /// `deleted`: for good. Also any reason Graph may add.
    Permanent,
}

impl Removal {
    pub(super) fn named(reason: &str) -> Self {
        if reason.eq_ignore_ascii_case("changed") {
            Self::Soft
        } else {
            Self::Permanent
        }
    }
}

/// A kind of entry that delta pages are made of: users or groups.
pub trait Change: Sized {
    /// The last part of the path before `/delta`.
    const COLLECTION: &'static str;
    /// The least application permission for it (Graph, permission table of the `delta` function).
    const PERMISSION: &'static str;

    /// The properties always asked for; Graph leaves most of them out unless they are named.
    fn select() -> Vec<&'static str>;

    /// The properties asked for beside them, because the administrator maps them to attributes.
    fn mapped(settings: &Settings) -> &[String];

    /// Reads one element of `value`, with the properties in `mapped`. `None` when it must be skipped, which is noted in
    /// `problems`.
    fn read(entry: &Value, mapped: &[String], problems: &mut Vec<Problem>) -> Option<Self>;
}

/// What is wrong with the body of a page as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageFlaw {
    /// Truncated JSON, an HTML page of a proxy, or no `value` list.
    #[error("the body is not a page of JSON")]
    NotAPage,
    /// Both `@odata.nextLink` and `@odata.deltaLink`, or neither.
    #[error("the page does not have exactly one of nextLink and deltaLink")]
    Links,
}

#[derive(Deserialize)]
struct Body<V> {
    value: Vec<V>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    delta_link: Option<String>,
}

impl<V: for<'de> Deserialize<'de>> Body<V> {
    fn read(body: &[u8]) -> Result<(Vec<V>, Next), PageFlaw> {
        let body: Self = serde_json::from_slice(body).map_err(|_| PageFlaw::NotAPage)?;
        let next = match (body.next_link, body.delta_link) {
            (Some(link), None) => Next::More(Link(link)),
            (None, Some(link)) => Next::Done(DeltaLink(link)),
            _ => return Err(PageFlaw::Links),
        };
        Ok((body.value, next))
    }
}

impl<C: Change> Page<C> {
    /// Reads a page off one buffer.
    pub(super) fn read(body: &[u8], mapped: &[String]) -> Result<Self, PageFlaw> {
        let (values, next) = Body::<Value>::read(body)?;
        let mut problems = Vec::new();
        let changes = values
            .iter()
            .filter_map(|entry| C::read(entry, mapped, &mut problems))
            .collect();
        Ok(Self {
            changes,
            problems,
            next,
        })
    }
}

impl Next {
    /// What follows the page in this buffer; the objects on it are passed over, which is many times faster
    /// than reading them.
    pub(super) fn read(body: &[u8]) -> Result<Self, PageFlaw> {
        Body::<IgnoredAny>::read(body).map(|(_, next)| next)
    }

    /// The link as text, whichever it is.
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::More(Link(link)) | Self::Done(DeltaLink(link)) => link,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Flaw, GroupChange, UserChange};

    #[test]
    fn page_may_be_empty_and_go_on() {
        let page = Page::<UserChange>::read(
            br#"{"value":[],"@odata.nextLink":"https://g/v1.0/x","@odata.context":""}"#,
            &[],
        );
        let page = page.unwrap();
        assert!(page.changes.is_empty());
        assert_eq!(page.next, Next::More(Link("https://g/v1.0/x".to_owned())));
    }

    #[test]
    fn page_needs_exactly_one_link() {
        let both = br#"{"value":[],"@odata.nextLink":"a","@odata.deltaLink":"b"}"#;
        assert_eq!(Page::<UserChange>::read(both, &[]), Err(PageFlaw::Links));
        assert_eq!(
            Page::<UserChange>::read(br#"{"value":[]}"#, &[]),
            Err(PageFlaw::Links)
        );
    }

    #[test]
    fn truncated_body_and_html_are_no_page() {
        for body in [
            &br#"{"value":[{"id":"#[..],
            b"<html></html>",
            b"{}",
            b"",
            br#"{"value":{},"@odata.deltaLink":"b"}"#,
        ] {
            assert_eq!(
                Page::<GroupChange>::read(body, &[]),
                Err(PageFlaw::NotAPage)
            );
        }
    }

    #[test]
    fn object_without_a_guid_is_skipped_and_reported() {
        let page = Page::<UserChange>::read(
            br#"{"@odata.deltaLink":"d","value":[
                {"displayName":"no id"}, 7,
                {"id":"632f6bb2-3ec8-4c1f-9073-0027a8c6859","@removed":{"reason":"deleted"}},
                {"id":"25dcffff-959e-4ece-9973-e5d9b800e8cc"}]}"#,
            &[],
        )
        .unwrap();
        assert_eq!(page.changes.len(), 1);
        assert_eq!(page.problems.len(), 3);
        assert!(
            page.problems
                .iter()
                .all(|problem| problem.field == "id" && problem.flaw == Flaw::NotAGuid)
        );
        assert_eq!(page.problems[2].id, "632f6bb2-3ec8-4c1f-9073-0027a8c6859");
    }
}
