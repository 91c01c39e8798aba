//! What a credential may read, from what was seen of it: roles, scopes and answers become findings.
//!
//! Pure. Sources: Graph, "Microsoft Graph permissions reference"; Microsoft Entra, "Grant tenant-wide admin consent to
//! an application" and "Default user permissions".

use uuid::{Uuid, uuid};

use crate::admin::finding::Finding;
use crate::graph::DirectoryRole;

const GLOBAL_ADMINISTRATOR: Uuid = uuid!("62e90394-69f5-4237-9190-012177145e10");
const PRIVILEGED_ROLE_ADMINISTRATOR: Uuid = uuid!("e8611ab8-c189-46e8-94e1-60213ab1f814");
const CLOUD_APPLICATION_ADMINISTRATOR: Uuid = uuid!("158c047a-c907-4556-b7ef-446551a6b5f7");
const APPLICATION_ADMINISTRATOR: Uuid = uuid!("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3");
const USER_ADMINISTRATOR: Uuid = uuid!("fe930be7-5e62-47db-91af-98c3a49a38b1");
const GLOBAL_READER: Uuid = uuid!("f2ef992c-3afb-46b9-b7cf-a126ee74c451");
const DIRECTORY_READERS: Uuid = uuid!("88d8e3e3-8f55-4a1e-953a-9b9898b8876b");

/// The roles that matter here, with the names Microsoft's portal gives them.
const KNOWN: [(Uuid, &str); 7] = [
    (GLOBAL_ADMINISTRATOR, "Global Administrator"),
    (
        PRIVILEGED_ROLE_ADMINISTRATOR,
        "Privileged Role Administrator",
    ),
    (
        CLOUD_APPLICATION_ADMINISTRATOR,
        "Cloud Application Administrator",
    ),
    (APPLICATION_ADMINISTRATOR, "Application Administrator"),
    (USER_ADMINISTRATOR, "User Administrator"),
    (GLOBAL_READER, "Global Reader"),
    (DIRECTORY_READERS, "Directory Readers"),
];

/// May consent to delegated permissions for the whole tenant.
const CONSENTING: [Uuid; 4] = [
    GLOBAL_ADMINISTRATOR,
    PRIVILEGED_ROLE_ADMINISTRATOR,
    CLOUD_APPLICATION_ADMINISTRATOR,
    APPLICATION_ADMINISTRATOR,
];

/// Read the directory even where the tenant keeps ordinary members from it.
const READING: [Uuid; 4] = [
    GLOBAL_ADMINISTRATOR,
    USER_ADMINISTRATOR,
    GLOBAL_READER,
    DIRECTORY_READERS,
];

/// See the members of groups that hide them.
const SEEING_HIDDEN: [Uuid; 2] = [GLOBAL_ADMINISTRATOR, USER_ADMINISTRATOR];

/// Permissions that each let users be read, the least first.
const USER_PERMISSIONS: [&str; 4] = [
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Permissions that each let groups and their members be read, the least first.
const GROUP_PERMISSIONS: [&str; 5] = [
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

const HIDDEN_PERMISSION: &str = "Member.Read.Hidden";

const APP_CONSENT: &str = "add the application permission in the app registration (\"API permissions\") and have a Global \
                           Administrator or Privileged Role Administrator press \"Grant admin consent\"; a Cloud \
                           Application Administrator or Application Administrator cannot consent to application \
                           permissions of Graph";

const DELEGATED_CONSENT: &str = "add the delegated permission in the app registration (\"API permissions\"), have a Global \
                                 Administrator, Privileged Role Administrator, Cloud Application Administrator or \
                                 Application Administrator press \"Grant admin consent\", and authorize again";

/// What was seen of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// On whose behalf it reads.
    pub grant: Grant,
    /// What came of reading users.
    pub users: Trial,
    /// What came of reading groups.
    pub groups: Trial,
    /// Groups among those read that hide their members, and how many of these showed one all the same.
    pub hidden_groups: Hidden,
}

/// On whose behalf a credential reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The app itself, by application permissions, which only reading shows.
    Application,
    /// Somebody who signed in.
    Delegated {
        /// The directory roles; `None` when they could not be read.
        roles: Option<Vec<DirectoryRole>>,
        /// Whether it is a guest's account; `None` when it could not be read.
        is_guest: Option<bool>,
        /// The permissions granted, without the root of Graph.
        scopes: Vec<String>,
    },
}

/// What came of reading a first page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// So many objects, whole.
    Readable(usize),
    /// Status 200, and nothing in the objects but their ids: the kind of refusal that looks like success.
    Hollow,
    /// 403.
    Denied,
    /// Something that is not about permissions, which is reported elsewhere.
    Inconclusive,
}

