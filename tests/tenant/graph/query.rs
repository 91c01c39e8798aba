//! Query options as Graph reads them.

use super::refusal::Refusal;

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
    /// Names of all other options.
    pub others: Vec<String>,
}

impl Query {
    /// Reads the part of the URL after `?`; an option given twice is an error.
    pub fn parse(query: Option<&str>) -> Result<Self, Refusal> {
        let mut parsed = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let value = value.into_owned();
            let former = match name.to_ascii_lowercase().as_str() {
                "$select" => {
                    let names = value.split(',').map(|name| name.trim().to_owned());
                    let former = parsed.select.replace(names.collect());
                    former.map(|names| names.join(","))
                }
                "$top" => parsed.top.replace(value),
                "$skiptoken" => parsed.skip_token.replace(value),
                "$deltatoken" => parsed.delta_token.replace(value),
                _ => {
                    parsed.others.push(name.into_owned());
                    None
                }
            };
            if former.is_some() {
                return Err(Refusal::bad_request(
                    "Query option was specified more than once.",
                ));
            }
        }
        Ok(parsed)
    }
}
