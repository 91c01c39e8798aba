//! Why a credential does not work, as a class with advice.

use std::fmt;

use super::{Error, Refusal};

/// What is wrong with a credential, so that people and metrics can tell the cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CredentialFault {
    /// The refresh token was revoked: sessions ended, password reset.
    Revoked,
    /// The refresh token was unused, or valid, for too long.
    Expired,
    /// The administrator's account is disabled.
    AccountDisabled,
    /// The administrator's account is gone.
    AccountGone,
    /// The administrator must set a new password first.
    PasswordChanged,
    /// MFA is demanded of the administrator.
    MfaNeeded,
    /// A policy of the tenant blocks the sign-in.
    ConditionalAccess,
    /// Consent is missing, or was withdrawn.
    ConsentMissing,
    /// The app takes assigned people only, and the administrator is none of them.
    NotAssigned,
    /// The client secret is wrong.
    WrongSecret,
    /// The client secret has expired.
    SecretExpired,
    /// The certificate is not accepted.
    CertificateRejected,
    /// There is no such tenant.
    TenantNotFound,
    /// The tenant does not know the app, or has disabled it.
    AppNotFound,
    /// Nobody has signed in for it yet.
    NotAuthorized,
    /// Graph denies what the sync reads.
    PermissionMissing,
    /// The service is down or cannot be reached.
    Outage,
    /// Too many requests.
    Throttled,
    /// Anything else.
    Other,
}

impl CredentialFault {
    /// The name for metrics and JSON, in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::AccountDisabled => "account-disabled",
            Self::AccountGone => "account-gone",
            Self::PasswordChanged => "password-changed",
            Self::MfaNeeded => "mfa-needed",
            Self::ConditionalAccess => "conditional-access",
            Self::ConsentMissing => "consent-missing",
            Self::NotAssigned => "not-assigned",
            Self::WrongSecret => "wrong-secret",
            Self::SecretExpired => "secret-expired",
            Self::CertificateRejected => "certificate-rejected",
            Self::TenantNotFound => "tenant-not-found",
            Self::AppNotFound => "app-not-found",
            Self::NotAuthorized => "not-authorized",
            Self::PermissionMissing => "permission-missing",
            Self::Outage => "outage",
            Self::Throttled => "throttled",
            Self::Other => "other",
        }
    }

    /// Whether time alone mends it, so that it says nothing about the credential.
    pub fn is_transient(self) -> bool {
        matches!(self, Self::Outage | Self::Throttled)
    }

    /// What helps an administrator's authorisation, where that is not what helps a person who signs in
    /// with a password, of whom the table of codes speaks.
    fn advice_to_authorizer(self, credential: &str) -> Option<String> {
        let advice = match self {
            Self::Revoked | Self::Expired | Self::NotAuthorized => "",
            Self::AccountDisabled | Self::AccountGone => "another administrator can take over; ",
            Self::PasswordChanged => "the administrator must set a new password first; ",
            Self::MfaNeeded => "sign in again with MFA; ",
            Self::ConditionalAccess => {
                "except this app or this host's address from the policy, or use a certificate; "
            }
            _ => return None,
        };
        Some(format!("{advice}run `ldap365 authorize {credential}`"))
    }
}

/// Why one credential does not work. `Display` is a sentence that ends in what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialFailure {
    /// The class.
    pub fault: CredentialFault,
    /// The AADSTS codes, if the sign-in service gave any.
    pub codes: Vec<u32>,
    /// What is the case.
    pub reason: String,
    /// What to do; may be empty when `reason` says it.
    pub advice: String,
    /// Finds the attempt in the tenant's sign-in log.
    pub correlation_id: Option<String>,
}

impl CredentialFailure {
    /// What `refusal` means for a credential of this name.
    pub(super) fn refused(refusal: &Refusal, name: &str, is_delegated: bool) -> Self {
        let fault = refusal.fault();
        let advice = is_delegated
            .then(|| fault.advice_to_authorizer(name))
            .flatten()
            .unwrap_or_else(|| refusal.advice().to_owned());
        Self {
            fault,
            codes: refusal.codes.clone(),
            reason: refusal.reason(),
            advice,
            correlation_id: refusal.correlation_id.clone(),
        }
    }

    /// What kept the service from answering, or a refusal that passes by itself.
    pub(super) fn outage(error: &Error) -> Self {
        let fault = match error {
            Error::Throttled { .. } => CredentialFault::Throttled,
            Error::Refused(refusal) => return Self::refused(refusal, "", false),
            _ => CredentialFault::Outage,
        };
        Self {
            fault,
            codes: Vec::new(),
            reason: error.to_string(),
            advice: String::new(),
            correlation_id: None,
        }
    }

    /// What keeps a request from being sent at all.
    pub(super) fn unusable(error: &Error) -> Self {
        Self {
            fault: CredentialFault::Other,
            ..Self::outage(error)
        }
    }

    /// Nobody has signed in for the credential of this name, or for another app registration.
    pub(super) fn not_authorized(name: &str, reason: &str) -> Self {
        Self {
            fault: CredentialFault::NotAuthorized,
            codes: Vec::new(),
            reason: reason.to_owned(),
            advice: format!("run `ldap365 authorize {name}`"),
            correlation_id: None,
        }
    }
}

impl fmt::Display for CredentialFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)?;
        if !self.advice.is_empty() {
            write!(f, ": {}", self.advice)?;
        }
        match &self.correlation_id {
            Some(id) => write!(f, " (correlation id {id})"),
            None => Ok(()),
        }
    }
}