/// Groups that hide their members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    pub groups: usize,
    pub with_members: usize,
}

/// What the evidence amounts to; the subjects are yet without the credential's name.
pub(crate) fn assess(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    match evidence.grant {
        Grant::Delegated {
            is_guest: Some(true),
            ..
        } => findings.push(Finding::failed(
            "account",
            "a guest signed in, and guests cannot read the directory: authorize with a member of the tenant",
        )),
        Grant::Delegated { is_guest: None, .. } => findings.push(Finding::warning(
            "account",
            "whoever signed in could not be asked about, so a guest would go unnoticed: it takes the delegated \
             permission User.Read; authorize again to ask for it",
        )),
        Grant::Delegated {
            is_guest: Some(false),
            ..
        }
        | Grant::Application => {}
    }
    findings.extend(users(evidence));
    findings.extend(groups(evidence));
    findings.extend(hidden(evidence));
    if let Grant::Delegated {
        roles,
        is_guest: Some(false) | None,
        ..
    } = &evidence.grant
    {
        findings.extend(roles_of(roles.as_deref(), evidence));
    }
    findings
}

/// An empty first page is no fault: Graph may send the objects on the next.
fn readable(count: usize) -> String {
    match count {
        0 => "readable".to_owned(),
        count => format!("readable; {count} on the first page"),
    }
}

fn users(evidence: &Evidence) -> Option<Finding> {
    let cost = "without it the sync reads nobody";
    match evidence.users {
        Trial::Readable(count) => Some(Finding::ok("users", readable(count))),
        Trial::Denied => Some(denied("users", &USER_PERMISSIONS, cost, &evidence.grant)),
        Trial::Hollow => {
            let cost = "Graph answers, but leaves out accountEnabled and the names, so nobody can be let in";
            Some(denied("users", &USER_PERMISSIONS, cost, &evidence.grant))
        }
        Trial::Inconclusive => None,
    }
}

fn groups(evidence: &Evidence) -> Option<Finding> {
    let cost = "without it the sync reads no groups, and rules that name groups cannot be applied";
    match evidence.groups {
        Trial::Readable(count) => Some(Finding::ok("groups", readable(count))),
        Trial::Denied | Trial::Hollow => {
            Some(denied("groups", &GROUP_PERMISSIONS, cost, &evidence.grant))
        }
        Trial::Inconclusive => None,
    }
}

/// Graph denies something: for want of a permission, or, with the permission at hand, for want of a right of the
/// person who signed in.
fn denied(subject: &str, permissions: &[&str], cost: &str, grant: &Grant) -> Finding {
    let least = permissions[0];
    match grant {
        Grant::Application => Finding::failed(
            subject,
            format!("{least} is missing; {cost}: {APP_CONSENT}"),
        ),
        Grant::Delegated { scopes, .. } if !grants(scopes, permissions) => Finding::failed(
            subject,
            format!("{least} is missing; {cost}: {DELEGATED_CONSENT}"),
        ),
        Grant::Delegated { .. } => Finding::failed(
            subject,
            format!(
                "{least} is granted, but the account that signed in may not read the directory itself, because the tenant \
                 keeps ordinary members from it: give the account the role User Administrator, Global Reader or \
                 Directory Readers, which can take 15 minutes to act, or authorize with another"
            ),
        ),
    }
}

/// Members that cannot be seen look like an empty group.
fn hidden(evidence: &Evidence) -> Option<Finding> {
    let Hidden {
        groups,
        with_members,
    } = evidence.hidden_groups;
    let is_granted = match &evidence.grant {
        Grant::Application => with_members > 0,
        Grant::Delegated { scopes, .. } => grants(scopes, &[HIDDEN_PERMISSION]),
    };
    let detail = format!(
        "{groups} groups on the first page hide their members, and would be taken for empty without the permission \
         {HIDDEN_PERMISSION}: grant it if they matter"
    );
    (groups > 0 && !is_granted).then(|| Finding::warning("hidden memberships", detail))
}

