//! Query options as Graph reads them.

use axum::http::HeaderMap;

use super::refusal::Refusal;

const TOP_DEFAULT: usize = 100;
const TOP_MAX: usize = 999;

/// The options of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `$select`, split.
    pub select: Option<Vec<String>>,
    /// `$top`, unparsed.
    pub top: Option<String>,
    /// `$skiptoken`, in whatever letter case.
    pub skip_token: Option<String>,
    /// `$deltatoken`, in whatever letter case.
    pub delta_token: Option<String>,
    /// `$filter`, unparsed.
    pub filter: Option<String>,
    /// `$expand`, unparsed.
    pub expand: Option<String>,
    /// `$count=true`
    pub count: bool,
    /// The header `ConsistencyLevel: eventual` came along.
    pub eventual: bool,
    /// Names of all options, in order, as sent.
    pub names: Vec<String>,
}

impl Query {
    /// Reads the part of the URL after `?`; an option given twice is an error.
    pub fn parse(query: Option<&str>, headers: &HeaderMap) -> Result<Self, Refusal> {
        let level = headers.get("consistencylevel");
        let mut parsed = Self {
            eventual: level.is_some_and(|level| level.as_bytes().eq_ignore_ascii_case(b"eventual")),
            ..Self::default()
        };
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let value = value.into_owned();
            parsed.names.push(name.to_string());
            let former = match name.to_ascii_lowercase().as_str() {
                "$select" => {
                    let names = value.split(',').map(|name| name.trim().to_owned());
                    let former = parsed.select.replace(names.collect());
                    former.map(|names| names.join(","))
                }
                "$top" => parsed.top.replace(value),
                "$skiptoken" => parsed.skip_token.replace(value),
                "$deltatoken" => parsed.delta_token.replace(value),
                "$filter" => parsed.filter.replace(value),
                "$expand" => parsed.expand.replace(value),
                "$count" => {
                    parsed.count = value == "true";
                    None
                }
                _ => None,
            };
            if former.is_some() {
                return Err(Refusal::bad_request(
                    "Query option was specified more than once.",
                ));
            }
        }
        Ok(parsed)
    }

    /// The first option that is not among `supported` (lowercase).
    pub fn beyond(&self, supported: &[&str]) -> Option<String> {
        let mut names = self.names.iter();
        names
            .find(|name| !supported.contains(&name.to_ascii_lowercase().as_str()))
            .cloned()
    }

    /// `$top`, 100 when it is not given, 999 at most (Graph, "List users").
    pub fn top(&self) -> Result<usize, Refusal> {
        let Some(text) = &self.top else {
            return Ok(TOP_DEFAULT);
        };
        match text.parse() {
            Ok(top @ 1..=TOP_MAX) => Ok(top),
            _ => Err(Refusal::unsupported_query(format!(
                "Invalid page size specified: '{text}'. Must be between 1 and {TOP_MAX} inclusive."
            ))),
        }
    }

    /// What casts on relationships and advanced filters need (advanced query capabilities).
    pub fn require_advanced(&self) -> Result<(), Refusal> {
        match self.eventual && (self.count || self.skip_token.is_some()) {
            true => Ok(()),
            false => Err(Refusal::unsupported_query(
                "Request requires the ConsistencyLevel header set to 'eventual' and $count=true.",
            )),
        }
    }
}
