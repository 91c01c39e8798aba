//! Which properties users and groups have, and which of them come unasked.

use super::super::world::World;

/// One of the two collections of directory objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Collection {
    /// `/users`
    Users,
    /// `/groups`
    Groups,
}

/// Without `$select` (Graph, "List users").
const USER_DEFAULTS: &[&str] = &[
    "businessPhones",
    "displayName",
    "givenName",
    "id",
    "jobTitle",
    "mail",
    "mobilePhone",
    "officeLocation",
    "preferredLanguage",
    "surname",
    "userPrincipalName",
];

/// Only with `$select` (Graph, resource type `user`).
const USER_SELECTABLE: &[&str] = &[
    "accountEnabled",
    "ageGroup",
    "assignedLicenses",
    "city",
    "companyName",
    "country",
    "createdDateTime",
    "creationType",
    "department",
    "employeeHireDate",
    "employeeId",
    "employeeType",
    "externalUserState",
    "faxNumber",
    "identities",
    "imAddresses",
    "lastPasswordChangeDateTime",
    "mailNickname",
    "onPremisesDistinguishedName",
    "onPremisesDomainName",
    "onPremisesExtensionAttributes",
    "onPremisesImmutableId",
    "onPremisesLastSyncDateTime",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "onPremisesUserPrincipalName",
    "otherMails",
    "passwordPolicies",
    "postalCode",
    "proxyAddresses",
    "refreshTokensValidFromDateTime",
    "securityIdentifier",
    "signInSessionsValidFromDateTime",
    "state",
    "streetAddress",
    "usageLocation",
    "userType",
];

/// Cannot be read in a collection at all (Graph, "List users").
const USER_UNREADABLE: &[&str] = &[
    "aboutMe",
    "birthday",
    "hireDate",
    "interests",
    "mailboxSettings",
    "mySite",
    "pastProjects",
    "preferredName",
    "responsibilities",
    "schools",
    "skills",
];

/// Without `$select` (Graph, resource type `group`).
const GROUP_DEFAULTS: &[&str] = &[
    "classification",
    "createdDateTime",
    "description",
    "displayName",
    "expirationDateTime",
    "groupTypes",
    "id",
    "isAssignableToRole",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    "onPremisesLastSyncDateTime",
    "onPremisesProvisioningErrors",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "preferredLanguage",
    "proxyAddresses",
    "renewedDateTime",
    "securityEnabled",
    "securityIdentifier",
    "theme",
    "visibility",
];

impl Collection {
    /// The path segment, and the name in `@odata.context`.
    pub fn segment(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }

    /// Permissions any one of which opens the collection.
    pub fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"],
            Self::Groups => &[
                "GroupMember.Read.All",
                "Group.Read.All",
                "Directory.Read.All",
            ],
        }
    }

    /// Properties returned without `$select`.
    pub fn defaults(self) -> &'static [&'static str] {
        match self {
            Self::Users => USER_DEFAULTS,
            Self::Groups => GROUP_DEFAULTS,
        }
    }

    /// Links that delta can track.
    pub fn links(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["manager"],
            Self::Groups => &["members", "owners"],
        }
    }

    /// A property that Graph refuses to read in a list: 501.
    pub fn is_unreadable(self, property: &str) -> bool {
        self == Self::Users && USER_UNREADABLE.contains(&property)
    }

    /// A property that every tenant has.
    pub fn has(self, property: &str) -> bool {
        self.defaults().contains(&property)
            || (self == Self::Users && USER_SELECTABLE.contains(&property))
    }
}

impl World {
    /// A property of this tenant's directory: one that every tenant has, or a directory extension
    /// (`extension_{application id without hyphens}_{name}`) that some app has defined.
    pub fn knows(&self, collection: Collection, property: &str) -> bool {
        collection.has(property) || self.company.extensions.contains(property)
    }
}
