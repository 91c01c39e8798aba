//! The schema: one table of attribute types and one of object classes, from which the subschema
//! entry, matching and indexing all derive (RFC 4512 §4, RFC 4519, RFC 2307bis, RFC 2798).
//!
//! [`AttributeId`] is an attribute type's place in [`ATTRIBUTES`]; entries and indexes use it
//! instead of names.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::matching::Rule;

/// The place of an attribute type in [`ATTRIBUTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeId(pub u16);

/// One attribute type (RFC 4512 §4.1.2).
#[derive(Debug)]
pub struct AttributeType {
    /// Numeric OID.
    pub oid: &'static str,
    /// Short names; the first is the one we write.
    pub names: &'static [&'static str],
    /// The supertype's name, when it has one.
    pub sup: Option<&'static str>,
    /// Which syntax and matching rules govern its values.
    pub kind: Kind,
    /// At most one value.
    pub single: bool,
    /// Returned for `+` and by name, not for `*`.
    pub operational: bool,
    /// Held in an equality index.
    pub indexed: bool,
}

/// Syntax and matching rules that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Directory String, case ignored.
    Text,
    /// IA5 String, case ignored.
    Ia5Text,
    /// IA5 String, case significant.
    Ia5Exact,
    /// Telephone Number.
    Telephone,
    /// Postal and other lists are not served; integers are.
    Integer,
    /// Boolean.
    Boolean,
    /// DN.
    Dn,
    /// OID.
    Oid,
    /// Generalized Time.
    Time,
    /// UUID (RFC 4530).
    Uuid,
    /// Octet String.
    Octets,
    /// Schema descriptions of the subschema entry, found by their OID.
    Description(&'static str),
    /// A syntax that has no matching rule.
    Unmatched(&'static str),
}

/// One object class (RFC 4512 §4.1.1).
#[derive(Debug)]
pub struct ObjectClass {
    /// Numeric OID.
    pub oid: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The superclass; `None` only for `top`.
    pub sup: Option<&'static str>,
    /// ABSTRACT, STRUCTURAL or AUXILIARY.
    pub form: &'static str,
    /// Attributes an entry of the class has.
    pub must: &'static [&'static str],
    /// Attributes it may have.
    pub may: &'static [&'static str],
}

const fn user(oid: &'static str, names: &'static [&'static str], kind: Kind) -> AttributeType {
    AttributeType {
        oid,
        names,
        sup: None,
        kind,
        single: false,
        operational: false,
        indexed: false,
    }
}

const fn operational(
    oid: &'static str,
    names: &'static [&'static str],
    kind: Kind,
) -> AttributeType {
    AttributeType {
        operational: true,
        ..user(oid, names, kind)
    }
}

impl AttributeType {
    const fn sup(self, name: &'static str) -> Self {
        Self {
            sup: Some(name),
            ..self
        }
    }

    const fn single(self) -> Self {
        Self {
            single: true,
            ..self
        }
    }

    const fn indexed(self) -> Self {
        Self {
            indexed: true,
            ..self
        }
    }

    /// The name we write.
    pub fn name(&self) -> &'static str {
        self.names[0]
    }
}

use Kind::*;

