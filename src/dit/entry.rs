//! What each kind of entry carries (product contract §5): the tenant's properties become attributes.

use std::borrow::Cow;

use jiff::Timestamp;
use uuid::Uuid;

use super::arena::ChunkBuilder;
use super::dn::Dn;
use super::index::{EntryId, Index};
use super::mapping::{LDAP_PUBLIC_KEY, PERSON_CLASSES};
use super::matching::generalized_time;
use super::schema::{AttributeId, Kind, id};
use crate::directory::name::ascii_text;
use crate::directory::registry::Record;
use crate::directory::{Group, Stamp, User};

/// Name of the subschema subentry, as every entry points to it.
pub const SUBSCHEMA_DN: &str = "cn=Subschema";

const OBJECT_CLASS: AttributeId = id("objectClass");
const CN: AttributeId = id("cn");
const DESCRIPTION: AttributeId = id("description");
const OU: AttributeId = id("ou");
const MAIL: AttributeId = id("mail");
const GID_NUMBER: AttributeId = id("gidNumber");

/// Writes entries into a chunk and their values into the indexes, side by side.
pub(super) struct EntryWriter<'b> {
    pub chunk: &'b mut ChunkBuilder,
    pub indexes: &'b mut [Index],
    pub entry: EntryId,
}

/// What the operational attributes of an entry say.
pub(super) struct Operational {
    pub uuid: Uuid,
    pub structural_class: &'static str,
    pub has_subordinates: bool,
    pub created: Option<Timestamp>,
    pub stamp: Stamp,
    /// Of an inactive person.
    pub is_locked: bool,
}

/// `loginShell` of whoever is locked.
const NO_LOGIN: &str = "/usr/sbin/nologin";
/// Days since 1970 after which a locked account is no good; `0` means "never" to some readers of shadow(5).
const EXPIRED: u32 = 1;
/// "Locked for good" (draft-behera-ldap-password-policy §5.3.3).
const LOCKED_FOR_GOOD: &str = "000001010000Z";

impl EntryWriter<'_> {
    /// Writes an attribute and indexes it. Values that its syntax forbids are left out, and so is one
    /// that equals another under the attribute's own rule (RFC 4512 §2.2).
    pub fn put<V: AsRef<str>>(&mut self, attribute: AttributeId, values: &[V]) {
        let row = attribute.get();
        // A key costs more than the value itself: it is made only to compare or to index.
        let rule = row
            .kind
            .equality()
            .filter(|_| row.indexed || values.len() > 1);
        let mut kept: Vec<&str> = Vec::with_capacity(values.len());
        let mut keys: Vec<Cow<[u8]>> = Vec::with_capacity(values.len());
        for value in values.iter().map(|value| value.as_ref().trim()) {
            let key = rule.and_then(|rule| rule.normalise(value.as_bytes()));
            let key = key.unwrap_or(Cow::Borrowed(value.as_bytes()));
            if obeys(row.kind, value) && !keys.contains(&key) {
                kept.push(value);
                keys.push(key);
            }
        }
        if kept.is_empty() {
            return;
        }
        self.chunk.attribute(attribute, &kept);
        let index = &mut self.indexes[usize::from(attribute.0)];
        index.add_presence(self.entry);
        if row.indexed {
            keys.iter().for_each(|key| index.add(key, self.entry));
        }
    }

    fn put_some(&mut self, attribute: AttributeId, value: &Option<String>) {
        self.put(attribute, value.as_slice());
    }

    fn put_number(&mut self, attribute: AttributeId, number: u32) {
        self.put(attribute, &[number.to_string()]);
    }

    /// The operational attributes, which end the entry.
    pub fn put_operational(&mut self, dn: &str, operational: &Operational) {
        let Operational {
            uuid,
            structural_class,
            has_subordinates,
            created,
            stamp,
            is_locked,
        } = operational;
        self.chunk.begin_operational();
        self.put(const { id("entryUUID") }, &[uuid.hyphenated().to_string()]);
        self.put(const { id("entryDN") }, &[dn]);
        self.put(const { id("structuralObjectClass") }, &[structural_class]);
        self.put(
            const { id("hasSubordinates") },
            &[if *has_subordinates { "TRUE" } else { "FALSE" }],
        );
        self.put(const { id("subschemaSubentry") }, &[SUBSCHEMA_DN]);
        self.put(
            const { id("createTimestamp") },
            created.map(generalized_time).as_slice(),
        );
        self.put(
            const { id("modifyTimestamp") },
            &[generalized_time(stamp.modified)],
        );
        if *is_locked {
            self.put(const { id("nsAccountLock") }, &["TRUE"]);
            self.put(const { id("pwdAccountLockedTime") }, &[LOCKED_FOR_GOOD]);
        }
    }
}

/// Whether a value may stand under its syntax. What Graph holds beyond that (a telephone number in
/// prose, a mail address beyond ASCII) cannot be shown.
fn obeys(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Ia5Text | Kind::Ia5Exact | Kind::Telephone => !value.is_empty() && value.is_ascii(),
        _ => !value.is_empty(),
    }
}

