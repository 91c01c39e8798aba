//! Bind (RFC 4511 §4.2, RFC 4513 §5): from a name and a password to an identity.

use ldap3_proto::proto::{LdapResult, LdapResultCode};
use tracing::info;

use super::Context;
use super::refusal::{Refusal, success};
use super::request::{Authentication, Bind, Error, printable};
use super::session::{Identity, Session};
use crate::auth::{Person, Verdict};
use crate::dit::matching::Rule;
use crate::dit::schema::{AttributeId, id};
use crate::dit::snapshot::{EntryKind, Snapshot};
use crate::dit::{Dn, EntryId};
use crate::secret::Secret;

/// Answers a bind, and binds the session when it succeeds. The session is anonymous already.
pub(super) async fn answer(
    context: &Context,
    session: &mut Session,
    content: &[u8],
) -> Result<LdapResult, Refusal> {
    let bind = Bind::decode(content)?;
    if bind.version != 3 {
        return Err(Error::Field("only version 3 of LDAP is spoken here").into());
    }
    let Authentication::Simple(password) = bind.authentication else {
        return Err(Refusal::new(
            LdapResultCode::AuthMethodNotSupported,
            "only simple binds are supported",
        ));
    };
    session.identity = authenticate(context, session, bind.name, password).await?;
    Ok(success())
}

async fn authenticate(
    context: &Context,
    session: &Session,
    name: &[u8],
    password: &[u8],
) -> Result<Identity, Refusal> {
    match (name.is_empty(), password.is_empty()) {
        (true, true) => return Ok(Identity::Anonymous),
        // An unauthenticated bind (RFC 4513 §5.1.2), which careless programs take for a login.
        (false, true) => {
            return Err(Refusal::new(
                LdapResultCode::UnwillingToPerform,
                "a bind with a name needs a password",
            ));
        }
        (_, false) => {}
    }
    if !session.is_confidential {
        return Err(Refusal::confidentiality_required());
    }
    let (Ok(name), Ok(password)) = (std::str::from_utf8(name), std::str::from_utf8(password))
    else {
        info!(name = %printable(name), "bind refused: name or password is not UTF-8");
        return Err(Refusal::invalid_credentials());
    };
    let password = Secret::new(password.to_string());
    let dn = Dn::parse(name).ok().filter(|dn| !dn.is_empty());
    if let Some((account, dn)) = dn.as_ref().and_then(|dn| context.service_account(dn)) {
        let verdict = context
            .authenticator
            .verify_service_account(account, &password, session.peer.ip())
            .await;
        let identity = Identity::ServiceAccount {
            name: account.to_string(),
            dn,
        };
        return into_result(verdict, identity);
    }
    if let Some(unknown) = dn
        .as_ref()
        .and_then(|dn| context.unknown_service_account(dn))
    {
        // Checked like a known one, so that time does not tell which names there are.
        let verdict = context
            .authenticator
            .verify_service_account(&unknown, &password, session.peer.ip())
            .await;
        return into_result(verdict, Identity::Anonymous);
    }
    let snapshot = context.snapshot().ok_or_else(Refusal::no_snapshot)?;
    match resolve(&snapshot, name, dn.as_ref()) {
        Resolved::Person(person) => {
            let verdict = context
                .authenticator
                .verify_person(&person, &password)
                .await;
            into_result(verdict, Identity::Person(person.id))
        }
        Resolved::Ambiguous => {
            info!(name = %printable(name.as_bytes()), "bind refused: the name fits more than one person");
            Err(Refusal::invalid_credentials())
        }
        Resolved::Nobody => {
            info!(name = %printable(name.as_bytes()), "bind refused: nobody has this name");
            Err(Refusal::invalid_credentials())
        }
    }
}

fn into_result(verdict: Verdict, identity: Identity) -> Result<Identity, Refusal> {
    match verdict {
        Verdict::Success => Ok(identity),
        Verdict::Refused(_) => Err(Refusal::invalid_credentials()),
        Verdict::Unavailable(_) => Err(Refusal::new(
            LdapResultCode::Unavailable,
            "the password cannot be checked at the moment",
        )),
        Verdict::Busy => Err(Refusal::new(
            LdapResultCode::Busy,
            "too many passwords are being checked already",
        )),
    }
}

/// Whom a bind name means.
#[derive(Debug, PartialEq, Eq)]
enum Resolved {
    Person(Person),
    Ambiguous,
    Nobody,
}

const NAME_ATTRIBUTES: [AttributeId; 3] = [id("userPrincipalName"), id("mail"), id("uid")];

/// A DN, else a userPrincipalName, else a mail address, else a username: the first of these that
/// anyone has decides.
fn resolve(snapshot: &Snapshot, name: &str, dn: Option<&Dn>) -> Resolved {
    if let Some(entry) = dn.and_then(|dn| snapshot.find(dn)) {
        return person(snapshot, entry).map_or(Resolved::Nobody, Resolved::Person);
    }
    for attribute in NAME_ATTRIBUTES {
        let rule = attribute.get().kind.equality().unwrap_or(Rule::CaseIgnore);
        let Some(key) = rule.normalise(name.as_bytes()) else {
            continue;
        };
        let entries = snapshot.index_of(attribute).equal(&key).iter().copied();
        let mut people = entries.filter(|&entry| snapshot.head(entry).kind == EntryKind::Person);
        match (people.next(), people.next()) {
            (None, _) => {}
            (Some(entry), None) => {
                return person(snapshot, entry).map_or(Resolved::Nobody, Resolved::Person);
            }
            (Some(_), Some(_)) => return Resolved::Ambiguous,
        }
    }
    Resolved::Nobody
}

fn person(snapshot: &Snapshot, entry: EntryId) -> Option<Person> {
    let person = snapshot.person(entry)?;
    Some(Person {
        id: person.id,
        user_principal_name: person.user_principal_name,
        is_active: person.is_active,
    })
}