/// Every attribute type we serve or understand in a filter.
///
/// `objectClass` stands first, as entries show it first.
pub const ATTRIBUTES: &[AttributeType] = &[
    user("2.5.4.0", &["objectClass"], Oid).indexed(),
    // RFC 4519: user attributes
    user("2.5.4.41", &["name"], Text),
    user("2.5.4.49", &["distinguishedName"], Dn),
    user("0.9.2342.19200300.100.1.1", &["uid", "userid"], Text).indexed(),
    user("2.5.4.3", &["cn", "commonName"], Text)
        .sup("name")
        .indexed(),
    user("2.5.4.4", &["sn", "surname"], Text)
        .sup("name")
        .indexed(),
    user("2.5.4.42", &["givenName", "gn"], Text)
        .sup("name")
        .indexed(),
    user("2.16.840.1.113730.3.1.241", &["displayName"], Text)
        .single()
        .indexed(),
    user(
        "0.9.2342.19200300.100.1.3",
        &["mail", "rfc822Mailbox"],
        Ia5Text,
    )
    .indexed(),
    user("2.5.4.20", &["telephoneNumber"], Telephone).indexed(),
    user(
        "0.9.2342.19200300.100.1.41",
        &["mobile", "mobileTelephoneNumber"],
        Telephone,
    )
    .indexed(),
    user("2.5.4.12", &["title"], Text).sup("name"),
    user("2.16.840.1.113730.3.1.2", &["departmentNumber"], Text),
    user("2.16.840.1.113730.3.1.3", &["employeeNumber"], Text)
        .single()
        .indexed(),
    user("2.16.840.1.113730.3.1.4", &["employeeType"], Text),
    user("2.5.4.10", &["o", "organizationName"], Text).sup("name"),
    user("2.5.4.11", &["ou", "organizationalUnitName"], Text)
        .sup("name")
        .indexed(),
    user("2.5.4.19", &["physicalDeliveryOfficeName"], Text),
    user("2.5.4.9", &["street", "streetAddress"], Text),
    user("2.5.4.7", &["l", "localityName"], Text).sup("name"),
    user("2.5.4.8", &["st", "stateOrProvinceName"], Text).sup("name"),
    user("2.5.4.17", &["postalCode"], Text),
    user("2.16.840.1.113730.3.1.39", &["preferredLanguage"], Text).single(),
    user("0.9.2342.19200300.100.1.10", &["manager"], Dn),
    user("2.5.4.13", &["description"], Text),
    user(
        "0.9.2342.19200300.100.1.25",
        &["dc", "domainComponent"],
        Ia5Text,
    )
    .single()
    .indexed(),
    // RFC 2307 (bis)
    user("1.3.6.1.1.1.1.0", &["uidNumber"], Integer)
        .single()
        .indexed(),
    user("1.3.6.1.1.1.1.1", &["gidNumber"], Integer)
        .single()
        .indexed(),
    user("1.3.6.1.1.1.1.2", &["gecos"], Ia5Text).single(),
    user("1.3.6.1.1.1.1.3", &["homeDirectory"], Ia5Exact).single(),
    user("1.3.6.1.1.1.1.4", &["loginShell"], Ia5Exact).single(),
    user("1.3.6.1.1.1.1.5", &["shadowLastChange"], Integer).single(),
    user("1.3.6.1.1.1.1.6", &["shadowMin"], Integer).single(),
    user("1.3.6.1.1.1.1.7", &["shadowMax"], Integer).single(),
    user("1.3.6.1.1.1.1.8", &["shadowWarning"], Integer).single(),
    user("1.3.6.1.1.1.1.9", &["shadowInactive"], Integer).single(),
    user("1.3.6.1.1.1.1.10", &["shadowExpire"], Integer).single(),
    user("1.3.6.1.1.1.1.11", &["shadowFlag"], Integer).single(),
    user("1.3.6.1.1.1.1.12", &["memberUid"], Ia5Exact),
    // OpenSSH LPK
    user("1.3.6.1.4.1.24552.500.1.1.1.13", &["sshPublicKey"], Octets),
    user("2.5.4.31", &["member"], Dn).sup("distinguishedName"),
    user("1.2.840.113556.1.2.102", &["memberOf"], Dn),
    // Microsoft's names, as directories that mirror Active Directory publish them
    user("1.2.840.113556.1.4.656", &["userPrincipalName"], Text)
        .single()
        .indexed(),
    user("1.2.840.113556.1.4.221", &["sAMAccountName"], Text)
        .single()
        .indexed(),
    // RFC 3672
    operational(
        "2.5.18.6",
        &["subtreeSpecification"],
        Unmatched("1.3.6.1.4.1.1466.115.121.1.45"),
    )
    .single(),
    // What other servers publish on a locked account: 389 Directory Server, and draft-behera-ldap-password-policy §5.3
    operational("2.16.840.1.113730.3.1.610", &["nsAccountLock"], Text),
    operational(
        "1.3.6.1.4.1.42.2.27.8.1.17",
        &["pwdAccountLockedTime"],
        Time,
    )
    .single(),
    // RFC 4512, 4530, 5020, 3045: operational attributes
    operational("2.5.21.9", &["structuralObjectClass"], Oid).single(),
    operational("1.3.6.1.1.16.4", &["entryUUID"], Uuid)
        .single()
        .indexed(),
    operational("2.5.18.1", &["createTimestamp"], Time).single(),
    operational("2.5.18.2", &["modifyTimestamp"], Time).single(),
    operational("1.3.6.1.1.20", &["entryDN"], Dn).single(),
    operational("2.5.18.9", &["hasSubordinates"], Boolean).single(),
    operational("2.5.18.10", &["subschemaSubentry"], Dn).single(),
    operational("1.3.6.1.4.1.1466.101.120.5", &["namingContexts"], Dn),
    operational("1.3.6.1.4.1.1466.101.120.7", &["supportedExtension"], Oid),
    operational("1.3.6.1.4.1.1466.101.120.13", &["supportedControl"], Oid),
    operational("1.3.6.1.4.1.4203.1.3.5", &["supportedFeatures"], Oid),
    operational(
        "1.3.6.1.4.1.1466.101.120.14",
        &["supportedSASLMechanisms"],
        Text,
    ),
    operational(
        "1.3.6.1.4.1.1466.101.120.15",
        &["supportedLDAPVersion"],
        Integer,
    ),
    operational("1.3.6.1.1.4", &["vendorName"], Text).single(),
    operational("1.3.6.1.1.5", &["vendorVersion"], Text).single(),
    operational(
        "1.3.6.1.4.1.1466.101.120.16",
        &["ldapSyntaxes"],
        Description("1.3.6.1.4.1.1466.115.121.1.54"),
    ),
    operational(
        "2.5.21.4",
        &["matchingRules"],
        Description("1.3.6.1.4.1.1466.115.121.1.30"),
    ),
    operational(
        "2.5.21.5",
        &["attributeTypes"],
        Description("1.3.6.1.4.1.1466.115.121.1.3"),
    ),
    operational(
        "2.5.21.6",
        &["objectClasses"],
        Description("1.3.6.1.4.1.1466.115.121.1.37"),
    ),
];

