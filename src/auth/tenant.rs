//! People: the tenant checks the password by the password grant (ROPC).
//!
//! Source: Microsoft identity platform, "Resource Owner Password Credentials".

use super::{Person, Refusal, Settings, Unavailable, Verdict};
use crate::directory::ObjectId;
use crate::oauth::aadsts::PasswordVerdict;
use crate::oauth::{self, IdClaims, SignIn};
use crate::secret::Secret;

/// Asks the tenant, and makes sure that the account that answered is the person's.
pub(super) async fn verify(
    settings: &Settings,
    sign_in: Option<&SignIn>,
    person: &Person,
    password: &Secret,
) -> Verdict {
    if !person.is_active {
        return Verdict::Refused(Refusal::Inactive);
    }
    let Some(upn) = &person.user_principal_name else {
        return Verdict::Refused(Refusal::NoUserPrincipalName);
    };
    let (Some(sign_in), Some(client_id)) = (sign_in, &settings.client_id) else {
        return Verdict::Refused(Refusal::NoPasswordGrant);
    };
    match sign_in
        .password(client_id, settings.client_secret.as_deref(), upn, password)
        .await
    {
        Ok(claims) => confirm(person, &claims, sign_in),
        Err(error) => judge(error),
    }
}

/// A name may have moved to another account since the last sync: only the object id decides.
fn confirm(person: &Person, claims: &IdClaims, sign_in: &SignIn) -> Verdict {
    let is_same_object = ObjectId(claims.oid) == person.id.into();
    let is_same_tenant = sign_in
        .tenant_id()
        .is_none_or(|tenant| tenant == claims.tid);
    if is_same_object && is_same_tenant {
        Verdict::Success
    } else {
        Verdict::Refused(Refusal::AnotherAccount {
            object: claims.oid,
            tenant: claims.tid,
        })
    }
}

/// A verdict of the tenant is obeyed; only when there is none can nobody tell.
fn judge(error: oauth::Error) -> Verdict {
    match error {
        oauth::Error::Refused(refusal) => match refusal.password_verdict() {
            PasswordVerdict::NothingTransient => {
                Verdict::Unavailable(Unavailable::Tenant(oauth::Error::Refused(refusal)))
            }
            PasswordVerdict::Wrong
            | PasswordVerdict::RightButBlocked
            | PasswordVerdict::NothingPermanent => Verdict::Refused(Refusal::ByTenant(*refusal)),
        },
        other => Verdict::Unavailable(Unavailable::Tenant(other)),
    }
}