fn roles_of(roles: Option<&[DirectoryRole]>, evidence: &Evidence) -> Vec<Finding> {
    let Some(roles) = roles else {
        let detail = "the directory roles of the account could not be read, so it is not known whether it keeps reading \
                      where the tenant restricts ordinary members";
        return vec![Finding::warning("roles", detail)];
    };
    let has_one_of = |wanted: &[Uuid]| roles.iter().any(|role| wanted.contains(&role.template));
    let can_consent = has_one_of(&CONSENTING);
    let can_read = has_one_of(&READING);
    let held = names(roles);
    let mut findings = vec![match (can_consent, can_read) {
        (true, true) => Finding::ok(
            "roles",
            format!(
                "{held}: may consent to delegated permissions, and reads whatever the tenant restricts"
            ),
        ),
        (true, false) => Finding::warning(
            "roles",
            format!(
                "{held}: may consent, but reads as any member does, so the sync stops where the tenant restricts who may \
                 read the directory: add User Administrator (or Directory Readers)"
            ),
        ),
        (false, true) => Finding::warning(
            "roles",
            format!(
                "{held}: reads whatever the tenant restricts, but cannot consent; should the app need a permission \
                 more, another administrator must grant it: add Cloud Application Administrator for that"
            ),
        ),
        (false, false) => Finding::warning(
            "roles",
            format!(
                "{held}: works as long as the tenant lets every member read the directory and the consent given by \
                 somebody else stands; for certain are Global Administrator, or Cloud Application Administrator \
                 together with User Administrator (a role that is only eligible counts once it is activated)"
            ),
        ),
    }];
    let has_hidden = evidence.hidden_groups.groups > 0;
    if has_hidden && !has_one_of(&SEEING_HIDDEN) {
        findings.push(Finding::warning(
            "hidden memberships",
            "some groups hide their members, which only a Global Administrator or User Administrator may see: give the \
             account one of these roles if the groups matter",
        ));
    }
    findings
}

fn names(roles: &[DirectoryRole]) -> String {
    let name = |role: &DirectoryRole| {
        let known = KNOWN
            .iter()
            .find(|(template, _)| *template == role.template);
        known.map_or_else(|| role.name.clone(), |(_, name)| (*name).to_owned())
    };
    match roles {
        [] => "no directory role".to_owned(),
        roles => roles.iter().map(name).collect::<Vec<_>>().join(", "),
    }
}