/// Our own auxiliary class, under the UUID arc 2.25 (ITU-T X.667), which needs no registration.
const OFFICE365_OBJECT_OID: &str = "2.25.188217427339083541961287634125702138163";

/// Every object class an entry of ours may name.
pub static OBJECT_CLASSES: &[ObjectClass] = &[
    class("2.5.6.0", "top", None, "ABSTRACT", &["objectClass"], &[]),
    class(
        "0.9.2342.19200300.100.4.13",
        "domain",
        Some("top"),
        "STRUCTURAL",
        &["dc"],
        &[
            "description",
            "o",
            "l",
            "st",
            "street",
            "postalCode",
            "physicalDeliveryOfficeName",
            "telephoneNumber",
        ],
    ),
    class(
        "2.5.6.4",
        "organization",
        Some("top"),
        "STRUCTURAL",
        &["o"],
        &[
            "description",
            "l",
            "st",
            "street",
            "postalCode",
            "physicalDeliveryOfficeName",
            "telephoneNumber",
        ],
    ),
    class(
        "2.5.6.5",
        "organizationalUnit",
        Some("top"),
        "STRUCTURAL",
        &["ou"],
        &[
            "description",
            "l",
            "st",
            "street",
            "postalCode",
            "physicalDeliveryOfficeName",
            "telephoneNumber",
        ],
    ),
    class(
        "2.5.6.11",
        "applicationProcess",
        Some("top"),
        "STRUCTURAL",
        &["cn"],
        &["ou", "l", "description"],
    ),
    class(
        "2.5.6.6",
        "person",
        Some("top"),
        "STRUCTURAL",
        &["sn", "cn"],
        &["telephoneNumber", "description"],
    ),
    class(
        "2.5.6.7",
        "organizationalPerson",
        Some("person"),
        "STRUCTURAL",
        &[],
        &[
            "title",
            "ou",
            "l",
            "st",
            "street",
            "postalCode",
            "physicalDeliveryOfficeName",
        ],
    ),
    class(
        "2.16.840.1.113730.3.2.2",
        "inetOrgPerson",
        Some("organizationalPerson"),
        "STRUCTURAL",
        &[],
        &[
            "departmentNumber",
            "displayName",
            "employeeNumber",
            "employeeType",
            "givenName",
            "mail",
            "manager",
            "mobile",
            "o",
            "preferredLanguage",
            "uid",
        ],
    ),
    class(
        "1.3.6.1.1.1.2.0",
        "posixAccount",
        Some("top"),
        "AUXILIARY",
        &["cn", "uid", "uidNumber", "gidNumber", "homeDirectory"],
        &["loginShell", "gecos", "description"],
    ),
    class(
        "1.3.6.1.1.1.2.1",
        "shadowAccount",
        Some("top"),
        "AUXILIARY",
        &["uid"],
        &[
            "description",
            "shadowLastChange",
            "shadowMin",
            "shadowMax",
            "shadowWarning",
            "shadowInactive",
            "shadowExpire",
            "shadowFlag",
        ],
    ),
    class(
        "1.3.6.1.1.1.2.2",
        "posixGroup",
        Some("top"),
        "AUXILIARY",
        &["gidNumber"],
        &["memberUid", "description"],
    ),
    class(
        "1.3.6.1.4.1.24552.500.1.1.2.0",
        "ldapPublicKey",
        Some("top"),
        "AUXILIARY",
        &["sshPublicKey", "uid"],
        &[],
    ),
    // `member` is optional, as 389 Directory Server has it, so that an empty group obeys its class.
    class(
        "2.5.6.9",
        "groupOfNames",
        Some("top"),
        "STRUCTURAL",
        &["cn"],
        &["member", "description", "o", "ou"],
    ),
    class(
        "1.3.6.1.4.1.5427.1.389.6.20",
        "namedObject",
        Some("top"),
        "STRUCTURAL",
        &["cn"],
        &["description"],
    ),
    class(
        OFFICE365_OBJECT_OID,
        "office365Object",
        Some("top"),
        "AUXILIARY",
        &[],
        &["memberOf", "userPrincipalName", "sAMAccountName", "mail"],
    ),
    class(
        "2.5.17.0",
        "subentry",
        Some("top"),
        "STRUCTURAL",
        &["cn", "subtreeSpecification"],
        &[],
    ),
    class(
        "2.5.20.1",
        "subschema",
        Some("top"),
        "AUXILIARY",
        &[],
        &[
            "ldapSyntaxes",
            "matchingRules",
            "attributeTypes",
            "objectClasses",
        ],
    ),
];

