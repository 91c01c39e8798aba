//! Groups: how a test describes one, and what can happen to one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Company, Life, Object, What};

/// When groups were made unless the test says otherwise.
const DEFAULT_CREATED: &str = "2020-06-15T12:00:00Z";

/// A group in the directory.
#[derive(Clone, Debug)]
pub struct Group {
    /// Id, properties, life.
    pub object: Object,
    /// Direct members.
    pub members: BTreeMap<Uuid, MemberKind>,
    /// The members Graph still shows while changes are on their way.
    pub shown_members: Option<BTreeMap<Uuid, MemberKind>>,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A person.
    User,
    /// A nested group.
    Group,
    /// A computer.
    Device,
    /// A mail contact outside the company.
    Contact,
    /// An application's identity.
    ServicePrincipal,
}

/// A group to be created, with its first members.
#[derive(Clone, Debug)]
pub struct GroupSpec {
    name: String,
    key: String,
    id: Option<Uuid>,
    properties: Map<String, Value>,
    members: Vec<String>,
    things: Vec<(String, MemberKind)>,
    ids: Vec<(Uuid, MemberKind)>,
}

impl MemberKind {
    /// Its `@odata.type`.
    pub fn odata_type(self) -> &'static str {
        match self {
            Self::User => "#microsoft.graph.user",
            Self::Group => "#microsoft.graph.group",
            Self::Device => "#microsoft.graph.device",
            Self::Contact => "#microsoft.graph.orgContact",
            Self::ServicePrincipal => "#microsoft.graph.servicePrincipal",
        }
    }
}

impl Group {
    /// A Microsoft 365 group, the only kind with a recycle bin.
    pub fn is_microsoft365(&self) -> bool {
        self.has_type("Unified")
    }

    /// Members are shown to few (`visibility`, "HiddenMembership"; the documentation varies the case).
    pub fn hides_members(&self) -> bool {
        let visibility = self.object.text("visibility").unwrap_or_default();
        visibility.eq_ignore_ascii_case("HiddenMembership")
    }

    /// Direct members as Graph shows them to those who may see them.
    pub fn visible_members(&self) -> &BTreeMap<Uuid, MemberKind> {
        self.shown_members.as_ref().unwrap_or(&self.members)
    }

    fn has_type(&self, group_type: &str) -> bool {
        let types = self.object.properties.get("groupTypes");
        types.is_some_and(|types| {
            types
                .as_array()
                .is_some_and(|types| types.contains(&json!(group_type)))
        })
    }
}

impl GroupSpec {
    fn new(name: &str, types: Value, mail_enabled: bool, security_enabled: bool) -> Self {
        let properties = json!({
            "displayName": name,
            "groupTypes": types,
            "mailEnabled": mail_enabled,
            "securityEnabled": security_enabled,
            "mailNickname": "",
            "proxyAddresses": [],
            "createdDateTime": DEFAULT_CREATED,
        });
        let Value::Object(properties) = properties else {
            unreachable!("the literal above is an object");
        };
        Self {
            name: name.to_owned(),
            key: name.to_owned(),
            id: None,
            properties,
            members: Vec::new(),
            things: Vec::new(),
            ids: Vec::new(),
        }
    }

    /// A plain security group: no mail address.
    pub fn security(name: &str) -> Self {
        Self::new(name, json!([]), false, true)
    }

    /// A Microsoft 365 group with a mailbox.
    pub fn microsoft365(name: &str, mail: &str) -> Self {
        Self::new(name, json!(["Unified"]), true, false)
            .mail(mail)
            .with("visibility", "Private")
    }

    /// A mail-enabled security group.
    pub fn mail_security(name: &str, mail: &str) -> Self {
        Self::new(name, json!([]), true, true).mail(mail)
    }

    /// A distribution list.
    pub fn distribution(name: &str, mail: &str) -> Self {
        Self::new(name, json!([]), true, false).mail(mail)
    }

    fn mail(self, mail: &str) -> Self {
        let nickname = mail.split('@').next().unwrap_or(mail).to_owned();
        self.with("mail", mail)
            .with("mailNickname", nickname)
            .with("proxyAddresses", json!([format!("SMTP:{mail}")]))
    }

    /// Any property by its Graph name.
    pub fn with(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.properties.insert(property.to_owned(), value.into());
        self
    }

    /// `description`
    pub fn description(self, text: &str) -> Self {
        self.with("description", text)
    }

    /// Members follow from a rule; the simulated tenant keeps the ones named by hand.
    pub fn dynamic(mut self, rule: &str) -> Self {
        let types = self
            .properties
            .get_mut("groupTypes")
            .and_then(Value::as_array_mut);
        types
            .expect("every group has groupTypes")
            .push(json!("DynamicMembership"));
        self.with("membershipRule", rule)
            .with("membershipRuleProcessingState", "On")
    }