fn grants(scopes: &[String], permissions: &[&str]) -> bool {
    let is_wanted = |scope: &String| {
        let mut wanted = permissions.iter();
        wanted.any(|permission| permission.eq_ignore_ascii_case(scope))
    };
    scopes.iter().any(is_wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::finding::Outcome::{self, Failed, Ok, Warning};

    fn roles(templates: &[Uuid]) -> Option<Vec<DirectoryRole>> {
        let role = |template: &Uuid| DirectoryRole {
            template: *template,
            name: "as the tenant calls it".to_owned(),
        };
        Some(templates.iter().map(role).collect())
    }

    fn delegated(roles: Option<Vec<DirectoryRole>>, scopes: &str) -> Evidence {
        Evidence {
            grant: Grant::Delegated {
                roles,
                is_guest: Some(false),
                scopes: scopes.split(' ').map(str::to_owned).collect(),
            },
            users: Trial::Readable(3),
            groups: Trial::Readable(2),
            hidden_groups: Hidden::default(),
        }
    }

    fn application() -> Evidence {
        Evidence {
            grant: Grant::Application,
            ..delegated(None, "")
        }
    }

    const SCOPES: &str = "openid profile User.Read.All GroupMember.Read.All";

    /// The outcome under a subject, and what its sentence must say.
    fn check(evidence: &Evidence, subject: &str, outcome: Outcome, parts: &[&str]) {
        let findings = assess(evidence);
        let found = findings.iter().find(|finding| finding.subject == subject);
        let found = found.unwrap_or_else(|| panic!("{subject}: {findings:#?}"));
        assert_eq!(found.outcome, outcome, "{found}");
        for part in parts {
            assert!(found.detail.contains(part), "{part}: {found}");
        }
    }

    #[test]
    fn each_set_of_roles_is_told_what_it_lacks_and_what_that_costs() {
        type Row<'a> = (&'a [Uuid], Outcome, &'a [&'a str]);
        let table: [Row; 10] = [
            (
                &[GLOBAL_ADMINISTRATOR],
                Ok,
                &["Global Administrator: may consent"],
            ),
            (
                &[CLOUD_APPLICATION_ADMINISTRATOR, USER_ADMINISTRATOR],
                Ok,
                &["Cloud Application Administrator, User Administrator"],
            ),
            (
                &[APPLICATION_ADMINISTRATOR, DIRECTORY_READERS],
                Ok,
                &["may consent"],
            ),
            (
                &[CLOUD_APPLICATION_ADMINISTRATOR],
                Warning,
                &["add User Administrator", "the sync stops"],
            ),
            (
                &[APPLICATION_ADMINISTRATOR],
                Warning,
                &["add User Administrator"],
            ),
            (
                &[PRIVILEGED_ROLE_ADMINISTRATOR],
                Warning,
                &["add User Administrator"],
            ),
            (
                &[USER_ADMINISTRATOR],
                Warning,
                &["cannot consent", "add Cloud Application Administrator"],
            ),
            (&[GLOBAL_READER], Warning, &["cannot consent"]),
            (&[DIRECTORY_READERS], Warning, &["cannot consent"]),
            (
                &[],
                Warning,
                &["no directory role: works as long as", "eligible"],
            ),
        ];
        for (held, outcome, parts) in table {
            check(&delegated(roles(held), SCOPES), "roles", outcome, parts);
        }
    }

    #[test]
    fn role_of_no_account_here_is_shown_by_its_own_name() {
        let evidence = delegated(roles(&[Uuid::from_u128(9)]), SCOPES);
        check(
            &evidence,
            "roles",
            Warning,
            &["as the tenant calls it: works as long"],
        );
        check(
            &delegated(None, SCOPES),
            "roles",
            Warning,
            &["could not be read"],
        );
    }

    #[test]
    fn missing_application_permission_names_who_can_consent_and_who_cannot() {
        for trial in [Trial::Denied, Trial::Hollow] {
            let evidence = Evidence {
                users: trial,
                ..application()
            };
            let parts = [
                "User.Read.All is missing",
                "Privileged Role Administrator",
                "a Cloud Application Administrator or Application Administrator cannot",
            ];
            check(&evidence, "users", Failed, &parts);
        }
        let evidence = Evidence {
            groups: Trial::Denied,
            ..application()
        };
        check(
            &evidence,
            "groups",
            Failed,
            &["GroupMember.Read.All is missing"],
        );
        check(&application(), "users", Ok, &["3 on the first page"]);
    }

    #[test]
    fn missing_delegated_permission_may_be_consented_to_by_more_roles() {
        let evidence = Evidence {
            groups: Trial::Denied,
            ..delegated(roles(&[]), "User.Read.All")
        };
        let parts = [
            "GroupMember.Read.All is missing",
            "Cloud Application Administrator or",
            "authorize again",
        ];
        check(&evidence, "groups", Failed, &parts);
    }

    #[test]
    fn member_who_is_kept_from_reading_is_told_from_a_missing_permission() {
        for scopes in [SCOPES, "directory.read.all"] {
            let evidence = Evidence {
                users: Trial::Denied,
                ..delegated(roles(&[]), scopes)
            };
            check(
                &evidence,
                "users",
                Failed,
                &["is granted, but", "Directory Readers"],
            );
        }
    }

    #[test]
    fn guest_cannot_read_and_nothing_is_said_of_roles() {
        let mut evidence = delegated(roles(&[]), SCOPES);
        let Grant::Delegated { is_guest, .. } = &mut evidence.grant else {
            unreachable!("made above");
        };
        *is_guest = Some(true);
        check(&evidence, "account", Failed, &["a member of the tenant"]);
        assert!(
            assess(&evidence)
                .iter()
                .all(|finding| finding.subject != "roles")
        );
    }

    #[test]
    fn hidden_memberships_need_a_permission_and_a_role() {
        let hidden_groups = Hidden {
            groups: 2,
            with_members: 0,
        };
        let with_hidden = |evidence| Evidence {
            hidden_groups,
            ..evidence
        };
        let subject = "hidden memberships";
        check(
            &with_hidden(application()),
            subject,
            Warning,
            &["2 groups", HIDDEN_PERMISSION],
        );
        let without_scope = with_hidden(delegated(roles(&[GLOBAL_ADMINISTRATOR]), SCOPES));
        check(&without_scope, subject, Warning, &[HIDDEN_PERMISSION]);
        let scopes = format!("{SCOPES} {HIDDEN_PERMISSION}");
        let without_role = with_hidden(delegated(roles(&[GLOBAL_READER]), &scopes));
        check(&without_role, subject, Warning, &["User Administrator"]);
        let complete = with_hidden(delegated(roles(&[USER_ADMINISTRATOR]), &scopes));
        let seen = Evidence {
            hidden_groups: Hidden {
                groups: 2,
                with_members: 1,
            },
            ..application()
        };
        for evidence in [complete, seen] {
            let findings = assess(&evidence);
            assert!(
                findings.iter().all(|finding| finding.subject != subject),
                "{findings:#?}"
            );
        }
    }

    #[test]
    fn account_that_cannot_be_read_is_not_taken_for_a_member() {
        let grant = Grant::Delegated {
            roles: None,
            is_guest: None,
            scopes: Vec::new(),
        };
        let evidence = Evidence {
            grant,
            ..application()
        };
        check(&evidence, "account", Warning, &["User.Read", "guest"]);
    }
}