const fn class(
    oid: &'static str,
    name: &'static str,
    sup: Option<&'static str>,
    form: &'static str,
    must: &'static [&'static str],
    may: &'static [&'static str],
) -> ObjectClass {
    ObjectClass {
        oid,
        name,
        sup,
        form,
        must,
        may,
    }
}

/// Names and OIDs in lower case, each with the attribute type it means.
static BY_NAME: LazyLock<HashMap<String, AttributeId>> = LazyLock::new(|| {
    let mut names = HashMap::new();
    for (place, attribute) in ATTRIBUTES.iter().enumerate() {
        let id = AttributeId(place as u16);
        names.insert(attribute.oid.to_string(), id);
        for name in attribute.names {
            names.insert(name.to_ascii_lowercase(), id);
        }
    }
    names
});

/// Each attribute type with those below it: what a request or filter that names it covers
/// (RFC 4512 §2.5.1).
static SUBTYPES: LazyLock<Vec<Vec<AttributeId>>> = LazyLock::new(|| {
    let ids = || (0..ATTRIBUTES.len() as u16).map(AttributeId);
    ids()
        .map(|above| ids().filter(|&below| is_below(below, above)).collect())
        .collect()
});

fn is_below(mut below: AttributeId, above: AttributeId) -> bool {
    loop {
        if below == above {
            return true;
        }
        match below.get().sup.and_then(lookup) {
            Some(sup) => below = sup,
            None => return false,
        }
    }
}

/// The attribute type with this name or OID, in any case; options are the caller's to strip.
pub fn lookup(name: &str) -> Option<AttributeId> {
    // Attribute descriptions are short; one that does not fit is no name of ours.
    let mut lower = [0; 64];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    BY_NAME.get(std::str::from_utf8(lower).ok()?).copied()
}