/// The object class for a naming context, by its RDN's attribute type; `None` for one we cannot root
/// a tree at.
pub fn base_class(base: &Dn) -> Option<(&'static str, AttributeId)> {
    let [(description, _)] = base.rdns().first()?.values.as_slice() else {
        return None;
    };
    let attribute = super::schema::lookup(description)?;
    match attribute.get().name() {
        "dc" => Some(("domain", attribute)),
        "o" => Some(("organization", attribute)),
        "ou" => Some(("organizationalUnit", attribute)),
        _ => None,
    }
}

/// The entry at the naming context. `class` and `attribute` are [`base_class`]'s.
pub(super) fn base(w: &mut EntryWriter, class: &'static str, attribute: AttributeId, value: &str) {
    w.put(OBJECT_CLASS, &["top", class]);
    w.put(attribute, &[value]);
}

/// `ou=people`, `ou=groups`.
pub(super) fn container(w: &mut EntryWriter, name: &str) {
    w.put(OBJECT_CLASS, &["top", "organizationalUnit"]);
    w.put(OU, &[name]);
}

/// An account of the configuration file.
pub(super) fn service_account(w: &mut EntryWriter, name: &str) {
    w.put(OBJECT_CLASS, &["top", "applicationProcess"]);
    w.put(CN, &[name]);
    w.put(DESCRIPTION, &["Service account of the configuration file"]);
}

/// What a person's entry needs to know beside the user.
pub(super) struct Person<'p> {
    pub user: &'p User,
    pub record: &'p Record,
    pub username: &'p str,
    pub home: &'p str,
    pub gid_number: u32,
    pub manager_dn: Option<&'p str>,
    pub access: Access<'p>,
    /// Attributes taken from properties of the administrator's choice, with their values; those of [`Access`] and the
    /// registry's are not among them.
    pub mapped: Vec<(AttributeId, Vec<String>)>,
}

/// How a person may use a host.
pub(super) enum Access<'p> {
    /// With this shell and these keys.
    Granted {
        login_shell: Cow<'p, str>,
        ssh_keys: Vec<Cow<'p, str>>,
    },
    /// Inactive: in no way.
    Locked,
}

/// A property of a user.
type Property = fn(&User) -> &Option<String>;

/// Attributes that are a property of the tenant, and nothing else.
const PLAIN: [(AttributeId, Property); 15] = [
    (id("givenName"), |user| &user.given_name),
    (id("displayName"), |user| &user.display_name),
    (id("title"), |user| &user.job_title),
    (id("departmentNumber"), |user| &user.department),
    (OU, |user| &user.department),
    (id("employeeNumber"), |user| &user.employee_id),
    (id("employeeType"), |user| &user.employee_type),
    (id("o"), |user| &user.company_name),
    (id("physicalDeliveryOfficeName"), |user| {
        &user.office_location
    }),
    (id("street"), |user| &user.street_address),
    (id("l"), |user| &user.city),
    (id("st"), |user| &user.state),
    (id("postalCode"), |user| &user.postal_code),
    (id("preferredLanguage"), |user| &user.preferred_language),
    (id("mobile"), |user| &user.mobile_phone),
];

/// A person. `uid` comes second, where `memberUid` finds it fast.
pub(super) fn person(w: &mut EntryWriter, person: &Person) {
    let Person {
        user,
        record,
        username,
        ..
    } = person;
    let cn = common_name(user, username);
    let has_keys =
        matches!(&person.access, Access::Granted { ssh_keys, .. } if !ssh_keys.is_empty());
    let mut classes = PERSON_CLASSES.to_vec();
    classes.retain(|class| has_keys || *class != LDAP_PUBLIC_KEY);
    w.put(OBJECT_CLASS, &classes);
    w.put(const { id("uid") }, &[username]);
    w.put(CN, &[&cn]);
    person.put(w, const { id("sn") }, &[surname(user, &cn, username)]);
    w.put(MAIL, &mail_addresses(user));
    w.put_number(const { id("uidNumber") }, record.number);
    w.put_number(GID_NUMBER, person.gid_number);
    w.put(const { id("homeDirectory") }, &[person.home]);
    person.access.put(w);
    person.put(w, const { id("gecos") }, &[gecos(&cn)]);
    for (attribute, property) in PLAIN {
        person.put(w, attribute, property(user).as_slice());
    }
    person.put(w, const { id("telephoneNumber") }, &user.business_phones);
    person.put(w, DESCRIPTION, &[""; 0]);
    w.put(const { id("manager") }, person.manager_dn.as_slice());
    w.put_some(const { id("userPrincipalName") }, &user.user_principal_name);
    let account = user.on_premises_sam_account_name.as_deref();
    w.put(
        const { id("sAMAccountName") },
        &[account.unwrap_or(username)],
    );
    let days = user
        .last_password_change
        .map(|time| (time.as_second() / 86_400).to_string());
    w.put(const { id("shadowLastChange") }, days.as_slice());
}

