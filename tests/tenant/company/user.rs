//! People: how a test describes one, and what can happen to one.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Account, Company, FirstFactor, Life, Object, SecondFactor, What};

/// When people were hired unless the test says otherwise.
const DEFAULT_CREATED: &str = "2021-03-01T08:00:00Z";

/// A person in the directory.
#[derive(Clone, Debug)]
pub struct User {
    /// Id, properties, life.
    pub object: Object,
    /// How they sign in.
    pub account: Account,
    /// The object id in `manager`.
    pub manager: Option<Uuid>,
}

/// A person to be hired: an enabled member with a mailbox at their UPN, and no password.
#[derive(Clone, Debug)]
pub struct UserSpec {
    upn: String,
    id: Option<Uuid>,
    properties: Map<String, Value>,
    account: Account,
    manager: Option<String>,
    groups: Vec<String>,
    deleted: bool,
}

impl User {
    /// The user principal name.
    pub fn upn(&self) -> &str {
        let upn = self.object.text("userPrincipalName");
        upn.expect("every user is hired with a userPrincipalName")
    }

    /// `accountEnabled`, which nobody is hired without.
    pub fn is_enabled(&self) -> bool {
        self.object.properties.get("accountEnabled") == Some(&Value::Bool(true))
    }

    /// Signs in elsewhere: the account is known here by an `#EXT#` name only.
    pub fn is_external(&self) -> bool {
        self.upn().contains("#EXT#")
    }
}

impl UserSpec {
    /// A person with that user principal name; all other properties follow from it.
    pub fn new(upn: &str) -> Self {
        let prefix = upn.split('@').next().unwrap_or(upn);
        let properties = json!({
            "userPrincipalName": upn,
            "displayName": prefix,
            "mailNickname": prefix,
            "mail": upn,
            "proxyAddresses": [format!("SMTP:{upn}")],
            "otherMails": [],
            "businessPhones": [],
            "accountEnabled": true,
            "userType": "Member",
            "createdDateTime": DEFAULT_CREATED,
            "lastPasswordChangeDateTime": DEFAULT_CREATED,
        });
        let Value::Object(properties) = properties else {
            unreachable!("the literal above is an object");
        };
        Self {
            upn: upn.to_owned(),
            id: None,
            properties,
            account: Account::default(),
            manager: None,
            groups: Vec::new(),
            deleted: false,
        }
    }

    /// A guest invited from elsewhere, signing in at home: `mail` becomes the `#EXT#` name.
    pub fn guest(mail: &str, initial_domain: &str) -> Self {
        let nickname = format!("{}#EXT#", mail.replace('@', "_"));
        Self::new(&format!("{nickname}@{initial_domain}"))
            .with("mail", mail)
            .with("otherMails", json!([mail]))
            .with("proxyAddresses", json!([format!("SMTP:{mail}")]))
            .with("userType", "Guest")
            .with("creationType", "Invitation")
            .with("externalUserState", "Accepted")
    }

    /// Given name and surname, and the display name made of both.
    pub fn name(self, given: &str, surname: &str) -> Self {
        self.with("givenName", given)
            .with("surname", surname)
            .with("displayName", format!("{given} {surname}"))
    }

    /// Any property by its Graph name; `null` means set once and cleared since.
    pub fn with(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.properties.insert(property.to_owned(), value.into());
        self
    }

    /// `extensionAttribute1` to `15` of an account synced from on-premises; the others are there and `null`.
    pub fn extension_attribute(mut self, number: usize, value: &str) -> Self {
        let empty = (1..=15).map(|number| (format!("extensionAttribute{number}"), Value::Null));
        let attributes = self
            .properties
            .entry("onPremisesExtensionAttributes")
            .or_insert_with(|| Value::Object(empty.collect()));
        attributes[format!("extensionAttribute{number}")] = json!(value);
        self
    }

    /// Takes away a property, as if it had never been set.
    pub fn without(mut self, property: &str) -> Self {
        self.properties.remove(property);
        self
    }

    /// Hired at that time (RFC 3339).
    pub fn created(self, at: &str) -> Self {
        self.with("createdDateTime", at)
    }

    /// `accountEnabled: false`
    pub fn disabled(self) -> Self {
        self.with("accountEnabled", false)
    }

    /// In the recycle bin from the start.
    pub fn deleted(mut self) -> Self {
        self.deleted = true;
        self
    }

    /// Another object id than the one derived from the name.
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Signs in with this password.
    pub fn password(mut self, password: &str) -> Self {
        self.account.first_factor = FirstFactor::Password(password.to_owned());
        self
    }

