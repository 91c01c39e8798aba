//! Users on a delta page (Graph, resource type `user`, `user: delta`).

use jiff::Timestamp;
use serde_json::Value;

use super::Settings;
use super::mapped::MappedPatch;
use super::page::{Change, Removal};
use super::problem::Problem;
use super::property::{Entry, Property};
use crate::directory::{User, UserId};

/// A string property and the field it fills.
struct Text {
    name: &'static str,
    field: fn(&mut User) -> &mut Option<String>,
}

const fn text(name: &'static str, field: fn(&mut User) -> &mut Option<String>) -> Text {
    Text { name, field }
}

/// The property that can never be unset: an entry with it is the whole object.
const UPN: &str = "userPrincipalName";

const TEXTS: [Text; 19] = [
    text(UPN, |user| &mut user.user_principal_name),
    text("mailNickname", |user| &mut user.mail_nickname),
    text("onPremisesSamAccountName", |user| {
        &mut user.on_premises_sam_account_name
    }),
    text("displayName", |user| &mut user.display_name),
    text("givenName", |user| &mut user.given_name),
    text("surname", |user| &mut user.surname),
    text("mail", |user| &mut user.mail),
    text("mobilePhone", |user| &mut user.mobile_phone),
    text("jobTitle", |user| &mut user.job_title),
    text("department", |user| &mut user.department),
    text("employeeId", |user| &mut user.employee_id),
    text("employeeType", |user| &mut user.employee_type),
    text("companyName", |user| &mut user.company_name),
    text("officeLocation", |user| &mut user.office_location),
    text("streetAddress", |user| &mut user.street_address),
    text("city", |user| &mut user.city),
    text("state", |user| &mut user.state),
    text("postalCode", |user| &mut user.postal_code),
    text("preferredLanguage", |user| &mut user.preferred_language),
];

/// The properties asked for beside [`TEXTS`].
const OTHERS: [&str; 7] = [
    "proxyAddresses",
    "businessPhones",
    "accountEnabled",
    "userType",
    "createdDateTime",
    "lastPasswordChangeDateTime",
    "manager",
];

/// The properties that are texts.
pub(super) fn text_properties() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|text| text.name)
}

/// What an entry says about a user's properties; apply it with [`UserPatch::apply_to`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserPatch {
    /// In the order of [`TEXTS`].
    texts: [Property<String>; TEXTS.len()],
    proxy_addresses: Property<Vec<String>>,
    business_phones: Property<Vec<String>>,
    account_enabled: Property<bool>,
    is_guest: Property<bool>,
    created: Property<Timestamp>,
    last_password_change: Property<Timestamp>,
    /// `manager@delta`: who became (`true`) or ceased to be the manager, in the order given.
    managers: Vec<(UserId, bool)>,
    mapped: MappedPatch,
}

/// One entry of a page of users.
#[derive(Clone, Debug, PartialEq)]
pub enum UserChange {
    /// Created, restored or updated.
    Upsert {
        /// Whom it is about.
        id: UserId,
        /// What is said about them.
        patch: Box<UserPatch>,
    },
    /// Deleted; the id may be unknown, which is normal even in a first round.
    Remove {
        /// Whom it is about.
        id: UserId,
        /// Softly or for good.
        reason: Removal,
    },
}

impl UserPatch {
    /// Brings a user up to date; start from `User::default()` for a new one.
    ///
    /// An entry with `userPrincipalName`, which can never be unset, is the whole object: what it lacks was
    /// never set. `accountEnabled` and the manager are the exceptions, and stay as known: they have been
    /// reported missing from whole objects. Any other entry changes only what it names.
    pub fn apply_to(&self, user: &mut User) {
        let is_whole = self.is_whole();
        for (text, property) in TEXTS.iter().zip(&self.texts) {
            property.apply(is_whole, (text.field)(user));
        }
        self.proxy_addresses
            .apply_or_default(is_whole, &mut user.proxy_addresses);
        self.business_phones
            .apply_or_default(is_whole, &mut user.business_phones);
        self.account_enabled.apply(false, &mut user.account_enabled);
        self.is_guest.apply_or_default(is_whole, &mut user.is_guest);
        self.created.apply(is_whole, &mut user.created);
        self.last_password_change
            .apply(is_whole, &mut user.last_password_change);
        self.mapped.apply_to(is_whole, &mut user.mapped);
        for &(manager, is_now) in &self.managers {
            if is_now {
                user.manager = Some(manager);
            } else if user.manager == Some(manager) {
                user.manager = None;
            }
        }
    }

    /// Whether the entry is the whole object; if not, the user must be known already.
    pub fn is_whole(&self) -> bool {
        self.texts[0].is_set()
    }

    /// A property that every user has and this entry gives as `null`: what Graph does when the
    /// permission to read it is missing (Graph, "Limited information returned").
    pub fn withheld(&self) -> Option<&'static str> {
        match (&self.texts[0], &self.account_enabled) {
            (Property::Null, _) => Some(UPN),
            (_, Property::Null) => Some("accountEnabled"),
            _ => None,
        }
    }

    /// Whether the entry says whose account it is and whether it is enabled, as every entry should.
    pub fn is_telling(&self) -> bool {
        self.is_whole() && self.account_enabled.is_set()
    }

    fn read(entry: &mut Entry<'_>, mapped: &[String]) -> Self {
        Self {
            texts: TEXTS.each_ref().map(|text| entry.text(text.name)),
            proxy_addresses: entry.texts("proxyAddresses"),
            business_phones: entry.texts("businessPhones"),
            account_enabled: entry.flag("accountEnabled"),
            is_guest: entry
                .text("userType")
                .map(|kind| kind.eq_ignore_ascii_case("Guest")),
            created: entry.date("createdDateTime"),
            last_password_change: entry.date("lastPasswordChangeDateTime"),
            managers: entry
                .links("manager@delta")
                .into_iter()
                .map(|link| (UserId(link.id), !link.is_removed))
                .collect(),
            mapped: MappedPatch::read(entry, mapped),
        }
    }
}

impl Change for UserChange {
    const COLLECTION: &'static str = "users";
    const PERMISSION: &'static str = "User.Read.All";

    fn select() -> Vec<&'static str> {
        ["id"]
            .into_iter()
            .chain(text_properties())
            .chain(OTHERS)
            .collect()
    }

    fn mapped(settings: &Settings) -> &[String] {
        &settings.mapped_user
    }

    fn read(entry: &Value, mapped: &[String], problems: &mut Vec<Problem>) -> Option<Self> {
        let (id, mut entry) = Entry::open(entry, problems)?;
        let id = UserId(id);
        Some(match entry.removed() {
            Some(reason) => Self::Remove {
                id,
                reason: Removal::named(reason),
            },
            None => Self::Upsert {
                id,
                patch: Box::new(UserPatch::read(&mut entry, mapped)),
            },
        })
    }
}

#[cfg(test)]
mod tests;
