//! A user as Graph describes one.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A user's properties, named as Graph names them; absent and `null` properties are `None`.
///
/// Source: Graph, resource type `user`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// `userPrincipalName`: how the person signs in at Microsoft.
    pub user_principal_name: Option<String>,
    /// `mailNickname`
    pub mail_nickname: Option<String>,
    /// `onPremisesSamAccountName`
    pub on_premises_sam_account_name: Option<String>,
    /// `accountEnabled`; `None` when Graph never said, which is not taken for `true`.
    pub account_enabled: Option<bool>,
    /// `userType` is `Guest`.
    pub is_guest: bool,
    /// `createdDateTime`; absent for some users older than June 2018.
    pub created: Option<Timestamp>,
    /// `lastPasswordChangeDateTime`
    pub last_password_change: Option<Timestamp>,
    /// `displayName`
    pub display_name: Option<String>,
    /// `givenName`
    pub given_name: Option<String>,
    /// `surname`
    pub surname: Option<String>,
    /// `mail`
    pub mail: Option<String>,
    /// `proxyAddresses`, as Graph gives them: `SMTP:` marks the primary, `smtp:` the others.
    pub proxy_addresses: Vec<String>,
    /// `businessPhones`
    pub business_phones: Vec<String>,
    /// `mobilePhone`
    pub mobile_phone: Option<String>,
    /// `jobTitle`
    pub job_title: Option<String>,
    /// `department`
    pub department: Option<String>,
    /// `employeeId`
    pub employee_id: Option<String>,
    /// `employeeType`
    pub employee_type: Option<String>,
    /// `companyName`
    pub company_name: Option<String>,
    /// `officeLocation`
    pub office_location: Option<String>,
    /// `streetAddress`
    pub street_address: Option<String>,
    /// `city`
    pub city: Option<String>,
    /// `state`
    pub state: Option<String>,
    /// `postalCode`
    pub postal_code: Option<String>,
    /// `preferredLanguage`
    pub preferred_language: Option<String>,
    /// The object id in `manager@delta`, when Graph reports one.
    pub manager: Option<super::UserId>,
    /// Values of the properties that `[directory.attributes]` names, by the property's name as configured
    /// (`extension_…`, `onPremisesExtensionAttributes.extensionAttribute1`); numbers and booleans as text.
    pub mapped: BTreeMap<String, Vec<String>>,
}

impl User {
    /// What a person reading a log or a report calls this user.
    pub fn label(&self) -> &str {
        self.user_principal_name
            .as_deref()
            .or(self.display_name.as_deref())
            .unwrap_or("a user without userPrincipalName")
    }
}