    /// Has this password, and must change it before it is accepted.
    pub fn expired_password(mut self, password: &str) -> Self {
        self.account.first_factor = FirstFactor::Expired(password.to_owned());
        self
    }

    /// What is asked for after the password.
    pub fn second_factor(mut self, second_factor: SecondFactor) -> Self {
        self.account.second_factor = second_factor;
        self
    }

    /// Holds the directory role with that template id (see [`role`](super::role)).
    pub fn role(mut self, template_id: Uuid) -> Self {
        self.account.roles.insert(template_id);
        self
    }

    /// Reports to the person with that UPN, who must have been hired before.
    pub fn manager(mut self, upn: &str) -> Self {
        self.manager = Some(upn.to_owned());
        self
    }

    /// Joins an existing group.
    pub fn in_group(mut self, group: &str) -> Self {
        self.groups.push(group.to_owned());
        self
    }
}

impl Company {
    /// Adds a person and returns the object id.
    pub(in super::super) fn hire(&mut self, spec: UserSpec) -> Uuid {
        let taken = self.find_user(&spec.upn).is_some();
        assert!(!taken, "{} works here already", spec.upn);
        let id = spec
            .id
            .unwrap_or_else(|| self.fresh_id(&format!("user/{}", spec.upn)));
        let manager = spec.manager.map(|upn| self.user_id(&upn));
        let life = if spec.deleted {
            Life::SoftDeleted(jiff::Timestamp::now())
        } else {
            Life::Alive
        };
        self.define_extensions(spec.properties.keys());
        self.index_upn(&spec.upn, id);
        let object = Object::new(id, spec.properties, life);
        let user = User {
            object,
            account: spec.account,
            manager,
        };
        self.users.insert(id, user);
        self.conceal_new(id);
        self.note(id, What::Appeared);
        for group in spec.groups {
            let group = self.group_id(&group);
            self.link(group, id, super::MemberKind::User);
        }
        id
    }

    /// The living user with that UPN, compared as Entra does: without regard to case.
    pub(in super::super) fn find_user(&self, upn: &str) -> Option<&User> {
        let called = self.called(upn);
        called.into_iter().find(|user| user.object.is_alive())
    }

    /// Everybody, deleted people included, whose UPN it is at present.
    fn called(&self, upn: &str) -> Vec<&User> {
        let ids = self.upns.get(&upn.to_lowercase()).into_iter().flatten();
        let users = ids.filter_map(|id| self.users.get(id));
        users
            .filter(|user| user.upn().eq_ignore_ascii_case(upn))
            .collect()
    }

    pub(super) fn index_upn(&mut self, upn: &str, id: Uuid) {
        let ids = self.upns.entry(upn.to_lowercase()).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }

    /// The id of the living user with that UPN.
    pub(in super::super) fn user_id(&self, upn: &str) -> Uuid {
        let user = self.find_user(upn);
        user.unwrap_or_else(|| panic!("nobody here is called {upn}"))
            .object
            .id
    }

    /// The id of the user with that UPN in the recycle bin, or else of the living one.
    pub(in super::super) fn user_id_even_deleted(&self, upn: &str) -> Uuid {
        let is_meant = |user: &&User| user.object.life != Life::Purged;
        let mut candidates: Vec<&User> = self.called(upn).into_iter().filter(is_meant).collect();
        candidates.sort_by_key(|user| user.object.is_alive());
        let user = candidates.first();
        user.unwrap_or_else(|| panic!("nobody here is or was called {upn}"))
            .object
            .id
    }

    /// Gives a person another UPN; a mailbox at the old one moves along and keeps the old address.
    pub(in super::super) fn rename(&mut self, upn: &str, new_upn: &str) {
        let id = self.user_id(upn);
        let had_mail = self.users[&id].object.text("mail") == Some(upn);
        self.set(id, "userPrincipalName", json!(new_upn));
        if had_mail {
            let addresses = json!([format!("smtp:{upn}"), format!("SMTP:{new_upn}")]);
            self.set(id, "mail", json!(new_upn));
            self.set(id, "proxyAddresses", addresses);
        }
    }

    /// Gives a person another manager, or none.
    pub(in super::super) fn assign_manager(&mut self, report: Uuid, manager: Option<Uuid>) {
        self.conceal(report);
        let user = self.users.get_mut(&report);
        let former = std::mem::replace(&mut user.expect("reports are users").manager, manager);
        self.note(report, What::Manager { former });
    }

    /// How the person signs in.
    pub(in super::super) fn account_mut(&mut self, upn: &str) -> &mut Account {
        let id = self.user_id(upn);
        let user = self.users.get_mut(&id);
        &mut user.expect("the id was just looked up").account
    }
}