    /// Tells groups of the same name apart when their ids are derived.
    pub fn key(mut self, key: &str) -> Self {
        self.key = key.to_owned();
        self
    }

    /// Another object id than the one derived from the name.
    pub fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// Members by UPN, or nested groups by name.
    pub fn members<'a>(mut self, members: impl IntoIterator<Item = &'a str>) -> Self {
        self.members.extend(members.into_iter().map(str::to_owned));
        self
    }

    /// Members by object id, for companies too large to name everybody.
    pub fn member_ids(mut self, members: impl IntoIterator<Item = (Uuid, MemberKind)>) -> Self {
        self.ids.extend(members);
        self
    }

    /// Members are shown only to holders of `Member.Read.Hidden`.
    pub fn hidden(self) -> Self {
        self.with("visibility", "HiddenMembership")
    }

    /// A member that is neither a person nor a group.
    pub fn thing(mut self, name: &str, kind: MemberKind) -> Self {
        self.things.push((name.to_owned(), kind));
        self
    }
}

impl Company {
    /// Adds a group and returns its object id.
    pub(in super::super) fn create_group(&mut self, spec: GroupSpec) -> Uuid {
        let id = spec
            .id
            .unwrap_or_else(|| self.fresh_id(&format!("group/{}", spec.key)));
        let mut members: BTreeMap<Uuid, MemberKind> = spec
            .members
            .iter()
            .map(|member| self.member_named(member))
            .collect();
        for (name, kind) in spec.things {
            let key = format!("{}/{name}", kind.odata_type());
            let thing = Uuid::new_v5(&self.tenant_id, key.as_bytes());
            self.things.insert(thing, name);
            members.insert(thing, kind);
        }
        members.extend(spec.ids);
        self.define_extensions(spec.properties.keys());
        let group = Group {
            object: Object::new(id, spec.properties, Life::Alive),
            members,
            shown_members: None,
        };
        self.groups.insert(id, group);
        self.conceal_new(id);
        self.note(id, What::Appeared);
        id
    }

    /// The living group whose id, display name or mail address is `name`.
    pub(in super::super) fn group_id(&self, name: &str) -> Uuid {
        self.only_group_called(name, Object::is_alive)
    }

    /// The group in the recycle bin whose id, display name or mail address is `name`.
    pub(in super::super) fn deleted_group_id(&self, name: &str) -> Uuid {
        self.only_group_called(name, |object| matches!(object.life, Life::SoftDeleted(_)))
    }

    fn only_group_called(&self, name: &str, is_eligible: impl Fn(&Object) -> bool) -> Uuid {
        let id = Uuid::parse_str(name).ok();
        let is_called = |object: &&Object| {
            Some(object.id) == id
                || object.text("displayName") == Some(name)
                || object.text("mail") == Some(name)
        };
        let objects = self.groups.values().map(|group| &group.object);
        let eligible = objects.filter(|object| is_eligible(object));
        let matching: Vec<&Object> = eligible.filter(is_called).collect();
        match matching[..] {
            [object] => object.id,
            [] => panic!("no such group is called {name}"),
            _ => panic!("several groups are called {name}; use a mail address or an id"),
        }
    }

    fn member_named(&self, name: &str) -> (Uuid, MemberKind) {
        match self.find_user(name) {
            Some(user) => (user.object.id, MemberKind::User),
            None => (self.group_id(name), MemberKind::Group),
        }
    }

    /// Makes a person (by UPN) or a group (by name) a direct member.
    pub(in super::super) fn add_to_group(&mut self, group: &str, member: &str) {
        let group = self.group_id(group);
        let (member, kind) = self.member_named(member);
        self.link(group, member, kind);
    }

    /// Ends a direct membership.
    pub(in super::super) fn remove_from_group(&mut self, group: &str, member: &str) {
        let group = self.group_id(group);
        let (member, kind) = self.member_named(member);
        self.unlink(group, member, kind);
    }

    pub(in super::super) fn link(&mut self, group: Uuid, member: Uuid, kind: MemberKind) {
        self.conceal(group);
        let entry = self.groups.get_mut(&group);
        entry
            .expect("the group was looked up")
            .members
            .insert(member, kind);
        self.note(group, What::Member(member, kind));
    }

    pub(super) fn unlink(&mut self, group: Uuid, member: Uuid, kind: MemberKind) {
        self.conceal(group);
        let entry = self.groups.get_mut(&group);
        entry
            .expect("the group was looked up")
            .members
            .remove(&member);
        self.note(group, What::Member(member, kind));
    }
}