impl Person<'_> {
    /// What the administrator's choice of property holds, else what the built-in source does.
    fn put<V: AsRef<str>>(&self, w: &mut EntryWriter, attribute: AttributeId, built_in: &[V]) {
        match self.mapped.iter().find(|(mapped, _)| *mapped == attribute) {
            Some((_, values)) => w.put(attribute, values),
            None => w.put(attribute, built_in),
        }
    }
}

impl Access<'_> {
    fn put(&self, w: &mut EntryWriter) {
        const LOGIN_SHELL: AttributeId = id("loginShell");
        match self {
            Self::Granted {
                login_shell,
                ssh_keys,
            } => {
                w.put(LOGIN_SHELL, &[login_shell]);
                w.put(const { id("sshPublicKey") }, ssh_keys);
            }
            Self::Locked => {
                w.put(LOGIN_SHELL, &[NO_LOGIN]);
                w.put_number(const { id("shadowExpire") }, EXPIRED);
            }
        }
    }
}

/// The group that bears a person's name and number.
pub(super) fn private_group(w: &mut EntryWriter, username: &str, number: u32) {
    w.put(OBJECT_CLASS, &["top", "namedObject", "posixGroup"]);
    w.put(CN, &[username]);
    w.put_number(GID_NUMBER, number);
}

/// A group of the tenant, without its members, which are rendered from links.
pub(super) fn group(w: &mut EntryWriter, group: &Group, cn: &str, number: u32) {
    w.put(
        OBJECT_CLASS,
        &["top", "groupOfNames", "posixGroup", "office365Object"],
    );
    w.put(CN, &[cn]);
    w.put_number(GID_NUMBER, number);
    let description = group
        .description
        .as_deref()
        .filter(|text| !text.trim().is_empty());
    w.put(
        DESCRIPTION,
        description.or(group.display_name.as_deref()).as_slice(),
    );
    w.put_some(MAIL, &group.mail);
}

/// displayName, else givenName and surname, else the username.
fn common_name(user: &User, username: &str) -> String {
    let present = |text: &Option<String>| {
        text.as_deref()
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(String::from)
    };
    present(&user.display_name)
        .or_else(
            || match (present(&user.given_name), present(&user.surname)) {
                (Some(given), Some(sur)) => Some(format!("{given} {sur}")),
                (given, sur) => given.or(sur),
            },
        )
        .unwrap_or_else(|| username.to_string())
}

/// The surname, else the last word of the common name.
fn surname<'p>(user: &'p User, cn: &'p str, username: &'p str) -> &'p str {
    user.surname
        .as_deref()
        .filter(|surname| !surname.trim().is_empty())
        .or(cn.split_whitespace().next_back())
        .unwrap_or(username)
}

/// `mail` first, then the other SMTP proxy addresses in the order of the alphabet, so that Graph's
/// changing order changes no entry.
fn mail_addresses(user: &User) -> Vec<&str> {
    let mut others: Vec<&str> = user
        .proxy_addresses
        .iter()
        .filter_map(|address| address.split_once(':'))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("smtp"))
        .map(|(_, address)| address.trim())
        .filter(|address| {
            !user
                .mail
                .as_deref()
                .is_some_and(|mail| mail.eq_ignore_ascii_case(address))
        })
        .collect();
    others.sort_unstable();
    user.mail.as_deref().into_iter().chain(others).collect()
}

/// The common name in ASCII, without the characters that end a field of passwd(5) or of GECOS.
fn gecos(cn: &str) -> String {
    ascii_text(cn).replace([':', ','], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_address_comes_first_and_once() {
        let user = User {
            mail: Some("Ada@contoso.example".into()),
            proxy_addresses: [
                "smtp:zz@contoso.example",
                "SMTP:ada@contoso.example",
                "SIP:ada@x",
                "smtp: al@contoso.example",
            ]
            .map(String::from)
            .to_vec(),
            ..User::default()
        };
        assert_eq!(
            mail_addresses(&user),
            [
                "Ada@contoso.example",
                "al@contoso.example",
                "zz@contoso.example"
            ]
        );
    }

    #[test]
    fn gecos_is_ascii_and_keeps_to_its_field() {
        assert_eq!(gecos("Łukasz Żółć, PhD: QA"), "Lukasz Zolc PhD QA");
        assert_eq!(gecos("山田 太郎"), " ");
    }

    #[test]
    fn a_person_without_display_name_is_called_by_what_there_is() {
        let user = |given: Option<&str>, sur: Option<&str>| User {
            display_name: Some("  ".into()),
            given_name: given.map(String::from),
            surname: sur.map(String::from),
            ..User::default()
        };
        assert_eq!(
            common_name(&user(Some("Ada"), Some("Lovelace")), "ada"),
            "Ada Lovelace"
        );
        assert_eq!(
            common_name(&user(None, Some("Lovelace")), "ada"),
            "Lovelace"
        );
        assert_eq!(common_name(&user(None, None), "ada"), "ada");
    }
}
