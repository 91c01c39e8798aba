//! Who is signed in, for delegated tokens (Graph, `/me`; an app's own token is answered 400 there).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::{Answer, GraphClient};
use crate::graph::answer::Request;
use crate::graph::{Error, Link};

/// Pages of memberships that are read at most; people are in some hundreds of groups.
const PAGES_MAX: usize = 50;
/// The type of a membership that is a directory role.
const ROLE_TYPE: &str = "#microsoft.graph.directoryRole";

/// The person on whose behalf a delegated token was issued.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// The object id.
    pub id: Uuid,
    /// `userPrincipalName`
    pub user_principal_name: Option<String>,
    /// `userType`: `Member` or `Guest`
    pub user_type: Option<String>,
}

/// A directory role that is active for the person; one that is only eligible is not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryRole {
    /// `roleTemplateId`, the same in every tenant.
    pub template: Uuid,
    /// `displayName`
    pub name: String,
}

#[derive(Deserialize)]
struct Memberships {
    value: Vec<Membership>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Membership {
    #[serde(rename = "@odata.type")]
    kind: Option<String>,
    role_template_id: Option<Uuid>,
    display_name: Option<String>,
}

impl SignedIn {
    /// Whether the account is a guest of the tenant, which may not read its directory.
    pub fn is_guest(&self) -> bool {
        let kind = self.user_type.as_deref();
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case("Guest"))
    }
}

impl GraphClient {
    /// Asks who signed in. One attempt. Cancel-safe.
    ///
    /// # Errors
    /// See [`Error`]; for a token of the app itself there is nobody, which is an error too.
    pub async fn signed_in(&self) -> Result<SignedIn, Error> {
        let select = ["id", "userPrincipalName", "userType"];
        let link = Link(format!(
            "{}/v1.0/me?$select={}",
            self.base(),
            select.join(",")
        ));
        read(&self.get(&link, &request("me", &select)).await?)
    }

    /// Asks for the directory roles of whoever signed in, over all pages. Cancel-safe.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn directory_roles(&self) -> Result<Vec<DirectoryRole>, Error> {
        // No $select: the list holds groups as well, which lack the property of a role.
        let mut link = Some(Link(format!("{}/v1.0/me/memberOf", self.base())));
        let mut roles = Vec::new();
        for _ in 0..PAGES_MAX {
            let Some(page) = link.take() else {
                break;
            };
            let answer = self.get(&page, &request("me/memberOf", &[])).await?;
            let memberships: Memberships = read(&answer)?;
            roles.extend(memberships.value.into_iter().filter_map(Membership::role));
            link = memberships.next_link.map(Link);
        }
        Ok(roles)
    }
}

impl Membership {
    fn role(self) -> Option<DirectoryRole> {
        self.kind.filter(|kind| kind == ROLE_TYPE)?;
        Some(DirectoryRole {
            template: self.role_template_id?,
            name: self.display_name.unwrap_or_default(),
        })
    }
}

fn request(collection: &'static str, select: &[&str]) -> Request {
    Request {
        collection,
        permission: "User.Read",
        select: select.iter().map(|name| (*name).to_owned()).collect(),
        is_delta: false,
    }
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|_| answer.malformed("not the expected JSON"))
}