/// Whether a description is a type we know with language tags alone behind it (RFC 3866 §2).
pub fn is_language_tagged(description: &str) -> bool {
    let Some((name, options)) = description.split_once(';') else {
        return false;
    };
    let is_tag = |option: &str| {
        option
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case("lang-"))
    };
    lookup(name).is_some() && options.split(';').all(is_tag)
}

/// The attribute type of a name in the code. Evaluated at compile time, where a name that is not in
/// the table fails the build.
pub const fn id(name: &str) -> AttributeId {
    let mut place = 0;
    while place < ATTRIBUTES.len() {
        if same(ATTRIBUTES[place].names[0].as_bytes(), name.as_bytes()) {
            return AttributeId(place as u16);
        }
        place += 1;
    }
    panic!("the schema table has no attribute type of this name");
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// The object class with this name or OID, in any case.
pub fn object_class(name: &str) -> Option<&'static ObjectClass> {
    OBJECT_CLASSES
        .iter()
        .find(|class| class.name.eq_ignore_ascii_case(name) || class.oid == name)
}

impl AttributeId {
    /// Its row in the table.
    pub fn get(self) -> &'static AttributeType {
        &ATTRIBUTES[usize::from(self.0)]
    }

    /// The type itself and every type below it.
    pub fn with_subtypes(self) -> &'static [AttributeId] {
        &SUBTYPES[usize::from(self.0)]
    }
}

impl Kind {
    /// The OID of the syntax (RFC 4517 §3.3).
    pub fn syntax(self) -> &'static str {
        match self {
            Text => "1.3.6.1.4.1.1466.115.121.1.15",
            Ia5Text | Ia5Exact => "1.3.6.1.4.1.1466.115.121.1.26",
            Telephone => "1.3.6.1.4.1.1466.115.121.1.50",
            Integer => "1.3.6.1.4.1.1466.115.121.1.27",
            Boolean => "1.3.6.1.4.1.1466.115.121.1.7",
            Dn => "1.3.6.1.4.1.1466.115.121.1.12",
            Oid => "1.3.6.1.4.1.1466.115.121.1.38",
            Time => "1.3.6.1.4.1.1466.115.121.1.24",
            Uuid => "1.3.6.1.1.16.1",
            Octets => "1.3.6.1.4.1.1466.115.121.1.40",
            Description(syntax) | Unmatched(syntax) => syntax,
        }
    }

    /// The EQUALITY rule.
    pub fn equality(self) -> Option<Rule> {
        Some(match self {
            Text => Rule::CaseIgnore,
            Ia5Text => Rule::CaseIgnoreIa5,
            Ia5Exact => Rule::CaseExactIa5,
            Telephone => Rule::TelephoneNumber,
            Integer => Rule::Integer,
            Boolean => Rule::Boolean,
            Dn => Rule::DistinguishedName,
            Oid => Rule::ObjectIdentifier,
            Time => Rule::GeneralizedTime,
            Uuid => Rule::Uuid,
            Octets => Rule::OctetString,
            Description(_) => Rule::ObjectIdentifierFirstComponent,
            Unmatched(_) => return None,
        })
    }

    /// The ORDERING rule.
    pub fn ordering(self) -> Option<Rule> {
        match self {
            Text => Some(Rule::CaseIgnoreOrdering),
            Integer => Some(Rule::IntegerOrdering),
            Time => Some(Rule::GeneralizedTimeOrdering),
            Uuid => Some(Rule::UuidOrdering),
            Octets => Some(Rule::OctetStringOrdering),
            _ => None,
        }
    }

    /// The SUBSTR rule.
    pub fn substrings(self) -> Option<Rule> {
        match self {
            Text => Some(Rule::CaseIgnoreSubstrings),
            Ia5Text => Some(Rule::CaseIgnoreIa5Substrings),
            Ia5Exact => Some(Rule::CaseExactIa5Substrings),
            Telephone => Some(Rule::TelephoneNumberSubstrings),
            _ => None,
        }
    }
}
